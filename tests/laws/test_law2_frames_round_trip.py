"""Law 2: decode(encode(frame)) is the frame; whatever else comes is refused for one of the stated reasons."""

from __future__ import annotations

import copy
import math
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from itertools import pairwise

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from locust_cw_dist.core.summaries.failure_reasons import MAX_REASON_CHARS
from locust_cw_dist.core.summaries.grid import CEILING_MS, EDGES
from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.request_result import MAX_NAME_CHARS, UNTIMED_REASONS
from locust_cw_dist.core.summaries.run_counters import MAX_ENDPOINTS_PER_WORKER, MAX_WINDOWS, OTHER, RunCounters
from locust_cw_dist.core.summaries.sections import Section
from locust_cw_dist.core.summaries.summary import MAX_REASONS, OTHER_REASONS, Summary
from locust_cw_dist.core.wire import frame as frame_module
from locust_cw_dist.core.wire.frame import (
    INCONSISTENT,
    MAGIC,
    MALFORMED,
    MAX_FRAME_BYTES,
    MAX_INFLATED_BYTES,
    NOT_A_FRAME,
    OTHER_VERSION,
    REFUSALS,
    TOO_LARGE,
    WIRE_VERSION,
    FrameError,
    decode,
    encode,
)
from locust_cw_dist.core.wire.frame_rows import COLUMNS, ROW_BYTES
from locust_cw_dist.core.worker.buffer import WorkerBuffer
from locust_cw_dist.core.worker.outbox import Cutter, Outbox
from support.strategies import (
    NOW_S,
    a_result,
    an_untimed_result,
    any_char,
    counts_of,
    frames,
    histogram_of_bins,
    hostile_values,
    moment,
    results,
    results_of,
    results_of_few_endpoints,
)

HEADER = MAGIC + bytes([WIRE_VERSION])

SECTIONS, COUNTERS, NAMES = 13, 10, 11
NUMBER, FIRST, WIDTH, PLANES, COUNT, SUM, MIN, MAX, BYTES_COUNT, BYTES_SUM, BYTES_MIN, BYTES_MAX, REST = range(2, 15)


def wrap(body, planes=None):
    """Return a frame of this head, and of the planes of `a_frame` unless others are given.

    Raises:
        ValueError: The columns of a section have values that can't be written.
    """
    if type(body) is list and len(body) == 14 and type(body[SECTIONS]) is list:
        body = [*body[:SECTIONS], [pack_columns(section) for section in body[SECTIONS]]]
    return join(msgpack.packb(body, unicode_errors="surrogatepass"), A_FRAMES_PLANES if planes is None else planes)


def pack_columns(section):
    """Return a section of `unwrap` as it is written: the columns as one `bytes`."""
    if type(section) is not list or len(section) != 3 + len(COLUMNS):
        return section
    run_id, start_s, *columns, rest = section
    written = b""
    for column, code in zip(columns, COLUMNS.values(), strict=True):
        if type(column) is not list or not {*map(type, column)} <= {float if code == "d" else int}:
            raise ValueError("not to be written")
        try:
            written += struct.pack(f"<{len(column)}{code}", *column)
        except struct.error as e:
            raise ValueError(e) from e
    return [run_id, start_s, written, rest]


def unpack_columns(section):
    run_id, start_s, written, rest = section
    rows = len(written) // ROW_BYTES
    values = struct.unpack("<" + "".join(f"{rows}{code}" for code in COLUMNS.values()), written)
    columns = [list(values[at : at + rows]) for at in range(0, len(values), rows)]
    return [run_id, start_s, *columns, rest]


def join(packed, planes):
    head = zlib.compress(packed)
    return HEADER + len(head).to_bytes(4, "big") + head + zlib.compress(planes)


def parts_of(data):
    """Return head and planes, inflated."""
    head_ends = len(HEADER) + 4 + int.from_bytes(data[len(HEADER) : len(HEADER) + 4], "big")
    return zlib.decompress(data[len(HEADER) + 4 : head_ends]), zlib.decompress(data[head_ends:])


