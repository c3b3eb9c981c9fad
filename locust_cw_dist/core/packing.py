"""Packing: how the summaries of a window stand in a frame, and how they are read back from what anybody may have sent.

A section is written by columns, one value for each endpoint, which are checked a column at a time, and its histograms
as their lanes, one after the other in one `bytes` of the whole frame. Most lanes are zero, which compresses well, and
to read a histogram is to read one integer. A master reads an endpoint in 4 us, where bins by themselves took 25 us.

Read back, what a histogram claims (count, minimum, maximum, sum) must fit its bins and each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from locust_cw_dist.core.buffer import EndpointKey, Section
from locust_cw_dist.core.checks import MAX_COUNT, InconsistentError, agree, integer, listing, require, tally
from locust_cw_dist.core.histogram import EDGES, Histogram, lane_bytes, widen_bytes
from locust_cw_dist.core.result import MAX_REASON_CHARS, MAX_RESPONSE_BYTES
from locust_cw_dist.core.summary import MAX_REASONS, Summary

COLUMNS = (
    "endpoint",
    "first",
    "bins",
    "count",
    "sum_ms",
    "min_ms",
    "max_ms",
    "bytes_count",
    "bytes_sum",
    "bytes_min",
    "bytes_max",
)
"""What is written of each endpoint: its number in the frame, the histogram of its successes, and their lengths."""

INTEGER_COLUMNS = {
    "first": len(EDGES),
    "bins": len(EDGES),
    "count": MAX_COUNT,
    "bytes_count": MAX_COUNT,
    "bytes_sum": 2**64 - 1,
    "bytes_min": MAX_RESPONSE_BYTES,
    "bytes_max": MAX_RESPONSE_BYTES,
}
"""The highest value that each may have; the lowest is 0."""

FLOAT_COLUMNS = ("sum_ms", "min_ms", "max_ms")

LOWER_EDGES = (0.0, *EDGES[:-1])
"""Below each bin; what it holds is above it, but for the zeros of the first one."""

SUM_TOLERANCE = 1e-6
"""Relative error that a sum may have: adding up n floats leaves n * 2**-53 at most, which is less for any number of
results that a worker can record in a window."""

MAX_NARROW = 255
"""With no more values than these each lane is written as one byte."""

NOTHING = [0, 0, 0, 0.0, 0.0, 0.0]
"""Stands for a histogram of nothing."""


def pack_section(section: Section, numbers: dict[EndpointKey, int], lanes: list[bytes]) -> list[Any]:
    """Return a section as values that msgpack takes; its histograms go to `lanes`, its endpoints to `numbers`."""
    rows = [
        (
            numbers.setdefault(key, len(numbers)),
            *_pack_histogram(summary.successes, lanes),
            summary.bytes_count,
            summary.bytes_sum,
            summary.bytes_min,
            summary.bytes_max,
        )
        for key, summary in section.summaries.items()
    ]
    failures = [
        [row, _pack_histogram(summary.failures, lanes), summary.reasons]
        for row, summary in enumerate(section.summaries.values())
        if summary.failures is not None
    ]
    return [section.run_id, section.start_s, *map(list, zip(*rows, strict=True)), failures]


def _pack_histogram(histogram: Histogram, lanes: list[bytes]) -> list[Any]:
    if not histogram.count:
        return NOTHING
    packed, width = histogram.lanes_as_bytes(), lane_bytes(histogram.count)
    lanes.append(packed if histogram.count > MAX_NARROW else packed[::width])
    bins = len(packed) // width
    return [histogram.first, bins, histogram.count, histogram.sum_ms, histogram.min_ms, histogram.max_ms]


@dataclass(slots=True)
class Lanes:
    """The lanes of a frame, read one histogram after the other."""

    data: bytes
    position: int = field(default=0, init=False)

    @property
    def is_used_up(self) -> bool:
        """Whether nothing is left."""
        return self.position == len(self.data)

    def histogram(self, first: int, bins: int, count: int, sum_ms: float, min_ms: float, max_ms: float) -> Histogram:
        """Return the next histogram, of numbers above 0 that are known to be integers and floats.

        Raises:
            ValueError: There can be no such histogram.
        """
        # Written out, since it runs for each endpoint of each frame: calls would take as long again.
        width = 1 if count <= MAX_NARROW else lane_bytes(count)
        begin = self.position
        end = self.position = begin + bins * width
        lanes = self.data[begin:end]
        last = first + bins - 1
        if end > len(self.data) or not lanes or last >= len(EDGES):
            raise ValueError("bins out of range")
        if width == 1:
            total, has_ends = sum(lanes.translate(None, b"\0")), lanes[0] and lanes[-1]
        else:
            total, has_ends = _total(lanes, width), any(lanes[:width]) and any(lanes[-width:])
        fits_low = LOWER_EDGES[first] < min_ms <= EDGES[first] if first else min_ms == 0
        fits_high = LOWER_EDGES[last] < max_ms <= EDGES[last] if last else max_ms == 0
        if not (has_ends and total == count and fits_low and fits_high):
            raise InconsistentError("a count, a minimum or a maximum that its bins can't have")
        # A sum is checked by the two ends alone: what lies between is the sender's word, as is the number in each bin.
        least, most = (max_ms, min_ms) if count == 1 else (max_ms + (count - 1) * min_ms, min_ms + (count - 1) * max_ms)
        if not (min_ms <= max_ms and least * (1 - SUM_TOLERANCE) <= sum_ms <= most * (1 + SUM_TOLERANCE)):
            raise InconsistentError("a sum that its results can't have")
        number = widen_bytes(lanes) if width == 1 else int.from_bytes(lanes, "little")
        return Histogram(number, first, count, sum_ms, min_ms, max_ms)


def _total(lanes: bytes, width: int) -> int:
    """Return the sum of all lanes: of their lowest bytes, their second ones and so on, without the many zeros."""
    return sum(sum(lanes[byte::width].translate(None, b"\0")) << 8 * byte for byte in range(width))


def read_section(packed: list[Any], endpoints: list[EndpointKey], lanes: Lanes) -> dict[EndpointKey, Summary]:
    """Return the summaries of which `pack_section` made all but the first two values.

    Raises:
        ValueError: No summaries with a result in each can have led to `packed`.
    """
    *columns, failures = packed
    numbers = listing(columns[0], len(endpoints))
    _check_integers(numbers, len(endpoints) - 1)
    require(len(set(numbers)) == len(numbers), "an endpoint twice")
    for name, column in zip(COLUMNS[1:], columns[1:], strict=True):
        listing(column, len(numbers), len(numbers))
        if name in INTEGER_COLUMNS:
            _check_integers(column, INTEGER_COLUMNS[name])
        else:
            require(set(map(type, column)) == {float}, "floats expected")
    summaries = dict(_rows(map(endpoints.__getitem__, numbers), columns[1:], lanes))
    _read_failures(failures, list(summaries.values()), lanes)
    # Summaries without successes; that they have no failures either is rare, and an error.
    require(all(summaries[key].count for key, n in zip(summaries, columns[3], strict=True) if not n), "no results")
    return summaries


def _check_integers(column: list[Any], high: int) -> None:
    if set(map(type, column)) != {int} or min(column) < 0 or max(column) > high:
        raise ValueError(f"integers from 0 to {high} expected")


def _rows(keys: Iterator[EndpointKey], columns: list[list[Any]], lanes: Lanes) -> Iterator[tuple[EndpointKey, Summary]]:
    for key, first, bins, count, total, low, high, n, bytes_sum, bytes_min, bytes_max in zip(
        keys, *columns, strict=True
    ):
        if count:
            successes = lanes.histogram(first, bins, count, total, low, high)
        else:
            require([first, bins, count, total, low, high] == NOTHING, "a histogram of nothing")
            successes = Histogram()
        if not (n <= count and bytes_min <= bytes_max and n * bytes_min <= bytes_sum <= n * bytes_max):
            raise InconsistentError("response bytes")
        yield key, Summary(successes, None, n, bytes_sum, bytes_min, bytes_max)


def _read_failures(packed: Any, summaries: list[Summary], lanes: Lanes) -> None:
    for entry in listing(packed, len(summaries)):
        row, histogram, reasons = listing(entry, 3, 3)
        summary = summaries[integer(row, 0, len(summaries) - 1)]
        require(summary.failures is None, "failures twice")
        first, bins, count, total, low, high = listing(histogram, 6, 6)
        _check_integers([first, bins], len(EDGES))
        require(all(map(isinstance, (total, low, high), repeat(float))), "floats expected")
        summary.failures = lanes.histogram(first, bins, integer(count, 1, MAX_COUNT), total, low, high)
        # One more than MAX_REASONS: the entry for all others.
        summary.reasons = tally(reasons, MAX_REASONS + 1, MAX_REASON_CHARS)
        agree(sum(summary.reasons.values()) == count, "failure reasons that don't add up to the failures")
