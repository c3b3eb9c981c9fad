"""The table that Locust's own web UI shows of a state: how publishing is, the rules, the endpoints, in this order.

Locust has one table for a tab, of texts and numbers, so all three share columns; what has no place in one is empty. It
shows numbers with all the digits that they have.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from locust_cw_dist.core.progress.endpoint_progress import Row
from locust_cw_dist.core.progress.ledger_words import ledger_sentence
from locust_cw_dist.core.progress.numbers import encode, short_number
from locust_cw_dist.core.progress.progress import Progress, RuleProgress, ledger_json
from locust_cw_dist.core.rules.outcome import RuleState

COLUMNS = (
    ("kind", "What"),
    ("method", "Method"),
    # Not by the key "name": as long as nobody chooses a column, Locust sorts by what stands there.
    ("subject", "Name"),
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

MAX_STATE_CHARS = 200
"""Of a cell in words: a reason may be long, and the page has all of it."""


class TableText:
    """Makes the JSON text of the rows; those of the endpoints anew only when there are others."""

    def __init__(self, page: str) -> None:
        """Name `page` as the one that shows more."""
        self._page = page
        self._rows: tuple[Row, ...] | None = None
        self._text = ""

    def of(self, progress: Progress) -> str:
        """Return the rows of a state."""
        if progress.endpoints is not self._rows:
            self._rows = progress.endpoints
            self._text = ",".join([encode(_endpoint(row)) for row in progress.endpoints])
        rules = map(_rule, sorted(progress.rules, key=lambda one: one.outcome.state is not RuleState.BROKEN))
        head = [*_publishing(progress), *rules, _more(progress, self._page), _endpoint(progress.total)]
        parts = [encode(head)[1:-1], self._text]
        return f"[{','.join(filter(None, parts))}]"


def _publishing(progress: Progress) -> list[dict[str, Any]]:
    status = progress.status
    reason = f": {status.reason}" if status.reason else ""
    sentence = ledger_sentence(ledger_json(progress.ledger), status.name.value)
    since = f"{status.name.value} since {_time(status.since_s)}{reason}"
    return [_line("publishing", progress.destination.namespace or "", since), _line("results", "", sentence)]


def _rule(one: RuleProgress) -> dict[str, Any]:
    seen = f": {one.outcome.message}" if one.outcome.message else ""
    return _line("rule", one.outcome.rule.name, one.state + seen)


def _more(progress: Progress, page: str) -> dict[str, Any]:
    # Locust asks for nothing new once the test has stopped.
    news = f"plots, failures, workers, and news after a stop; this table is of {_time(progress.now_s)}"
    return _line("page", page, news)


def _time(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%H:%M:%S UTC")


def _endpoint(row: Row) -> dict[str, Any]:
    run, times = row.run, row.run.times
    return _line(
        "endpoint" if row.key.name is not None else "all endpoints",
        row.key.name or "",
        "",
        method=row.key.method or "",
        requests=run.requests,
        failures=run.failures,
        rps=short_number(run.requests_per_s),
        p50=short_number(times.p50_ms),
        p95=short_number(times.p95_ms),
        p99=short_number(times.p99_ms),
        max=short_number(times.max_ms),
    )


def _line(kind: str, subject: str, state: str, **values: Any) -> dict[str, Any]:
    empty = dict.fromkeys(_NUMBERS, "")
    filled = {key: value for key, value in values.items() if value is not None}
    return {"kind": kind, "method": "", "subject": subject, "state": _cut(state)} | empty | filled


def _cut(text: str) -> str:
    return text if len(text) <= MAX_STATE_CHARS else f"{text[: MAX_STATE_CHARS - 1]}…"