def unwrap(data):
    """Return the head of a frame, with its sections by columns."""
    body = msgpack.unpackb(parts_of(data)[0], unicode_errors="surrogatepass")
    return [*body[:SECTIONS], [unpack_columns(section) for section in body[SECTIONS]]]


def refusal_of(data):
    """Return the reason why `data` is refused; None if it is a frame, and then one that can be worked with."""
    try:
        frame = decode(data)
    except FrameError as e:
        reason = e.reason
    else:
        assert_sound(frame)
        return None
    assert reason in REFUSALS
    return reason


def assert_sound(frame):
    """Assert what the master relies on, whoever sent the frame."""
    for section in frame.sections:
        assert section.summaries
        for (name, method), summary in section.summaries.items():
            assert 0 < len(name) <= MAX_NAME_CHARS
            assert 0 < len(method) <= MAX_NAME_CHARS
            assert sum(summary.reasons.values()) == summary.failure_count
            assert summary.bytes_count <= summary.successes.count + summary.untimed_successes
            for histogram in (summary.successes, summary.failures or Histogram()):
                assert_sound_histogram(histogram)
        assert frame.counters[section.run_id].recorded >= section.results
    assert 0 <= frame.acked < frame.seq
    assert math.isfinite(frame.cut_at_s)


def assert_sound_histogram(histogram):
    if histogram.bins:
        assert all(0 <= index < len(EDGES) and count >= 1 for index, count in histogram.bins.items())
        assert 0 <= histogram.min_ms <= histogram.max_ms <= CEILING_MS
        mean_ms = histogram.sum_ms / histogram.count
        assert histogram.min_ms * 0.99999 <= mean_ms <= histogram.max_ms * 1.00001
        assert sum(histogram.spread().values()) == histogram.count


def a_frame():
    """A frame with two runs, two windows, successes, failures, lengths, and results without a time."""
    buffer = WorkerBuffer()
    buffer.begin_run("run 1")
    buffer.record(a_result(ms=10.0), NOW_S)
    buffer.record(a_result(ms=20.0, failure="HTTP 500"), NOW_S)
    buffer.record(an_untimed_result(failure="OSError"), NOW_S)
    buffer.begin_run("run 2")
    buffer.record(an_untimed_result("/c"), NOW_S + 1)
    buffer.record(a_result("/b", ms=0.0), NOW_S + 1)
    for ms in (10.0, 1_000.0, 1_000.0):
        buffer.record(a_result(ms=ms), NOW_S + 1)
    return Cutter(buffer, worker_id="worker", epoch="epoch").cut(moment(NOW_S + 2), final=False)


A_FRAMES_PLANES = parts_of(encode(a_frame()))[1]


@given(frames())
def test_a_frame_comes_back_as_it_was(frame):
    assert decode(encode(frame)) == frame


# What hostile hands do.


def test_every_torn_frame_is_refused():
    data = encode(a_frame())
    assert {refusal_of(data[:length]) for length in range(len(data))} == {NOT_A_FRAME, MALFORMED}
    assert refusal_of(data + b"\0") == MALFORMED


