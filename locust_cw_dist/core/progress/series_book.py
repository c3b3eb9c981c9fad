"""SeriesBook: what a `Series` is made from: histograms of spans of time, halved in number when there are too many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from locust_cw_dist.core.progress.endpoint_progress import Times
from locust_cw_dist.core.progress.series import SeriesRow
from locust_cw_dist.core.summaries.gauges import RunGauges
from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.summary import Summary

Covered = Callable[[float, float], tuple[float, float]]
"""Returns how much of a span is covered, as (start, duration): a test may have started or stopped within it."""


@dataclass(slots=True)
class _Slot:
    """One span of time; `shown` is None as long as something has changed since it was made."""

    requests: int = 0
    failures: int = 0
    histogram: Histogram = field(default_factory=Histogram)
    users: int | None = None
    workers: int | None = None
    cpu_sum: float = 0.0
    cpu_count: int = 0
    counted_at_s: int = 0
    shown: Times | None = None

    def add(self, summary: Summary) -> None:
        self.requests += summary.count
        self.failures += summary.failure_count
        self.histogram.merge(summary.successes)
        if summary.failures is not None:
            self.histogram.merge(summary.failures)
        self.shown = None

    def add_gauges(self, gauges: RunGauges, start_s: int) -> None:
        if start_s >= self.counted_at_s and gauges.users is not None:
            self.users, self.workers, self.counted_at_s = gauges.users, gauges.workers, start_s
        if gauges.cpu_percent is not None:
            self.cpu_sum += gauges.cpu_percent.sum
            self.cpu_count += gauges.cpu_percent.count

    def absorb(self, later: _Slot) -> None:
        self.requests += later.requests
        self.failures += later.failures
        self.histogram.merge(later.histogram)
        if later.users is not None:
            self.users, self.workers, self.counted_at_s = later.users, later.workers, later.counted_at_s
        self.cpu_sum += later.cpu_sum
        self.cpu_count += later.cpu_count
        self.shown = None

    def times(self) -> Times:
        if self.shown is None:
            self.shown = Times.of(self.histogram)
        return self.shown

    def row(self, start_s: float, duration_s: float) -> SeriesRow:
        return SeriesRow(
            start_s,
            duration_s,
            self.requests,
            self.failures,
            self.times(),
            self.users,
            self.workers,
            self.cpu_sum / self.cpu_count if self.cpu_count else None,
        )


class SeriesBook:
    """The spans of one endpoint or of all together.

    State: touched by whoever keeps it only.
    """

    def __init__(self, origin_s: int, resolution_s: int, max_rows: int) -> None:
        """Begin with spans of `resolution_s`, of which one begins at `origin_s`; keep at most `max_rows`."""
        self._origin_s = origin_s
        self._step_s = resolution_s
        self._max_rows = max_rows
        self._slots: dict[int, _Slot] = {}

    def add(self, start_s: int, summary: Summary, gauges: RunGauges | None = None) -> None:
        """Add what a window holds, which stays as it is."""
        slot = self._slots.setdefault(self._slot_start_s(start_s), _Slot())
        slot.add(summary)
        if gauges is not None:
            slot.add_gauges(gauges, start_s)
        while len(self._slots) > self._max_rows:
            self._halve()

    def rows(self, covered: Covered, offset_s: int = 0) -> Iterator[SeriesRow]:
        """Yield the rows, oldest first; their times are those of the windows and `offset_s`."""
        for start_s in sorted(self._slots):
            from_s, duration_s = covered(start_s, start_s + self._step_s)
            yield self._slots[start_s].row(from_s + offset_s, duration_s)

    def _slot_start_s(self, time_s: int) -> int:
        return self._origin_s + (time_s - self._origin_s) // self._step_s * self._step_s

    def _halve(self) -> None:
        self._step_s *= 2
        slots, self._slots = self._slots, {}
        for start_s in sorted(slots):
            into = self._slot_start_s(start_s)
            if into in self._slots:
                self._slots[into].absorb(slots[start_s])
            else:
                self._slots[into] = slots[start_s]
