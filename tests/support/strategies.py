"""What hypothesis makes for the tests of the pure core: results, summaries, frames, and the values of hostile hands."""

from __future__ import annotations

import copy
import math
from collections import Counter

from hypothesis import strategies as st

from locust_cw_dist.core.summaries.failure_reasons import MAX_REASON_CHARS
from locust_cw_dist.core.summaries.grid import CEILING_MS, EDGES
from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.request_result import (
    MAX_NAME_CHARS,
    MAX_RESPONSE_BYTES,
    MISSING,
    UNTIMED_REASONS,
    RequestResult,
)
from locust_cw_dist.core.summaries.run_counters import RunCounters
from locust_cw_dist.core.summaries.sections import Section
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.wire.frame import FAR_FUTURE_S, LOST_REASONS, MAX_ID_CHARS, Frame, Vitals
from locust_cw_dist.core.worker.outbox import Moment

NOW_S = 1_800_000_000.0

any_char = st.characters(exclude_categories=())
"""Lone surrogates included, which st.text() leaves out."""


def any_text(limit):
    """Text of 1 to `limit` characters, at the limit too."""
    return st.one_of(
        st.text(any_char, min_size=1, max_size=12),
        st.builds(str.__mul__, any_char, st.integers(limit - 2, limit)),
    )


ids = st.one_of(st.text(min_size=1, max_size=12), st.sampled_from(("i" * MAX_ID_CHARS, "\U0001f40c" * MAX_ID_CHARS)))
"""Ids can be sent, so they have no lone surrogates."""

on_an_edge = st.sampled_from(EDGES)
times_ms = st.one_of(
    st.floats(0, CEILING_MS),
    on_an_edge,
    on_an_edge.map(lambda edge: math.nextafter(edge, 0)),
    on_an_edge.map(lambda edge: min(math.nextafter(edge, math.inf), CEILING_MS)),
    st.sampled_from((0.0, 5e-324, 1e-300, 0.1, CEILING_MS)),
)
lengths_bytes = st.one_of(st.none(), st.integers(0, 10_000), st.sampled_from((0, MAX_RESPONSE_BYTES)))
names = any_text(MAX_NAME_CHARS)
failures = st.one_of(st.none(), st.sampled_from(["HTTP 500", "Timeout", "(other)"]), any_text(MAX_REASON_CHARS))
timed = times_ms.map(lambda ms: (ms, None))
untimed = st.sampled_from(UNTIMED_REASONS).map(lambda reason: (None, reason))
times = st.one_of(timed, timed, timed, untimed)
"""The time in ms, and why there is none."""


def a_result_of(key, time, length_bytes, failure):
    return RequestResult(*key, time[0], length_bytes, failure, time[1])


results = st.builds(a_result_of, st.tuples(names, names), times, lengths_bytes, failures)
few_endpoints = st.sampled_from([("/a", "GET"), ("/a", "POST"), ("/b", "GET"), ("(other)", "ALL")])
results_of_few_endpoints = st.builds(a_result_of, few_endpoints, times, lengths_bytes, failures)


def histogram_of_bins(bins, sum_ms, min_ms, max_ms):
    """Return the histogram that has these numbers of values by index into the grid."""
    if not bins:
        return Histogram()
    numbers = [bins.get(index, 0) for index in range(min(bins), max(bins) + 1)]
    return Histogram.of_numbers(min(bins), numbers, sum_ms, min_ms, max_ms)


def record(summary, result):
    if result.failure is None:
        summary.record_success(result.response_time_ms, result.response_bytes)
    else:
        summary.record_failure(result.response_time_ms, result.failure)


@st.composite
def summaries(draw):
    """A Summary of a few results, or of each of them up to 65,536 times."""
    summary = Summary()
    for result in draw(st.lists(results_of_few_endpoints, min_size=1, max_size=12)):
        record(summary, result)
    for _ in range(draw(st.sampled_from((0, 0, 1, 16)))):
        summary.merge(copy.deepcopy(summary))
    return summary


@st.composite
def frames(draw):
    """Any frame that a worker could cut."""
    run_ids = draw(st.lists(ids, min_size=1, max_size=3, unique=True))
    windows = st.tuples(st.sampled_from(run_ids), st.integers(0, int(FAR_FUTURE_S)))
    sections = tuple(
        Section.of(run_id, start_s, draw(st.dictionaries(st.tuples(names, names), summaries(), min_size=1, max_size=3)))
        for run_id, start_s in draw(st.lists(windows, max_size=4, unique=True))
    )
    counters = {}
    for run_id in run_ids:
        untimed = Counter(draw(st.dictionaries(st.sampled_from(UNTIMED_REASONS), st.integers(1, 2**50))))
        here = sum(section.results for section in sections if section.run_id == run_id)
        held, earlier = draw(st.integers(0, 9)), draw(st.integers(0, 2**40))
        lost = Counter(draw(st.dictionaries(st.sampled_from(LOST_REASONS), st.integers(1, 2**40))))
        recorded = max(here + held + earlier + lost.total(), untimed.total())
        counters[run_id] = RunCounters(recorded, untimed, held, lost)
    seq = draw(st.integers(1, 2**53))
    offset_s = st.floats(-FAR_FUTURE_S, FAR_FUTURE_S)
    return Frame(
        worker_id=draw(ids),
        epoch=draw(ids),
        seq=seq,
        acked=draw(st.integers(0, seq - 1)),
        run_id=draw(st.sampled_from(["", *run_ids])),
        cut_at_s=draw(st.floats(0, FAR_FUTURE_S)),
        clock_offset_s=draw(offset_s if sections else st.one_of(st.none(), offset_s)),
        final=draw(st.booleans()),
        idle=draw(st.booleans()),
        vitals=Vitals(draw(st.integers(0, 2**53)), draw(st.floats(0, 1e6)), draw(st.integers(0, 2**53))),
        counters=counters,
        sections=sections,
    )


def results_of(frame):
    """Return the number of results in all sections of a frame."""
    return sum(section.results for section in frame.sections)


hostile_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from((-1, 0, 1, 2**31, 2**53, 2**53 + 1, 2**63, 2**64 - 1)),
    st.floats(),
    st.text(any_char, max_size=5),
    st.binary(max_size=5),
    st.sampled_from(([], {}, [[]], [[], [], [], [], []], {"": 1}, {"a": -1}, {"a": True}, "x" * 5_000)),
)
"""Anything that msgpack carries."""


def moment(now_s=NOW_S, *, offset_s=0.0, over=False, users=0):
    return Moment(now_s, offset_s, over, Vitals(users=users))


def a_result(name="/a", *, method="GET", ms=12.5, length_bytes=100, failure=None):
    return RequestResult(name, method, ms, length_bytes, failure)


def an_untimed_result(name="/a", *, method="GET", failure=None, reason=MISSING):
    return RequestResult(name, method, None, None, failure, reason)


def counts_of(windows):
    """Results by run, window start and endpoint, of anything that has run_id, start_s and summaries."""
    counts = Counter()
    for window in windows:
        for key, summary in window.summaries.items():
            counts[window.run_id, window.start_s, key] += summary.count
    return counts
