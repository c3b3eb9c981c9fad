from __future__ import annotations

import math
from array import array
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from fractions import Fraction
from http import HTTPMethod
from types import SimpleNamespace

import gevent
import numpy as np
import pytest
from gevent import get_hub, monkey
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.summaries.failure_reasons import MAX_REASON_CHARS
from locust_cw_dist.core.summaries.grid import CEILING_MS
from locust_cw_dist.core.summaries.histogram import MAX_BATCH
from locust_cw_dist.core.summaries.request_result import (
    MAX_NAME_CHARS,
    MAX_RESPONSE_BYTES,
    MISSING,
    NEGATIVE,
    NOT_A_NUMBER,
    NOT_FINITE,
    NOTHING_READABLE,
    TOO_LONG,
    UNNAMED,
    UNREADABLE,
    UNREADABLE_FAILURE,
    UNTIMED_REASONS,
    RequestResult,
    parse_result,
)
from locust_cw_dist.core.worker.buffer import WorkerBuffer
from locust_cw_dist.core.worker.current_window import MAX_LISTED
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.worker.request_listener import RequestListener
from locust_cw_dist.testing import ManualClock
from support.strategies import NOW_S, any_char

native_thread = monkey.get_original("_thread", "get_ident")


class Number:
    """A number of another library, such as numpy's."""

    def __init__(self, value):
        self.value = value

    def __float__(self):
        return float(self.value)

    def __int__(self):
        return int(self.value)


class Broken:
    """Raises whatever is done with it."""

    def _fail(self, *_):
        raise RuntimeError("do not touch")

    __float__ = __int__ = __str__ = __bool__ = __repr__ = _fail
    status_code = property(_fail)


class Subclass(float):
    pass


def parsed(response_time=1.0, *, name="/a", method="GET", length=None, exception=None, response=None):
    return parse_result(method, name, response_time, length, exception, response)


@pytest.mark.parametrize(
    ("response_time", "ms"),
    [
        (12.5, 12.5),
        (12, 12.0),
        (0, 0.0),
        (0.0, 0.0),
        (-0.0, 0.0),
        (5e-324, 5e-324),
        (CEILING_MS, CEILING_MS),
        (int(CEILING_MS), CEILING_MS),
        (Decimal("12.5"), 12.5),
        (Decimal("-0"), 0.0),
        (Fraction(25, 2), 12.5),
        (Fraction(1, 10**400), 0.0),
        (Number(12.5), 12.5),
        (np.float64(12.5), 12.5),
        (np.float32(12.5), 12.5),
        (np.int64(12), 12.0),
        (np.uint8(12), 12.0),
        (Subclass(12.5), 12.5),
    ],
)
def test_a_number_is_a_response_time(response_time, ms):
    result = parsed(response_time)
    assert result == RequestResult("/a", "GET", ms, None, None)
    assert type(result.response_time_ms) is float
    assert math.copysign(1, result.response_time_ms) == 1


@pytest.mark.parametrize(
    ("response_time", "reason"),
    [
        (None, MISSING),
        ("", NOT_A_NUMBER),
        ("12", NOT_A_NUMBER),
        ("12 ms", NOT_A_NUMBER),
        (b"12", NOT_A_NUMBER),
        (bytearray(b"12"), NOT_A_NUMBER),
        (memoryview(b"12"), NOT_A_NUMBER),
        (True, NOT_A_NUMBER),
        (False, NOT_A_NUMBER),
        (1j, NOT_A_NUMBER),
        ([], NOT_A_NUMBER),
        ({}, NOT_A_NUMBER),
        (object(), NOT_A_NUMBER),
        (timedelta(milliseconds=12), NOT_A_NUMBER),
        (array("d", [12.5]), NOT_A_NUMBER),
        (np.array([12.5]), NOT_A_NUMBER),
        (np.array(12.5), NOT_A_NUMBER),
        (np.bool_(True), NOT_A_NUMBER),
        (np.str_("12"), NOT_A_NUMBER),
        (np.complex128(12), NOT_A_NUMBER),
        (np.timedelta64(12, "ms"), NOT_A_NUMBER),
        (np.datetime64("2026-01-01"), NOT_A_NUMBER),
        (np.float32(-1), NEGATIVE),
        (np.float64("nan"), NOT_FINITE),
        (Broken(), UNREADABLE),
        (Decimal("sNaN"), NOT_A_NUMBER),
        (-1, NEGATIVE),
        (-1e-300, NEGATIVE),
        (-(10**400), NEGATIVE),
        (Decimal(-1), NEGATIVE),
        (Fraction(-(10**400)), NEGATIVE),
        (math.nan, NOT_FINITE),
        (math.inf, NOT_FINITE),
        (-math.inf, NOT_FINITE),
        (Decimal("NaN"), NOT_FINITE),
        (Decimal("1e400"), NOT_FINITE),
        (Number(math.nan), NOT_FINITE),
        (math.nextafter(CEILING_MS, math.inf), TOO_LONG),
        (10**400, TOO_LONG),
        (Fraction(10**400), TOO_LONG),
    ],
)
def test_with_anything_else_a_result_counts_without_a_time_and_says_why(response_time, reason):
    assert parsed(response_time) == RequestResult("/a", "GET", None, None, None, reason)
    failed = parsed(response_time, exception=ConnectionError())
    assert failed == RequestResult("/a", "GET", None, None, "ConnectionError", reason)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("/a", "/a"),
        (None, UNNAMED),
        ("", UNNAMED),
        (" ", " "),
        (0, "0"),
        (b"/a", "b'/a'"),
        (Broken(), UNNAMED),
        (("/a", 1), "('/a', 1)"),
        ("\u00fc\U0001f40c\ud800", "\u00fc\U0001f40c\ud800"),
        ("x" * MAX_NAME_CHARS, "x" * MAX_NAME_CHARS),
    ],
)
def test_names_and_methods_are_text(name, kept):
    assert parsed(name=name).name == kept
    assert parsed(method=name).method == kept