def test_a_frame_with_any_bit_flipped_is_refused():
    data = encode(a_frame())
    for position in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[position // 8] ^= 1 << position % 8
        # zlib's checksum finds it, whatever it was, but for a few bits that mean nothing.
        refusal = refusal_of(bytes(flipped))
        assert refusal in {NOT_A_FRAME, OTHER_VERSION, MALFORMED} or decode(bytes(flipped)) == a_frame()


@given(st.data())
def test_flipped_bits_under_a_right_checksum_are_refused_or_harmless(data):
    parts = [bytearray(part) for part in parts_of(encode(a_frame()))]
    for _ in range(data.draw(st.integers(1, 3))):
        part = data.draw(st.sampled_from(parts))
        part[data.draw(st.integers(0, len(part) - 1))] = data.draw(st.integers(0, 255))
    refusal_of(join(*parts))


@pytest.mark.parametrize(
    "data", [None, 1, 1.0, "LCW\x01", [], {}, bytearray(encode(a_frame())), b"", b"LCW", b"lcw\x01", b"\x00" * 100]
)
def test_what_is_no_frame_is_refused(data):
    assert refusal_of(data) == NOT_A_FRAME


def test_another_version_is_told_by_its_number():
    with pytest.raises(FrameError) as refused:
        decode(MAGIC + bytes([WIRE_VERSION + 1]) + b"whatever comes then")
    assert (refused.value.reason, refused.value.version) == (OTHER_VERSION, WIRE_VERSION + 1)


@given(st.binary(max_size=200))
def test_any_bytes_under_our_header_are_refused(data):
    assert refusal_of(HEADER + data) == MALFORMED
    assert refusal_of(join(data, b"")) == MALFORMED
    assert refusal_of(HEADER + zlib.compress(data)) == MALFORMED


@given(st.recursive(hostile_values, lambda inner: st.lists(inner, max_size=13) | st.dictionaries(st.text(), inner)))
def test_any_other_message_under_our_header_is_refused(body):
    assert refusal_of(wrap(body)) in {MALFORMED, TOO_LARGE}


def places_of(body, path=()):
    """Yield the path to each value in nested lists and maps."""
    if path:
        yield path
    inner = enumerate(body) if isinstance(body, list) else body.items() if isinstance(body, dict) else ()
    for step, value in inner:
        yield from places_of(value, (*path, step))


A_BODY = unwrap(encode(a_frame()))
PLACES = list(places_of(A_BODY))


def edited(path, edit):
    """Return `A_BODY` where `edit(container, step)` has changed what is at the end of `path`."""
    body = copy.deepcopy(A_BODY)
    container = body
    for step in path[:-1]:
        container = container[step]
    edit(container, path[-1])
    return body


@given(st.sampled_from(PLACES), hostile_values)
def test_any_value_in_place_of_another_is_refused_or_harmless(path, value):
    body = edited(path, lambda container, step: container.__setitem__(step, value))
    try:
        data = wrap(body)
    except (TypeError, ValueError):
        return
    refusal_of(data)


@pytest.mark.parametrize("path", PLACES, ids=str)
def test_a_value_that_is_missing_is_refused_or_harmless(path):
    try:
        data = wrap(edited(path, lambda container, step: container.__delitem__(step)))
    except ValueError:
        pytest.skip("nothing is left to be written")
    refusal = refusal_of(data)
    # A whole section, a summary or a run's counters may be left out; a field may not.
    assert refusal is not None or len(path) in {2, 4}


@pytest.mark.parametrize("value", [True, False, -1, -0.5, math.nan, math.inf, -math.inf, "1", 2**64 - 1, [], {}, b"1"])
def test_no_number_takes_such_a_value(value):
    numbers = [path for path in PLACES if type(value_at(path)) in (int, float)]
    assert len(numbers) > 40
    for path in numbers:
        if path == (6,) and value in (-1, -0.5):
            continue  # the clock's offset has either sign
        body = edited(path, lambda container, step: container.__setitem__(step, value))
        try:
            data = wrap(body)
        except ValueError:
            continue  # a column has no way to write it
        assert refusal_of(data) in {MALFORMED, INCONSISTENT}, path


def value_at(path):
    value = A_BODY
    for step in path:
        value = value[step]
    return value


def set_to(value):
    return lambda container, step: container.__setitem__(step, value)


ONE = (SECTIONS, 0)  # one endpoint: one success of 10 ms, one failure of 20 ms, one without a time
TWO = (SECTIONS, 1)  # three endpoints: 10 ms once and 1,000 ms twice; 0 ms; one success without a time
FAILURE = (*ONE, REST, 0)
UNTIMED = (*TWO, REST, 0)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ((*ONE, SUM, 0), 10.2, INCONSISTENT),  # a sum that one value of 10 ms can't have
        ((*ONE, SUM, 0), 0.0, INCONSISTENT),
        ((*ONE, MIN, 0), 9.99, INCONSISTENT),  # a minimum in the bin, where one value is also the maximum
        ((*ONE, MIN, 0), 9.0, INCONSISTENT),  # a minimum below its bin
        ((*ONE, MAX, 0), 11.0, INCONSISTENT),
        ((*TWO, SUM, 0), 1_019.0, INCONSISTENT),  # as if two were 10 ms
        ((*TWO, SUM, 0), 2_030.0, INCONSISTENT),
        ((*TWO, COUNT, 0), 4, INCONSISTENT),  # more than its planes hold
        ((*TWO, COUNT, 0), 2**53 + 1, MALFORMED),
        ((*FAILURE, 2), {"HTTP 500": 3}, INCONSISTENT),
        ((*FAILURE, 2), {}, INCONSISTENT),
        ((*FAILURE, 2), None, MALFORMED),
        ((*ONE, BYTES_COUNT, 0), 2, INCONSISTENT),  # more lengths than successes
        ((*ONE, BYTES_SUM, 0), 99, INCONSISTENT),
        ((*ONE, BYTES_MAX, 0), 99, INCONSISTENT),
        ((*ONE, BYTES_COUNT, 0), 0, INCONSISTENT),  # lengths of none
        ((*ONE, REST), [], MALFORMED),  # the next one gets their planes
        ((*TWO, REST, 0, 1), [0, 1, 1, 1, 0.0, 0.0, 0.0], MALFORMED),  # failures without planes
        ((*FAILURE, 4), 0, INCONSISTENT),  # a reason for no failure
        ((*FAILURE, 4), 2**53 + 1, MALFORMED),
        ((*UNTIMED, 2), {"Error": 1}, INCONSISTENT),  # a reason, and no failure
        ((*UNTIMED, 3), 0, MALFORMED),  # an endpoint without results
        ((*UNTIMED, 0), 0, MALFORMED),  # and so the one that this belonged to
        ((*FAILURE, 1, 2), 2**40, MALFORMED),  # planes without end
        ((*FAILURE, 1, 1), 2**40, MALFORMED),
        ((*FAILURE, 0), 1, MALFORMED),  # failures of a summary that is not there
        ((COUNTERS, 0, 1), 2, INCONSISTENT),  # three results, but two recorded
        ((COUNTERS, 0, 2), 1, INCONSISTENT),
        ((COUNTERS, 0, 3), {UNTIMED_REASONS[0]: 4}, INCONSISTENT),
        ((COUNTERS, 0, 3), {"because": 1}, MALFORMED),
        ((COUNTERS, 0, 0), "run 2", MALFORMED),  # a run twice
        ((COUNTERS, 0, 0), "run 3", INCONSISTENT),  # results of a run without counters
        ((*ONE, NUMBER), [], MALFORMED),
        ((*ONE, NUMBER, 0), 3, MALFORMED),  # an endpoint that is not listed
        ((*TWO, NUMBER, 1), 0, MALFORMED),  # an endpoint twice in a window
        ((NAMES, 1), "/a", MALFORMED),  # the same under another number
        ((NAMES, 0), "", MALFORMED),
        ((NAMES, 0), "x" * (MAX_NAME_CHARS + 1), MALFORMED),
        ((*FAILURE, 2), {"x" * (MAX_REASON_CHARS + 1): 1}, MALFORMED),
        ((*ONE, COUNT, 0), 0, MALFORMED),  # none, and yet a sum
        ((*ONE, FIRST, 0), len(EDGES), MALFORMED),
        ((*ONE, WIDTH, 0), 0, MALFORMED),
        ((*TWO, WIDTH, 0), 2, MALFORMED),
        ((*TWO, WIDTH, 1), 2**16 - 1, MALFORMED),
        ((*ONE, PLANES, 0), 0, MALFORMED),
        ((*TWO, PLANES, 0), 255, MALFORMED),
        ((*TWO, PLANES), [1, 2, 0], MALFORMED),  # those with most planes come first
        ((*TWO, COUNT), [1], MALFORMED),
        ((6,), None, MALFORMED),  # results by a clock that nobody has put right
        ((3,), 1, MALFORMED),  # its own number is acknowledged
        ((2,), 0, MALFORMED),
        ((0,), "", MALFORMED),
        ((1,), "e" * 321, MALFORMED),
        ((0,), "\ud800", MALFORMED),  # an address that Locust could not answer to
        ((1,), "\ud800", MALFORMED),
        ((4,), "\ud800", MALFORMED),
        ((COUNTERS, 0, 0), "\ud800", MALFORMED),
        ((SECTIONS, 0, 0), "\ud800", MALFORMED),
    ],
)
def test_a_forged_frame_is_refused(path, value, reason):
    assert refusal_of(wrap(A_BODY)) is None
    assert refusal_of(wrap(edited(path, set_to(value)))) == reason


