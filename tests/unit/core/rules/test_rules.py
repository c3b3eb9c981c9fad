"""Rules read: from texts and from files; every wrong one is a line that says what is allowed."""

from __future__ import annotations

import dataclasses
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.rules.rule import ATTRIBUTES, Figure, Rule, RuleError, RuleSet, Severity, VerdictRule
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.core.rules.rule_toml import rule_set
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.settings.rule_file import MAX_FILE_BYTES, gather, load
from locust_cw_dist.settings.settings import Settings

pytestmark = pytest.mark.once

P95 = {"figure": Figure.PERCENTILE, "percentile": 95.0, "limit": 300.0, "is_upper_limit": True}

GOOD = [
    ("p95 < 300", P95),
    ("p95<300ms", P95),
    ("  p95   <  0.3 s  ", P95),
    ("p95(*) < 300", P95),
    ("p95(* *) < 300", P95),
    ("p95 <= 300", P95 | {"inclusive": True}),
    ("p95 > 300", P95 | {"is_upper_limit": False}),
    ("p95 >= 3e2", P95 | {"is_upper_limit": False, "inclusive": True}),
    ("p99.9 < 300", P95 | {"percentile": 99.9}),
    ("p1.0001 < 300", P95 | {"percentile": 1.0001}),
    ("p95(/checkout) < 300", P95 | {"request": "/checkout"}),
    ("p95(POST /checkout) < 300", P95 | {"request": "/checkout", "method": "POST"}),
    ("p95( POST   /checkout ) < 300", P95 | {"request": "/checkout", "method": "POST"}),
    ("p95(POST *) < 300", P95 | {"method": "POST"}),
    ("p95(* API call) < 300", P95 | {"request": "API call"}),
    ("p95(LOGIN) < 300", P95 | {"request": "LOGIN"}),
    ("p95(Log in) < 300", P95 | {"request": "Log in"}),
    ("p95(/a < 3 (b), c) < 300", P95 | {"request": "/a < 3 (b), c"}),
    ("p95(/item/[0-9]+) < 300", P95 | {"request": "/item/[0-9]+"}),
    ("p95(/x) < 300, method=grpc", P95 | {"request": "/x", "method": "grpc"}),
    ("p95 < 300, successful_only", P95 | {"successful_only": True}),
    ("p95 < 300, successful_only = true", P95 | {"successful_only": True}),
    ("p95 < 300, successful_only=false", P95),
    ("p95 < 300 ms, window_s=60 , warm_up_s=30", P95 | {"window_s": 60, "warm_up_s": 30}),
    ("p95 < 300, min_requests=50", P95 | {"min_requests": 50}),
    ("p95 < 300, severity=warn", P95 | {"severity": Severity.WARN}),
    ("p95 < 300, abort_after_s=0", P95 | {"abort_after_s": 0}),
    ("p95 < 300, name=fast (enough)", P95 | {"name": "fast (enough)"}),
    ("p95 < 300, name=5", P95 | {"name": "5"}),
    ("mean < 20", {"figure": Figure.MEAN, "limit": 20.0, "is_upper_limit": True}),
    ("max <= 1.5 s", {"figure": Figure.MAX, "limit": 1500.0, "is_upper_limit": True, "inclusive": True}),
    ("failure_ratio < 1 %", {"figure": Figure.FAILURE_RATIO, "limit": 0.01, "is_upper_limit": True}),
    ("failure_ratio < 7%", {"figure": Figure.FAILURE_RATIO, "limit": 0.07, "is_upper_limit": True}),
    ("failure_ratio <= 0", {"figure": Figure.FAILURE_RATIO, "limit": 0.0, "is_upper_limit": True, "inclusive": True}),
    ("failure_ratio < 0.5", {"figure": Figure.FAILURE_RATIO, "limit": 0.5, "is_upper_limit": True}),
    ("rps > 100", {"figure": Figure.RPS, "limit": 100.0, "is_upper_limit": False}),
    ("rps > 100 /s", {"figure": Figure.RPS, "limit": 100.0, "is_upper_limit": False}),
    ("count >= 1000", {"figure": Figure.COUNT, "limit": 1000.0, "is_upper_limit": False, "inclusive": True}),
    ("count <= 0", {"figure": Figure.COUNT, "limit": 0.0, "is_upper_limit": True, "inclusive": True}),
    (
        "rps > 5, window_s=60, abort_after_s=30",
        {"figure": Figure.RPS, "limit": 5.0, "is_upper_limit": False, "window_s": 60, "abort_after_s": 30},
    ),
]

