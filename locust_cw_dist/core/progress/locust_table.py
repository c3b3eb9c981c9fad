"""The table that Locust's own web UI shows of a state: how publishing is, the rules, the endpoints, in this order.

Locust has one table for a tab, of texts and numbers, so all three share columns; what has no place in one is empty.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from locust_cw_dist.core.progress.endpoint_progress import Row
from locust_cw_dist.core.progress.numbers import encode, number
from locust_cw_dist.core.progress.progress import Progress, RuleProgress, unit_of

COLUMNS = (
    ("kind", "What"),
    ("method", "Method"),
    ("name", "Name"),
    ("state", "State"),
    ("requests", "# Requests"),
    ("failures", "# Fails"),
    ("rps", "Requests/s"),
    ("p50", "p50 (ms)"),
    ("p95", "p95 (ms)"),
    ("p99", "p99 (ms)"),
    ("max", "Max (ms)"),
)
"""Key and title of each column."""

_NUMBERS = tuple(key for key, _ in COLUMNS[4:])


class TableText:
    """Makes the JSON text of the rows; those of the endpoints anew only when there are others."""

    def __init__(self) -> None:
        """Begin with nothing made."""
        self._rows: tuple[Row, ...] | None = None
        self._text = ""

    def of(self, progress: Progress) -> str:
        """Return the rows of a state."""
        if progress.endpoints is not self._rows:
            self._rows = progress.endpoints
            self._text = ",".join([encode(_endpoint(row)) for row in progress.endpoints])
        rules = (_rule(one) for one in progress.rules)
        head = [*_publishing(progress), *rules, _endpoint(progress.total)]
        parts = [encode(head)[1:-1], self._text]
        return f"[{','.join(filter(None, parts))}]"


def _publishing(progress: Progress) -> list[dict[str, Any]]:
    status, ledger = progress.status, progress.ledger
    since = datetime.fromtimestamp(status.since_s, UTC).strftime("%H:%M:%S UTC")
    reason = f": {status.reason}" if status.reason else ""
    lost = sum(ledger.dropped.values()) - ledger.not_lost
    results = (
        ("recorded", ledger.recorded),
        ("published", ledger.published),
        ("on the way", ledger.pending),
        ("on disk", ledger.spooled),
        ("lost", lost),
    )
    return [
        _line("publishing", progress.destination.namespace or "", f"{status.name.value} since {since}{reason}"),
        *(_line("results", name, "", requests=count) for name, count in results),
    ]


def _rule(one: RuleProgress) -> dict[str, Any]:
    rule, observed = one.outcome.rule, number(one.outcome.observed)
    seen = "" if observed is None else f" at {observed:g} {unit_of(rule.figure)}".rstrip()
    return _line("rule", rule.name, one.state + seen)


def _endpoint(row: Row) -> dict[str, Any]:
    run, times = row.run, row.run.times
    return _line(
        "endpoint" if row.key.name is not None else "all endpoints",
        row.key.name or "",
        "",
        method=row.key.method or "",
        requests=run.requests,
        failures=run.failures,
        rps=number(run.requests_per_s),
        p50=number(times.p50_ms),
        p95=number(times.p95_ms),
        p99=number(times.p99_ms),
        max=number(times.max_ms),
    )


def _line(kind: str, name: str, state: str, **values: Any) -> dict[str, Any]:
    empty = dict.fromkeys(_NUMBERS, "")
    filled = {key: value for key, value in values.items() if value is not None}
    return {"kind": kind, "method": "", "name": name, "state": state} | empty | filled
