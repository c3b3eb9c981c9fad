"""What follows for the exit code from what is known of a process's runs, fact by fact."""

from __future__ import annotations

from dataclasses import replace

import pytest

from locust_cw_dist.core.rules.outcome import Outcome, RuleOutcome, RuleState
from locust_cw_dist.core.rules.rule import Severity, VerdictRule
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.core.verdict.exit_codes import Conclusion, Facts, conclude
from locust_cw_dist.core.verdict.verdict import State

pytestmark = pytest.mark.once

BROKEN = RuleOutcome(
    rule=parse("p95 < 3"), state=RuleState.BROKEN, observed=9.0, requests=1, message="9 ms", failed=True
)
JUDGED = Facts(is_ending=True, is_judged=True, states=(State.VALID,))
STRICT = {"required": {"required": True}, "rules": {"verdict_rule": VerdictRule()}}
LENIENT = {
    "nothing was asked for": {},
    "rules that let invalid runs pass": {"verdict_rule": VerdictRule(invalid=Severity.WARN)},
}
DOUBTS = {
    "ended half-way": {"is_judged": False},
    "never began": {"never_began": True},
    "a step failed": {"has_failed": True},
    "invalid": {"states": (State.VALID, State.INVALID)},
}


@pytest.mark.parametrize("doubt", DOUBTS.values(), ids=DOUBTS)
def test_what_makes_a_run_doubtful_decides_only_where_the_user_asked(doubt):
    for asked in STRICT.values():
        assert conclude(replace(JUDGED, **asked, **doubt)).unreliable
        assert not conclude(replace(JUDGED, **asked)).unreliable
    for asked in LENIENT.values():
        assert not conclude(replace(JUDGED, **asked, **doubt)).unreliable


def test_before_the_end_nothing_is_known_and_nothing_doubtful():
    assert conclude(Facts(required=True)) == Conclusion()


def test_a_record_that_stays_away_decides_only_where_publishing_is_required():
    assert conclude(replace(JUDGED, required=True, is_recorded=False)).unreliable
    assert not conclude(replace(JUDGED, verdict_rule=VerdictRule(), is_recorded=False)).unreliable


def test_rules_that_have_not_seen_all_results_pass_nothing():
    assert conclude(replace(JUDGED, verdict_rule=VerdictRule(invalid=Severity.WARN), has_seen_all=False)).unreliable


def test_a_later_fact_takes_no_earlier_one_back():
    doubtful = replace(JUDGED, required=True, is_recorded=False, has_failed=True)
    assert conclude(replace(doubtful, states=(State.VALID, State.VALID))).unreliable


def test_one_rule_that_failed_in_one_run_is_enough_and_failures_are_decided_in_all_or_none():
    outcomes = (Outcome(failures_decided=True), Outcome(rules=(BROKEN,), failures_decided=True))
    assert conclude(replace(JUDGED, outcomes=outcomes)) == Conclusion(rule_failed=True, failures_decided=True)
    assert not conclude(replace(JUDGED, outcomes=(*outcomes, Outcome()))).failures_decided
    assert not conclude(JUDGED).failures_decided
