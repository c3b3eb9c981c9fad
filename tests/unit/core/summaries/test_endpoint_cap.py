from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.summaries.endpoint_cap import EndpointCap
from locust_cw_dist.core.summaries.run_counters import OTHER
from locust_cw_dist.core.summaries.summary import Summary


def summary_of(count, ms=10.0):
    summary = Summary()
    for _ in range(count):
        summary.record_success(ms, 100)
    return summary


def window(**counts):
    return {OTHER if name == "other" else (f"/{name}", "GET"): summary_of(count) for name, count in counts.items()}


def counts(summaries):
    return {key[0].strip("/()"): summary.count for key, summary in summaries.items()}


def test_within_the_budget_everything_stays():
    cap = EndpointCap(3)
    summaries = window(a=1, b=2, c=3)
    assert cap.apply(summaries) == summaries
    assert not cap.is_exceeded


def test_free_places_go_to_the_busiest():
    cap = EndpointCap(2)
    assert counts(cap.apply(window(a=1, b=5, c=3, d=2))) == {"b": 5, "c": 3, "other": 3}
    assert cap.is_exceeded


def test_a_series_that_was_published_stays_however_busy_others_get():
    cap = EndpointCap(2)
    cap.apply(window(a=1))
    assert counts(cap.apply(window(a=1, b=5, c=50))) == {"a": 1, "c": 50, "other": 5}
    assert counts(cap.apply(window(b=500))) == {"other": 500}
    assert counts(cap.apply(window(a=1, d=9))) == {"a": 1, "other": 9}


def test_equally_busy_ones_are_chosen_by_name():
    for names in ("abcd", "dcba"):
        cap = EndpointCap(2)
        assert set(counts(cap.apply(window(**dict.fromkeys(names, 1))))) == {"a", "b", "other"}


def test_what_the_workers_folded_together_takes_no_place():
    cap = EndpointCap(2)
    assert counts(cap.apply(window(other=9, a=1, b=1))) == {"a": 1, "b": 1, "other": 9}
    assert counts(cap.apply(window(other=9, c=2))) == {"other": 11}


def test_nothing_comes_of_nothing():
    cap = EndpointCap(1)
    assert cap.apply({}) == {}
    assert not cap.is_exceeded


windows = st.lists(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 9)), max_size=6)


@pytest.mark.parametrize("places", [1, 3])
@given(windows)
def test_no_result_is_lost_and_no_place_is_given_twice(places, windows):
    cap, published = EndpointCap(places), set()
    for counts_by_name in windows:
        summaries = window(**counts_by_name)
        before = copy.deepcopy(summaries)
        within = cap.apply(summaries)
        assert summaries == before
        total, whole = Summary(), Summary()
        for summary in within.values():
            total.merge(summary)
        for summary in summaries.values():
            whole.merge(summary)
        assert (total.count, total.bytes_sum, total.successes.bins) == (
            whole.count,
            whole.bytes_sum,
            whole.successes.bins,
        )
        published |= within.keys() - {OTHER}
        assert len(published) <= places
        assert (published & summaries.keys()) == within.keys() - {OTHER}
