"""When a call may be made: pauses after failures, pacing, and the hurry at the end."""

from __future__ import annotations

import pytest

from locust_cw_dist.core.publish.retry import BASE_S, CAP_S, HURRIED_PAUSE_S, MIN_INTERVAL_S, Failure, Gate, backoff_s
from locust_cw_dist.core.summaries.request_result import UNTIMED_REASONS


def test_what_failed_for_the_call_itself_is_not_tried_again():
    assert [failure for failure in Failure if failure.is_permanent] == [Failure.REFUSED]
    assert not {failure.value for failure in Failure} & set(UNTIMED_REASONS)


@pytest.mark.parametrize(
    ("attempt", "longest_s"),
    [(1, BASE_S), (2, 2 * BASE_S), (3, 4 * BASE_S), (7, 64 * BASE_S), (8, CAP_S), (100, CAP_S), (10**6, CAP_S)],
)
def test_pauses_double_from_the_first_up_to_the_cap(attempt, longest_s):
    assert backoff_s(attempt, 0.0) == 0.0
    assert backoff_s(attempt, 0.5) == pytest.approx(longest_s / 2)
    assert backoff_s(attempt, 1.0) == pytest.approx(longest_s)


def test_a_gate_is_shut_for_as_long_as_failures_ask_and_open_after_a_success():
    gate = Gate()
    assert gate.pause_s(100.0) == 0.0
    gate.fail(100.0, 1.0, None)
    gate.fail(100.0, 1.0, None)
    assert gate.pause_s(100.1) == pytest.approx(2 * BASE_S - 0.1)
    assert gate.pause_s(200.0) == 0.0
    gate.fail(100.0, 1.0, retry_after_s=7.0)
    assert gate.pause_s(100.0) == 7.0
    gate.succeed()
    assert (gate.failures, gate.pause_s(100.0)) == (0, 0.0)


def test_calls_begin_at_intervals_but_no_time_is_saved_up():
    gate = Gate()
    assert gate.reserve(100.0) == 0.0
    assert gate.reserve(100.0) == pytest.approx(MIN_INTERVAL_S)
    assert gate.reserve(100.0) == pytest.approx(2 * MIN_INTERVAL_S)
    assert gate.reserve(200.0) == 0.0
    assert gate.reserve(200.0) == pytest.approx(MIN_INTERVAL_S)


def test_a_gate_in_a_hurry_opens_at_once_and_shuts_for_a_second_at_most():
    gate = Gate()
    for _ in range(20):
        gate.fail(100.0, 1.0, None)
    assert gate.pause_s(100.0) == CAP_S
    gate.hurry()
    assert gate.pause_s(100.0) == 0.0
    gate.fail(100.0, 1.0, retry_after_s=60.0)
    assert gate.pause_s(100.0) == HURRIED_PAUSE_S


def test_the_example_of_the_gate_is_true():
    gate = Gate()
    for now_s, retry_after_s, open_s in ((10.0, None, 10.1), (10.1, None, 10.3), (10.3, 5.0, 15.3)):
        gate.fail(now_s, 0.5, retry_after_s)
        assert gate.pause_s(now_s) == pytest.approx(open_s - now_s)
    gate.reserve(15.3)
    gate.succeed()
    assert [gate.reserve(15.3), gate.reserve(15.3)] == pytest.approx([0.02, 0.04])
