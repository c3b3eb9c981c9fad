"""Judging by hand-made windows: what is said, what stops a run, what late results change, and what stays in memory."""

from __future__ import annotations

import gc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from locust_cw_dist.core.rules import matched_requests
from locust_cw_dist.core.rules.evaluation import Evaluation
from locust_cw_dist.core.rules.matched_requests import MAX_LATE_S, MAX_REMEMBERED, Feeds
from locust_cw_dist.core.rules.messages import rounded, table
from locust_cw_dist.core.rules.outcome import RuleState
from locust_cw_dist.core.rules.rule import RuleSet, shown_value
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import ClosedWindow
from support.publishing.endings import outcome_of

pytestmark = pytest.mark.once

T0_S = 1_800_000_000  # 08:00:00 UTC


def summary(*times_ms, failed=()):
    made = Summary()
    for time_ms in times_ms:
        made.record_success(float(time_ms), 1)
    for time_ms in failed:
        made.record_failure(float(time_ms), "HTTP 500")
    return made


def closed_window(start_s, summaries):
    return ClosedWindow("run", start_s, summaries, None)


class Trial:
    """One run, window by window of 10 s, judged by rules."""

    def __init__(self, *texts, started_s=T0_S, **rules):
        self.evaluation = Evaluation(RuleSet(rules=tuple(map(parse, texts)), **rules), started_s, 10)
        self.at = 0

    def window(self, *times_ms, failed=(), name="/a", method="GET"):
        """The next window closes with these requests, and one looks."""
        has_any = times_ms or failed
        self.late(self.at, {(name, method): summary(*times_ms, failed=failed)} if has_any else {})
        self.at += 1
        return self

    def late(self, at, summaries):
        list(self.evaluation.observe(closed_window(T0_S + 10 * at, summaries)))
        list(self.evaluation.look())
        return self

    @property
    def only(self):
        (one,) = outcome_of(self.evaluation).rules
        return one

    @property
    def aborted(self):
        return None if self.evaluation.aborted_by is None else self.evaluation.aborted_by.name


def test_what_was_seen_over_the_whole_run_is_said():
    one = Trial("mean < 30 ms").window(10, 20).window(30).only
    assert (one.state, one.observed, one.requests, one.failed) == (RuleState.PASSED, 20.0, 3, False)
    assert one.message == "20 ms of 3 requests"
    one = Trial("count > 5").window(10).only
    assert (one.state, one.message, one.failed) == (RuleState.BROKEN, "1", True)


UNTIMED = Summary(untimed_successes=6, untimed_failures=2, reasons={"OSError": 2})


@pytest.mark.parametrize(
    ("rule", "observed", "requests"),
    [
        ("failure_ratio < 1 %", 0.25, 12),
        ("failure_ratio < 1 %, min_requests=12", 0.25, 12),
        ("count < 1", 12, 12),
        ("rps < 0.1", 1.2, 12),
        ("count < 1, window_s=10", 12, 12),
        ("mean < 1 ms", 15.0, 4),
        ("max < 1 ms, min_requests=4", 30.0, 4),
        ("p50 < 1 ms, successful_only", 10.0, 3),
        ("p50 < 1 ms, window_s=10", 10.0, 4),
    ],
)
def test_counts_and_ratios_are_of_all_requests_and_times_of_those_that_have_one(rule, observed, requests):
    trial = Trial(rule)
    trial.late(0, {("/a", "GET"): summary(10, 10, 10, failed=[30]), ("/b", "GET"): UNTIMED})
    trial.evaluation.stop(T0_S + 10.0)
    one = trial.only
    assert (one.state, one.requests, one.failed) == (RuleState.BROKEN, requests, True)
    assert one.observed == pytest.approx(observed, rel=0.01)