def test_a_name_that_is_too_long_is_cut_so_that_two_stay_two():
    one, other = parsed(name="x" * 5_000).name, parsed(name="x" * 4_999 + "y").name
    assert len(one) == len(other) == MAX_NAME_CHARS
    assert one != other
    assert one.startswith("x" * 1_000)


def test_a_name_of_a_class_of_its_own_is_plain_text_afterwards():
    class Name(str):
        __slots__ = ()

        def __hash__(self):
            raise RuntimeError

        def __str__(self):
            return self

    result = parsed(name=Name("/a"), method=Name("GET"), exception=Name("broken"))
    assert (type(result.name), type(result.method), type(result.failure)) == (str, str, str)
    assert (result.name, result.method, result.failure) == ("/a", "GET", "broken")


class Method(str, Enum):  # noqa: UP042 - its text is not its characters
    GET = "GET"
    Post = "POST"


class Plain(Enum):
    HOME = "/home"


class Hostile(str):
    """Equal to nothing or everything, and another text than its characters."""

    __slots__ = ()

    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash("/a")

    def __str__(self):
        return "/other"

    def __format__(self, spec):
        return "/third"

    def __len__(self):
        raise RuntimeError


class EqualToText:
    def __eq__(self, other):
        return other == "/a"

    def __hash__(self):
        return hash("/a")

    def __str__(self):
        return "/b"


class Unreadable:
    def __str__(self):
        raise RuntimeError


ODD_NAMES = [
    (Method.GET, "GET"),
    (Method.Post, "POST"),
    (HTTPMethod.GET, "GET"),
    (StrEnum("Verb", {"Get": "GET"}).Get, "GET"),
    (Plain.HOME, "Plain.HOME"),
    (Hostile("/a"), "/a"),
    (Hostile("/b"), "/b"),
    (EqualToText(), "/b"),
    (Unreadable(), UNNAMED),
    (10**5_000, UNNAMED),
    (b"/a", "b'/a'"),
    (1, "1"),
    (True, "True"),
    (1.0, "1.0"),
    (("/a", 1), "('/a', 1)"),
    ([], "[]"),
    (" \t", " \t"),
    ("\x00\ud800", "\x00\ud800"),
]


@pytest.mark.parametrize(("name", "kept"), ODD_NAMES, ids=lambda value: type(value).__name__)
def test_a_name_is_the_same_text_whichever_way_a_result_takes(name, kept):
    """The hook takes well-formed results of known endpoints a way of its own, which looks them up by equality."""
    hook = Hook()
    known = ("/a", "/b", "GET", "POST", kept)
    for text in known:
        hook.recorder.on_request(**LOCUSTS | {"name": text, "request_type": text})
    for odd in ({}, {"response_time": 12}, {"exception": OSError()}):
        hook.recorder.on_request(**LOCUSTS | {"name": name, "request_type": name} | odd)
    (section,) = hook.recorder.buffer.take()
    assert {type(part) for key in section.summaries for part in key} == {str}
    recorded = {key: summary.count for key, summary in section.summaries.items()}
    assert recorded == Counter([(text, text) for text in [*known, kept, kept, kept]])


