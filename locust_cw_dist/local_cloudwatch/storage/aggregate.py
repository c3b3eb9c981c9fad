"""Weighted values to one statistic: pure, exact, and never expanded.

Definitions and syntax are those of the CloudWatch user guide ("CloudWatch statistics definitions"). Where the
guide leaves a choice open, this is what is computed here:

- pNN is the nearest rank: the value of rank ceil(NN/100 x n), and of rank 1 for p0.
- A percentage cuts by rank, so it may divide the occurrences of one value: `tm90` keeps the ranks up to
  ceil(0.9 x n), `TM(10%:)` those above floor(0.1 x n). Something is always kept, and `tm99` is the mean
  of what p99 is the maximum of.
- A fixed boundary cuts by value: above the lower one, up to and including the upper one.
- A winsorized mean takes what was cut off at the smallest and the largest value that was kept
  (percentages), or at the boundary itself (fixed values).

All but the five simple statistics need raw values: there is no answer for a period that holds a
StatisticSet of different values, or a negative value.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Count: TypeAlias = int | float
"""How often: an int where it is whole, so that sums of counts are exact."""

Pair: TypeAlias = tuple[float, Count]
"""A value and how often it occurred."""


class StatisticSyntaxError(ValueError):
    """A text that names no statistic."""


@dataclass(frozen=True, slots=True)
class SetTotals:
    """What is known of data that came as StatisticSets: the four figures, added up.

    Attributes:
        count: number of samples, above 0.
        total: their sum.
        minimum: the smallest.
        maximum: the largest.
    """

    count: Count
    total: float
    minimum: float
    maximum: float

    def merged(self, other: SetTotals) -> SetTotals:
        """Both together."""
        return SetTotals(
            self.count + other.count,
            self.total + other.total,
            min(self.minimum, other.minimum),
            max(self.maximum, other.maximum),
        )

    @property
    def is_one_value(self) -> bool:
        """Whether the set says all about its samples, so that every statistic works on it.

        The rule is PutMetricData's: minimum and maximum are equal, and the sum is the minimum times the
        count.
        """
        return self.minimum == self.maximum and math.isclose(
            self.total, self.minimum * self.count, rel_tol=1e-9, abs_tol=1e-12
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """The data of one metric and unit in one period. It is not empty.

    Attributes:
        values: value -> count, counts above 0.
        sets: what came as StatisticSets, or None.
    """

    values: Mapping[float, Count]
    sets: SetTotals | None = None

    @property
    def count(self) -> Count:
        """Number of data points."""
        return sum(self.values.values()) + (self.sets.count if self.sets else 0)

    @property
    def total(self) -> float:
        """Sum of the data points."""
        return _total(self.values.items()) + (self.sets.total if self.sets else 0.0)

    @property
    def minimum(self) -> float:
        """Smallest data point."""
        return min([*self.values, *([self.sets.minimum] if self.sets else [])])

    @property
    def maximum(self) -> float:
        """Largest data point."""
        return max([*self.values, *([self.sets.maximum] if self.sets else [])])

    @property
    def is_raw(self) -> bool:
        """Whether every data point is known and none is negative."""
        return self.sets is None and self.minimum >= 0


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic that can be asked for.

    Attributes:
        text: as it was asked for.
        needs_raw: whether it needs every value (an extended statistic).
        compute: from a sample; None where the range that was asked for holds nothing to average.
    """

    text: str
    needs_raw: bool
    compute: Callable[[Sample], float | None]

    def of(self, sample: Sample) -> float | None:
        """The statistic of a sample, or None where there is no data point for it."""
        if self.needs_raw and not sample.is_raw:
            return None
        return self.compute(sample)


class _Range(NamedTuple):
    """The two numbers between parentheses; None on an open side."""

    lower: Fraction | None
    upper: Fraction | None
    is_percent: bool


SIMPLE: Mapping[str, Callable[[Sample], float]] = {
    "SampleCount": lambda sample: float(sample.count),
    "Average": lambda sample: sample.total / sample.count,
    "Sum": lambda sample: sample.total,
    "Minimum": lambda sample: sample.minimum,
    "Maximum": lambda sample: sample.maximum,
}
"""The statistics that every kind of data has."""

_NUMBER = r"[0-9]{1,20}(?:\.[0-9]{1,10})?"  # ten decimals, says the guide
_PERCENTILE = re.compile(rf"p({_NUMBER})")
_UP_TO = re.compile(rf"(tm|wm|tc|ts)({_NUMBER})")
_BETWEEN = re.compile(rf"(TM|WM|TC|TS|PR)\((?:({_NUMBER})(%?))?:(?:({_NUMBER})(%?))?\)")


def parse_statistic(text: str) -> Statistic:
    """The statistic of that name, simple or extended.

    Examples: `Average`, `p99.9`, `tm90`, `TM(10%:90%)`, `TC(:500)`, `PR(100:300)`, `IQM`.

    Raises:
        StatisticSyntaxError: it is none.
    """
    if text in SIMPLE:
        return Statistic(text, needs_raw=False, compute=SIMPLE[text])
    return Statistic(text, needs_raw=True, compute=_extended(text))


