"""What a window is made of, and that a closed one stays as it is; that merging adds up is law 1."""

from __future__ import annotations

import copy
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.summaries.gauges import RunGauges
from locust_cw_dist.core.summaries.summary import Summary, merged
from locust_cw_dist.core.summaries.window import ClosedWindow
from support.strategies import summaries

KEY = ("/a", "GET")


def a_summary(count=1):
    summary = Summary()
    for _ in range(count):
        summary.record_success(5.0, 10)
    return summary


def test_a_closed_window_takes_no_change():
    made = {KEY: a_summary(3)}
    window = ClosedWindow("run", 0, made, None)
    for name, value in (("gauges", RunGauges()), ("summaries", {}), ("results", 7)):
        with pytest.raises(FrozenInstanceError):
            setattr(window, name, value)
    with pytest.raises(TypeError):
        window.summaries[KEY] = a_summary()
    made.clear()
    assert (dict(window.summaries), window.results) == ({KEY: a_summary(3)}, 3)


def test_another_one_is_made_of_it_and_counts_anew():
    window = ClosedWindow("run", 0, {KEY: a_summary(3)}, RunGauges(users=1))
    other = replace(window, summaries={KEY: a_summary(4)})
    assert (other.results, other.gauges, window.results) == (4, RunGauges(users=1), 3)


@given(st.lists(summaries(), min_size=1, max_size=4))
def test_what_is_merged_is_a_summary_of_its_own_and_the_only_one_is_itself(parts):
    before = copy.deepcopy(parts)
    together = merged(parts)
    assert parts == before
    if len(parts) == 1:
        assert together is parts[0]
        return
    expected = Summary()
    for summary in parts:
        expected.merge(summary)
    assert together == expected
    for summary in parts:
        together.merge(summary)
    assert parts == before


@given(summaries())
def test_a_copy_shares_nothing(summary):
    before, copied = copy.deepcopy(summary), summary.copy()
    assert copied == before
    copied.merge(copied.copy())
    copied.record_failure(1.0, "E")
    assert summary == before