def test_a_window_twice_is_refused():
    assert refusal_of(wrap(edited((SECTIONS,), lambda body, step: body[step].append(body[step][0])))) == MALFORMED


def test_a_key_twice_in_a_map_counts_once():
    packed, planes = parts_of(encode(a_frame()))
    twice = packed.replace(b"\x82\xa8HTTP 500\x01", b"\x83\xa8HTTP 500\x05\xa8HTTP 500\x01")
    assert b"500\x05\xa8" in twice
    assert decode(join(twice, planes)) == a_frame()


def test_too_many_of_anything_are_refused():
    sections = [["run 1", start_s, *A_BODY[SECTIONS][0][2:]] for start_s in range(MAX_WINDOWS + 65)]
    assert refusal_of(wrap(edited((SECTIONS,), set_to(sections)))) == MALFORMED
    names = [str(number) for number in range(MAX_ENDPOINTS_PER_WORKER + 2)]
    assert refusal_of(wrap(edited((NAMES,), set_to(names)))) == MALFORMED
    runs = [[f"run {number}", 10, 0, {}] for number in range(65)]
    assert refusal_of(wrap(edited((COUNTERS,), set_to(runs)))) == MALFORMED


def test_size_is_bounded_before_anything_is_unpacked():
    assert refusal_of(HEADER + bytes(MAX_FRAME_BYTES)) == TOO_LARGE
    # Sixteen thousand times as large inflated as on the wire.
    bomb = zlib.compress(bytes(MAX_INFLATED_BYTES + 1), 9)
    assert refusal_of(HEADER + len(bomb).to_bytes(4, "big") + bomb) == TOO_LARGE
    assert refusal_of(wrap(A_BODY, bytes(MAX_INFLATED_BYTES))) == TOO_LARGE


