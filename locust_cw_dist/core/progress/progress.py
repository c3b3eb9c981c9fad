"""Progress: all that a view shows of a run, as values; `docs/live.md` describes its JSON.

A closed window goes one way: it is merged (`live/progress`), becomes a `Progress`, and its JSON is what the page, the
tab in Locust's web UI and `locust-cw watch` read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from locust_cw_dist.core.progress.endpoint_progress import Row
from locust_cw_dist.core.progress.numbers import encode, number, time_s
from locust_cw_dist.core.progress.series import Series
from locust_cw_dist.core.progress.status import Status
from locust_cw_dist.core.publish.ledger import Balance
from locust_cw_dist.core.rules.outcome import RuleOutcome
from locust_cw_dist.core.rules.rule import Figure

VERSION = 1
"""Of the JSON: raised when a field changes its meaning or goes away, not when one is added."""

MAX_SHOWN_ENDPOINTS = 500
MAX_FAILURES = 100
MAX_WORKERS = 200
MAX_WARNINGS = 20


@dataclass(frozen=True, slots=True)
class Destination:
    """Where results go; None where that is not known, or nothing is published."""

    namespace: str | None
    region: str | None
    resolution_s: int
    identity: str | None
    console_url: str | None = None
    dashboard_url: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "namespace": self.namespace,
            "region": self.region,
            "resolution_s": self.resolution_s,
            "identity": self.identity,
            "console_url": self.console_url,
            "dashboard_url": self.dashboard_url,
        }


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The run that is shown; times are seconds since the epoch."""

    run_id: str
    labels: tuple[tuple[str, str], ...]
    host: str
    is_running: bool
    started_s: float
    stopped_s: float | None
    users: int

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "run_id": self.run_id,
            "labels": dict(self.labels),
            "host": self.host,
            "is_running": self.is_running,
            "started_s": time_s(self.started_s),
            "stopped_s": time_s(self.stopped_s),
            "users": self.users,
        }


@dataclass(frozen=True, slots=True)
class Spent:
    """What was written to CloudWatch since the run began; costs are an estimate."""

    calls: int = 0
    retries: int = 0
    ambiguous: int = 0
    datums: int = 0
    metrics: int = 0
    cost_usd: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "calls": self.calls,
            "retries": self.retries,
            "ambiguous": self.ambiguous,
            "datums": self.datums,
            "metrics": self.metrics,
            "cost_usd": round(self.cost_usd, 6),
        }


@dataclass(frozen=True, slots=True)
class FailureCount:
    """How often requests of an endpoint failed for a reason."""

    name: str
    method: str
    reason: str
    count: int

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {"name": self.name, "method": self.method, "reason": self.reason, "count": self.count}


@dataclass(frozen=True, slots=True)
class WorkerProgress:
    """One worker.

    Attributes:
        worker_id: Locust's id of it.
        state: How it is, in a word or two: Locust's own word, "missing", "without plugin" or "quit".
        heard_s: When it was heard last, seconds since the epoch.
        cpu_percent: CPU of its process.
        memory_bytes: Resident memory of its process.
        clock_offset_s: How far its clock is ahead; None as long as that is not known.
        resent_frames: Frames of it that came again after they had been merged.
    """

    worker_id: str
    state: str
    heard_s: float | None
    cpu_percent: float | None = None
    memory_bytes: float | None = None
    clock_offset_s: float | None = None
    resent_frames: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "id": self.worker_id,
            "heard_s": time_s(self.heard_s),
            "cpu_percent": number(self.cpu_percent),
            "memory_bytes": number(self.memory_bytes),
            "clock_offset_s": number(self.clock_offset_s),
            "resent_frames": self.resent_frames,
            "state": self.state,
        }


