"""Packing: how the summaries of a window stand in a frame, and how they are read back from what anybody may have sent.

Of each endpoint there is a row of numbers. Rows are written by columns, as `struct` writes them, and their histograms
as their planes, in one `bytes` of the whole frame. So types and ranges need no check, and to read a histogram is to
read an integer or two. What few endpoints have (failures, results without a response time) stands beside the rows.

For example, a window has four results of GET /cart, 41.7 ms three times and 42.3 ms once, and of POST /pay one of 10 ms
and a failure after 12 ms. GET /cart has more planes, so it is row 0; its bins 1084 and 1085 hold 3 and 1 results, in
binary 11 and 01. What `pack_section` returns and appends:

    rows      endpoint 0 1 | first 1084 938 | plane_bytes 1 1 | planes 2 1 | count 4 1 | sum_ms 167.4 10.0 | ...
    rest      [[1, (957, 1, 1, 1, 12.0, 12.0, 12.0), {"HTTP 500": 1}, 0, 0]]
    planes    03 01     the last digits of both rows, bit i for bin `first` + i: 11 (3 and 1 are odd), 1
              01        the digit before it, which row 0 alone has: 01 (of 3, not of 1)
              01        the failure of row 1

Columns and planes put side by side what is alike, which zlib then makes small: 71 bytes of numbers for each endpoint,
of which most are zeros, and higher planes that are nearly empty.

Read back, what a histogram claims (count, minimum, maximum, sum) must fit its bins and each other. The count is what
the planes say: the bits of the first one, twice those of the second, and so on. What was read stays a row, which the
collector adds to a Summary of its own, so that none has to be made for each row.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, pairwise, repeat
from operator import add, and_, ge, gt, itemgetter, le, lshift, mul, or_
from typing import Any

from locust_cw_dist.core.summaries.checked_values import (
    MAX_COUNT,
    InconsistentError,
    agree,
    integer,
    listing,
    require,
    tally,
)
from locust_cw_dist.core.summaries.failure_reasons import MAX_REASON_CHARS
from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.request_result import MAX_RESPONSE_BYTES
from locust_cw_dist.core.summaries.sections import EndpointKey, Section, times_of
from locust_cw_dist.core.summaries.summary import MAX_REASONS, Summary

COLUMNS = {
    "endpoint": "H",
    "first": "H",
    "plane_bytes": "H",
    "planes": "B",
    "count": "Q",
    "sum_ms": "d",
    "min_ms": "d",
    "max_ms": "d",
    "bytes_count": "Q",
    "bytes_sum": "Q",
    "bytes_min": "Q",
    "bytes_max": "Q",
}
"""What is written of each endpoint, as `struct` has it: its number in the frame, the histogram of its successes (its
planes are `planes` times `plane_bytes`, little-endian), and their lengths."""

LOWER_EDGES = (-5e-324, *EDGES[:-1])
"""Below each bin; what it holds is above it. The first one holds nothing but zeros."""

SUM_TOLERANCE = 1e-6
"""Relative error that a sum may have: adding up n floats leaves n * 2**-53 at most, which is less for any number of
results that a worker can record in a window."""

NOTHING = (0, 0, 0, 0, 0.0, 0.0, 0.0)
"""Stands for a histogram of nothing."""


def pack_section(section: Section, numbers: dict[EndpointKey, int], planes: list[bytes]) -> list[Any]:
    """Return a section as values that msgpack takes; its histograms go to `planes`, its endpoints to `numbers`.

    They are the run, the start, the rows, and the rest: ``[row, failures' histogram, reasons, successes without a time,
    failures without a time]`` of each endpoint that has any of it.
    """
    # Those with most planes first: what has a second plane, a third one and so on is at the beginning of the rows.
    by_planes = sorted(section.rows.items(), key=lambda item: -len(item[1][0]))
    rows = [(numbers.setdefault(key, len(numbers)), *_packed(*row)) for key, row in by_planes]
    widths = [row[2] for row in rows]
    _pack_planes([row[0] for _, row in by_planes], widths, planes)
    rest = []
    for number, (key, _) in enumerate(by_planes):
        if (one := section.rest.get(key)) is not None:
            failures = times_of(one.failures)
            fields = _packed(*failures)
            rest.append([number, fields, one.reasons, one.untimed_successes, one.untimed_failures])
            _pack_planes([failures[0]], [fields[1]], planes)
    columns = [value for column in zip(*rows, strict=True) for value in column]
    return [section.run_id, section.start_s, _layout(len(rows)).pack(*columns), rest]


def _packed(planes: list[int], first: int, *others: float) -> tuple[Any, ...]:
    """Return the fields of a histogram, or of a row, with the form of its planes in their place."""
    return first, (max(map(int.bit_length, planes), default=0) + 7) // 8, len(planes), *others


def _pack_planes(histograms: list[list[int]], widths: list[int], planes: list[bytes]) -> None:
    """Append all first planes, then all second ones and so on: side by side what is alike.

    Args:
        histograms: The planes of each, those with most planes first.
        widths: How many bytes a plane of each takes.
        planes: What to append to.
    """
    for digit in range(len(histograms[0])):
        for mine, width in zip(histograms, widths, strict=True):
            if len(mine) <= digit:
                break
            planes.append(mine[digit].to_bytes(width, "little"))


@lru_cache
def _layout(rows: int) -> struct.Struct:
    return struct.Struct("<" + "".join(f"{rows}{code}" for code in COLUMNS.values()))


ROW_BYTES = _layout(1).size


@dataclass(slots=True)
class Planes:
    """The planes of a frame, read one after the other."""

    data: bytes
    position: int = field(default=0, init=False)

    @property
    def is_used_up(self) -> bool:
        """Whether nothing is left."""
        return self.position == len(self.data)

    def histograms(self, columns: Sequence[Sequence[Any]]) -> list[list[int]]:
        """Return the planes of the next histograms, of whose other fields these are the columns.

        Args:
            columns: As in `COLUMNS`, from `first` to `max_ms`: integers not below 0, and floats; no count is 0.

        Raises:
            ValueError: There can be no such histograms.
        """
        firsts, widths, digits, counts, sums, lows, highs = columns
        require(all(digits) and all(map(ge, digits, digits[1:])), "no planes, or histograms in another order")
        # All rows together, a digit at a time: `map` runs each step without the interpreter, and a frame has 100 rows.
        filled = self._next(widths)
        planes, totals = [[plane] for plane in filled], list(map(int.bit_count, filled))
        for digit in range(1, digits[0]):
            # Of the first rows, which have more planes; `map` ends with them.
            rows = sum(map(gt, digits, repeat(digit)))
            read = self._next(widths[:rows])
            filled[:rows] = map(or_, filled, read)
            totals[:rows] = map(add, totals, map(lshift, map(int.bit_count, read), repeat(digit)))
            deque(map(list.append, planes, read), maxlen=0)
        # `filled` has a bit for each bin with any digit, so its length is from the first bin to the last.
        bins = list(map(int.bit_length, filled))
        require(all(filled) and all(map(itemgetter(-1), planes)), "no bins, or fewer planes")
        require(list(widths) == [(number + 7) >> 3 for number in bins], "wider planes than bins")
        require(max(map(add, firsts, bins)) <= len(EDGES), "bins out of range")
        agree(all(map(and_, filled, repeat(1))) and totals == list(counts), "a count that its bins can't have")
        _check_statistics(zip(firsts, bins, counts, sums, lows, highs, strict=True))
        return planes

    def _next(self, widths: Sequence[int]) -> list[int]:
        """Return the next planes, which have so many bytes."""
        bounds = list(accumulate(widths, initial=self.position))
        self.position = bounds[-1]
        require(self.position <= len(self.data), "planes out of range")
        return [int.from_bytes(self.data[begin:end], "little") for begin, end in pairwise(bounds)]


def _check_statistics(rows: Iterable[tuple[int, int, int, float, float, float]]) -> None:
    """Check minimum, maximum and sum, in ms, of histograms of which the first bin, the bins and the count are right."""
    for first, bins, count, sum_ms, low, high in rows:
        last = first + bins - 1
        if not (low <= high and LOWER_EDGES[first] < low <= EDGES[first] and LOWER_EDGES[last] < high <= EDGES[last]):
            raise InconsistentError("a minimum or a maximum that its bins can't have")
        # A sum is checked by the two ends alone: what lies between is the sender's word, as is the number in each bin.
        least, most = high + (count - 1) * low, low + (count - 1) * high
        if not least * (1 - SUM_TOLERANCE) <= sum_ms <= most * (1 + SUM_TOLERANCE):
            raise InconsistentError("a sum that its results can't have")


def read_section(
    run_id: str, start_s: int, packed: bytes, packed_rest: Any, endpoints: list[EndpointKey], planes: Planes
) -> Section:
    """Return the section of which `pack_section` made `packed` and `packed_rest`.

    Raises:
        ValueError: No summaries with a result in each can have led to them.
    """
    count, torn = divmod(len(packed), ROW_BYTES)
    require(0 < count <= len(endpoints) and not torn, "rows out of range")
    values = _layout(count).unpack(packed)
    numbers, *fields = (values[at : at + count] for at in range(0, len(values), count))
    require(max(numbers) < len(endpoints), "an endpoint out of range")
    counts, known, sums, lows, highs = fields[3], *fields[7:]
    require(max(counts) <= MAX_COUNT and max(highs) <= MAX_RESPONSE_BYTES, "a number out of range")
    agree(
        all(map(le, lows, highs))
        and all(map(le, map(mul, known, lows), sums))
        and all(map(le, sums, map(mul, known, highs))),
        "response bytes",
    )
    keys = [endpoints[number] for number in numbers]
    first, _, _, *statistics = fields
    rows = dict(zip(keys, zip(_read_histograms(fields[:7], planes), first, *statistics, strict=True), strict=True))
    require(len(rows) == count, "an endpoint twice")
    rest = _read_rest(packed_rest, keys, planes)
    _check_successes(keys, counts, known, rest)
    results = sum(counts) + sum([summary.count for summary in rest.values()])
    return Section(run_id, start_s, results, rows, rest)


def _check_successes(
    keys: list[EndpointKey], counts: Sequence[int], known: Sequence[int], rest: dict[EndpointKey, Summary]
) -> None:
    """Check that each endpoint has a result, and no more lengths of responses than successes."""
    if all(counts) and all(map(le, known, counts)):
        return
    for key, timed, lengths in zip(keys, counts, known, strict=True):
        summary = rest.get(key) or Summary()
        require(bool(timed or summary.count), "no results")
        agree(lengths <= timed + summary.untimed_successes, "more response lengths than successes")


def _read_histograms(columns: list[tuple[Any, ...]], planes: Planes) -> list[list[int]]:
    """Return the planes of all rows, of which the last ones may have no successes."""
    counts = columns[3]
    some = len(counts) - counts.count(0)
    require(all(row == NOTHING for row in zip(*[column[some:] for column in columns], strict=True)), "no histogram")
    read = planes.histograms([column[:some] for column in columns]) if some else []
    return read + [[] for _ in counts[some:]]


def _read_rest(packed: Any, keys: list[EndpointKey], planes: Planes) -> dict[EndpointKey, Summary]:
    rest: dict[EndpointKey, Summary] = {}
    for entry in listing(packed, len(keys)):
        row, fields, reasons, *untimed = listing(entry, 5, 5)
        key = keys[integer(row, 0, len(keys) - 1)]
        require(key not in rest, "the rest of an endpoint twice")
        successes, failures = (integer(count, 0, MAX_COUNT) for count in untimed)
        rest[key] = summary = Summary(
            failures=_read_failures(fields, planes), untimed_successes=successes, untimed_failures=failures
        )
        require(bool(summary.count), "a rest of nothing")
        # One more than MAX_REASONS: the entry for all others.
        summary.reasons = tally(reasons, MAX_REASONS + 1, MAX_REASON_CHARS)
        agree(sum(summary.reasons.values()) == summary.failure_count, "failure reasons that don't add up to them")
    return rest


def _read_failures(packed: Any, planes: Planes) -> Histogram | None:
    """Return the response times of failures; None if there are none."""
    first, width, digits, count, *statistics = listing(packed, len(NOTHING), len(NOTHING))
    require(set(map(type, statistics)) == {float}, "floats expected")
    whole = [integer(value, 0, len(EDGES)) for value in (first, width, digits)]
    if not integer(count, 0, MAX_COUNT):
        require(tuple(packed) == NOTHING, "no histogram")
        return None
    (histogram,) = planes.histograms([[value] for value in (*whole, count, *statistics)])
    return Histogram(histogram, first, count, *statistics)
