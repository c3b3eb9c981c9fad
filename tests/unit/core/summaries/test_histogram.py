from __future__ import annotations

import math
import struct
from bisect import bisect_left
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.summaries.grid import CEILING_MS, EDGES
from locust_cw_dist.core.summaries.histogram import MAX_BATCH, Histogram, nearest_rank
from support.strategies import histogram_of_bins, times_ms


def histogram_of(*values_ms):
    histogram = Histogram()
    for value in values_ms:
        histogram.record(value)
    return histogram


def count_and_sum(spread):
    return sum(spread.values()), math.fsum(value * count for value, count in spread.items())


def test_the_grid_climbs_from_zero_by_at_most_the_ratio_to_the_ceiling():
    assert EDGES[:4] == (0.0, 0.001, 0.0010099, 0.0010198)
    assert EDGES[-1] == CEILING_MS
    for below, above in pairwise(EDGES[1:]):
        # Below 10,000 steps in the last digit the rounding takes off at most 1/10,000.
        assert 1.0097 < above / below <= 1.0099 * (1 + 1e-15) or above == CEILING_MS


def test_an_edge_has_five_digits():
    assert all(Fraction(f"{edge:.4e}") == Fraction(repr(edge)) for edge in EDGES)


@pytest.mark.parametrize("index", [1, 2, 1_000, len(EDGES) - 1])
def test_a_bin_holds_its_upper_edge_but_not_its_lower_one(index):
    assert histogram_of(EDGES[index]).bins == {index: 1}
    assert histogram_of(EDGES[index - 1]).bins == {index - 1: 1}
    assert histogram_of(math.nextafter(EDGES[index - 1], math.inf)).bins == {index: 1}


def test_zero_has_a_bin_of_its_own():
    assert histogram_of(0.0, 0, -0.0, 1e-300).bins == {0: 3, 1: 1}


@pytest.mark.parametrize("value", [-1e-300, -1, math.nan, math.inf, -math.inf, CEILING_MS * 1.0001])
def test_what_is_no_response_time_is_refused_and_leaves_no_trace(value):
    histogram = histogram_of(5.0)
    with pytest.raises(ValueError, match="response time"):
        histogram.record(value)
    assert histogram == histogram_of(5.0)


def test_an_empty_histogram():
    histogram = Histogram()
    assert (histogram.count, histogram.sum_ms, histogram.spread()) == (0, 0.0, {})
    with pytest.raises(ValueError, match="no values"):
        histogram.percentile(50)


def test_merging_an_empty_one_changes_nothing_and_merging_into_one_copies():
    full, empty = histogram_of(1.0, 2.0), Histogram()
    full.merge(empty)
    assert full == histogram_of(1.0, 2.0)
    empty.merge(full)
    empty.record(3.0)
    assert full == histogram_of(1.0, 2.0)


@given(st.lists(st.lists(times_ms, min_size=1, max_size=MAX_BATCH), max_size=4))
def test_a_batch_is_folded_like_its_values_one_by_one(batches):
    folded = Histogram()
    for batch in batches:
        folded.fold(batch)
    recorded = histogram_of(*(value for batch in batches for value in batch))
    recorded.sum_ms = folded.sum_ms  # added up in another order
    assert folded == recorded
    assert folded.sum_ms == pytest.approx(sum(value for batch in batches for value in batch), rel=1e-12)


def test_a_batch_has_the_bins_that_a_search_finds_at_each_edge_and_beside_it():
    # The first numbers of all cells that `fold` looks bins up by: the upper 16 bits of 32-bit floats.
    starts = (struct.unpack("<f", struct.pack("<I", cell << 16))[0] for cell in range(0x5000))
    # Rounding to 32 bits may take a neighbour of an edge to the edge, or a value into the next cell.
    beside = (1, 1 + 2**-52, 1 - 2**-53, 1 + 2**-24, 1 - 2**-25, 1 + 2**-23, 1 - 2**-24)
    values_ms = [ms * off for ms in (*EDGES, *starts) for off in beside if ms * off <= CEILING_MS]
    for at in range(0, len(values_ms), MAX_BATCH):
        batch = values_ms[at : at + MAX_BATCH]
        folded = Histogram()
        folded.fold(batch)
        assert folded.bins == Counter(bisect_left(EDGES, ms) for ms in batch)


@pytest.mark.parametrize("zeros", [[-0.0], [-0.0, 0.0], [0.0, -0.0, 3.0]])
def test_a_zero_with_a_sign_is_a_zero(zeros):
    folded = Histogram()
    folded.fold(zeros)
    assert folded == histogram_of(*zeros)


@pytest.mark.parametrize("count", [255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**53])
def test_no_lane_overflows(count):
    many = histogram_of_bins({7: count, 9: 1}, EDGES[7] * count + EDGES[9], EDGES[7], EDGES[9])
    assert many.bins == {7: count, 9: 1}
    many.merge(histogram_of(EDGES[3], EDGES[9], EDGES[12]))
    assert many.bins == {3: 1, 7: count, 9: 2, 12: 1}
    few = histogram_of(EDGES[7], EDGES[8])
    few.merge(many)
    assert few.bins == {3: 1, 7: count + 1, 8: 1, 9: 2, 12: 1}
    assert histogram_of_bins(few.bins, few.sum_ms, few.min_ms, few.max_ms) == few