@pytest.mark.parametrize("rule", ["p95 < 1 s", "max < 1 s, window_s=10", "mean < 1 s, window_s=30, min_requests=3"])
def test_a_rule_on_times_that_finds_none_fails_and_says_so(rule):
    one = Trial(rule).late(0, {("/b", "GET"): UNTIMED}).only
    assert (one.state, one.failed) == (RuleState.NO_DATA, True)
    assert one.message == "none of 8 requests has a usable response time"


def test_a_rule_whose_expression_takes_too_long_on_a_name_fails_and_says_so():
    trial = Trial("count(/(a|a)+b) < 5", "count(/b) < 5")
    trial.window(1, name="/" + "a" * 60).window(1, name="/b")
    slow, other = outcome_of(trial.evaluation).rules
    assert (slow.state, slow.failed) == (RuleState.NO_DATA, True)
    assert "takes too long on the name" in slow.message
    assert other.state is RuleState.PASSED


def test_too_few_times_are_bad_luck():
    one = Trial("p95 < 1 s, min_requests=5").late(0, {("/a", "GET"): summary(1, 2), ("/b", "GET"): UNTIMED}).only
    assert (one.state, one.failed, one.message) == (RuleState.NO_DATA, False, "2 requests, needs at least 5")


def test_the_worst_sliding_window_is_said_with_its_time():
    trial = Trial("mean < 30 ms, window_s=20").window(10).window(20).window(90).window(10).window(10)
    one = trial.only
    assert (one.state, one.observed, one.requests) == (RuleState.BROKEN, 55.0, 2)
    assert one.message == "55 ms of 2 requests from 08:00:10 to 08:00:30 UTC; broken in 2 of 4 windows"
    assert Trial("max < 30 ms, window_s=20").window(10).window(20).window(9).only.message == (
        "20 ms of 2 requests from 08:00:00 to 08:00:20 UTC, the worst of 2 windows"
    )


def test_a_warning_fails_nothing():
    trial = Trial("max < 5, severity=warn", "p95(/typo) < 5, severity=warn").window(10)
    broken, missing = outcome_of(trial.evaluation).rules
    assert (broken.state, missing.state) == (RuleState.BROKEN, RuleState.NO_DATA)
    assert not outcome_of(trial.evaluation).failed


NO_DATA = [
    ("p95(/typo) < 5", True, "no such request"),
    ("p95(POST /a) < 5", True, "no such request"),
    ("max < 5, warm_up_s=60", True, "no such request after the first 60 s"),
    ("p95(/none) < 5, window_s=20", True, "no such request"),
    ("max(/failing) < 5, successful_only", True, "no such request that succeeded"),
    ("max < 5, min_requests=100", False, "6 requests, needs at least 100"),
    ("max < 5, window_s=10, min_requests=4", False, "3 requests in any 10 s, needs at least 4"),
    ("rps > 1, window_s=600", False, "the run has no whole window of 600 s"),
    ("count > 1, min_requests=9", False, "6 requests, needs at least 9"),
]


@pytest.mark.parametrize(("text", "failed", "message"), NO_DATA)
def test_without_data_a_rule_fails_only_where_there_was_no_such_request_at_all(text, failed, message):
    trial = Trial(text).window(10, 20).window(10, 20)
    trial.late(1, {("/failing", "GET"): summary(failed=(3.0,))}).late(0, {("/other", "GET"): summary(4.0)})
    assert (trial.only.state, trial.only.observed) == (RuleState.NO_DATA, None)
    assert (trial.only.failed, trial.only.message) == (failed, message)


def test_no_request_is_a_number_of_requests_too():
    assert Trial("count(/typo) > 3").window(1).only.state is RuleState.BROKEN
    assert Trial("count(/forbidden) <= 0").window(1).only.state is RuleState.PASSED
    assert Trial("rps > 0.05, window_s=10").window(1).window().window(1).only.observed == 0


def test_a_run_that_is_shorter_than_a_window_is_judged_as_a_whole():
    one = Trial("max < 5 ms, window_s=60").window(10).only
    assert (one.state, one.message) == (
        RuleState.BROKEN,
        "10 ms of 1 request; the run was shorter than the rule's window",
    )


