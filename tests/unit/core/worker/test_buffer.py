from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.summaries.reason_cap import MAX_REASONS_PER_RUN
from locust_cw_dist.core.summaries.request_result import MISSING, NEGATIVE
from locust_cw_dist.core.summaries.run_counters import OTHER, UNKNOWN_RUN, RunCounters
from locust_cw_dist.core.summaries.sections import Section, halve
from locust_cw_dist.core.summaries.summary import OTHER_REASONS, Summary
from locust_cw_dist.core.summaries.windows import RESOLUTIONS_S, window_start_s
from locust_cw_dist.core.worker.buffer import WorkerBuffer
from support.strategies import NOW_S, a_result, an_untimed_result, counts_of, few_endpoints, results_of_few_endpoints

START_S = int(NOW_S)


def a_buffer(**options):
    buffer = WorkerBuffer(**options)
    buffer.begin_run("run")
    return buffer


@pytest.mark.parametrize("resolution_s", RESOLUTIONS_S)
@given(st.floats(0, 1e11))
def test_a_time_is_in_its_window(resolution_s, now_s):
    start_s = window_start_s(now_s, resolution_s)
    assert start_s % resolution_s == 0
    assert start_s <= now_s < start_s + resolution_s


@pytest.mark.parametrize(
    ("now_s", "resolution_s", "start_s"),
    [(0.0, 1, 0), (59.999, 60, 0), (60.0, 60, 60), (NOW_S + 9.999, 10, START_S), (NOW_S + 10, 10, START_S + 10)],
)
def test_windows_are_aligned_to_the_epoch(now_s, resolution_s, start_s):
    assert window_start_s(now_s, resolution_s) == start_s