FORM = "must be a figure, a comparison (<, <=, >, >=) and a limit, such as 'p95(POST /checkout) < 300 ms'"
FIGURES = "must be p and a number (p95, p99.9), mean, max, failure_ratio, rps or count"
PERCENTILES = "must be from p1 to below p100, with at most 4 decimals"
KEYS = "name, method, successful_only, window_s, warm_up_s, min_requests, severity, abort_after_s"

BAD = [
    ("", FORM),
    ("p95", FORM),
    ("p95 <", FORM),
    ("p95 < x", FORM),
    ("p95 = 300", FORM),
    ("p95 == 300", FORM),
    ("p95 != 300", FORM),
    ("300 > p95", FORM),
    ("p95 < -3", FORM),
    ("p95 < nan", FORM),
    ("p95(/a < 300", FORM),
    ("p95 p99 < 300", FORM),
    ("x" * 3000, FORM),
    ("P95 < 300", f"figure: got 'P95', {FIGURES}"),
    ("pp < 300", f"figure: got 'pp', {FIGURES}"),
    ("p < 300", f"figure: got 'p', {FIGURES}"),
    ("median < 300", f"figure: got 'median', {FIGURES}"),
    ("percentile < 300", f"figure: got 'percentile', {FIGURES}"),
    ("p0 < 300", f"percentile: got 'p0', {PERCENTILES}"),
    ("p0.95 < 300", f"percentile: got 'p0.95', {PERCENTILES}; was 95 meant?"),
    ("p0.999 < 300", f"percentile: got 'p0.999', {PERCENTILES}; was 99.9 meant?"),
    ("p100 < 300", f"percentile: got 'p100', {PERCENTILES}"),
    ("p95.00001 < 300", f"percentile: got 'p95', {PERCENTILES}"),
    ("p95() < 300", "requests: got nothing between the parentheses, must be a name, as (POST /checkout)"),
    ("p95(GET) < 300", "requests: got 'GET', must have a name too; (GET *) are all of them"),
    (
        "p95(/a[) < 300",
        "request: got '/a[', must be a request's name or a regular expression (unterminated character set?",
    ),
    (
        "p95(/a\tb) < 300",
        "request: got '/a\\tb', must be a request's name or a regular expression, of printable chara?",
    ),
    ("p95 < 300 sec", "unit of percentile: got 'sec', must be ms or s, or left out"),
    ("p95 < 300 %", "unit of percentile: got '%', must be ms or s, or left out"),
    ("p95 < 300 ms window_s=60", "unit of percentile: got 'ms window_s=60', must be ms or s, or left out"),
    ("failure_ratio < 1 ms", "unit of failure_ratio: got 'ms', must be %, or left out"),
    ("rps > 1 rps", "unit of rps: got 'rps', must be /s, or left out"),
    ("count > 1 requests", "unit of count: got 'requests', must be left out"),
    ("p95 < 1.2.3", "limit: got '1.2.3', must be a number"),
    ("p95 < 1e999", "limit: got inf, must be a number from 0 on"),
    ("failure_ratio < 5", "limit: got 5.0, must be a failure ratio from 0 to 1, or one in percent, as 1 %"),
    ("failure_ratio < 101 %", "limit: got 1.01, must be a failure ratio from 0 to 1, or one in percent, as 1 %"),
    ("count > 2.5", "limit: got 2.5, must be a whole number of requests"),
    ("failure_ratio < 0", "limit: got < 0, which never holds, must be one that can go either way"),
    ("failure_ratio > 100 %", "limit: got > 1, which never holds, must be one that can go either way"),
    ("failure_ratio <= 1", "limit: got <= 1, which always holds, must be one that can go either way"),
    ("count >= 0", "limit: got >= 0, which always holds, must be one that can go either way"),
    ("p95 < 300,", f"got '' after the limit, must be one out of {KEYS}"),
    ("p95 < 300, window=60", f"got 'window' after the limit, must be one out of {KEYS}"),
    ("p95 < 300, request=/a", f"got 'request' after the limit, must be one out of {KEYS}"),
    ("p95 < 300, window_s=", "window_s: got nothing, must have a value after the '='"),
    ("p95 < 300, window_s=0", "window_s: got 0, must be a whole number from 1 to 3600"),
    ("p95 < 300, window_s=3601", "window_s: got 3601, must be a whole number from 1 to 3600"),
    ("p95 < 300, window_s=60s", "window_s: got '60s', must be a whole number from 1 to 3600"),
    ("p95 < 300, window_s", "window_s: got True, must be a whole number from 1 to 3600"),
    ("p95 < 300, warm_up_s=1.5", "warm_up_s: got '1.5', must be a whole number from 0 to 86400"),
    ("p95 < 300, min_requests=-1", "min_requests: got '-1', must be a whole number from 0 to 1000000000"),
    ("p95 < 300, abort_after_s=90000", "abort_after_s: got 90000, must be a whole number from 0 to 86400"),
    ("p95 < 300, severity=error", "severity: got 'error', must be warn or fail"),
    ("p95 < 300, successful_only=yes", "successful_only: got 'yes', must be true or false"),
    ("p95 < 300, severity=warn, severity=fail", "severity: got it twice, must be given once"),
    ("p95(GET /a) < 300, method=grpc", "method: got it twice, must be given once"),
    ("p95 < 300, method=a b", "method: got 'a b', must be a request's method, such as GET"),
    (f"p95 < 300, name={'n' * 201}", "name: got ?, must be 1 to 200 printable characters"),
    ("failure_ratio < 1 %, successful_only", "successful_only: got True, must be left out for failure_ratio"),
    (
        "count > 5, abort_after_s=3",
        "abort_after_s: got 3, must be together with window_s for count above a limit: a run is below it at its start",
    ),
]