@pytest.mark.parametrize(
    ("length", "kept"),
    [
        (0, 0),
        (np.int32(100), 100),
        (np.array([100]), None),
        (Broken(), None),
        (100, 100),
        (12.7, 12),
        (Decimal(12), 12),
        (Number(12), 12),
        (MAX_RESPONSE_BYTES, MAX_RESPONSE_BYTES),
        (None, None),
        (-1, None),
        (-0.5, 0),
        (MAX_RESPONSE_BYTES + 1, None),
        (10**400, None),
        ("100", None),
        (bytearray(b"100"), None),
        (True, None),
        (math.nan, None),
        (math.inf, None),
        ([], None),
        (object(), None),
    ],
)
def test_a_length_that_makes_no_sense_is_unknown_and_the_result_counts(length, kept):
    assert parsed(length=length) == RequestResult("/a", "GET", 1.0, kept, None)


def test_a_failure_has_a_reason_and_a_success_has_none():
    response = SimpleNamespace(status_code=500)
    assert parsed(exception=None, response=response).failure is None
    assert parsed(exception="", response=response).failure is None
    assert parsed(exception=ValueError("no gold"), response=response).failure == "HTTP 500: no gold"
    result = parse_result("GET", "/a", 1.0, None, ValueError("no gold"), response, with_message=False)
    assert result.failure == "HTTP 500"


anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from((10**400, -(10**400))),
        st.floats(),
        st.complex_numbers(),
        st.decimals(allow_nan=True),
        st.fractions(),
        st.binary(),
        st.text(any_char),
        st.builds(ValueError, st.text()),
        st.datetimes(),
        st.timedeltas(),
    ),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


def assert_well_formed(result):
    assert (result.response_time_ms is None) == (result.untimed in UNTIMED_REASONS)
    assert result.response_time_ms is None or 0.0 <= result.response_time_ms <= CEILING_MS
    assert 1 <= len(result.name) <= MAX_NAME_CHARS
    assert 1 <= len(result.method) <= MAX_NAME_CHARS
    assert result.response_bytes is None or 0 <= result.response_bytes <= MAX_RESPONSE_BYTES
    assert result.failure is None or 1 <= len(result.failure) <= MAX_REASON_CHARS
    assert {type(result.name), type(result.method), type(result.failure)} <= {str, type(None)}


@given(anything, anything, anything, anything, anything, anything)
def test_any_event_is_a_result(request_type, name, response_time, length, exception, response):
    result = parse_result(request_type, name, response_time, length, exception, response)
    assert_well_formed(result)
    assert (result.failure is not None) == bool(exception)
    buffer = WorkerBuffer()
    buffer.begin_run("run")
    buffer.record(result, 0.0)
    (summary,) = buffer.take()[0].summaries.values()
    assert (summary.count, summary.failure_count) == (1, bool(exception))


@pytest.mark.parametrize(
    "event",
    [
        {"response_time": Broken()},
        {"response_length": Broken()},
        {"exception": Broken()},
    ],
    ids="-".join,
)
def test_a_field_that_can_not_be_read_costs_that_field_alone(event):
    recorder = a_recorder()
    recorder.on_request(**{"request_type": "GET", "name": "/a", "response_time": 1.0, "response_length": 1} | event)
    (summary,) = recorder.buffer.take()[0].summaries.values()
    assert recorder.buffer.counters["run"].recorded == summary.count == 1
    assert summary.failure_count == ("exception" in event)
    assert summary.untimed_count == ("response_time" in event)
    assert set(recorder.buffer.counters["run"].untimed) <= {UNREADABLE}


def test_an_event_without_any_field_is_a_request():
    recorder = a_recorder()
    recorder.on_request()
    assert recorder.buffer.take()[0].summaries[UNNAMED, UNNAMED].untimed_successes == 1


class Interrupting:
    """Looked at, it ends in what ends a user: gevent's time-outs and kills are no Exceptions."""

    def __init__(self, interrupt):
        self.interrupt = interrupt

    @property
    def status_code(self):
        raise self.interrupt

    def __bool__(self):
        raise self.interrupt


@pytest.mark.parametrize(
    ("event", "interrupt"),
    [
        ({"exception": OSError(), "response": Interrupting(gevent.Timeout)}, gevent.Timeout),
        ({"exception": Interrupting(gevent.GreenletExit)}, gevent.GreenletExit),
    ],
)
def test_what_ends_a_user_in_the_middle_ends_it_and_the_failure_counts(event, interrupt):
    recorder = a_recorder()
    with pytest.raises(interrupt):
        recorder.on_request(request_type="GET", name="/a", response_time=1.0, **event)
    (summary,) = recorder.buffer.take()[0].summaries.values()
    assert (summary.count, summary.failure_count, summary.reasons) == (1, 1, {UNREADABLE_FAILURE: 1})
    assert NOTHING_READABLE[True].failure == UNREADABLE_FAILURE


def a_recorder():
    recorder = RequestListener(ManualClock(), LogOnce())
    recorder.buffer.begin_run("run")
    return recorder


