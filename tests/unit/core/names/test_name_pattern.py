"""Regular expressions of users: today's syntax, and no expression that holds the hub."""

from __future__ import annotations

import time

import pytest

from locust_cw_dist.core.names.name_pattern import MAX_MATCH_S, MAX_SLOW_NAMES, NamePattern, TooSlowError

# regex sees through some that hold re for hours: (pattern, name).
HOPELESS = [
    (r"/(a|a)+b", "/" + "a" * 60),
    (r"(.*?,){30}P", "1," * 60),
    (r"((a{1,9}){1,9}){1,9}b", "a" * 120),
    (r"(a?){60}a{60}", "a" * 60),
]


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        (r"/item/\d+", "/item/7", True),
        (r"/item/\d+", "/item/7/reviews", False),
        (r"/(?!admin).*", "/admin/x", False),
        (r"/(?!admin).*", "/shop", True),
        (r".*(?<=/api)/v[12]", "/shop/api/v2", True),
        (r"(?i)/ÄB", "/äb", True),
        (r"/(?P<kind>[a-z]+)/(?P=kind)", "/a/a", True),
        (r"/(a+)+b", "/" + "a" * 29, False),
        (r"/item/{id}", "/item/{id}", True),
        (r"/item/{id}", "/item/", False),
        (r"/item/\{id}", "/item/{id}", True),
        (r"/(?:item){e<=1}", "/item{e<=1}", True),
        (r"/(?:item){e<=1}", "/itm", False),
        (r"/a{2}b{,2}c{1,}d{1,2}", "/aabbccdd", True),
        (r"/[{]x{}", "/{x{}", True),
        (r"/\N{DIGIT ONE}\\{x", "/1\\{x", True),
    ],
)
def test_it_matches_whole_names_as_the_standard_library_does(pattern, name, expected):
    assert NamePattern(pattern).matches(name) is expected


@pytest.mark.parametrize("text", ["(", "a**", "[", "(?P<n", "\\", "a{2,1}"])
def test_what_is_no_expression_is_refused(text):
    with pytest.raises(ValueError, match="at position"):
        NamePattern(text)


@pytest.mark.parametrize(("pattern", "name"), HOPELESS)
def test_a_match_that_would_take_for_ever_ends(pattern, name):
    began_s = time.process_time()
    with pytest.raises(TooSlowError, match="takes too long on the name"):
        NamePattern(pattern).matches(name)
    assert time.process_time() - began_s < 100 * MAX_MATCH_S


def test_after_some_names_it_is_tried_no_more():
    pattern = NamePattern(r"/(a|a)+b")
    assert pattern.matches("/ab")
    for length in range(40, 40 + MAX_SLOW_NAMES):
        with pytest.raises(TooSlowError):
            pattern.matches("/" + "a" * length)
    with pytest.raises(TooSlowError):
        pattern.matches("/ab")
