"""Texts of 80 columns."""

from __future__ import annotations

import pytest

from locust_cw_dist.core.progress.plain_text import (
    ASCII,
    UNICODE,
    columns_of,
    marks_of,
    milliseconds,
    shortened,
    span,
    wrapped,
)


@pytest.mark.parametrize(
    ("encoding", "marks"), [("utf-8", UNICODE), ("ascii", ASCII), ("cp1252", ASCII), (None, ASCII), ("no such", ASCII)]
)
def test_marks_are_those_that_the_stream_can_show(encoding, marks):
    assert marks_of(encoding) is marks


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0, "0 s"), (8.44, "8.4 s"), (9.94, "9.9 s"), (10.4, "10 s"), (60, "60 s"), (119.4, "119 s"), (120, "2 min")),
        *((605, "10 min 5 s"), (7_199.6, "2 h"), (7_260, "2 h 1 min"), (90_000, "25 h")),
    ],
)
def test_a_span_of_time_has_two_units_at_most(seconds, text):
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.0, "0"),
        (0.42, "0.42"),
        (4.2, "4.2"),
        (412.4, "412"),
        (999_999.0, "999999"),
        (86_400_000.0, "86400s"),
    ],
)
def test_response_times_have_few_digits(value, text):
    assert milliseconds(value) == text


def test_a_long_name_loses_its_middle():
    assert shortened("GET /a/long/name/of/an/endpoint", 16, UNICODE) == "GET /a/l…ndpoint"
    assert shortened("GET /a", 16, UNICODE) == "GET /a"


def test_a_long_word_stays_whole():
    path = "x" * 100
    assert wrapped(f"see {path} there", first="  ", rest="    ") == ["  see", f"    {path}", "    there"]
    assert wrapped("", first="- ") == ["-"]


def test_a_command_can_be_copied_in_one_piece():
    text = "874 on disk: 'locust-cw resend /a/path/of some/length' publishes them"
    lines = wrapped(text, columns=40)
    assert lines == ["874 on disk:", "'locust-cw resend /a/path/of some/length'", "publishes them"]


@pytest.mark.parametrize(
    ("name", "marks", "text"),
    [
        ("GET /漢字", UNICODE, "GET /漢字"),
        ("GET /漢字漢字漢字漢字", UNICODE, "GET /漢…字漢字"),
        ("GET /e\u0301e\u0301", UNICODE, "GET /e\u0301e\u0301"),
        ("GET /é", ASCII, "GET /\\xe9"),
        ("GET /漢字漢字", ASCII, "GET /\\u6~2\\u5b57"),
    ],
)
def test_a_name_is_as_wide_as_a_terminal_shows_it(name, marks, text):
    assert shortened(name, 16, marks) == text
    assert columns_of(text) <= 16
