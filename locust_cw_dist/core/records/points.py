"""Points: what a record keeps of a span of time, and how it becomes coarser.

A point is a window, or several neighbours merged. Spans are a window's length times a power of two and begin at their
multiples since the epoch, so that a finer point always lies in one coarser point. Points of the same start and span add
up: a window with many endpoints is several of them, and results that come late are a further one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from locust_cw_dist.core.summaries.gauges import StatisticSet
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary, merged
from locust_cw_dist.core.summaries.window import ClosedWindow
from locust_cw_dist.core.summaries.windows import window_start_s

MAX_POINTS = 1000
"""Points of a record; with more it is made coarser."""

MAX_ENDPOINTS_PER_RECORD = 1000
"""Endpoints of a record, `(other)` not counted; the results of further ones go there."""

GAUGES = ("users", "workers", "cpu_percent", "memory_bytes")

Gauges = dict[str, StatisticSet]
"""By name, out of `GAUGES`, each over the windows of a point, and the last two over workers too."""

_SUMMARY_BYTES, _PLANE_BYTES, _REASON_BYTES = 600, 36, 130
"""What Python takes for an empty Summary, for each plane of its histograms and for each reason, beside their
content."""


@dataclass(slots=True)
class Point:
    """All results of a span of time.

    Attributes:
        start_s: Where it begins, seconds since the epoch.
        span_s: How long it is.
        summaries: One Summary for each endpoint.
        gauges: Users, workers and how they were.
    """

    start_s: int
    span_s: int
    summaries: dict[EndpointKey, Summary] = field(default_factory=dict)
    gauges: Gauges = field(default_factory=dict)

    @classmethod
    def of(cls, window: ClosedWindow, span_s: int) -> Self:
        """Return a window as a point."""
        return cls(window.written_start_s, span_s, dict(window.summaries), gauges_of(window))

    def add(self, other: Point) -> None:
        """Add what a point within this one's span holds; the Summaries of both stay as they are."""
        for key, summary in other.summaries.items():
            own = self.summaries.get(key)
            self.summaries[key] = summary if own is None else merged((own, summary))
        for name, statistics in other.gauges.items():
            mine = self.gauges.get(name)
            self.gauges[name] = statistics if mine is None else _sum(mine, statistics)


def gauges_of(window: ClosedWindow) -> Gauges:
    """Return what a record keeps of a window's gauges."""
    gauges = window.gauges
    if gauges is None:
        return {}
    counts = {"users": gauges.users, "workers": gauges.workers}
    kept = {name: StatisticSet(1, value, value, value) for name, value in counts.items() if value is not None}
    vitals = {"cpu_percent": gauges.cpu_percent, "memory_bytes": gauges.memory_bytes}
    return kept | {name: value for name, value in vitals.items() if value is not None}


def fitting_span_s(starts_s: Iterable[int], span_s: int, max_points: int) -> int:
    """Return the shortest span, `span_s` times a power of two, in which `starts_s` make at most `max_points` points."""
    starts = set(starts_s)
    while len({window_start_s(start_s, span_s) for start_s in starts}) > max(1, max_points):
        span_s *= 2
    return span_s


class Gatherer:
    """Gathers points of any spans into points of one span, few enough and small enough.

    Attributes:
        span_s: The span, so far.
        points: The points by their start.
        max_bytes: What the points may take in memory; with more, and if there are several, they become coarser.
    """

    def __init__(self, span_s: int, max_points: int) -> None:
        """Begin with spans of `span_s`, the length of a window."""
        self.span_s = span_s
        self.points: dict[int, Point] = {}
        self.max_bytes = math.inf
        self._max_points = max_points
        self._added_bytes = 0.0

    def add(self, point: Point) -> None:
        """Add a point."""
        while self.span_s < point.span_s:
            self._double()
        self._place(point)
        while len(self.points) > self._max_points:
            self._double()
        self._added_bytes += _size_bytes(point)
        if self._added_bytes > self.max_bytes:
            self._make_room()

    def in_order(self) -> list[Point]:
        """Return the points, oldest first."""
        return [self.points[start_s] for start_s in sorted(self.points)]

    def _double(self) -> None:
        self.span_s *= 2
        finer, self.points = self.points, {}
        for point in finer.values():
            self._place(point)

    def _make_room(self) -> None:
        # What was added has partly been merged. The quarter is so that this is not done again at once.
        while (size_bytes := sum(map(_size_bytes, self.points.values()))) > 0.75 * self.max_bytes:
            if len(self.points) == 1:
                break
            self._double()
        self._added_bytes = min(size_bytes, 0.75 * self.max_bytes)

    def _place(self, point: Point) -> None:
        start_s = window_start_s(point.start_s, self.span_s)
        self.points.setdefault(start_s, Point(start_s, self.span_s)).add(point)


def _size_bytes(point: Point) -> int:
    return sum(map(_summary_bytes, point.summaries.values()))


def _summary_bytes(summary: Summary) -> int:
    planes = summary.successes.planes + (summary.failures.planes if summary.failures else [])
    reasons = sum(map(len, summary.reasons)) + _REASON_BYTES * len(summary.reasons)
    return _SUMMARY_BYTES + _PLANE_BYTES * len(planes) + sum(map(int.bit_length, planes)) // 8 + reasons


def _sum(one: StatisticSet, other: StatisticSet) -> StatisticSet:
    return StatisticSet(
        one.count + other.count,
        one.sum + other.sum,
        min(one.minimum, other.minimum),
        max(one.maximum, other.maximum),
    )