ARRAY = b"\xdc\x03\xe8"  # of 1,000 values


@pytest.mark.parametrize(
    "packed",
    [
        ARRAY * 10_000,
        b"\x91" * 100_000,
        b"\x81\xa1a" * 100_000,
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x00",
        b"\xd6\xff\x00\x00\x00\x00",
        b"\xc1",
        b"\xa3\xff\xff\xff",
        b"\x81\x90\x01",
    ],
    ids=lambda packed: packed[:8].hex(),
)
def test_nesting_and_claimed_lengths_are_bounded(packed):
    assert refusal_of(join(packed, b"")) == MALFORMED


MEASURE = """
import resource, sys, time, zlib
from locust_cw_dist.core.wire.frame import MAGIC, MAX_INFLATED_BYTES, WIRE_VERSION, FrameError, decode
array, unit = bytes.fromhex("dc03e8"), bytes.fromhex(sys.argv[1])  # an array of 1,000 values
inner = array + unit * 1000
middle = array + inner * 1000
packed = bytes.fromhex("9f") + middle * 15
packed = packed[:MAX_INFLATED_BYTES]
head = zlib.compress(packed, 9)
data = MAGIC + bytes([WIRE_VERSION]) + len(head).to_bytes(4, "big") + head + zlib.compress(b"")
assert len(data) < 50_000
before_kb, start_s = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    decode(data)
except FrameError as e:
    reason = e.reason
after_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(reason, (after_kb - before_kb) // 1024, time.process_time() - start_s, sep=";")
"""


