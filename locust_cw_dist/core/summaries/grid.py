"""Grid: the edges of the bins that all histograms share, and the bins of many values at once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from operator import add, gt, itemgetter

CEILING_MS = 86_400_000.0
"""The longest response time that is taken: 24 h."""


def _make_edges() -> tuple[float, ...]:
    """Return 0, 0.001 and then 1.0099 times the edge before, rounded down to five digits, up to the ceiling.

    An edge is five digits and a power of ten, both integers: the result is the same on every machine.
    """
    edges = [0.0]
    digits, exponent = 10_000, -7
    while (edge := float(f"{digits}e{exponent}")) < CEILING_MS:
        edges.append(edge)
        digits = digits * 10_099 // 10_000
        if digits >= 100_000:
            digits, exponent = digits // 10, exponent + 1
    return (*edges, CEILING_MS)


EDGES = _make_edges()
"""Bin 0 holds exactly 0; bin i holds what is above EDGES[i - 1] and at most EDGES[i], in ms."""


_UPPER_HALVES = slice(array("H", array("f", [1.0]).tobytes()).index(0x3F80), None, 2)
"""Of the 16-bit halves of many 32-bit numbers, the upper ones; 1.0 is 0x3F800000."""


def _cells(values_ms: Iterable[float]) -> array[int]:
    """Return each value's cell: the upper 16 bits of it as a 32-bit float, of which 7 are of its digits.

    A cell is at most 1/128 wide, a step of the grid at least 1/103: there is at most one edge in each.
    """
    return array("H", array("f", values_ms).tobytes())[_UPPER_HALVES]


def _make_cell_bins() -> tuple[list[int], list[float]]:
    """Return for each cell the bin of its lowest value, and that bin's upper edge.

    Rounding to 32 bits never changes the order. So what is in bin i is in the cell of one of the bin's two edges or in
    between: in that of the lower edge, which it is above, or in one that is listed with i.
    """
    bins: list[int] = []
    edges: list[float] = []
    for index, (edge, cell) in enumerate(zip(EDGES, _cells(EDGES), strict=True)):
        new = cell + 1 - len(bins)
        bins += [index] * new
        edges += [edge] * new
    return bins, edges


_CELL_BINS, _CELL_EDGES = _make_cell_bins()
"""By cell; 0.3 MB."""


def bins_of(values_ms: Sequence[float]) -> Iterator[int]:
    """Return the bin of each value, from 0 to `CEILING_MS`: what `bisect_left` finds in `EDGES`, in less time.

    `itemgetter` and `map` take no step of the interpreter for each value.
    """
    if min(values_ms) == 0.0:
        # -0.0 has a sign, which would be in its cell; adding 0.0 takes it off.
        values_ms = [value_ms + 0.0 for value_ms in values_ms]
    cells = _cells(values_ms)
    # One more, for of a single one `itemgetter` makes no tuple.
    look_up = itemgetter(*cells, 0)
    return map(add, look_up(_CELL_BINS), map(gt, values_ms, look_up(_CELL_EDGES)))
