from __future__ import annotations

import math

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.summaries.windows import RESOLUTIONS_S
from locust_cw_dist.core.wire.frame import FAR_FUTURE_S, MAX_ID_CHARS, WIRE_VERSION
from locust_cw_dist.core.wire.messages import (
    FRAME,
    HELLO,
    MASTER_MESSAGE,
    REPORT_KEY,
    MasterMessage,
    is_id,
    pack_hello,
    read_hello,
    read_master_message,
)
from support.strategies import hostile_values, ids

WORD_OF_RUN = MasterMessage(1_800_000_000.25, "run", 10, recording=True, epoch="epoch", seq=7)

words = st.builds(
    MasterMessage,
    clock_s=st.floats(0, FAR_FUTURE_S),
    run_id=ids,
    resolution_s=st.sampled_from(RESOLUTIONS_S),
    recording=st.booleans(),
    epoch=st.one_of(st.just(""), ids),
    seq=st.integers(0, 2**53),
    whole_windows=st.booleans(),
    with_messages=st.booleans(),
)


def through_msgpack(data):
    """As Locust sends it."""
    return msgpack.unpackb(msgpack.packb(data, unicode_errors="surrogatepass"), unicode_errors="surrogatepass")


@given(words)
def test_a_word_comes_back_as_it_was(word):
    assert read_master_message(through_msgpack(word.pack())) == word


def test_a_word_of_another_version_is_known_by_it_alone():
    assert read_master_message({"version": WIRE_VERSION + 1}).version == WIRE_VERSION + 1
    assert read_master_message(WORD_OF_RUN.pack() | {"version": 0, "run_id": None}) == MasterMessage(
        0.0, "", 0, version=0
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", None),
        ("version", True),
        ("version", "1"),
        ("version", 1.0),
        ("clock_s", None),
        ("clock_s", 1),
        ("clock_s", -1.0),
        ("clock_s", math.nan),
        ("clock_s", math.inf),
        ("clock_s", 1e12),
        ("run_id", None),
        ("run_id", ""),
        ("run_id", b"run"),
        ("run_id", "x" * (MAX_ID_CHARS + 1)),
        ("resolution_s", 10.0),
        ("resolution_s", True),
        ("resolution_s", 7),
        ("resolution_s", 0),
        ("resolution_s", []),
        ("recording", 1),
        ("recording", None),
        ("epoch", None),
        ("epoch", []),
        ("epoch", "x" * (MAX_ID_CHARS + 1)),
        ("seq", -1),
        ("seq", 1.0),
        ("seq", True),
        ("seq", 2**53 + 1),
        ("whole_windows", 1),
        ("whole_windows", None),
        ("with_messages", 1),
        ("with_messages", None),
    ],
)
def test_a_word_that_can_not_be_right_is_none(key, value):
    assert read_master_message(WORD_OF_RUN.pack()) == WORD_OF_RUN
    assert read_master_message(WORD_OF_RUN.pack() | {key: value}) is None


@pytest.mark.parametrize("key", sorted(WORD_OF_RUN.pack().keys() - {"version", "whole_windows", "with_messages"}))
def test_a_word_needs_every_field(key):
    data = WORD_OF_RUN.pack()
    del data[key]
    assert read_master_message(data) is None


def test_a_word_from_before_whole_windows_asks_for_none():
    data = WORD_OF_RUN.pack()
    del data["whole_windows"]
    assert read_master_message(data) == WORD_OF_RUN


@given(st.dictionaries(st.sampled_from([*WORD_OF_RUN.pack()]), hostile_values))
def test_a_word_with_anything_in_it_is_one_or_none(values):
    word = read_master_message(WORD_OF_RUN.pack() | values)
    assert word is None or isinstance(word, MasterMessage)


@pytest.mark.parametrize("data", [None, 0, "word", b"word", [], [("version", 1)], {}, {1: 2}, {b"version": 1}])
def test_what_is_no_message_is_none(data):
    assert read_master_message(data) is None
    assert read_hello(data) is None


@given(ids)
def test_a_hello_comes_back_as_it_was(epoch):
    assert read_hello(through_msgpack(pack_hello(epoch))) == (WIRE_VERSION, epoch)


def test_a_hello_of_another_version_is_one():
    assert read_hello({"version": 99, "epoch": "epoch", "more": 1}) == (99, "epoch")


@pytest.mark.parametrize(
    "data",
    [
        {"version": 1},
        {"version": True, "epoch": "e"},
        {"version": "1", "epoch": "e"},
        {"version": 1, "epoch": ""},
        {"version": 1, "epoch": 5},
        {"version": 1, "epoch": "e" * (MAX_ID_CHARS + 1)},
    ],
)
def test_a_hello_that_can_not_be_right_is_none(data):
    assert read_hello(data) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("w", True),
        ("w" * MAX_ID_CHARS, True),
        ("", False),
        ("w" * (MAX_ID_CHARS + 1), False),
        (None, False),
        (b"w", False),
        ("\ud800", False),  # Locust could not send an answer to it
    ],
)
def test_an_id_is_text_of_bounded_length(value, expected):
    assert is_id(value) is expected


def test_names_of_messages_are_ours_alone():
    locusts = {"stats", "spawn", "stop", "quit", "hunger", "client_ready", "exception", "spawning", "ack"}
    assert len({FRAME, HELLO, MASTER_MESSAGE}) == 3
    assert not {FRAME, HELLO, MASTER_MESSAGE, REPORT_KEY} & locusts
    assert all(name.startswith("locust_cw_dist") for name in (FRAME, HELLO, MASTER_MESSAGE, REPORT_KEY))


def test_a_master_that_does_not_say_gets_no_messages_of_exceptions():
    data = MasterMessage(1.0, "run", 10, with_messages=True).pack()
    assert read_master_message(data).with_messages
    del data["with_messages"]
    assert not read_master_message(data).with_messages
