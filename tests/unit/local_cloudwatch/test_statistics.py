"""Statistics of weighted values equal those of the expanded list, by definitions written out plainly here."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.local_cloudwatch.storage.aggregate import (
    Sample,
    SetTotals,
    StatisticSyntaxError,
    parse_statistic,
)

pytestmark = pytest.mark.once

weighted = st.dictionaries(
    st.one_of(st.integers(0, 30).map(float), st.floats(0, 1e6)), st.integers(1, 9), min_size=1, max_size=20
)
percents = st.decimals(0, 100, places=3).map(str)
two_percents = st.tuples(percents, percents).map(lambda pair: sorted(pair, key=float))


def expanded(values):
    return sorted(value for value, count in values.items() for _ in range(count))


def asked(text, values, sets=None):
    return parse_statistic(text).of(Sample(values, sets))


def mean(items):
    return math.fsum(items) / len(items)


def close(value):
    return pytest.approx(value, rel=1e-12, abs=1e-300)


@given(weighted)
def test_simple_statistics(values):
    items = expanded(values)
    assert asked("SampleCount", values) == len(items)
    assert asked("Sum", values) == close(math.fsum(items))
    assert asked("Average", values) == close(mean(items))
    assert asked("Minimum", values) == items[0]
    assert asked("Maximum", values) == items[-1]


@given(weighted, percents)
def test_percentile_is_the_nearest_rank(values, percent):
    items = expanded(values)
    at_least = Fraction(percent) * len(items)
    # the smallest value such that at least that share of the data is not above it
    expected = next(value for rank, value in enumerate(items, start=1) if rank * 100 >= at_least)
    assert asked(f"p{percent}", values) == expected


def by_rank(items, lower, upper):
    """What is left without the lowest `lower` percent and all above `upper` percent, in whole items."""
    n = len(items)
    below = math.floor(Fraction(lower) * n / 100)
    above = math.floor((100 - Fraction(upper)) * n / 100)
    return items[below : n - above]


@given(weighted, percents.filter(lambda text: float(text) > 0))
def test_up_to_a_percentage(values, percent):
    kept = by_rank(expanded(values), 0, percent)
    assert asked(f"tm{percent}", values) == close(mean(kept))
    assert asked(f"tc{percent}", values) == len(kept)
    assert asked(f"ts{percent}", values) == close(math.fsum(kept))
    assert asked(f"p{percent}", values) == kept[-1]
    winsorized = [min(value, kept[-1]) for value in expanded(values)]
    assert asked(f"wm{percent}", values) == close(mean(winsorized))


@given(weighted, two_percents)
def test_between_percentages(values, pair):
    lower, upper = pair
    if float(lower) == float(upper):
        return
    items = expanded(values)
    kept = by_rank(items, lower, upper)
    assert asked(f"TM({lower}%:{upper}%)", values) == close(mean(kept))
    assert asked(f"TC({lower}%:{upper}%)", values) == len(kept)
    assert asked(f"TS({lower}%:{upper}%)", values) == close(math.fsum(kept))
    winsorized = [min(max(value, kept[0]), kept[-1]) for value in items]
    assert asked(f"WM({lower}%:{upper}%)", values) == close(mean(winsorized))


@given(weighted, st.integers(0, 30), st.integers(1, 30))
def test_between_fixed_values(values, lower, width):
    upper = lower + width
    items = expanded(values)
    kept = [value for value in items if lower < value <= upper]
    assert asked(f"TC({lower}:{upper})", values) == len(kept)
    assert asked(f"TS({lower}:{upper})", values) == close(math.fsum(kept))
    assert asked(f"TM({lower}:{upper})", values) == (close(mean(kept)) if kept else None)
    assert asked(f"PR({lower}:{upper})", values) == close(100 * len(kept) / len(items))
    winsorized = [min(max(value, lower), upper) for value in items]
    assert asked(f"WM({lower}:{upper})", values) == close(mean(winsorized))


@given(weighted, st.integers(0, 30))
def test_open_ranges_share_the_data(values, border):
    assert asked(f"PR(:{border})", values) + asked(f"PR({border}:)", values) == pytest.approx(100)
    assert asked(f"TC(:{border})", values) + asked(f"TC({border}:)", values) == asked("SampleCount", values)


def test_the_guides_examples():
    values = {float(value): 1 for value in range(1, 101)}
    assert asked("p95", values) == 95
    assert asked("tm90", values) == mean(range(1, 91))
    assert asked("TM(2%:98%)", values) == mean(range(3, 99))
    assert asked("IQM", values) == asked("TM(25%:75%)", values) == mean(range(26, 76))
    assert asked("TM(10:20)", values) == mean(range(11, 21))
    assert asked("TS(80%:)", values) == sum(range(81, 101))
    assert asked("PR(:30)", values) == 30
    assert asked("PR(10:30)", values) == 20
    assert asked("wm98", values) == mean([*range(1, 99), 98, 98])


def test_a_fixed_boundary_is_the_float_of_its_text():
    assert asked("PR(:0.1)", {0.1: 1, 0.2: 3}) == 25
    assert asked("TC(0.1:)", {0.1: 1, 0.2: 3}) == 3


def test_ranks_are_exact_where_floats_are_not():
    # 0.07 * 100 is 7.000000000000001 in floats, which would be rank 8
    assert asked("p7", {float(value): 1 for value in range(1, 101)}) == 7
    # one more than half of 2 * 10^18 + 1 items is not a float
    assert asked("p50", {1.0: 10**18, 2.0: 10**18 + 1}) == 2.0
    assert asked("p50", {1.0: 10**18 + 1, 2.0: 10**18}) == 1.0
    assert asked("p99.9999999999", {1.0: 10**12 - 1, 2.0: 1}) == 1.0
    assert asked("p99.9999999999", {1.0: 10**12 - 2, 2.0: 2}) == 2.0


def test_the_ends():
    values = {1.0: 1, 2.0: 1, 3.0: 1}
    assert asked("p0", values) == 1.0
    assert asked("p100", values) == 3.0
    assert asked("tm0", values) is None


def test_fractional_counts():
    values = {1.0: 0.25, 2.0: 0.25}
    assert asked("SampleCount", values) == 0.5
    assert asked("Average", values) == 1.5
    assert asked("p100", values) == 2.0


EXTENDED = ["p50", "tm90", "TM(1:2)", "TC(:50%)", "TS(1:)", "WM(1%:9%)", "PR(:5)", "IQM"]


@pytest.mark.parametrize("text", EXTENDED)
def test_extended_statistics_need_raw_values(text):
    assert asked(text, {1.0: 1}, SetTotals(2, 3.0, 1.0, 2.0)) is None


@pytest.mark.parametrize("text", EXTENDED)
def test_extended_statistics_need_values_that_are_not_negative(text):
    assert asked(text, {1.0: 1, -1.0: 1}) is None
    assert asked(text, {1.5: 1, 0.0: 1}) is not None


def test_simple_statistics_work_on_sets_and_negative_values():
    values, sets = {1.0: 3, -4.0: 1}, SetTotals(2, 30.0, 10.0, 20.0)
    assert asked("SampleCount", values, sets) == 6
    assert asked("Sum", values, sets) == 29
    assert asked("Average", values, sets) == close(29 / 6)
    assert asked("Minimum", values, sets) == -4
    assert asked("Maximum", values, sets) == 20
    assert asked("Minimum", {}, sets) == 10


@pytest.mark.parametrize(
    ("sets", "is_one_value"),
    [
        (SetTotals(1, 5.0, 5.0, 5.0), True),
        (SetTotals(3, 15.0, 5.0, 5.0), True),
        (SetTotals(3, 0.0, 0.0, 0.0), True),
        (SetTotals(3, 0.3 + 1e-17, 0.1, 0.1), True),
        (SetTotals(3, 16.0, 5.0, 5.0), False),
        (SetTotals(2, 11.0, 5.0, 6.0), False),
        (SetTotals(1, 5.0, 5.0, 6.0), False),
    ],
)
def test_sets_that_are_one_value(sets, is_one_value):
    assert sets.is_one_value is is_one_value


NOT_STATISTICS = """
    average p p-1 p100.1 p101 p50.12345678901 P50 pp50 p\u0665 tm101 TM90 tm(1:2) TM(:) TM() TM(5:1) TM(5:5)
    TM(1%:2) TM(10%:101%) PR(1%:2%) PR(:) pr50 iqm IQM() TM(-1:2) TM(nan:2) SELECT
"""


@pytest.mark.parametrize("text", ["", "p50 ", " p50", "p50\n", *NOT_STATISTICS.split()])
def test_other_texts_are_no_statistics(text):
    with pytest.raises(StatisticSyntaxError):
        parse_statistic(text)