def test_parts_of_windows_at_both_ends_do_not_count_where_less_is_broken():
    trial = Trial("rps > 0.15, window_s=10", "max < 5, window_s=10", started_s=T0_S + 9.0)
    trial.window(1).window(1, 1).window(1, 1)
    trial.evaluation.stop(T0_S + 31)
    rate, longest = outcome_of(trial.window(9).evaluation).rules
    assert (rate.state, rate.observed) == (RuleState.PASSED, 0.2)
    assert (longest.state, longest.observed) == (RuleState.BROKEN, 9)


def test_requests_per_second_of_a_run_are_those_from_its_start_to_its_stop():
    trial = Trial("rps > 1", "rps > 1, warm_up_s=8", started_s=T0_S + 2.0).window(*[1] * 40).window(*[1] * 20)
    trial.evaluation.stop(T0_S + 17.0)
    assert [one.observed for one in outcome_of(trial.evaluation).rules] == [60 / 15, 20 / 7]


def test_late_results_mend_and_break_what_was_seen():
    trial = Trial("failure_ratio < 50 %, window_s=10").window(1).window(failed=(1,)).window(1)
    assert trial.only.state is RuleState.BROKEN
    trial.late(1, {("/a", "GET"): summary(1, 1, 1)})
    assert (trial.only.state, trial.only.observed) == (RuleState.PASSED, 0.25)
    trial.late(0, {("/a", "GET"): summary(failed=(1, 1, 1))})
    assert (trial.only.state, trial.only.observed) == (RuleState.BROKEN, 0.75)


