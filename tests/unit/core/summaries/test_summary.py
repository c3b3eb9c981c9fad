from __future__ import annotations

import pytest

from locust_cw_dist.core.summaries.summary import MAX_REASONS, OTHER_REASONS, Summary


def summary_of_reasons(**counts):
    summary = Summary()
    for reason, count in counts.items():
        for _ in range(count):
            summary.record_failure(1.0, reason)
    return summary


def test_a_new_summary_is_empty():
    summary = Summary()
    assert (summary.count, summary.failure_count, summary.bytes_count, summary.reasons) == (0, 0, 0, {})
    assert summary.failures is None


def test_successes_and_failures_are_kept_apart_and_can_be_seen_together():
    summary = Summary()
    summary.record_success(10.0, None)
    summary.record_success(20.0, None)
    summary.record_failure(30.0, "HTTP 500")
    assert (summary.count, summary.failure_count) == (3, 1)
    assert summary.successes.sum_ms == 30.0
    together = summary.response_times()
    assert (together.count, together.sum_ms, together.min_ms, together.max_ms) == (3, 60.0, 10.0, 30.0)
    together.record(1.0)
    assert summary.count == 3


def test_response_bytes_count_only_where_they_are_known():
    summary = Summary()
    for response_bytes in (None, 500, 0, None, 20):
        summary.record_success(1.0, response_bytes)
    assert (summary.bytes_count, summary.bytes_sum, summary.bytes_min, summary.bytes_max) == (3, 520, 0, 500)


def test_merging_keeps_the_smallest_length_though_the_other_side_has_none():
    one, other = Summary(), Summary()
    one.record_success(1.0, 700)
    other.record_success(1.0, None)
    one.merge(other)
    other.merge(one)
    assert (one.bytes_min, other.bytes_min, other.bytes_max) == (700, 700, 700)


@pytest.mark.parametrize("record", [Summary.record_success, Summary.record_failure])
def test_a_refused_response_time_leaves_no_trace(record):
    summary = Summary()
    with pytest.raises(ValueError, match="response time"):
        record(summary, -1.0, "500")
    assert summary == Summary()


NAMES = [f"Error{number:02}" for number in range(MAX_REASONS)]


def test_reasons_beyond_the_cap_are_counted_together():
    summary = summary_of_reasons(**dict.fromkeys(NAMES, 1), f=2, g=1)
    summary.record_failure(1.0, NAMES[0])
    assert summary.reasons == {NAMES[0]: 2} | dict.fromkeys(NAMES[1:], 1) | {OTHER_REASONS: 3}


def test_merging_keeps_the_most_frequent_reasons():
    summary = summary_of_reasons(**dict.fromkeys(NAMES[2:], 3), a=1, b=2)
    summary.merge(summary_of_reasons(e=5, f=6, g=1))
    assert summary.reasons == {"f": 6, "e": 5} | dict.fromkeys(NAMES[2:], 3) | {OTHER_REASONS: 4}


def test_equally_frequent_reasons_are_kept_by_name():
    one, other = (
        summary_of_reasons(**dict.fromkeys(NAMES[1::2], 1), x=1),
        summary_of_reasons(**dict.fromkeys(NAMES[::2], 1)),
    )
    one.merge(other)
    assert one.reasons == dict.fromkeys(NAMES, 1) | {OTHER_REASONS: 1}


def test_a_reason_named_like_the_rest_is_counted_with_it():
    summary = summary_of_reasons(**dict.fromkeys(NAMES, 1), f=1)
    summary.record_failure(1.0, OTHER_REASONS)
    assert summary.reasons[OTHER_REASONS] == 2
