from __future__ import annotations

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from locust_cw_dist.core.names.shorten import shorten
from locust_cw_dist.core.publish.dimension_text import (
    check_dimension_name,
    check_dimension_value,
    clean_dimension_value,
    restore_dimension_value,
)

any_text = st.text(st.characters(exclude_categories=()))
tricky_text = st.text(st.sampled_from("\\ux0~- \t\n\x00\x7f\xffU\u4e2d\U0001f600\ud83d\ude00af1"), max_size=12)
long_text = st.builds(lambda text, times: text * times, tricky_text, st.integers(100, 600))
texts = any_text | tricky_text | long_text


@pytest.mark.parametrize(
    "text", ["/", "/api/v1/users?id=[1]&q=a b", " padded ", '"quoted"', "x" * 1024, ":colon", "%C3%A9~"]
)
def test_what_cloudwatch_takes_stays_as_it_is(text):
    assert clean_dimension_value(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("caf\xe9", r"caf\xe9"),
        ("\u4e2d\U0001f600", r"\u4e2d\U0001f600"),
        ("a\tb\nc\x7f", r"a\x09b\x0ac\x7f"),
        (r"C:\new", r"C:\\new"),
        ("\ud800", r"\ud800"),
        ("   ", r"\x20\x20\x20"),
        ("", r"\-"),
        (r"\-", r"\\-"),
        (r"\x20", r"\\x20"),
    ],
)
def test_what_it_refuses_is_escaped_and_can_be_read_back(text, value):
    assert clean_dimension_value(text) == value
    assert restore_dimension_value(value) == text


def test_what_is_too_long_is_cut_and_ends_with_a_hash_of_the_whole():
    text = "/items/" + "\xe9" * 5_000
    value = clean_dimension_value(text)
    assert len(value) == 1_024
    assert value.startswith(r"/items/\xe9\xe9")
    assert value.endswith("~" + hashlib.sha256(text.encode()).hexdigest()[:16])
    assert restore_dimension_value(value) is None


def test_a_name_that_looks_like_a_cut_one_is_not_taken_for_it():
    cut = clean_dimension_value("x" * 2_000)
    assert clean_dimension_value(cut) != cut
    assert len(clean_dimension_value(cut)) == 1_024


@pytest.mark.parametrize("value", [r"\n", r"\-\-", r"a\xe", r"\u00e9", r"\Uffffffff", r"\x41", "\xe9", "\\"])
def test_what_is_never_made_is_not_read_back(value):
    assert restore_dimension_value(value) is None


@given(texts)
@example("\ud83d\ude00")
def test_every_text_becomes_a_value_that_cloudwatch_takes(text):
    value = clean_dimension_value(text)
    assert 1 <= len(value) <= 1_024
    assert all(" " <= char <= "~" for char in value)
    assert value.strip(" ")
    assert check_dimension_value(value) is None


@given(texts)
@example("\ud83d\ude00")
@example("\U0001f600")
def test_every_value_that_was_not_cut_leads_back_to_its_text(text):
    value = clean_dimension_value(text)
    if len(value) < 1_024:
        assert restore_dimension_value(value) == text
    else:
        assert restore_dimension_value(value) in (text, None)


@given(texts, texts)
@example("", "\\-")
@example(" ", "\\x20")
@example("\ud83d\ude00", "\U0001f600")
@example("a" * 1_023 + "\xe9", "a" * 1_023 + "\xea")
@example("a" * 2_000 + "\ud800", "a" * 2_000 + "\ud801")
def test_different_texts_give_different_values(one, other):
    if one != other:
        assert clean_dimension_value(one) != clean_dimension_value(other)


@given(texts, st.integers(18, 200))
def test_shortened_text_is_no_longer_than_the_limit_and_stays_distinct(text, limit):
    short = shorten(text, limit)
    assert len(short) <= limit
    if len(text) < limit:
        assert short == text
    assert shorten(text + "x", limit) != short


@pytest.mark.parametrize(
    ("text", "name_wrong", "value_wrong"),
    [
        ("Region", None, None),
        (" a ", None, None),
        (":x", "start with a colon", None),
        ("", "1 to 255", "1 to 1024"),
        ("x" * 256, "not 256", None),
        ("x" * 1_025, "not 1025", "not 1025"),
        ("  ", "not blank", "not blank"),
        ("a\tb", r"'\t'", r"'\t'"),
        ("\x7f", r"'\x7f'", r"'\x7f'"),
        ("\xe9", r"'\xe9'", r"'\xe9'"),
    ],
)
def test_names_and_values_of_dimensions(text, name_wrong, value_wrong):
    for verdict, wrong in (
        (check_dimension_name(text), name_wrong),
        (check_dimension_value(text), value_wrong),
    ):
        assert verdict is None if wrong is None else wrong in verdict
