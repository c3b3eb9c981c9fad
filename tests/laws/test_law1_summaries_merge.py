"""Law 1 for Summaries: merging is associative, commutative, and equals recording in one place."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.summaries.grid import CEILING_MS, EDGES
from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.summary import MAX_REASONS, OTHER_REASONS, Summary

times_ms = st.one_of(st.floats(0, CEILING_MS, allow_subnormal=False), st.sampled_from(EDGES), st.integers(0, 100_000))
results = st.tuples(
    times_ms,
    st.one_of(st.none(), st.integers(0, 2**40)),
    st.one_of(st.none(), st.sampled_from([f"Error{n}" for n in range(MAX_REASONS)])),
)
parts = st.lists(st.lists(results, max_size=40), min_size=1, max_size=6)


def summary_of(many):
    summary = Summary()
    for response_time_ms, response_bytes, reason in many:
        if reason is None:
            summary.record_success(response_time_ms, response_bytes)
        else:
            summary.record_failure(response_time_ms, reason)
    return summary


def merged(summaries):
    total = Summary()
    for summary in summaries:
        total.merge(summary)
    return total


def assert_same_histogram(one, other):
    assert one.bins == other.bins
    assert one.sum_ms == pytest.approx(other.sum_ms, rel=1e-12, abs=0)
    assert (one.min_ms, one.max_ms) == (other.min_ms, other.max_ms)


def assert_same(one, other):
    assert_same_histogram(one.successes, other.successes)
    assert_same_histogram(one.failures or Histogram(), other.failures or Histogram())
    byte_fields = ("bytes_count", "bytes_sum", "bytes_min", "bytes_max")
    assert [getattr(one, name) for name in byte_fields] == [getattr(other, name) for name in byte_fields]
    assert one.reasons == other.reasons


@given(parts)
def test_merged_parts_equal_one_recording(lists):
    everything = [result for part in lists for result in part]
    assert_same(merged(summary_of(part) for part in lists), summary_of(everything))


@given(parts, st.randoms(use_true_random=False))
def test_the_order_of_merging_does_not_matter(lists, random):
    shuffled = random.sample(lists, len(lists))
    assert_same(merged(map(summary_of, lists)), merged(map(summary_of, shuffled)))


@given(st.lists(results, max_size=30), st.lists(results, max_size=30), st.lists(results, max_size=30))
def test_the_grouping_of_merges_does_not_matter(a, b, c):
    left = merged([merged([summary_of(a), summary_of(b)]), summary_of(c)])
    right = merged([summary_of(a), merged([summary_of(b), summary_of(c)])])
    assert_same(left, right)


@given(st.lists(results, max_size=30), st.lists(results, max_size=30))
def test_a_merge_leaves_the_other_side_alone_for_ever(a, b):
    mine, theirs = summary_of(a), summary_of(b)
    before = copy.deepcopy(theirs)
    mine.merge(theirs)
    mine.record_success(1.0, 1)
    mine.record_failure(1.0, "Error0")
    assert theirs == before


@given(st.lists(st.lists(st.tuples(times_ms, st.text(max_size=2)), max_size=30), min_size=1, max_size=6))
def test_with_any_number_of_reasons_their_counts_add_up_to_the_failures(lists):
    total = merged(summary_of([(ms, None, reason) for ms, reason in part]) for part in lists)
    true_counts = {}
    for _, reason in (result for part in lists for result in part):
        true_counts[reason] = true_counts.get(reason, 0) + 1
    assert sum(total.reasons.values()) == total.failure_count == sum(true_counts.values())
    named = {reason: count for reason, count in total.reasons.items() if reason != OTHER_REASONS}
    assert len(named) <= MAX_REASONS
    assert all(count <= true_counts[reason] for reason, count in named.items())