@given(st.lists(st.tuples(results_of_few_endpoints, st.integers(0, 9)), max_size=40), st.sampled_from((1, 5, 10)))
def test_results_are_folded_by_window_and_endpoint(recordings, resolution_s):
    buffer = a_buffer(resolution_s=resolution_s)
    expected = Counter()
    for result, later_s in recordings:
        buffer.record(result, NOW_S + later_s)
        expected["run", START_S + later_s // resolution_s * resolution_s, (result.name, result.method)] += 1
    sections = buffer.take()
    assert counts_of(sections) == expected
    assert [section.start_s for section in sections] == sorted({start_s for _, start_s, _ in expected})
    assert buffer.stored.is_empty
    assert buffer.take() == []


def test_a_result_of_the_same_second_is_not_folded_into_what_was_taken():
    buffer = a_buffer()
    buffer.record(a_result(), NOW_S)
    (taken,) = buffer.take()
    buffer.record(a_result(), NOW_S)
    assert (taken.results, buffer.take()[0].results) == (1, 1)


CHANGES = {
    "take": lambda buffer: buffer.take(1),
    "shift": lambda buffer: buffer.stored.shift(0.0),
    "rename": lambda buffer: buffer.stored.rename_run("run", "run 2"),
    "discard": lambda buffer: buffer.discard(),
    "begin": lambda buffer: buffer.begin_run("run 2"),
    "resolution": lambda buffer: buffer.use_resolution(5),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_window_that_is_changed_is_not_the_current_one_any_more(change):
    buffer = a_buffer()
    for name in ("/a", "/b"):
        buffer.record(a_result(name), NOW_S)
    assert set(buffer.current.intakes["GET"]) == {"/a", "/b"}
    CHANGES[change](buffer)
    assert buffer.current.intakes == {}
    assert buffer.current.until_s == 0


def test_a_window_that_stays_is_still_the_current_one():
    buffer = a_buffer()
    for later_s in (0, 1):
        buffer.record(a_result(), NOW_S + later_s)
    intake = buffer.current.intakes["GET"]["/a"]
    taken = buffer.take(until_s=START_S + 1)
    buffer.put_back(taken)
    assert buffer.current.intakes["GET"]["/a"] is intake
    assert buffer.current.until_s == START_S + 2


def test_a_clock_that_goes_back_folds_into_the_earlier_window():
    buffer = a_buffer()
    for later_s in (1.5, 0.9, 1.1):
        buffer.record(a_result(), NOW_S + later_s)
    assert [(section.start_s - START_S, section.results) for section in buffer.take()] == [(0, 1), (1, 2)]


def test_failures_are_folded_with_their_reasons():
    buffer = a_buffer()
    buffer.record(a_result(length_bytes=7), NOW_S)
    buffer.record(a_result(failure="HTTP 500", length_bytes=9), NOW_S)
    summary = buffer.take()[0].summaries["/a", "GET"]
    assert (summary.count, summary.reasons, summary.bytes_sum) == (2, {"HTTP 500": 1}, 7)


def test_a_run_has_so_many_reasons_and_the_rest_is_one():
    buffer = a_buffer()
    for number in range(MAX_REASONS_PER_RUN + 5):
        for _ in range(2):
            buffer.record(a_result(f"/{number % 50}", failure=f"Error{number}"), NOW_S)
    summaries = buffer.take()[0].summaries
    named = {reason for summary in summaries.values() for reason in summary.reasons} - {OTHER_REASONS}
    assert named == {f"Error{number}" for number in range(MAX_REASONS_PER_RUN)}
    assert sum(summary.reasons.get(OTHER_REASONS, 0) for summary in summaries.values()) == 10
    buffer.begin_run("another")
    buffer.record(a_result(failure="Error999"), NOW_S)
    assert buffer.take()[0].summaries["/a", "GET"].reasons == {"Error999": 1}


def test_reasons_can_be_renamed_and_equal_ones_add_up():
    buffer = a_buffer()
    for failure in ("A: x", "A: y", "B: z", "A: x"):
        buffer.record(a_result(failure=failure), NOW_S)
    buffer.stored.rename_reasons({"A: x": "A", "A: y": "A"})
    assert buffer.take()[0].summaries["/a", "GET"].reasons == {"A": 3, "B: z": 1}


def test_endpoints_beyond_the_cap_go_together_for_good():
    buffer = a_buffer(max_endpoints=2)
    for name in ("/a", "/b", "/c", "/a", "/d"):
        buffer.record(a_result(name), NOW_S)
    first = buffer.take()
    for name in ("/c", "/b"):
        buffer.record(a_result(name), NOW_S)
    counts = {key: summary.count for key, summary in first[0].summaries.items()}
    assert counts == {("/a", "GET"): 2, ("/b", "GET"): 1, OTHER: 2}
    assert set(buffer.take()[0].summaries) == {("/b", "GET"), OTHER}


def test_another_resolution_is_for_what_comes_then():
    buffer = a_buffer()
    buffer.record(a_result(), NOW_S + 3)
    buffer.use_resolution(10)
    buffer.record(a_result(), NOW_S + 3)
    assert buffer.stored.resolution_s == 10
    assert [section.start_s - START_S for section in buffer.take()] == [0, 3]


def test_runs_are_kept_apart():
    buffer = a_buffer()
    buffer.record(a_result(), NOW_S)
    buffer.begin_run("run 2")
    buffer.record(a_result(), NOW_S)
    buffer.record(an_untimed_result(), NOW_S)
    assert buffer.copy_counters() == {"run": RunCounters(1, held=1), "run 2": RunCounters(2, Counter([MISSING]), 2)}
    assert counts_of(buffer.take()) == {("run", START_S, ("/a", "GET")): 1, ("run 2", START_S, ("/a", "GET")): 2}
    assert buffer.copy_counters() == {"run": RunCounters(1), "run 2": RunCounters(2, Counter([MISSING]))}


def test_what_has_no_run_waits_until_it_is_named():
    buffer = WorkerBuffer()
    buffer.record(a_result(), NOW_S)
    buffer.record(an_untimed_result(), NOW_S)
    assert buffer.take() == []
    assert buffer.stored.runs == {UNKNOWN_RUN}
    assert buffer.stored.oldest_s == START_S
    assert buffer.copy_counters() == {}
    buffer.name_unknown_run("run")
    buffer.record(a_result(), NOW_S)
    assert buffer.stored.runs == {"run"}
    assert buffer.take()[0].results == 3
    assert buffer.copy_counters() == {"run": RunCounters(3, Counter([MISSING]))}


def test_a_shift_moves_whole_windows_and_merges_where_they_meet():
    buffer = a_buffer()
    for later_s in (0, 1, 5):
        buffer.record(a_result(), NOW_S + later_s)
    buffer.stored.shift(-3.4)
    buffer.record(a_result(), NOW_S - 3)
    assert [(section.start_s - START_S, section.results) for section in buffer.take()] == [(-3, 2), (-2, 1), (2, 1)]


@pytest.mark.parametrize(
    ("seconds", "moved_s"), [(0.0, 0), (0.4, 0), (-0.4, 0), (0.6, 1), (-0.6, -1), (-1e6, -1_000_000)]
)
def test_a_shift_is_by_the_nearest_second(seconds, moved_s):
    buffer = a_buffer()
    buffer.record(a_result(), NOW_S)
    buffer.stored.shift(seconds)
    assert buffer.take()[0].start_s == START_S + moved_s


def test_what_is_put_back_is_merged_with_what_came_meanwhile():
    buffer = a_buffer()
    buffer.record(a_result(), NOW_S)
    taken = buffer.take()
    buffer.record(a_result(), NOW_S)
    buffer.put_back(taken)
    buffer.record(a_result(), NOW_S)
    (section,) = buffer.take()
    assert section.results == 3
    assert buffer.copy_counters() == {"run": RunCounters(3)}


def test_counters_of_a_run_are_forgotten_when_it_is_over_and_all_of_it_acknowledged():
    buffer = a_buffer()
    buffer.record(a_result(), NOW_S)
    buffer.take()
    told = buffer.copy_counters()
    buffer.forget_runs(told)
    assert set(buffer.counters) == {"run", UNKNOWN_RUN}  # it goes on
    buffer.begin_run("run 2")
    buffer.record(an_untimed_result(), NOW_S)
    buffer.forget_runs({"run": RunCounters(0)})
    assert "run" in buffer.counters  # not all of it was told
    assert not buffer.has_told(told)
    buffer.forget_runs(told)
    assert set(buffer.counters) == {"run 2", UNKNOWN_RUN}
    assert not buffer.has_told(told)
    buffer.take()
    assert buffer.has_told(buffer.copy_counters())


def test_a_run_with_results_that_wait_is_not_forgotten():
    buffer = a_buffer()
    buffer.record(a_result(), NOW_S)
    buffer.begin_run("run 2")
    buffer.forget_runs({"run": RunCounters(1)})
    assert "run" in buffer.counters


def test_a_copy_of_the_counters_stays_as_it_is():
    buffer = a_buffer()
    buffer.record(an_untimed_result(), NOW_S)
    copied = buffer.copy_counters()
    buffer.record(an_untimed_result(), NOW_S)
    assert copied == {"run": RunCounters(1, Counter([MISSING]), 1)}


def test_what_is_discarded_was_never_recorded():
    buffer = WorkerBuffer()
    buffer.record(a_result(), NOW_S)
    buffer.begin_run("run")
    buffer.record(a_result(), NOW_S)
    buffer.take()
    buffer.record(a_result(), NOW_S)
    buffer.record(an_untimed_result(), NOW_S)
    buffer.discard()
    assert buffer.stored.is_empty
    assert buffer.counters == {UNKNOWN_RUN: RunCounters(0), "run": RunCounters(1)}


def test_what_is_discarded_without_a_time_is_taken_back_and_what_left_stays():
    buffer = a_buffer()
    buffer.record(an_untimed_result(), NOW_S)
    buffer.take()
    for reason in (MISSING, NEGATIVE, NEGATIVE):
        buffer.record(an_untimed_result(reason=reason), NOW_S + 1)
    buffer.discard()
    counters = buffer.counters["run"]
    assert (counters.recorded, counters.untimed.total()) == (1, 1)


def one_result():
    summary = Summary()
    summary.record_success(1.0, None)
    return summary


sections = st.lists(
    st.builds(
        Section.of,
        st.just("run"),
        st.integers(0, 9),
        st.dictionaries(few_endpoints, st.builds(one_result), min_size=1, max_size=4),
    ),
    max_size=5,
    unique_by=lambda section: section.start_s,
)


@given(sections)
def test_halves_are_smaller_and_together_the_whole(sections):
    whole = counts_of(sections)
    first, rest = halve(sections)
    assert counts_of(first) + counts_of(rest) == whole
    if whole and len(whole) > 1:
        assert counts_of(first)
        assert counts_of(rest)
    if len(sections) == 1:
        assert first
