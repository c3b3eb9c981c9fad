"""RunFacts: what is told of one run, as every form of its report has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from locust_cw_dist.core.records.record import Record
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.tools.comparison.comparability import of_one
from locust_cw_dist.tools.comparison.compare import TOGETHER
from locust_cw_dist.tools.reporting.banner import Banner, banner_of
from locust_cw_dist.tools.reporting.rule_rows import RuleRow, rule_rows

PERCENTS = (50.0, 95.0, 99.0)


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """What one endpoint did over the whole run.

    Attributes:
        key: (name, method); `TOGETHER` stands for all.
        requests: Its requests.
        failures: Those that failed.
        per_s: Requests a second.
        mean_ms: Mean response time; None, as the next four, where no result has one.
        bytes_mean: Mean size of a successful response; 0 where none is known.
    """

    key: EndpointKey
    requests: int
    failures: int
    per_s: float
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    bytes_mean: float

    @property
    def failed_percent(self) -> float:
        """Failures among the requests."""
        return 100 * self.failures / self.requests if self.requests else 0.0

    @classmethod
    def of(cls, key: EndpointKey, summary: Summary, seconds: float) -> EndpointRow:
        """Return the row of an endpoint in a run that took `seconds`."""
        times = summary.response_times()
        p50_ms, p95_ms, p99_ms = times.percentiles(PERCENTS) if times.count else (None, None, None)
        return cls(
            key,
            summary.count,
            summary.failure_count,
            per_s=summary.count / seconds,
            mean_ms=times.sum_ms / times.count if times.count else None,
            p50_ms=p50_ms,
            p95_ms=p95_ms,
            p99_ms=p99_ms,
            max_ms=times.max_ms if times.count else None,
            bytes_mean=summary.bytes_sum / summary.bytes_count if summary.bytes_count else 0.0,
        )


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run.

    Attributes:
        run: Its record.
        title: What it is called.
        banner: Whether it passed, and how far it can be trusted.
        rules: What became of the rules, those first that it fails for.
        total: All endpoints together.
        endpoints: Each endpoint, those with most requests first.
        failures: Failed requests by (name, method, reason), the most frequent first.
        warnings: What else a reader must know.
    """

    run: Record
    title: str
    banner: Banner
    rules: Sequence[RuleRow]
    total: EndpointRow
    endpoints: Sequence[EndpointRow]
    failures: Sequence[tuple[EndpointKey, str, int]]
    warnings: Sequence[str]

    @classmethod
    def of(cls, run: Record, title: str | None = None) -> RunFacts:
        """Return the facts of a run, which is called `title` if that is given."""
        rules, seconds = rule_rows(run), run.duration_s or 1.0
        whole, found = Summary(), run.endpoints()
        for summary in found.values():
            whole.merge(summary)
        return cls(
            run=run,
            title=title or title_of(run),
            banner=banner_of(run, rules),
            rules=rules,
            total=EndpointRow.of(TOGETHER, whole, seconds),
            endpoints=[EndpointRow.of(key, summary, seconds) for key, summary in found.items()],
            failures=[((name, method), reason, n) for (name, method, reason), n in run.reasons().most_common()],
            warnings=[line for line in of_one(run) if not is_in_banner(line)],
        )

    @property
    def when(self) -> str:
        """When it began, how long it took, and its id."""
        return f"{_time(self.run.start_s)} UTC, {_duration(self.run.duration_s)}, run {self.run.run_id}"


def title_of(run: Record) -> str:
    """Return what a run is called: by its service and its labels, not by the host that it was run against."""
    labels = ", ".join(f"{key} {value}" for key, value in run.labels.items())
    service = str(run.options.get("cw_service") or "Load test")
    return f"{service}: {labels}" if labels else service


def is_in_banner(warning: str) -> bool:
    """Whether a banner says what a warning about a run does."""
    return warning.endswith((" is suspect", " is invalid")) or " did not end in order" in warning


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{value} {unit}" for value, unit in parts if value) or "0 s"