@pytest.mark.parametrize(
    ("unit", "reason"), [("90", TOO_LARGE), ("80", TOO_LARGE), ("a26162", MALFORMED), ("a2d090", MALFORMED)]
)
def test_a_bomb_of_a_few_kilobytes_takes_bounded_memory_and_time(unit, reason):
    run = subprocess.run([sys.executable, "-c", MEASURE, unit], capture_output=True, text=True, check=True, timeout=60)
    refused_for, megabytes, cpu_s = run.stdout.strip().split(";")
    assert refused_for == reason
    assert int(megabytes) < 160
    assert float(cpu_s) < 5


# Honest frames are never refused: the worker would send them for ever, and everything after them would be lost.


def assert_arrives(frame):
    assert decode(encode(frame)) == frame


def one_section(summary, *, key=("/a", "GET")):
    """A frame of one summary."""
    buffer = WorkerBuffer()
    buffer.begin_run("run")
    empty = Cutter(buffer, worker_id="worker", epoch="epoch").cut(moment(), final=False)
    section = Section.of("run", int(NOW_S), {key: summary})
    return replace(empty, counters={"run": RunCounters(summary.count)}, sections=(section,))


steps = st.one_of(
    st.tuples(st.just("record"), results, st.floats(0, 50)),
    st.tuples(st.just("record"), results_of_few_endpoints, st.floats(0, 50)),
    st.tuples(st.just("run"), st.sampled_from(["", "run 1", "run 2"])),
    st.tuples(st.just("named"), st.just("run 3")),
    st.tuples(st.just("shift"), st.floats(-1e6, 1e6)),
    st.tuples(st.just("resolution"), st.sampled_from((1, 10))),
    st.tuples(st.just("report")),
    st.tuples(st.just("acknowledged")),
    st.tuples(st.just("end")),
)


def play(steps, limit_bytes):
    """Let a worker do all that; return the frames that it made, decoded, and what was recorded in known runs."""
    buffer = WorkerBuffer(max_endpoints=5)
    outbox = Outbox(buffer, worker_id="worker", epoch="epoch")
    sent = []
    actions = {
        "record": lambda result, later_s: buffer.record(result, NOW_S + later_s),
        "run": buffer.begin_run,
        "named": buffer.name_unknown_run,
        "shift": buffer.stored.shift,
        "resolution": buffer.use_resolution,
        "report": lambda: sent.append(outbox.on_report(moment(NOW_S + 60))),
        "acknowledged": lambda: sent and outbox.on_acknowledgement(decode(sent[-1]).seq if sent[-1] else 0),
        "end": lambda: sent.append(outbox.final_frame(moment(NOW_S + 60))),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame_module, "MAX_INFLATED_BYTES", limit_bytes)
        for name, *args in steps:
            actions[name](*args)
        buffer.name_unknown_run("run 3")
        folded = sum(counters.recorded for counters in buffer.counters.values())
        for _ in range(200):
            data = outbox.final_frame(moment(NOW_S + 60))
            if not data:
                break
            sent.append(data)
            outbox.on_acknowledgement(decode(data).seq)
        return [decode(data) for data in dict.fromkeys(sent) if data], folded


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=60))
def test_every_frame_that_a_worker_makes_is_taken(steps):
    frames, _ = play(steps, MAX_INFLATED_BYTES)
    # Mostly the last one; after a word at the end that was acknowledged, a report may follow that tells nothing more.
    assert any(frame.final for frame in frames)
    for frame in frames:
        assert_arrives(frame)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.just("record"), results_of_few_endpoints, st.integers(0, 5)), max_size=40))
def test_what_does_not_fit_into_one_frame_goes_into_several(steps):
    steps = [("run", "run 1"), *steps]
    whole, _ = play(steps, MAX_INFLATED_BYTES)
    parts, folded = play(steps, 8_000)
    sections = [[section for frame in frames for section in frame.sections] for frames in (parts, whole)]
    assert counts_of(sections[0]) == counts_of(sections[1])
    assert counts_of(sections[0]).total() == folded
    assert [frame.final for frame in parts] == [False] * (len(parts) - 1) + [True]
    for frame, later in pairwise(parts):
        # What stays behind is told of, and its windows stay open.
        rest = [section for frame in parts[frame.seq :] for section in frame.sections]
        assert frame.counters["run 1"].held == sum(section.results for section in rest)
        assert frame.cut_at_s <= min(section.start_s for section in rest) <= later.cut_at_s