LOCUSTS = {
    "request_type": "GET",
    "name": "/a",
    "response_time": 12.5,
    "response_length": 100,
    "response": None,
    "context": {},
    "exception": None,
    "start_time": 1.0,
    "url": "http://host/a",
}
"""An event as Locust's own clients fire it."""


class Hook:
    """A recorder whose clock the test moves, and what it must have folded: the same results, recorded one by one."""

    def __init__(self):
        self.clock = ManualClock(NOW_S)
        self.recorder = RequestListener(self.clock, LogOnce())
        self.recorder.buffer.begin_run("run")
        self.plain = WorkerBuffer()
        self.plain.begin_run("run")

    def fire(self, **event):
        event = LOCUSTS | event
        self.recorder.on_request(**event)
        fields = ("request_type", "name", "response_time", "response_length", "exception")
        result = parse_result(*(event[field] for field in fields))
        self.plain.record(result, self.clock.now_s())


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from(["/a", "/b", "", None]),
                "request_type": st.sampled_from(["GET", "POST", "PUT"]),
                "response_time": st.sampled_from([0.0, -0.0, 1.5, 3, True, -1.0, math.nan, math.inf, 1e9, None, "7"]),
                "response_length": st.sampled_from([0, 5, -1, 2**41, None, True, 2.5, "9"]),
                "exception": st.sampled_from([None, "", ValueError()]),
                "later_s": st.sampled_from([0.0, 0.25, 1.0]),
            },
        ),
        max_size=30,
    ),
    st.integers(1, 3),
)
def test_whatever_way_a_result_takes_it_is_folded_the_same(events, times):
    hook = Hook()
    for event in events * times * 10:
        hook.clock.advance(event.get("later_s", 0.0))
        hook.fire(**{name: value for name, value in event.items() if name != "later_s"})
    assert hook.recorder.buffer.counters == hook.plain.counters
    assert_same(hook.recorder.buffer.take(), hook.plain.take())


def assert_same(sections, others):
    for section, other in zip(sections, others, strict=True):
        assert (section.run_id, section.start_s) == (other.run_id, other.start_s)
        for key, summary in section.summaries.items():
            plain = other.summaries[key]
            plain.successes.sum_ms = summary.successes.sum_ms  # added up in another order
            assert summary == plain
        assert section.summaries.keys() == other.summaries.keys()


def test_what_the_hook_holds_back_is_bounded():
    hook = Hook()
    for _ in range(10 * MAX_BATCH):
        hook.fire()
    (intake,) = hook.recorder.buffer.current.intakes["GET"].values()
    assert intake.waiting < MAX_BATCH
    assert len(intake.response_times_ms) == len(intake.response_bytes) < MAX_LISTED
    assert hook.recorder.buffer.take()[0].results == 10 * MAX_BATCH


@pytest.mark.parametrize("odd", [2**63, -(2**70), 2**200, MAX_RESPONSE_BYTES + 1, -1])
def test_a_length_of_any_size_costs_no_more_than_itself(odd):
    hook = Hook()
    lengths = [100, odd, *[200] * (2 * MAX_BATCH)]
    for length in lengths:
        hook.fire(response_length=length)
    (summary,) = hook.recorder.buffer.take()[0].summaries.values()
    assert (summary.count, summary.bytes_count) == (len(lengths), len(lengths) - 1)
    assert (summary.bytes_sum, summary.bytes_max) == (100 + 200 * 2 * MAX_BATCH, 200)


def test_results_go_to_the_window_of_the_moment_when_the_clock_was_put_right():
    hook = Hook()
    hook.fire()
    hook.fire()
    hook.clock.time_s = NOW_S + 0.999
    hook.fire()
    hook.recorder.look_at_clock()
    hook.clock.time_s = NOW_S + 1.0
    hook.fire()
    assert [section.results for section in hook.recorder.buffer.take()] == [3, 1]


def test_nothing_is_recorded_where_nobody_wants_it():
    hook = Hook()
    hook.fire()
    hook.recorder.is_on = False
    hook.recorder.buffer.discard()
    hook.recorder.on_request(**LOCUSTS)
    assert hook.recorder.buffer.stored.is_empty
    assert hook.recorder.buffer.counters["run"].recorded == 0


def test_what_a_native_thread_fires_is_looked_at_and_recorded_by_the_hub():
    seen = []

    class Name:
        def __str__(self):
            seen.append(native_thread())
            return "/b"

    hook = Hook()
    hook.fire()
    get_hub().threadpool.apply(hook.recorder.on_request, kwds=LOCUSTS | {"name": Name()})
    gevent.sleep(0)
    assert seen == [native_thread()]
    assert hook.recorder.buffer.counters["run"].recorded == 2