@dataclass(frozen=True, slots=True)
class RuleProgress:
    """One rule, as things stand.

    Attributes:
        outcome: What is thought of it.
        is_waiting: Whether the run goes on and there is nothing to judge yet.
    """

    outcome: RuleOutcome
    is_waiting: bool

    @property
    def state(self) -> str:
        """Whether it holds, in a word or two."""
        return "waiting" if self.is_waiting else self.outcome.state.value

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        rule = self.outcome.rule
        return {
            "name": rule.name,
            "text": rule.text(),
            "state": self.state,
            "severity": rule.severity.value,
            "observed": number(self.outcome.observed),
            "limit": rule.limit,
            "unit": unit_of(rule.figure),
            "metric": rule.figure_text,
            "message": self.outcome.message,
        }


@dataclass(frozen=True, slots=True)
class WarningLine:
    """A line that was logged as a warning or an error."""

    time_s: float
    text: str

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {"time_s": time_s(self.time_s), "text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """All that a view shows; where there is no run yet, `run` is None and the figures are empty.

    Attributes:
        now_s: When it was made, seconds since the epoch.
        locust_version: Version of Locust.
        plugin_version: Version of this package.
        status: How publishing is doing.
        destination: Where results go.
        is_open: Whether whoever reaches the web UI sees this: Locust has no login.
        run: The run.
        ledger: What became of its results.
        spent: What was written to CloudWatch.
        total: All endpoints together.
        endpoints: The busiest first.
        endpoints_left_out: How many more there are.
        failures: The most frequent first.
        workers: Those with trouble first.
        workers_left_out: How many more there are.
        rules: In the user's order.
        warnings: The newest last.
        series: How figures went, of all together or of the endpoint that was asked for.
    """

    now_s: float
    locust_version: str
    plugin_version: str
    status: Status
    destination: Destination
    is_open: bool
    run: RunProgress | None
    ledger: Balance
    spent: Spent
    total: Row
    endpoints: tuple[Row, ...] = ()
    endpoints_left_out: int = 0
    failures: tuple[FailureCount, ...] = ()
    workers: tuple[WorkerProgress, ...] = ()
    workers_left_out: int = 0
    rules: tuple[RuleProgress, ...] = ()
    warnings: tuple[WarningLine, ...] = ()
    series: Series = field(default_factory=Series)

    def as_json(self) -> dict[str, Any]:
        """Return all of it for machines."""
        return self._head() | {
            "total": self.total.as_json(),
            "endpoints": [row.as_json() for row in self.endpoints],
            "series": self.series.as_json(),
        }

    def text(self) -> str:
        """Return all of it as JSON text, put together from what rows and series have made already."""
        endpoints = ",".join([row.text for row in self.endpoints])
        large = f'"total":{self.total.text},"endpoints":[{endpoints}],"series":{self.series.text}}}'
        return f"{encode(self._head())[:-1]},{large}"

    def _head(self) -> dict[str, Any]:
        """Return what is short."""
        return {
            "version": VERSION,
            "now_s": time_s(self.now_s),
            "locust_version": self.locust_version,
            "plugin_version": self.plugin_version,
            "status": self.status.as_json(),
            "destination": self.destination.as_json(),
            "is_open": self.is_open,
            "run": None if self.run is None else self.run.as_json(),
            "ledger": ledger_json(self.ledger),
            "spending": self.spent.as_json(),
            "endpoints_left_out": self.endpoints_left_out,
            "failures": [one.as_json() for one in self.failures],
            "workers": [one.as_json() for one in self.workers],
            "workers_left_out": self.workers_left_out,
            "rules": [one.as_json() for one in self.rules],
            "warnings": [one.as_json() for one in self.warnings],
        }


def ledger_json(balance: Balance) -> dict[str, Any]:
    """Return a ledger for machines."""
    return {
        "recorded": balance.recorded,
        "published": balance.published,
        "pending": balance.pending,
        "spooled": balance.spooled,
        "late": balance.late,
        "lost": sum(balance.dropped.values()) - balance.not_lost,
        "dropped": balance.dropped,
        "untimed": balance.untimed,
        "doubtful": balance.doubtful,
    }


def unit_of(figure: Figure) -> str:
    """Return the unit of a rule's limit; empty for a number or a ratio."""
    if figure.is_time:
        return "ms"
    return "/s" if figure is Figure.RPS else ""