@pytest.mark.parametrize(
    "ms",
    [0.0, -0.0, 5e-324, 1e-6, 0.001, 0.1, 1 / 3, EDGES[900], math.nextafter(EDGES[900], 0), 86_399_999.9, CEILING_MS],
)
def test_a_million_results_of_one_value_are_taken(ms):
    summary = Summary()
    summary.record_success(ms, None)
    sum_ms = 0.0
    for _ in range(1_000_000):
        sum_ms += ms
    histogram = summary.successes
    summary.successes = histogram_of_bins(
        dict.fromkeys(histogram.bins, 1_000_000), sum_ms, histogram.min_ms, histogram.max_ms
    )
    assert_arrives(one_section(summary))


def test_ten_million_additions_stay_within_the_tolerance():
    sum_ms, ms = 0.0, 0.1
    for _ in range(10_000_000):
        sum_ms += ms
    histogram = Histogram()
    histogram.record(ms)
    restored = histogram_of_bins({next(iter(histogram.bins)): 10_000_000}, sum_ms, ms, ms)
    assert_arrives(one_section(Summary(successes=restored)))


def test_the_longest_names_and_reasons_are_taken():
    name = "\U0001f40c" * MAX_NAME_CHARS
    summary = Summary()
    for number in range(MAX_REASONS + 2):
        summary.record_failure(1.0, chr(0x1F400 + number) * MAX_REASON_CHARS)
    assert len(summary.reasons) == MAX_REASONS + 1
    assert OTHER_REASONS in summary.reasons
    assert_arrives(one_section(summary, key=(name, name)))


@given(st.text(any_char, min_size=MAX_NAME_CHARS, max_size=MAX_NAME_CHARS))
def test_any_name_of_full_length_is_taken(name):
    summary = Summary()
    summary.record_success(1.0, 2**40)
    assert_arrives(one_section(summary, key=(name, name[::-1])))


def test_a_worker_with_everything_at_its_cap_is_understood():
    buffer = WorkerBuffer()
    for run in range(2):
        buffer.begin_run(f"run {run}")
        for reason in UNTIMED_REASONS:
            buffer.record(an_untimed_result(reason=reason), NOW_S)
        for second in range(MAX_WINDOWS):
            for number in range(40):
                buffer.record(a_result(f"/{run}/{second}/{number}", failure=f"Error{number}"), NOW_S + second)
    frame = Cutter(buffer, worker_id="w" * 320, epoch="e" * 320).cut(moment(NOW_S + 99), final=True)
    assert len(frame.sections) == MAX_WINDOWS
    assert len({key for section in frame.sections for key in section.summaries}) == MAX_ENDPOINTS_PER_WORKER + 1
    assert frame.sections[-1].summaries[OTHER].failure_count == 40
    assert results_of(frame) == 2 * (MAX_WINDOWS * 40 + len(UNTIMED_REASONS))
    assert_arrives(frame)


def test_a_worker_between_two_runs_is_understood():
    buffer = WorkerBuffer()
    buffer.begin_run("run 1")
    buffer.record(a_result(), NOW_S)
    # Its second test has started, and the master's word of which run that is has not come.
    buffer.begin_run("")
    buffer.record(a_result(), NOW_S + 1)
    frame = Cutter(buffer, worker_id="worker", epoch="epoch").cut(moment(NOW_S + 2), final=False)
    assert (frame.run_id, results_of(frame), frame.cut_at_s) == ("", 1, NOW_S + 1)
    assert_arrives(frame)


def test_a_clock_that_starts_in_1970_is_understood():
    buffer = WorkerBuffer()
    buffer.begin_run("run")
    frame = Cutter(buffer, worker_id="w", epoch="e").cut(moment(offset_s=NOW_S - 60), final=False)
    assert_arrives(frame)
