"""The verdict on a run: what makes it suspect, what makes it invalid, and when it was cut short."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from locust_cw_dist.core.summaries.totals import Totals
from locust_cw_dist.core.verdict.cross_check import CrossCheck
from locust_cw_dist.core.verdict.cut_short import Cause, Plan, cut_short
from locust_cw_dist.core.verdict.generator_health import THIS_PROCESS, Busy, Health, Spell, UsersShort
from locust_cw_dist.core.verdict.verdict import MAX_NAMED, VALID, Delivery, Evidence, State, judge

AT_S = 1_800_000_000.0  # 08:00:00Z


def verdict_of(*, cut=None, health=None, **delivery):
    return judge(Evidence(delivery=Delivery(**delivery), health=health or Health(), cut_short=cut))


def test_what_locust_has_more_makes_a_run_suspect():
    verdict = judge(Evidence(cross_check=CrossCheck(Totals(10, 0), Totals(10, 2))))
    expected = {"state": "suspect", "reasons": ["Locust counted 2 failures more than recorded"]}
    assert verdict.as_json() == expected
    assert judge(Evidence(cross_check=CrossCheck(Totals(10, 2), Totals(9, 2)))) == VALID


def test_results_that_may_count_twice_make_a_run_suspect():
    verdict = verdict_of(doubtful=256)
    reason = "up to 256 results may count twice: calls got no answer"
    assert verdict.as_json() == {"state": "suspect", "reasons": [reason]}


def test_figures_that_may_count_twice_without_any_result_make_a_run_suspect():
    reason = "figures in CloudWatch may count twice: calls got no answer"
    assert verdict_of(has_doubtful_figures=True).as_json() == {"state": "suspect", "reasons": [reason]}


def test_a_run_without_anything_to_say_is_valid():
    verdict = verdict_of()
    assert verdict == VALID
    assert verdict.lines() == ["  verdict: valid"]
    assert verdict.as_json() == {"state": "valid", "reasons": []}


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ({}, "measurement reliable"),
        ({"health": Health(busy=(Busy("a", 95.0, 12.0), Busy("b", 99.0, 12.0)))}, "load generator was short of CPU"),
        ({"cut": "told to end", "doubtful": 2}, "run was cut short"),
        ({"unheard": (("a", AT_S),), "unreceived": 5, "cut": "told to end"}, "run was cut short, results are missing"),
        (
            {"doubtful": 2, "unpublished": 3, "health": Health(held_s=3.0, users=UsersShort(3, 10, None))},
            "CloudWatch has not all results, CloudWatch may count results twice, and 2 more",
        ),
    ],
)
def test_a_verdict_has_a_few_words_on_the_measurement(evidence, words):
    assert verdict_of(**evidence).words == words


def test_there_is_one_verdict_whatever_else_was_seen():
    verdict = verdict_of(cut="told to end", doubtful=2)
    assert verdict.lines() == [
        "  verdict: invalid: cut short: told to end",
        "  also: up to 2 results may count twice: calls got no answer",
    ]


@pytest.mark.parametrize(
    ("evidence", "text"),
    [
        (
            {"cut": "the process was told to end after 4 of 8 s"},
            "cut short: the process was told to end after 4 of 8 s",
        ),
        ({"unheard": (("w1", AT_S),)}, "worker w1 was lost, with what it recorded after 08:00:00Z"),
        ({"without_plugin": ("w1",)}, "worker w1 has no plugin: its results are missing"),
        ({"unreceived": 3}, "3 results never reached the master"),
        ({"difference": -2}, "-2 results unaccounted for"),
        ({"unpublished": 5, "required": True}, "5 results received but not published"),
    ],
)
def test_what_makes_a_run_invalid(evidence, text):
    verdict = verdict_of(**evidence)
    assert verdict.state is State.INVALID
    assert [reason.text for reason in verdict.reasons] == [text]
    assert verdict.lines() == [f"  verdict: invalid: {text}"]


@pytest.mark.parametrize(
    ("health", "text"),
    [
        (Health(busy=(Busy("w1", 12.2, 98.7),)), "worker w1 used over 90 % CPU for 12 s or more, up to 99 %"),
        (
            Health(busy=(Busy(THIS_PROCESS, 12.2, 98.7),)),
            "this process used over 90 % CPU for 12 s or more, up to 99 %",
        ),
        (Health(silences=(Spell("w1", 8.1),)), "worker w1 was silent for 8 s"),
        (Health(departures=(Spell("w1", 20.0),)), "worker w1 left 20 s before the end"),
        (Health(skews=(Spell("w1", 3.14),)), "the clock of worker w1 was 3.1 s off"),
        (Health(held_s=2.34), "the event loop of this process was held for 2.3 s"),
        (Health(users=UsersShort(40, 50, None)), "only 40 of 50 users reached"),
        (Health(users=UsersShort(7, 8, 15.4)), "users dropped to 7 of 8 for 15 s"),
    ],
)
def test_what_makes_a_run_suspect(health, text):
    verdict = verdict_of(health=health)
    assert verdict.as_json() == {"state": "suspect", "reasons": [text]}


def test_results_that_cloudwatch_did_not_take_are_in_rules_and_record_all_the_same():
    assert verdict_of(unpublished=5).state is State.SUSPECT


def test_the_worst_reasons_come_first_and_decide():
    verdict = verdict_of(health=Health(held_s=2.0), unreceived=1)
    assert [reason.state for reason in verdict.reasons] == [State.INVALID, State.SUSPECT]
    assert verdict.state is State.INVALID
    assert json.loads(json.dumps(verdict.as_json()))["state"] == "invalid"


def test_a_worker_that_never_came_back_is_not_named_twice():
    health = Health(silences=(Spell("lost", 30.0), Spell("frozen", 8.0)))
    verdict = verdict_of(health=health, unheard=(("lost", AT_S),))
    assert [reason.text.split(" was")[0] for reason in verdict.reasons] == ["worker lost", "worker frozen"]


def test_a_thousand_workers_without_cpu_take_a_few_lines():
    verdict = verdict_of(health=Health(busy=tuple(Busy(f"w{n}", 9.0, 95.0) for n in range(1000))))
    assert len(verdict.reasons) == MAX_NAMED + 1
    assert verdict.reasons[-1].text == "995 more workers: no CPU left"


MINUTE = Plan(run_time_s=60.0)
SHAPE = Plan(has_shape=True)


@pytest.mark.parametrize("cause", [Cause.PROCESS, Cause.NO_WORKER])
@pytest.mark.parametrize(
    ("plan", "elapsed_s", "is_short"),
    [
        (MINUTE, 12.0, True),
        (MINUTE, 58.9, True),
        (MINUTE, 59.1, False),
        (MINUTE, 75.0, False),
        (Plan(), 12.0, False),
        (SHAPE, 12.0, True),
        (replace(SHAPE, run_time_s=10.0), 12.0, False),
    ],
)
def test_a_run_is_cut_short_before_its_planned_end_only(plan, cause, elapsed_s, is_short):
    assert (cut_short(plan, cause, elapsed_s) is not None) is is_short


@pytest.mark.parametrize("plan", [MINUTE, SHAPE, Plan()])
def test_a_test_that_ends_itself_is_not_cut_short(plan):
    assert cut_short(plan, Cause.ITSELF, 1.0) is None


def test_what_cut_a_run_short_is_said():
    assert cut_short(MINUTE, Cause.PROCESS, 12.4) == "the process was told to end after 12 of 60 s"
    assert cut_short(MINUTE, Cause.NO_WORKER, 12.4) == "the last worker was gone after 12 of 60 s"
    assert cut_short(SHAPE, Cause.PROCESS, 3.0) == "the process was told to end after 3 s, before its shape had ended"
