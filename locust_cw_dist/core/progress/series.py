"""Series: how figures went over time, in a bounded number of rows.

A row is what a span of time holds. When there are too many rows, two neighbours become one: the series begins where it
began, and has half the resolution. Rows keep histograms, which merge, so that percentiles stay within 1 % however often
that happened.

    rows of 10 s   0  10  20  30  40  50         at most 4: the rows of 40 and 50 find no place
    rows of 20 s   0      20      40
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from locust_cw_dist.core.progress.endpoint_progress import ALL, RowKey, Times
from locust_cw_dist.core.progress.numbers import encode, number, time_s

_TIMES = tuple(one.name for one in fields(Times))


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """What is shown of one span of time.

    Attributes:
        start_s: When it began, seconds since the epoch.
        duration_s: Its length.
        requests: Results in it.
        failures: Of those, the failed ones.
        times: Of those that have a response time.
        users: Users at its end; None if nobody counted.
        workers: Workers at its end.
        worker_cpu_percent: CPU of the workers' processes on average.
    """

    start_s: float
    duration_s: float
    requests: int
    failures: int
    times: Times
    users: int | None = None
    workers: int | None = None
    worker_cpu_percent: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """How one endpoint went, or all together.

    Attributes:
        key: Whose figures they are.
        rows: Oldest first.
        text: All of it as JSON, made once.
    """

    key: RowKey = ALL
    rows: tuple[SeriesRow, ...] = ()
    text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the text."""
        object.__setattr__(self, "text", encode(self.as_json()))

    def as_json(self) -> dict[str, Any]:
        """Return it for machines: columns of equal length."""
        rows = self.rows
        return {
            **self.key._asdict(),
            "start_s": [time_s(row.start_s) for row in rows],
            "duration_s": [time_s(row.duration_s) for row in rows],
            "requests": [row.requests for row in rows],
            "failures": [row.failures for row in rows],
            **{name: [number(getattr(row.times, name)) for row in rows] for name in _TIMES},
            "users": [row.users for row in rows],
            "workers": [row.workers for row in rows],
            "worker_cpu_percent": [number(row.worker_cpu_percent) for row in rows],
        }
