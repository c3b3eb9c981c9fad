"""Rows: what is shown of one endpoint, or of all together, in its last window and in the run so far."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from locust_cw_dist.core.progress.numbers import encode, number_text, time_s
from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.summary import Summary

PERCENTS = (50.0, 95.0, 99.0)
"""The percentiles that are shown."""


class RowKey(NamedTuple):
    """An endpoint of a run, whose host may change while it goes on; `ALL` stands for all together."""

    name: str | None
    method: str | None
    host: str | None


ALL = RowKey(None, None, None)


@dataclass(frozen=True, slots=True)
class Times:
    """Response times in ms: percentiles are within 1 %, the maximum is exact. None where nothing has a time."""

    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None

    @classmethod
    def of(cls, times: Histogram) -> Times:
        """Return those of a histogram."""
        if not times.count:
            return cls()
        p50_ms, p95_ms, p99_ms = times.percentiles(PERCENTS)
        return cls(p50_ms, p95_ms, p99_ms, times.max_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of a span of time.

    Attributes:
        start_s: When it began, seconds since the epoch.
        duration_s: How much of it was covered: less than a window where a test started or stopped within it.
        requests: Results, with or without a response time.
        failures: Of those, the failed ones.
        untimed: Of those, the ones without a usable response time.
        times: Of those that have one.
    """

    start_s: float
    duration_s: float
    requests: int
    failures: int
    untimed: int
    times: Times

    @classmethod
    def of(cls, summary: Summary, times: Times, start_s: float, duration_s: float) -> Figures:
        """Return the figures of what `summary` holds, with `times` that were made of it."""
        return cls(
            start_s=start_s,
            duration_s=duration_s,
            requests=summary.count,
            failures=summary.failure_count,
            untimed=summary.untimed_count,
            times=times,
        )

    @property
    def requests_per_s(self) -> float | None:
        """Requests per second; None for a span of no length."""
        return self.requests / self.duration_s if self.duration_s > 0 else None

    @property
    def text(self) -> str:
        """All of them as JSON. Written by hand: of 500 endpoints an encoder takes four times as long."""
        times = self.times
        return (
            f'{{"start_s":{time_s(self.start_s)},"duration_s":{time_s(self.duration_s)},"requests":{self.requests},'
            f'"failures":{self.failures},"untimed":{self.untimed},"requests_per_s":{number_text(self.requests_per_s)},'
            f'"p50_ms":{number_text(times.p50_ms)},"p95_ms":{number_text(times.p95_ms)},'
            f'"p99_ms":{number_text(times.p99_ms)},"max_ms":{number_text(times.max_ms)}}}'
        )


@dataclass(frozen=True, slots=True)
class LocustFigures:
    """What Locust itself shows of an endpoint: response times are rounded, to two digits from 100 ms on."""

    requests: int
    failures: int
    median_ms: float | None
    p95_ms: float | None
    p99_ms: float | None

    @property
    def text(self) -> str:
        """All of them as JSON."""
        return (
            f'{{"requests":{self.requests},"failures":{self.failures},"median_ms":{number_text(self.median_ms)},'
            f'"p95_ms":{number_text(self.p95_ms)},"p99_ms":{number_text(self.p99_ms)}}}'
        )


@dataclass(frozen=True, slots=True)
class Row:
    """What is shown of one endpoint, or of all together.

    Attributes:
        key: Whose figures they are.
        last: Those of the run's newest closed window; None if there was no result of the endpoint in it.
        run: Those of the run so far.
        locust: What Locust says; None where it does not know the endpoint, as `(other)`.
        text: All of it as JSON, made once: a state of 500 rows is put together from texts.
    """

    key: RowKey
    last: Figures | None
    run: Figures
    locust: LocustFigures | None = None
    text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the text."""
        last = "null" if self.last is None else self.last.text
        locust = "null" if self.locust is None else self.locust.text
        key = encode(self.key._asdict())
        object.__setattr__(self, "text", f'{key[:-1]},"last":{last},"run":{self.run.text},"locust":{locust}}}')

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        row: dict[str, Any] = json.loads(self.text)
        return row