def _extended(text: str) -> Callable[[Sample], float | None]:
    if text == "IQM":
        return _over_range("TM", _Range(Fraction(25), Fraction(75), is_percent=True))
    if match := _PERCENTILE.fullmatch(text):
        percent = _percent(match[1], text)
        return lambda sample: percentile(sample.values.items(), percent)
    if match := _UP_TO.fullmatch(text):
        return _over_range(match[1].upper(), _Range(None, _percent(match[2], text), is_percent=True))
    if match := _BETWEEN.fullmatch(text):
        return _over_range(match[1], _range(match, text))
    raise StatisticSyntaxError(f"{text!r} is not a statistic")


def _percent(number: str, text: str) -> Fraction:
    percent = Fraction(number)
    if percent > 100:
        raise StatisticSyntaxError(f"{text!r}: a percentage lies between 0 and 100")
    return percent


def _range(match: re.Match[str], text: str) -> _Range:
    lower, upper = (None if number is None else Fraction(number) for number in (match[2], match[4]))
    signs = {sign for number, sign in ((match[2], match[3]), (match[4], match[5])) if number is not None}
    if len(signs) != 1:
        raise StatisticSyntaxError(f"{text!r} needs one boundary or two, both percentages or neither")
    is_percent = signs == {"%"}
    if is_percent and (match[1] == "PR" or max(lower or 0, upper or 0) > 100):
        raise StatisticSyntaxError(f"{text!r}: a percentage lies between 0 and 100, and PR takes fixed values")
    if lower is not None and upper is not None and lower >= upper:
        raise StatisticSyntaxError(f"{text!r}: the first boundary must be below the second")
    return _Range(lower, upper, is_percent)


def _over_range(name: str, cut: _Range) -> Callable[[Sample], float | None]:
    statistic = _RANGE_STATISTICS[name]
    return lambda sample: statistic(sorted(sample.values.items()), cut)


def percentile(pairs: Iterable[Pair], percent: Fraction) -> float:
    """The value of rank ceil(percent/100 x n), in exact arithmetic.

    Args:
        pairs: value and count, at least one pair, counts above 0.
        percent: 0 to 100.
    """
    ordered = sorted(pairs)
    running = list(accumulate(count for _, count in ordered))
    return ordered[bisect_left(running, _rank_up_to(percent, running[-1]))][0]


def _rank_up_to(percent: Fraction, n: Count) -> Count:
    """The last rank that lies within the lowest `percent`; the cap matters for fractional counts only."""
    return min(math.ceil(percent * Fraction(n) / 100), n)


def _rank_above(percent: Fraction, n: Count) -> Count:
    """The last rank that is cut off with the lowest `percent`."""
    return math.floor(percent * Fraction(n) / 100)


def _kept(ordered: list[Pair], cut: _Range) -> list[Pair]:
    """The pairs within a range, in order."""
    if not cut.is_percent:
        # As floats: a value of 0.1 is the float nearest to 0.1, and must equal the boundary of that text.
        low = -math.inf if cut.lower is None else float(cut.lower)
        high = math.inf if cut.upper is None else float(cut.upper)
        return [pair for pair in ordered if low < pair[0] <= high]
    n = sum(count for _, count in ordered)
    first = 0 if cut.lower is None else _rank_above(cut.lower, n)
    last = n if cut.upper is None else _rank_up_to(cut.upper, n)
    return _between_ranks(ordered, first, last)


def _between_ranks(ordered: list[Pair], first: Count, last: Count) -> list[Pair]:
    """What has a rank above `first`, up to `last`."""
    kept: list[Pair] = []
    seen: Count = 0
    for value, count in ordered:
        inside = min(seen + count, last) - max(seen, first)
        if inside > 0:
            kept.append((value, inside))
        seen += count
    return kept


def _total(pairs: Iterable[Pair]) -> float:
    return math.fsum(value * count for value, count in pairs)


def _number(pairs: Iterable[Pair]) -> Count:
    return sum(count for _, count in pairs)


def _mean(pairs: list[Pair]) -> float | None:
    return _total(pairs) / _number(pairs) if pairs else None


def _trimmed_mean(ordered: list[Pair], cut: _Range) -> float | None:
    return _mean(_kept(ordered, cut))


def _trimmed_count(ordered: list[Pair], cut: _Range) -> float:
    return float(_number(_kept(ordered, cut)))


def _trimmed_sum(ordered: list[Pair], cut: _Range) -> float:
    return _total(_kept(ordered, cut))


def _percentile_rank(ordered: list[Pair], cut: _Range) -> float:
    return 100.0 * _number(_kept(ordered, cut)) / _number(ordered)


def _winsorized_mean(ordered: list[Pair], cut: _Range) -> float | None:
    low, high = ordered[0][0], ordered[-1][0]
    if cut.is_percent:
        kept = _kept(ordered, cut)
        if not kept:
            return None
        low, high = kept[0][0], kept[-1][0]
    else:
        low = low if cut.lower is None else float(cut.lower)
        high = high if cut.upper is None else float(cut.upper)
    return _mean([(min(max(value, low), high), count) for value, count in ordered])


_RANGE_STATISTICS: Mapping[str, Callable[[list[Pair], _Range], float | None]] = {
    "TM": _trimmed_mean,
    "WM": _winsorized_mean,
    "TC": _trimmed_count,
    "TS": _trimmed_sum,
    "PR": _percentile_rank,
}