def test_what_comes_too_late_for_its_window_counts_in_the_whole_run_and_is_told():
    trial = Trial("max < 50, window_s=10", "max < 50").window(1)
    for _ in range(MAX_LATE_S // 10 + 1):
        trial.window(1)
    sliding, whole = outcome_of(trial.late(0, {("/a", "GET"): summary(99)}).evaluation).rules
    assert (sliding.state, whole.state) == (RuleState.PASSED, RuleState.BROKEN)
    assert sliding.message.endswith("1 request came too late for a sliding window")


def test_a_broken_rule_stops_the_run_after_its_time_and_not_before():
    trial = Trial("max < 50, window_s=10, abort_after_s=20").window(1).window(99).window(99)
    assert trial.aborted is None
    assert trial.window(99).aborted == "max < 50 ms, window_s=10"
    assert trial.only.message.endswith("broken in 3 of 4 windows; stopped the run at 08:00:40 UTC, after 20 s")


def test_a_rule_that_holds_again_starts_anew_and_one_without_data_goes_on():
    trial = Trial("max < 50, window_s=10, abort_after_s=20").window(99).window(99).window(1).window(99).window()
    assert trial.aborted is None
    assert trial.window(99).aborted is not None


def test_a_rule_on_the_run_so_far_can_stop_it_and_stays_broken():
    trial = Trial("failure_ratio < 50 %, abort_after_s=10").window(failed=(1, 1)).window(failed=(1,))
    assert trial.aborted == "failure_ratio < 50 %"
    trial.window(*[1] * 50)
    assert (trial.only.state, trial.only.failed) == (RuleState.BROKEN, True)


def test_the_first_rule_that_stops_the_run_is_named():
    trial = Trial("max(/none) < 5, abort_after_s=0", "max < 5, abort_after_s=0", "mean < 5, abort_after_s=0").window(9)
    assert trial.aborted == "max < 5 ms"
    assert outcome_of(trial.evaluation).aborted_by is trial.evaluation.aborted_by


@pytest.mark.parametrize(
    ("texts", "decide", "decided"),
    [
        (("failure_ratio < 50 %",), True, True),
        (("failure_ratio < 50 %",), False, False),
        (("failure_ratio < 10 %",), True, False),
        (("failure_ratio < 50 %", "failure_ratio(/a) < 10 %"), True, False),
        (("failure_ratio < 50 %", "failure_ratio(/a) < 10 %, severity=warn", "max < 1"), True, True),
        (("failure_ratio < 50 %", "failure_ratio(/typo) < 1 %"), True, False),
    ],
)
def test_rules_on_failures_decide_about_failures_if_the_user_says_so_and_they_pass(texts, decide, decided):
    trial = Trial(*texts, failures_decide=decide).window(1, 1, 1, failed=(1,))
    assert outcome_of(trial.evaluation).failures_decided is decided


def test_the_table_has_a_line_for_each_rule():
    trial = Trial("max < 5", "max < 500, name=quick enough", "p95(/typo) < 5", "mean < 5, severity=warn")
    trial.window(10, 11)
    assert table("R", outcome_of(trial.evaluation)) == [
        "rules of run R: 1 of 4 passed, 2 failed",
        "  FAILED   max < 5 ms                  11 ms of 2 requests",
        "  passed   quick enough: max < 500 ms  11 ms of 2 requests",
        "  FAILED   p95(/typo) < 5 ms           no such request",
        "  WARNING  mean < 5 ms                 10.5 ms of 2 requests",
    ]
    assert table("R", outcome_of(Trial("max < 50").window(1).evaluation))[0] == "rules of run R: 1 of 1 passed"


@given(st.floats(0.001, 1e6), st.floats(0.001, 1e6))
@example(1.0, 1.00390625)
@example(1234567.0, 1234567.5)
def test_a_value_never_looks_like_a_limit_that_it_is_not(value, limit):
    rule = parse(f"mean < {limit!r}")
    shown = rounded(rule, value)
    assert float(shown.removesuffix(" ms").replace(",", "")) == pytest.approx(value, rel=0.01)
    if f"{value:.9g}" != f"{rule.limit:.9g}":
        # The limit stands beside it with all its digits.
        assert shown != shown_value(rule.figure, rule.limit)


def test_memory_does_not_grow_with_the_length_of_a_run():
    trial = Trial("p95 < 50, window_s=60", "p95(/a) < 50", "p95(/b) < 5, window_s=20, warm_up_s=30")

    def held(hours):
        for _ in range(hours * 360):
            trial.window(1, 2)
        gc.collect()
        (first, *_) = trial.evaluation._feeds
        return len(first.windows), max(len(watch.seen) for watch in trial.evaluation._watches)

    assert held(1) == held(2)
    windows, seen = held(1)
    assert windows <= (MAX_LATE_S + 60) // 10 + 1
    assert seen <= MAX_LATE_S // 10 + 1
    assert outcome_of(trial.evaluation).rules[1].requests == 4 * 360 * 2


def test_endpoints_are_looked_up_once_and_forgotten_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(matched_requests, "MAX_REMEMBERED", 5)
    assert MAX_REMEMBERED == 10_000
    rules = [parse("count(/item/[0-9]+) > 1"), parse("count > 1")]
    one = Feeds(rules, T0_S, 10)
    for number in range(12):
        list(one.add(closed_window(T0_S, {(f"/item/{number}", "GET"): summary(1), ("/x", "GET"): summary(1)}), T0_S))
        assert len(one._looking_at) <= 5
    assert [one.of(rule).total.successes.count for rule in rules] == [12, 24]


def test_no_step_takes_long_at_a_thousand_endpoints():
    rules = [f"p95(/item/{n}.*) < 50, window_s=60, name=rule {n}" for n in range(40)] + ["p95 < 50, window_s=3600"]
    trial = Trial(*rules)
    summaries = {(f"/item/{n}", "GET"): summary(*range(1, 40)) for n in range(1_000)}
    for at in range(8):
        trial.late(at, summaries)
    steps = [*trial.evaluation.observe(closed_window(T0_S + 80, summaries)), *trial.evaluation.look()]
    # One for each endpoint, and one for each window that a sliding one merges: none goes over all of them.
    assert len(steps) >= 1_000 + 40 * 6
