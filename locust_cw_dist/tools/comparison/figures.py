"""Figures: what is compared of an endpoint, computed from the blocks of windows of one run."""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.core.summaries.histogram import Histogram, nearest_rank
from locust_cw_dist.core.summaries.summary import Summary

FLOOR_MS = 0.1
"""Shorter times count as this long: no change below it matters, and zero has no ratio."""

MIN_TAIL = 10
"""Results beyond a percentile that make it worth comparing: a p99 takes a thousand."""

MIN_COUNT = 10
"""Results that make a mean or a rate worth comparing."""

LANE_BYTES = 8
"""Of the sums of blocks here: no number of drawn blocks makes a lane overflow."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes:
        name: As the user writes it.
        title: As a table shows it.
        unit: ms, % or 1/s.
        percent: Of a percentile, else None.
        is_ratio: Whether its change is relative, in per cent; otherwise it is a difference, in percentage points.
        more_is_worse: Whether a rise is bad.
    """

    name: str
    title: str
    unit: str
    percent: float | None = None
    is_ratio: bool = True
    more_is_worse: bool = True


FIGURES = (
    Figure("p50", "p50", "ms", 50.0),
    Figure("p95", "p95", "ms", 95.0),
    Figure("p99", "p99", "ms", 99.0),
    Figure("mean", "mean", "ms"),
    Figure("failures", "failures", "%", is_ratio=False),
    Figure("rps", "requests/s", "1/s", more_is_worse=False),
)
BY_NAME = {figure.name: figure for figure in FIGURES}


@dataclass(slots=True)
class Sums:
    """What all figures of a span of time can be computed from; adding is field by field.

    Attributes:
        lanes: Response times: numbers by bin, in lanes of `LANE_BYTES` from bin 0 of `first` on.
        first: The lowest bin of any block of this endpoint and run.
        count: Results whose times are in `lanes`.
        sum_ms: Sum of their times.
        requests: Results, failed ones included.
        failures: Failed results.
        seconds: How long it took.
    """

    lanes: int
    first: int
    count: int
    sum_ms: float
    requests: int
    failures: int
    seconds: float

    @classmethod
    def over(cls, blocks: Sequence[Sums], times: Sequence[int]) -> Sums:
        """Return the sum of `blocks`, each taken as many times as `times` says."""
        whole = cls(0, blocks[0].first, 0, 0.0, 0, 0, 0.0)
        for block, n in zip(blocks, times, strict=True):
            if n:
                whole.lanes += n * block.lanes
                whole.count += n * block.count
                whole.sum_ms += n * block.sum_ms
                whole.requests += n * block.requests
                whole.failures += n * block.failures
                whole.seconds += n * block.seconds
        return whole

    def values(self) -> dict[str, float | None]:
        """Return each figure; None where there are too few results."""
        found: dict[str, float | None] = {}
        numbers = _numbers(self.lanes)
        below = list(accumulate(numbers))
        for figure in FIGURES:
            if figure.percent is not None:
                tail = self.count * (100 - figure.percent) / 100
                found[figure.name] = self._percentile(figure.percent, numbers, below) if tail >= MIN_TAIL else None
        found["mean"] = self.sum_ms / self.count if self.count >= MIN_COUNT else None
        found["failures"] = 100 * self.failures / self.requests if self.requests >= MIN_COUNT else None
        found["rps"] = self.requests / self.seconds if self.requests >= MIN_COUNT and self.seconds else None
        return found

    def _percentile(self, percent: float, numbers: Sequence[int], below: Sequence[int]) -> float:
        """Return a percentile, read between the edges of its bin so that it moves smoothly."""
        rank = nearest_rank(percent, self.count)
        at = bisect_left(below, rank)
        low, high = (EDGES[max(self.first + at - 1, 0)], EDGES[self.first + at])
        return low + (high - low) * (rank - (below[at] - numbers[at]) - 0.5) / numbers[at]


def needed(figure: Figure) -> int:
    """Return how many results a figure takes: response times for one in ms, requests for the others."""
    return MIN_COUNT if figure.percent is None else math.ceil(MIN_TAIL * 100 / (100 - figure.percent))


def scaled(figure: Figure, value: float) -> float:
    """Return a value on the scale on which changes add up: the log of a figure whose change is relative."""
    if not figure.is_ratio:
        return value
    return math.log(max(value, FLOOR_MS) if figure.unit == "ms" else value)


def change_percent(figure: Figure, difference: float) -> float:
    """Return a difference of scaled values as a user reads it: per cent, or percentage points."""
    return 100 * math.expm1(difference) if figure.is_ratio else difference


def unscaled(figure: Figure, value: float) -> float:
    """Return the value that `scaled` made this of."""
    return math.exp(value) if figure.is_ratio else value


def scaled_change(figure: Figure, change: float) -> float:
    """Return a change in per cent, or percentage points, as a difference of scaled values."""
    return math.log1p(change / 100) if figure.is_ratio else change


def sums_of(spans: Sequence[tuple[Summary, float]], *, successes_only: bool) -> list[Sums]:
    """Return the sums of each span of an endpoint.

    Args:
        spans: Each Summary with its length in seconds, in order; one of them has a result.
        successes_only: Whether response times of failed results are left out.
    """
    times = [summary.successes if successes_only else summary.response_times() for summary, _ in spans]
    first = min((histogram.first for histogram in times if histogram.count), default=0)
    return [
        Sums(
            _wide(histogram) << (histogram.first - first) * 8 * LANE_BYTES if histogram.count else 0,
            first,
            histogram.count,
            histogram.sum_ms,
            summary.count,
            summary.failure_count,
            seconds,
        )
        for histogram, (summary, seconds) in zip(times, spans, strict=True)
    ]


def _wide(histogram: Histogram) -> int:
    numbers = histogram.numbers()
    return int.from_bytes(struct.pack(f"<{len(numbers)}Q", *numbers), "little")


def _numbers(lanes: int) -> Sequence[int]:
    bins = -(-lanes.bit_length() // (8 * LANE_BYTES))
    return struct.unpack(f"<{bins}Q", lanes.to_bytes(bins * LANE_BYTES, "little"))
