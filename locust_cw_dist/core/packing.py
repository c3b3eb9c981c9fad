"""Packing: how a Summary stands in a frame, as plain lists, and how it is read back from what anybody may have sent.

Bins are written as the first one and the steps to the next, which are small numbers that compress. Read back, what a
histogram claims (minimum, maximum, sum) must fit its bins.
"""

from __future__ import annotations

import itertools
import math
from operator import mul
from typing import Any

from locust_cw_dist.core.checks import MAX_COUNT, agree, integer, listing, number, require, tally
from locust_cw_dist.core.histogram import EDGES, Histogram
from locust_cw_dist.core.result import MAX_REASON_CHARS, MAX_RESPONSE_BYTES
from locust_cw_dist.core.summary import MAX_REASONS, Summary

LOWER_EDGES = (0.0, *EDGES[:-1])
"""Below each bin; what it holds is above it, but for the zeros of the first one."""

SUM_TOLERANCE = 1e-6
"""Relative error that a sum may have: adding up n floats leaves n * 2**-53 at most, which is less for any number of
results that a worker can record in a window."""


def pack_summary(summary: Summary) -> list[Any]:
    """Return a Summary as four values that msgpack takes."""
    packed: list[Any] = [_pack_histogram(summary.successes)]
    packed.append(_pack_histogram(summary.failures) if summary.failures is not None else None)
    if summary.bytes_count:
        packed.append([summary.bytes_count, summary.bytes_sum, summary.bytes_min, summary.bytes_max])
    else:
        packed.append(None)
    packed.append(summary.reasons or None)
    return packed


def _pack_histogram(histogram: Histogram) -> list[Any] | None:
    if not histogram.bins:
        return None
    indices = sorted(histogram.bins)
    steps = [indices[0], *(after - before for before, after in itertools.pairwise(indices))]
    counts = [histogram.bins[index] for index in indices]
    return [steps, counts, histogram.sum_ms, histogram.min_ms, histogram.max_ms]


def read_summary(packed: list[Any]) -> Summary:
    """Return the Summary that `pack_summary` made `packed` of.

    Raises:
        ValueError: No Summary with a result in it can have led to `packed`.
    """
    successes, failures, response_bytes, reasons = listing(packed, 4, 4)
    summary = Summary()
    if successes is not None:
        summary.successes = _histogram(successes)
    if failures is not None:
        summary.failures = _histogram(failures)
    require(summary.count > 0, "an empty summary")
    if response_bytes is not None:
        _read_bytes(summary, listing(response_bytes, 4, 4))
    # One more than MAX_REASONS: the entry for all others.
    summary.reasons = tally({} if reasons is None else reasons, MAX_REASONS + 1, MAX_REASON_CHARS)
    named = sum(summary.reasons.values())
    agree(named == summary.failure_count, "failure reasons that don't add up to the failures")
    return summary


def _read_bytes(summary: Summary, packed: list[Any]) -> None:
    count = integer(packed[0], 1, MAX_COUNT)
    low, high = integer(packed[2], 0, MAX_RESPONSE_BYTES), integer(packed[3], 0, MAX_RESPONSE_BYTES)
    total = integer(packed[1], 0, 2**64 - 1)
    agree(count <= summary.successes.count and count * low <= total <= count * high, "response bytes")
    summary.bytes_count, summary.bytes_sum, summary.bytes_min, summary.bytes_max = count, total, low, high


def _histogram(packed: Any) -> Histogram:
    steps, counts, sum_ms, min_ms, max_ms = listing(packed, 5, 5)
    listing(steps, len(EDGES))
    listing(counts, len(EDGES), len(steps))
    require(bool(steps) and set(map(type, steps)) == {int} == set(map(type, counts)), "integers expected")
    require(steps[0] >= 0 and min(steps[1:], default=1) >= 1, "bins out of order")
    require(min(counts) >= 1 and max(counts) <= MAX_COUNT, "a count out of range")
    indices = list(itertools.accumulate(steps))
    require(indices[-1] < len(EDGES), "a bin out of range")
    low, high = number(min_ms, 0, EDGES[-1]), number(max_ms, 0, EDGES[-1])
    total = number(sum_ms, 0, math.inf)
    agree(_in_bin(low, indices[0]) and _in_bin(high, indices[-1]) and low <= high, "a minimum or maximum")
    agree(low == high or sum(counts) > 1, "a minimum and a maximum of one result")
    _check_sum(total, indices, counts, (low, high))
    return Histogram.restore(dict(zip(indices, counts, strict=True)), total, low, high)


def _in_bin(value: float, index: int) -> bool:
    return value == 0 if index == 0 else LOWER_EDGES[index] < value <= EDGES[index]


def _check_sum(total: float, indices: list[int], counts: list[int], span: tuple[float, float]) -> None:
    lowest = [LOWER_EDGES[index] for index in indices]
    highest = [EDGES[index] for index in indices]
    lowest[0], highest[-1] = span
    # For each bin of each endpoint, while the hub waits: `map` takes half the time of a generator.
    least, most = sum(map(mul, lowest, counts)), sum(map(mul, highest, counts))
    fits = least * (1 - SUM_TOLERANCE) <= total <= most * (1 + SUM_TOLERANCE)
    agree(fits, "a sum that its bins can't have")
