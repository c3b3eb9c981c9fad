"""Histogram: response times, exact in count, sum, minimum and maximum, within 1 % in between.

All histograms share one grid of bin edges (`EDGES`), so that merging is adding counts, and so that the
values of all series come from the same rounded numbers, which compress well. From 0.001 ms on each edge
is at most 0.99 % above the one before it, hence any two values of a bin are within 0.99 % of each other.
For example, if the exact 95th percentile is 200 ms, `percentile(95)` is between 199 and 201 ms and the
value sent at its rank between 198 and 202 ms, however many histograms were merged. Zero has a bin of its
own; times below 1 us share one, from 0 to 0.001 ms.

The numbers of the bins are kept by their binary digits: a plane, an integer, for each digit, with a bit for each bin.
For example, four bins from `first` on, the lowest one on the right as in the integer:

    numbers         2 1 0 3      planes   0101  1001        (3 is 11, 1 is 01, 2 is 10)
    another's       2 0 1 1               0011  1000
    both            4 1 1 4               0110  0000  1001  (4 is 100)

`merge` is addition by hand, of all bins at once: the last digits are 0101 ^ 0011 = 0110, and 0101 & 0011 = 0001 is
carried into the next ones. Three steps of the interpreter for each digit do what a loop does for each of hundreds of
bins. The count is 2 * 1 + 0 * 2 + 2 * 4 = 10: bits of each plane, times what its digit is worth.

Memory is one bit for each bin between the fastest and the slowest result, as often as the fullest bin's number has
digits: there are 702 bins from 1 ms to 1 s, 468 from 10 ms to 1 s, and 2,564 in the whole grid, 0 to 24 h.

Why no library: ddsketch (3.0) has no public way to its buckets; hdrhistogram (0.10) keeps no sum (its
mean is made of bucket middles, up to 0.4 % off at two digits), and pulls in setuptools and pbr.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, chain, compress
from operator import add, mul, sub
from typing import Self

from locust_cw_dist.core.summaries.grid import CEILING_MS, EDGES, bins_of

BITS = tuple(bytes(ord("0") + (number >> bit & 1) for number in range(256)) for bit in range(8))
"""For each bit of a byte, the table that `bytes.translate` takes to make that bit of each byte a digit, 0 or 1."""

BELOW = tuple(bytes(range(2 << bit)) for bit in range(8))
"""For each bit of a byte, the numbers that have no higher one."""

PLACES = tuple(bytes.maketrans(b"01", bytes([0, 1 << bit])) for bit in range(8))
"""The tables that turn such digits back."""

WIDTHS = (0.0, *map(sub, EDGES[1:], EDGES))
"""Of each bin, in ms."""

_Cell = tuple[float, float, float, int]
"""One bin in `spread`: (reach, near, far, size). `size` values each stand on one of the bin's two edges:
`near`, where two neighbouring bins meet by default, or `far`. `reach` is by how much the sum changes if
all of them move from near to far; it comes first so that cells sort by it. Plain tuples, for there are
hundreds in each endpoint."""


MAX_BATCH = 255
"""Values that `Histogram.fold` takes at a time: each bin's number fits in a byte, and what is done once for a batch is
a tenth of all. (With at most 64 the listener of requests took a fifth longer.)"""


@dataclass(slots=True)
class Histogram:
    """Response times in ms, mergeable.

    The numbers of all bins are kept by their binary digits: bit i of `planes[0]` is the last digit of the number in bin
    `first + i`, bit i of `planes[1]` the one before it, and so on. A plane of 400 bins is an integer of 50 bytes, so to
    merge is to add all bins at once by a few operations on short integers; no number can overflow; the number of values
    is a matter of counting bits; and what travels is an eighth of a byte for each bin. In the 60 results that a worker
    has of an endpoint in a report hardly any bin has more than two digits. (With two bytes for each
    bin a master took 1.4 times as long for a report, frames were an eighth larger, and an endpoint's window on a worker
    took twice the memory.)

    Attributes:
        planes: See above; the last one is not 0.
        first: The lowest bin that is not empty; 0 as long as all are.
        count: Number of values.
        sum_ms: Sum of all values.
        min_ms: The smallest value; inf as long as there is none.
        max_ms: The largest value; -inf as long as there is none.
    """

    planes: list[int] = field(default_factory=list)
    first: int = 0
    count: int = 0
    sum_ms: float = 0.0
    min_ms: float = math.inf
    max_ms: float = -math.inf

    @classmethod
    def of_numbers(cls, first: int, numbers: Sequence[int], sum_ms: float, min_ms: float, max_ms: float) -> Self:
        """Return a histogram of fields that the caller has checked.

        Args:
            first: The lowest bin that is not empty.
            numbers: How many values the bins from `first` on have; neither the first nor the last number is 0.
            sum_ms: Sum of all values.
            min_ms: The smallest value.
            max_ms: The largest value.
        """
        planes: list[int] = []
        for at in range(0, max(numbers).bit_length(), 8):
            planes.extend([0] * (at - len(planes)))
            planes.extend(planes_of(bytes([number >> at & 255 for number in numbers])))
        return cls(planes, first, sum(numbers), sum_ms, min_ms, max_ms)

    @property
    def bins(self) -> dict[int, int]:
        """Number of values for each index into the grid, ascending; no entry for an empty bin."""
        numbers = self.numbers()
        indices = compress(range(self.first, self.first + len(numbers)), numbers)
        return dict(zip(indices, filter(None, numbers), strict=True))

    def numbers(self) -> Sequence[int]:
        """Return the number of values in each bin from `first` to the highest one that is not empty."""
        bins = max(map(int.bit_length, self.planes), default=0)
        # Eight planes at a time are a byte of each number.
        octets = [_octets(self.planes[at : at + 8], bins) for at in range(0, len(self.planes), 8)]
        if len(octets) < 2:
            return b"".join(octets)
        joined = bytearray(8 * bins)
        for place, octet in enumerate(octets):
            joined[place::8] = octet
        return struct.unpack(f"<{bins}Q", joined)

    def record(self, value_ms: float) -> None:
        """Add one value.

        Raises:
            ValueError: It is negative, NaN or above `CEILING_MS`. Callers sort such values out before, with
                a reason that is counted; this is the last line, so that none can ever spoil a sum.
        """
        if not 0.0 <= value_ms <= CEILING_MS:
            raise ValueError(f"a response time from 0 to {CEILING_MS:.0f} ms expected, not {value_ms!r}")
        self.add([1], bisect_left(EDGES, value_ms), 1, value_ms, value_ms, value_ms)

    def fold(self, values_ms: list[float]) -> None:
        """Add 1 to `MAX_BATCH` values at once, each from 0 to `CEILING_MS`: 0.2 us a value, for `record` 1.2 us."""
        low, high = min(values_ms), max(values_ms)
        first, numbers = bisect_left(EDGES, low), bytearray(bisect_left(EDGES, high) + 1)
        for index in bins_of(values_ms):
            numbers[index] += 1
        self.add(planes_of(numbers[first:]), first, len(values_ms), sum(values_ms), low, high)

    def merge(self, other: Histogram) -> None:
        """Add what `other` holds, as if all its values had been recorded here; `other` stays as it is."""
        if other.count:
            self.add(other.planes, other.first, other.count, other.sum_ms, other.min_ms, other.max_ms)

    def copy(self) -> Histogram:
        """Return a histogram of its own with the same values."""
        return Histogram(self.planes.copy(), self.first, self.count, self.sum_ms, self.min_ms, self.max_ms)

    def add(self, planes: list[int], first: int, count: int, sum_ms: float, min_ms: float, max_ms: float) -> None:
        """Add what another histogram holds, which has these fields and at least one value."""
        mine = self.planes
        if not self.count:
            self.planes, self.first = planes.copy(), first
        else:
            shift = first - self.first
            if shift < 0:
                mine[:] = [plane << -shift for plane in mine]
                self.first, shift = first, 0
            if len(mine) < len(planes):
                mine.extend([0] * (len(planes) - len(mine)))
            _add_planes(mine, planes, shift)
        self.count += count
        self.sum_ms += sum_ms
        # Runs for each batch and frame: two calls of min() and max() would double what it takes.
        if min_ms < self.min_ms:  # noqa: PLR1730
            self.min_ms = min_ms
        if max_ms > self.max_ms:  # noqa: PLR1730
            self.max_ms = max_ms

    def percentile(self, percent: float) -> float:
        """Return the nearest-rank percentile in ms, within 0.5 % (exact at the first and the last rank).

        Args:
            percent: Above 0, at most 100; 99.9 means 999/1000 exactly, not the float beside it.

        Raises:
            ValueError: The histogram is empty, or `percent` is out of range.
        """
        return self.percentiles((percent,))[0]

    def percentiles(self, percents: Iterable[float]) -> list[float]:
        """Return several, as `percentile` does, for little more than the time of one."""
        reached = list(accumulate(self.numbers()))
        return [self._at(nearest_rank(percent, self.count), reached) for percent in percents]

    def _at(self, rank: int, reached: list[int]) -> float:
        if rank in {1, self.count}:
            return self.min_ms if rank == 1 else self.max_ms
        low, high = self._span(self.first + bisect_left(reached, rank))
        return (low + high) / 2

    def spread(self) -> dict[float, int]:
        """Return few values in ms, ascending, each with the number of values that it stands for.

        Their count, sum, minimum and maximum are the histogram's (the sum but for float rounding), and
        the one at any rank is in the same bin, edges included, as the recorded value at that rank.

        One value stands on the minimum and one on the maximum. The others stand on the edges of their
        bins: two neighbours meet on every second edge, which takes half as many pairs as bins. Then the
        sum is put right: values move to the other edge of their bin, the heaviest bins first, as long as
        the gap is not overshot; one last value stops half-way, off the grid. Only a few bins have to
        give.
        """
        # Adding 0.0 turns -0.0 into 0.0: CloudWatch has no percentiles where a value is negative.
        low, high = self.min_ms + 0.0, self.max_ms + 0.0
        if self.count <= 1 or low == high:
            return {low: self.count} if self.count else {}
        numbers = list(self.numbers())
        numbers[0] -= 1
        numbers[-1] -= 1
        inner = _Inner.of(self.first, numbers)
        placed = inner.near()
        ends = self._end_cells(numbers)
        for value, size in ((low, 1), (high, 1), *((near, size) for _, near, _, size in ends if size)):
            placed[value] = placed.get(value, 0) + size
        gap = self.sum_ms - math.fsum(map(mul, placed, placed.values()))
        _close_gap(placed, chain(inner.cells(gap), ends), gap)
        # In order but for a few, which makes sorting cheap.
        ascending = sorted(placed)
        return dict(zip(ascending, map(placed.__getitem__, ascending), strict=True))

    def _span(self, index: int) -> tuple[float, float]:
        """Return the edges of a bin, clipped to the minimum and the maximum."""
        if index == 0:
            return 0.0, 0.0
        return max(EDGES[index - 1], self.min_ms), min(EDGES[index], self.max_ms)

    def _end_cells(self, numbers: list[int]) -> list[_Cell]:
        """Return the lowest and the highest bin, which may be one; each reaches to the minimum or maximum only."""
        cells = []
        for offset in {0, len(numbers) - 1}:
            index, size = self.first + offset, numbers[offset]
            near, far = self._span(index)
            # Neighbours meet on the edges of odd index.
            if index % 2:
                near, far = far, near
            cells.append(((far - near) * size, near, far, size))
        return cells


@dataclass(slots=True)
class _Inner:
    """The bins between the lowest and the highest one in `spread`, in pairs that meet on an edge of odd index.

    Lists of numbers rather than a cell for each bin: there are hundreds, of which few have to move, and what is done to
    all of them is done by `map`. That takes 70 us for 330 bins, where a cell for each took 400.

    Attributes:
        first: The lowest bin, of odd index; its upper edge is where it meets the next one.
        odd: Numbers of values of the bins first, first + 2 and so on.
        even: Those of first + 1, first + 3 and so on.
    """

    first: int
    odd: list[int]
    even: list[int]

    @classmethod
    def of(cls, first: int, numbers: list[int]) -> Self:
        """Take all but the first and the last of `numbers`, which are those of the bins from `first` on."""
        inner, begin = numbers[1:-1], first + 1
        if begin % 2 == 0:
            # Its lower neighbour is the lowest bin of all, which has its place already.
            inner, begin = [0, *inner], begin - 1
        if len(inner) % 2:
            inner.append(0)
        return cls(begin, inner[::2], inner[1::2])

    def near(self) -> dict[float, int]:
        """Return the edges on which two bins meet, ascending, with the values of both; empty ones left out."""
        sizes = list(map(add, self.odd, self.even))
        return dict(zip(compress(EDGES[self.first :: 2], sizes), filter(None, sizes), strict=True))

    def cells(self, gap: float) -> Iterator[_Cell]:
        """Yield the bins that can change the sum in the direction of `gap`, the heaviest first."""
        # A bin of even index is above the edge on which it meets its neighbour, one of odd index below.
        first, sizes, sign = (self.first + 1, self.even, 1) if gap > 0 else (self.first, self.odd, -1)
        reaches = list(map(mul, WIDTHS[first::2], sizes))
        for number in sorted(range(len(sizes)), key=reaches.__getitem__, reverse=True):
            index = first + 2 * number
            near, far = EDGES[index - 1 : index + 1][::sign]
            yield sign * reaches[number], near, far, sizes[number]


def _close_gap(placed: dict[float, int], cells: Iterable[_Cell], gap: float) -> None:
    """Move values of `cells` in `placed` from near to far until their sum has changed by `gap`."""
    for reach, near, far, size in cells:
        if reach * gap <= 0:
            continue
        moved = size if abs(gap) >= abs(reach) else int(gap / (far - near))
        _move(placed, near, far, moved)
        gap -= moved * (far - near)
        if moved < size:
            # Less than one step is left: one value goes part of the way. The bounds hold off rounding.
            low, high = sorted((near, far))
            _move(placed, near, min(max(near + gap, low), high), 1)
            return


def _move(placed: dict[float, int], here: float, there: float, number: int) -> None:
    """Move so many values; where none are left there is no entry."""
    if number and here != there:
        placed[there] = placed.get(there, 0) + number
        if placed[here] == number:
            del placed[here]
        else:
            placed[here] -= number


def _add_planes(mine: list[int], planes: list[int], shift: int) -> None:
    """Add numbers, `shift` bins higher up, to `mine`, which has as many planes at least."""
    # Digit by digit, of all bins at once: what two digits and the carry make, and what they carry over.
    carry = 0
    for digit, plane in enumerate(planes):
        here, there = mine[digit], plane << shift
        half = here ^ there
        mine[digit] = half ^ carry
        carry = (here & there) | (half & carry)
    for digit in range(len(planes), len(mine)):
        if not carry:
            return
        here = mine[digit]
        mine[digit] = here ^ carry
        carry &= here
    if carry:
        mine.append(carry)


def planes_of(numbers: bytes | bytearray) -> list[int]:
    """Return the planes of numbers that are a byte each, the lowest bin first."""
    digits, planes = numbers[::-1], []
    for bit, below in zip(BITS, BELOW, strict=True):
        planes.append(int(digits.translate(bit), 2))
        if not digits.translate(None, below):
            break
    return planes


def _octets(planes: list[int], bins: int) -> bytes:
    """Return the numbers that at most eight planes make, a byte each, the lowest bin first."""
    total = 0
    for plane, place in zip(planes, PLACES, strict=False):
        total |= int.from_bytes(f"{plane:0{bins}b}".encode().translate(place), "big")
    return total.to_bytes(bins, "little")


def nearest_rank(percent: float, count: int) -> int:
    """Return the rank, from 1, of a percentile among `count` values, computed with integers.

    Raises:
        ValueError: `count` is below 1, or `percent` is not above 0 and at most 100.
    """
    if count < 1:
        raise ValueError("no values, no percentile")
    if not 0 < percent <= 100:
        raise ValueError(f"a percentile above 0 and at most 100 expected, not {percent!r}")
    over, under = _ratio(percent)
    return -(-over * count // under)


@lru_cache  # the same few percentiles for each endpoint and window
def _ratio(percent: float) -> tuple[int, int]:
    """Return `percent` / 100 as a fraction."""
    # The shortest decimal form is what the user wrote; the float itself is a little beside it.
    return (Fraction(str(percent)) / 100).as_integer_ratio()
