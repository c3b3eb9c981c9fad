"""The frame's form on the wire; what it withstands is law 2."""

from __future__ import annotations

import struct
import zlib
from collections import Counter

import msgpack
import pytest

from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.core.summaries.request_result import MISSING
from locust_cw_dist.core.summaries.run_counters import RunCounters
from locust_cw_dist.core.summaries.sections import Section
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.wire import frame as frame_module
from locust_cw_dist.core.wire.frame import (
    REFUSALS,
    TIME_OUT_OF_RANGE,
    TOO_LARGE,
    Frame,
    FrameError,
    Vitals,
    decode,
    encode,
)
from support.records.wire import sample_frame
from support.strategies import NOW_S, a_result, results_of


def a_frame(*sections, counters=None):
    vitals = Vitals(3, 12.5, 2**30)
    counters = {"run": RunCounters(10**6)} if counters is None else counters
    return Frame("worker", "epoch", 7, 6, "run", NOW_S, -0.25, True, False, vitals, counters, sections)


def a_section(start_s=0, *names):
    summaries = {}
    for name in names or ("/a",):
        summary = summaries[name, "GET"] = Summary()
        summary.record_success(a_result().response_time_ms, 100)
    return Section.of("run", start_s, summaries)


def test_the_wire_form_is_what_it_was():
    summary = Summary()
    for ms in (0.0, EDGES[5], EDGES[5], EDGES[8]):
        summary.record_success(ms, 100)
    summary.record_failure(1.0, "HTTP 500")
    summary.record_failure(None, "OSError")
    for _ in range(2):
        summary.record_success(None, None)
    counters = {"run": RunCounters(11, Counter({MISSING: 3}), 1, Counter({TIME_OUT_OF_RANGE: 2}))}
    data = encode(a_frame(Section.of("run", 60, {("/a", "GET"): summary}), counters=counters))
    assert data[:4] == b"LCW\x04"
    head_ends = 8 + int.from_bytes(data[4:8], "big")
    body = msgpack.unpackb(zlib.decompress(data[8:head_ends]))
    assert body[:10] == ["worker", "epoch", 7, 6, "run", NOW_S, -0.25, True, False, [3, 12.5, 2**30]]
    assert body[10:13] == [[["run", 11, 1, {MISSING: 3}, {TIME_OUT_OF_RANGE: 2}]], ["/a"], ["GET"]]
    (section,) = body[13]
    assert section[:2] == ["run", 60]
    # endpoint, first bin, bytes of a plane, planes, count; then sum, minimum and maximum; then lengths
    row = struct.pack("<HHHBQ", 0, 0, 2, 2, 4) + struct.pack("<3d", summary.successes.sum_ms, 0.0, EDGES[8])
    assert section[2] == row + struct.pack("<4Q", 4, 400, 100, 100)
    assert section[3] == [[0, [summary.failures.first, 1, 1, 1, 1.0, 1.0, 1.0], {"HTTP 500": 1, "OSError": 1}, 2, 1]]
    # One in bins 0 and 8, two in bin 5; one failure.
    assert zlib.decompress(data[head_ends:]) == bytes([0b0000_0001, 0b1]) + bytes([0b0010_0000, 0b0]) + bytes([0b1])


def test_an_endpoint_is_written_once_whatever_the_number_of_windows():
    name = "/" + "n" * 500
    sizes = [
        len(zlib.decompressobj().decompress(encode(a_frame(*(a_section(s, name) for s in range(windows))))[8:]))
        for windows in (1, 2)
    ]
    assert sizes[1] - sizes[0] < 100


def test_a_frame_without_results_is_small():
    assert len(encode(a_frame(counters={}))) < 120


@pytest.mark.parametrize("limit", ["MAX_FRAME_BYTES", "MAX_INFLATED_BYTES"])
def test_a_frame_that_the_other_side_would_refuse_is_not_made(monkeypatch, limit):
    frame = a_frame(a_section(0, *map(str, range(200))))
    data = encode(frame)
    head = zlib.decompressobj()
    inflated = len(head.decompress(data[8:])) + len(zlib.decompress(head.unused_data))
    size = len(data) if limit == "MAX_FRAME_BYTES" else inflated
    monkeypatch.setattr(frame_module, limit, size)
    assert decode(encode(frame)) == frame
    monkeypatch.setattr(frame_module, limit, size - 1)
    with pytest.raises(FrameError) as refused:
        encode(frame)
    assert refused.value.reason == TOO_LARGE
    with pytest.raises(FrameError) as refused:
        decode(data)
    assert refused.value.reason == TOO_LARGE


def test_a_frame_and_its_sections_know_how_many_results_they_hold():
    frame = a_frame(a_section(0, "/a", "/b"), a_section(1))
    assert [section.results for section in frame.sections] == [2, 1]
    assert results_of(frame) == 3


def test_a_refusal_says_why_and_for_people_in_which_detail():
    error = FrameError(REFUSALS[0], "far too odd", 9)
    assert (str(error), error.reason, error.version) == ("not a frame: far too odd", REFUSALS[0], 9)
    assert str(FrameError(REFUSALS[0])) == "not a frame"
    assert len(set(REFUSALS)) == len(REFUSALS)


def test_failures_are_counted_alike_on_both_sides_of_the_wire():
    frame = sample_frame()
    failures = [sum(summary.failure_count for summary in one.summaries.values()) for one in frame.sections]
    assert sum(failures) > 0
    assert [one.failure_count for one in frame.sections] == failures
    assert [one.failure_count for one in decode(encode(frame)).sections] == failures