@pytest.mark.parametrize(("text", "fields"), GOOD)
def test_a_text_is_read(text, fields):
    assert parse(text) == Rule(**({"name": parse(text).name} | fields))


@pytest.mark.parametrize(("text", "message"), BAD)
def test_a_wrong_text_is_one_line_that_says_what_is_allowed(text, message):
    with pytest.raises(RuleError) as refused:
        parse(text)
    beginning, _, end = message.partition("?")
    assert str(refused.value).startswith(beginning)
    assert end in str(refused.value)
    if "?" not in message:
        assert str(refused.value) == message
    assert "\n" not in str(refused.value)


def name_or_refusal(read, *given_to_it):
    """What a reader makes of anything, on one line: the rules' names, or why not; nothing else is raised."""
    try:
        found = read(*given_to_it)
    except RuleError as e:
        return str(e)
    return ", ".join(rule.name for rule in getattr(found, "rules", (found,))) or "no rules"


@given(st.text(max_size=60) | st.from_regex(r"(p95|rps|count|mean)(\(.*\))? ?(<|>=) ?[0-9.]+.*", fullmatch=True))
def test_any_text_is_read_or_refused_in_one_line(text):
    assert len(name_or_refusal(parse, text).splitlines()) == 1


@st.composite
def any_rules(draw):
    figure = draw(st.sampled_from(Figure))
    limit = {
        Figure.FAILURE_RATIO: st.sampled_from([0.01, 0.07, 0.5, 0.99, 0.001]),
        Figure.COUNT: st.integers(1, 10**9),
        Figure.RPS: st.sampled_from([0.5, 1, 12.25, 1e6]),
    }.get(figure, st.sampled_from([0.001, 0.1, 1, 299.5, 1e5]))
    return Rule(
        figure=figure,
        percentile=draw(st.integers(10_000, 999_999)) / 10_000 if figure is Figure.PERCENTILE else None,
        limit=float(draw(limit)),
        is_upper_limit=draw(st.booleans()),
        inclusive=draw(st.booleans()),
        request=draw(st.sampled_from([None, "/a", "API call", "GET star.*", "a, b", "/x(y)", "/a < 3"])),
        method=draw(st.sampled_from([None, "GET", "grpc", "M-SEARCH"])),
        successful_only=figure is not Figure.FAILURE_RATIO and draw(st.booleans()),
        window_s=draw(st.sampled_from([None, 10, 60])),
        warm_up_s=draw(st.sampled_from([0, 30])),
    )


@given(any_rules())
def test_the_text_of_a_rule_reads_as_the_rule(rule):
    again = parse(rule.text())
    assert again == rule
    assert again.name == rule.name == rule.text()


def test_what_is_needed_of_requests_depends_on_the_figure():
    assert [parse(f"{figure} > 3").min_requests for figure in ("p95", "mean", "max", "rps", "count")] == [1, 1, 1, 0, 0]
    rule = parse("rps > 3")
    assert dataclasses.replace(rule, limit=4.0).min_requests == 0