def test_restore_returns_the_same_histogram():
    histogram = histogram_of(0, 0.5, 7, 90_000)
    restored = histogram_of_bins(dict(histogram.bins), histogram.sum_ms, histogram.min_ms, histogram.max_ms)
    assert restored == histogram


@pytest.mark.parametrize(
    ("percent", "count", "rank"),
    [
        (50, 1, 1),
        (50, 2, 1),
        (50, 3, 2),
        (95, 20, 19),
        (95.0, 21, 20),
        (0.0001, 5, 1),
        (100, 5, 5),
        (99.9, 1_000, 999),  # 99.9 / 100 * 1000 is 999.0000000000001 as a float, whose ceiling is 1000
        (99.9, 41_000, 40_959),  # and 99.9 * 41000 / 100 is 40959.00000000001
        (99.99, 10**4, 9_999),
        (55, 100, 55),
        (7, 10**15 * 100, 7 * 10**15),
    ],
)
def test_ranks_are_exact(percent, count, rank):
    assert nearest_rank(percent, count) == rank


@pytest.mark.parametrize("percent", [0, -1, 100.1, math.nan])
def test_a_percentile_out_of_range_is_refused(percent):
    with pytest.raises(ValueError, match="percentile"):
        nearest_rank(percent, 10)


def test_percentiles_are_exact_at_both_ends_and_close_in_between():
    histogram = histogram_of(*range(1, 1_001))
    assert histogram.percentile(0.1) == 1
    assert histogram.percentile(100) == 1_000
    assert histogram.percentile(50) == pytest.approx(500, rel=0.005)
    assert histogram.percentile(99.9) == pytest.approx(999, rel=0.005)


def test_a_percentile_never_leaves_minimum_and_maximum():
    histogram = histogram_of(100.1, 100.11, 100.12, 100.13)
    assert 100.1 <= histogram.percentile(50) <= 100.13


@pytest.mark.parametrize(
    ("values_ms", "pairs"),
    [
        ([5.5], [(5.5, 1)]),
        ([5.5, 7.25], [(5.5, 1), (7.25, 1)]),
        ([3.3] * 1_000, [(3.3, 1_000)]),
        ([0.0, 0.0, 0.0], [(0.0, 3)]),
        ([0, 0, 5_000.5], [(0.0, 2), (5_000.5, 1)]),
        ([-0.0], [(0.0, 1)]),
    ],
)
def test_small_spreads_are_exact(values_ms, pairs):
    spread = histogram_of(*values_ms).spread()
    assert list(spread.items()) == pairs
    assert math.copysign(1, min(spread)) == 1


def test_three_results_keep_their_sum():
    spread = histogram_of(10.0, 123.4, 999.0).spread()
    assert list(spread.values()) == [1, 1, 1]
    assert sorted(spread)[1] == pytest.approx(123.4, rel=1e-12)


def test_a_spread_has_about_half_as_many_pairs_as_bins():
    histogram = Histogram()
    for edge in EDGES[1_000:1_300]:
        histogram.record(edge * 0.995)
    bins = len(histogram.bins)
    assert bins == 300
    assert len(histogram.spread()) < 0.6 * bins


def test_most_values_of_a_spread_are_grid_values():
    histogram = Histogram()
    for step in range(20_000):
        histogram.record(20 + step * 0.0123)
    off_grid = set(histogram.spread()) - set(EDGES)
    assert len(off_grid) <= 3  # minimum, maximum, and the one that makes the sum come out


@pytest.mark.parametrize("count", [10**9, 2**53])
def test_huge_counts_keep_count_and_sum(count):
    bins = dict.fromkeys(range(900, 960), count)
    true_sum = sum(EDGES[index] * 0.996 * count for index in bins)
    histogram = histogram_of_bins(bins, true_sum, EDGES[900] * 0.996, EDGES[959] * 0.996)
    total, sum_ms = count_and_sum(histogram.spread())
    assert total == 60 * count
    assert sum_ms == pytest.approx(true_sum, rel=1e-12)


@pytest.mark.parametrize("factor", [1 - 1e-9, 1 + 1e-9])
def test_a_sum_that_rounding_put_out_of_reach_costs_no_value(factor):
    edge = EDGES[1_000]
    histogram = histogram_of_bins({1_000: 1_000, 1_001: 1_000}, 0.0, edge, EDGES[1_001])
    # Bin 1,000 holds nothing but the minimum; bin 1,001 goes from there to the maximum, which it holds once.
    least, most = 1_999 * edge + EDGES[1_001], 1_000 * edge + 1_000 * EDGES[1_001]
    histogram.sum_ms = (least if factor < 1 else most) * factor
    total, sum_ms = count_and_sum(histogram.spread())
    assert total == 2_000
    assert sum_ms == pytest.approx(histogram.sum_ms, rel=1e-8)


def test_the_example_of_the_module_is_true():
    mine = Histogram.of_numbers(900, [3, 0, 1, 2], 0.0, 0.0, 0.0)
    other = Histogram.of_numbers(900, [1, 1, 0, 2], 0.0, 0.0, 0.0)
    assert (mine.planes, other.planes) == ([0b0101, 0b1001], [0b0011, 0b1000])
    mine.merge(other)
    assert (mine.planes, list(mine.numbers()), mine.count) == ([0b0110, 0b0000, 0b1001], [4, 1, 1, 4], 10)