MATCHES = [
    ("p95 < 1", "/any", "GET", True),
    ("p95(/item/[0-9]+) < 1", "/item/17", "GET", True),
    ("p95(/item/[0-9]+) < 1", "/item/17/x", "GET", False),
    ("p95(/item/[0-9]+) < 1", "/shop/item/17", "GET", False),
    ("p95(/search?q=[1]) < 1", "/search?q=[1]", "GET", True),
    ("p95(/search?q=[1]) < 1", "/searcq=1", "GET", True),
    ("p95(/search?q=[1]) < 1", "/search?q=1", "GET", False),
    ("p95(/item/{id}) < 1", "/item/{id}", "GET", True),
    ("p95(POST /a) < 1", "/a", "GET", False),
    ("p95(POST *) < 1", "/b", "POST", True),
]


@pytest.mark.parametrize(("text", "name", "method", "expected"), MATCHES)
def test_a_rule_looks_at_names_and_at_what_they_match_as_expressions(text, name, method, expected):
    assert parse(text).matches(name, method) is expected


FILE = """
failures_decide = true

[defaults]
warm_up_s = 30
min_requests = 50
successful_only = true

[verdict]
suspect = "fail"

[[rule]]
name = "checkout is fast"
check = "p95(POST /checkout) < 300 ms, window_s=60"
successful_only = false
abort_after_s = 30

[[rule]]
check = "failure_ratio < 1 %"

[[rule]]
check = "count > 5"
request = "API call"
warm_up_s = 0
severity = "warn"
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "rules.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_a_file_is_read_with_its_defaults(write):
    checkout, failures, count = load(write(FILE)).rules
    assert (checkout.name, checkout.method, checkout.request) == ("checkout is fast", "POST", "/checkout")
    assert (checkout.window_s, checkout.abort_after_s, checkout.successful_only) == (60, 30, False)
    assert (checkout.warm_up_s, checkout.min_requests) == (30, 50)
    # A ratio of successful requests has no meaning, and few requests are what counts are about.
    assert (failures.successful_only, failures.warm_up_s, failures.min_requests) == (False, 30, 50)
    assert (count.successful_only, count.warm_up_s, count.min_requests) == (True, 0, 0)
    assert (count.request, count.method, count.severity) == ("API call", None, Severity.WARN)
    assert load(write(FILE)).failures_decide
    assert load(write(FILE)).verdict == VerdictRule(suspect=Severity.FAIL, invalid=Severity.FAIL)
    assert load(write("[verdict]\ninvalid = 'warn'")) == RuleSet(verdict=VerdictRule(invalid=Severity.WARN))


RULE_KEYS = "check, name, request, method, successful_only, window_s, warm_up_s, min_requests, severity, abort_after_s"
DEFAULT_KEYS = "successful_only, window_s, warm_up_s, min_requests, severity"
BAD_FILES = [
    ("", "no rule in it, must have at least one [[rule]] with a check"),
    ("rules = []", "got the key 'rules', must be one out of rule, defaults, verdict, failures_decide"),
    ("rule = 3", "rule: must be tables, each with [[rule]] above it"),
    ("[rule]\ncheck = 'p95 < 3'", "rule: must be tables, each with [[rule]] above it"),
    ("[[rule]]", "rule 1: check: is required, such as check = 'p95(POST /checkout) < 300 ms'"),
    ("[[rule]]\ncheck = 3", "rule 1: check: is required, such as check = 'p95(POST /checkout) < 300 ms'"),
    ("[[rule]]\ncheck = 'p95'", f"rule 1 (p95): {FORM}"),
    (
        "[[rule]]\nname = 'x'\ncheck = 'p95 < 3'\n[[rule]]\nname = 'y'\ncheck = 'q < 3'",
        f"rule 2 (y): figure: got 'q', {FIGURES}",
    ),
    ("[[rule]]\ncheck = 'p95 < 3'\nname = ''", "rule 1 (): name: got '', must be a text"),
    ("[[rule]]\ncheck = 'p95 < 3'\nname = 3", "rule 1: name: got 3, must be a text"),
    (
        "[[rule]]\ncheck = 'p95 < 3'\nname = \"a\\nb\"",
        "rule 1: name: got 'a\\nb', must be 1 to 200 printable characters",
    ),
    (
        "[[rule]]\ncheck = 'p95 < 3'\nwindow = 60",
        f"rule 1 (p95 < 3): got the key 'window', must be one out of {RULE_KEYS}",
    ),
    (
        "[[rule]]\ncheck = 'p95 < 3'\nwindow_s = 60.0",
        "rule 1 (p95 < 3): window_s: got 60.0, must be a whole number from 1 to 3600",
    ),
    (
        "[[rule]]\ncheck = 'p95 < 3'\nwindow_s = true",
        "rule 1 (p95 < 3): window_s: got True, must be a whole number from 1 to 3600",
    ),
    (
        "[[rule]]\ncheck = 'p95 < 3, window_s=60'\nwindow_s = 60",
        "rule 1 (p95 < 3, window_s=60): window_s: got it twice, must be given once",
    ),
    (
        "[[rule]]\ncheck = 'p95(/a) < 3'\nrequest = '/b'",
        "rule 1 (p95(/a) < 3): request: got it twice, must be given once",
    ),
    (
        "[[rule]]\ncheck = 'p95 < 3'\nsuccessful_only = 'yes'",
        "rule 1 (p95 < 3): successful_only: got 'yes', must be true or false",
    ),
    (
        "[[rule]]\ncheck = 'p95 < 3'\nseverity = 'fatal'",
        "rule 1 (p95 < 3): severity: got 'fatal', must be warn or fail",
    ),
    (
        "[[rule]]\ncheck = 'p95 < 3'\n[[rule]]\ncheck = 'p95 < 3 ms'",
        "two rules have the name 'p95 < 3 ms', must be a name of its own for each",
    ),
    ("defaults = 3\n[[rule]]\ncheck = 'p95 < 3'", "defaults: must be a table, with [defaults] above it"),
    (
        "[defaults]\nname = 'x'\n[[rule]]\ncheck = 'p95 < 3'",
        f"[defaults]: got the key 'name', must be one out of {DEFAULT_KEYS}",
    ),
    (
        "[defaults]\nwarm_up_s = -1\n[[rule]]\ncheck = 'p95 < 3'",
        "[defaults]: warm_up_s: got -1, must be a whole number from 0 to 86400",
    ),
    ("[verdict]\nsuspect = 'no'", "[verdict]: suspect: got 'no', must be warn or fail"),
    ("[verdict]\nvalid = 'fail'", "[verdict]: got the key 'valid', must be one out of suspect, invalid"),
    ("verdict = []", "verdict: must be a table, with [verdict] above it"),
    (
        "failures_decide = 1\n[[rule]]\ncheck = 'failure_ratio < 1 %'",
        "failures_decide: got 1, must be true or false",
    ),
    (
        "failures_decide = true\n[[rule]]\ncheck = 'p95 < 3'",
        "failures_decide: got true, must be together with a failure_ratio rule of severity fail",
    ),
    (
        "failures_decide = true\n[[rule]]\ncheck = 'failure_ratio < 1 %'\nseverity = 'warn'",
        "failures_decide: got true, must be together with a failure_ratio rule of severity fail",
    ),
    ("\n".join(f"[[rule]]\ncheck = 'p95 < {n}'" for n in range(1, 202)), "201 rules in it, must be at most 200"),
]


@pytest.mark.parametrize(("text", "message"), BAD_FILES)
def test_a_wrong_file_is_one_line_with_file_rule_and_what_is_allowed(write, text, message):
    path = write(text)
    with pytest.raises(SettingsError) as refused:
        load(path)
    assert str(refused.value) == f"{path}: {message}"


def test_what_is_no_toml_or_no_file_is_refused(write, tmp_path):
    for content, message in (
        ("[[rule]\n", ", must be a TOML file"),
        (b"\xff\xfd", "not UTF-8, must be a TOML file"),
        ("[[rule]]\ncheck = 'p95 < 1'\n".encode("utf-16"), "it is UTF-16, must be UTF-8"),
        ("a = " + "[" * 100_000, "nested too deeply"),
        (f"a = {'9' * 5_000}", "must be a TOML file"),
    ):
        path = write(content)
        with pytest.raises(SettingsError, match=message) as refused:
            load(path)
        assert str(refused.value).startswith(f"{path}: ")
        assert "\n" not in str(refused.value)
    os.mkfifo(fifo := tmp_path / "pipe.toml")
    (zeros := tmp_path / "zeros.toml").symlink_to("/dev/zero")
    for path, reason in (
        (tmp_path / "none.toml", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (fifo, "it is not a regular file"),
        (zeros, "it is not a regular file"),
        (write("#" * (MAX_FILE_BYTES + 1)), f"over {MAX_FILE_BYTES:,} bytes"),
    ):
        with pytest.raises(SettingsError, match=reason):
            load(path)


@pytest.mark.parametrize(
    "form",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace(" ", "\t").encode(),
    ],
    ids=["byte-order mark", "CRLF", "tabs"],
)
def test_a_file_as_editors_write_it_is_read(write, form):
    path = write(form("[[rule]]\ncheck = 'p95 < 300'\n"))
    assert load(path).rules == (parse("p95 < 300"),)


def test_a_file_may_be_a_link_as_in_a_config_map(write, tmp_path):
    (link := tmp_path / "linked.toml").symlink_to(write("[[rule]]\ncheck = 'p95 < 300'\n"))
    assert load(link).rules == (parse("p95 < 300"),)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["rule", "check", "name", "defaults", "verdict", "suspect", *ATTRIBUTES]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ).filter(lambda value: isinstance(value, dict))
)
def test_any_document_is_read_or_refused(document):
    assert len(name_or_refusal(rule_set, document).splitlines()) == 1


def gathered(**settings):
    made = Settings(**settings)
    return gather(made.rules, made.rule, made.resolution_s)


def test_rules_of_the_file_come_first_and_options_add_to_them(write):
    rules = gathered(rules=str(write(FILE)), rule=["p50 < 3 ms", "p50(/a) < 3 ms"])
    assert [rule.name for rule in rules.rules] == [
        "checkout is fast",
        "failure_ratio < 1 %, warm_up_s=30",
        "count(* API call) > 5, successful_only",
        "p50 < 3 ms",
        "p50(/a) < 3 ms",
    ]
    assert rules.failures_decide


@pytest.mark.parametrize(
    ("toml", "rule", "resolution_s", "message"),
    [
        (
            "[[rule]]\nname='a'\ncheck='p95 < 3'",
            ["p95 < 4, name=a"],
            10,
            "--cw-rule: two rules have the name 'a', must be a name of its own for each",
        ),
        (
            None,
            ["p95 < 4, window_s=15, name=x"],
            10,
            "--cw-rule: rule 'x': window_s: got 15, must be a multiple of 10 (RES) and at most 3600",
        ),
        (
            None,
            ["p95 < 4, window_s=361, name=x"],
            1,
            "--cw-rule: rule 'x': window_s: got 361, must be a multiple of 1 (RES) and at most 360",
        ),
        (
            "[[rule]]\nname='a'\ncheck='p95 < 3'\nwindow_s=90",
            [],
            60,
            "--cw-rules: FILE: rule 'a': window_s: got 90, must be a multiple of 60 (RES) and at most 21600",
        ),
    ],
)
def test_rules_that_do_not_fit_together_are_refused(write, toml, rule, resolution_s, message):
    path = None if toml is None else str(write(toml))
    with pytest.raises(SettingsError) as refused:
        gathered(rules=path, rule=rule, resolution_s=resolution_s)
    assert str(refused.value) == message.replace("FILE", str(path)).replace("RES", "--cw-resolution")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rule": ["p95 = 3"]}, f"rule: got 'p95 = 3': {FORM}"),
        ({"rule": ["p95 < 3", "p95 < 3 ms"]}, "rule: two rules have the name 'p95 < 3 ms', must be a name of its own"),
        ({"rule": "p95 < 3"}, "rule: got 'p95 < 3', must be texts of rules, such as 'p95(POST /checkout) < 300 ms'"),
        ({"rule": [3]}, "rule: got 3, must be a rule, such as 'p95(POST /checkout) < 300 ms'"),
        ({"rules": ""}, "rules: got '', must be a file's path"),
        ({"junit": "x"}, "junit: got 'x', must be left out, or set together with rules or rule"),
        ({"rules_json": "x"}, "rules_json: got 'x', must be left out, or set together with rules or rule"),
    ],
)
def test_settings_take_rules_as_texts_and_refuse_wrong_ones(fields, message):
    with pytest.raises(SettingsError) as refused:
        Settings(**fields)
    assert str(refused.value).startswith(message)


def test_rules_alone_are_a_reason_to_collect():
    settings = Settings(rule=["p95 < 3"], junit="x.xml")
    assert (settings.judges, settings.collects, settings.publishes) == (True, True, False)
    assert not Settings().collects
