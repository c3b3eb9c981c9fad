"""What an apply would do: nothing if all is as it should be, and never anything to what others made."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.errors import LocustCwError
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.tools.as_code.alarms import Choices, make_alarms
from locust_cw_dist.tools.as_code.changes import ExistingAlarm, Kind, alarm_changes, dashboard_changes
from locust_cw_dist.tools.as_code.dashboard import View, make_dashboard
from locust_cw_dist.tools.as_code.names import OWNER_TAG, owner_value

pytestmark = pytest.mark.once

SET = "perf/shop/loadtests"
SHOP = Settings(service="shop")
TEXTS = ("p95 < 300", "failure_ratio(POST /checkout) < 1 %", "rps > 20, window_s=60")
TOPIC = "arn:aws-us-gov:sns:us-gov-west-1:123456789012:oncall"


def alarms(*texts, **more):
    choices = Choices(SET, host="-", **more)
    return make_alarms([parse(text) for text in texts or TEXTS], SHOP, choices)[0]


def existing(alarm, tags=None, **fields):
    """Return an alarm as DescribeAlarms tells it: with more fields, and lists in an order of its own."""
    described = dict(alarm.request) | {"AlarmArn": f"arn:aws:cloudwatch:eu-west-1:1:alarm:{alarm.name}"}
    described |= {"StateValue": "OK", "ActionsEnabled": True, "InsufficientDataActions": []}
    for key in ("Dimensions", "Metrics", "AlarmActions"):
        if described.get(key):
            described[key] = list(reversed(described[key]))
    described |= fields
    return ExistingAlarm(described, {OWNER_TAG: owner_value(SET)} if tags is None else tags)


def test_all_is_created_where_nothing_is():
    changes = alarm_changes(alarms(), [], SET, {"team": "shop"})
    assert [change.kind for change in changes.changes] == [Kind.CREATE] * 3
    assert all(change.tags == {"team": "shop", OWNER_TAG: SET} for change in changes.changes)
    assert changes.changes[0].lines == ("ResponseTime_ms p95 >= 300, 1 of 1 periods of 60 s",)
    assert changes.summary() == "3 to create, 0 to change, 0 to delete, 0 unchanged"


def test_nothing_is_done_where_all_is_there():
    changes = alarm_changes(alarms(), map(existing, alarms()), SET, {})
    assert changes.changes == ()
    assert changes.unchanged == 3


@given(st.sets(st.sampled_from(TEXTS)), st.sets(st.sampled_from(TEXTS)))
def test_changes_lead_from_any_set_of_alarms_to_any_other(before, after):
    there, wanted = alarms(*sorted(before) or ["max < 1"]), alarms(*sorted(after) or ["max < 1"])
    names = {alarm.name for alarm in there}
    for change in alarm_changes(wanted, map(existing, there), SET, {}).changes:
        assert change.kind is not Kind.CHANGE
        names ^= {change.name}
    assert names == {alarm.name for alarm in wanted}


def test_a_limit_that_changed_is_a_change_of_the_same_alarm():
    (change,) = alarm_changes(alarms("p95 < 250"), [existing(alarms("p95 < 300")[0])], SET, {}).changes
    assert change.kind is Kind.CHANGE
    assert "Threshold: 300.0 -> 250.0" in change.lines
    assert change.request["Threshold"] == 250


def test_actions_that_somebody_switched_off_stay_off():
    (change,) = alarm_changes(
        alarms("p95 < 250"), [existing(alarms("p95 < 300")[0], ActionsEnabled=False)], SET, {}
    ).changes
    assert change.request["ActionsEnabled"] is False


def test_tags_are_added_and_changed_and_those_of_others_stay():
    (alarm,) = alarms("p95 < 300")
    there = existing(alarm, {OWNER_TAG: SET, "team": "shop", "theirs": "x"})
    (change,) = alarm_changes([alarm], [there], SET, {"team": "cart", "stage": "perf"}).changes
    assert change.tags == {"team": "cart", "stage": "perf"}
    assert change.arn == there.arn
    assert set(change.lines) == {"tag team: shop -> cart", "tag stage: (none) -> perf"}


def test_an_action_that_is_gone_is_a_change():
    (with_topic,) = alarms("p95 < 300", alarm_actions=(TOPIC,))
    (change,) = alarm_changes(alarms("p95 < 300"), [existing(with_topic)], SET, {}).changes
    assert change.lines == (f'AlarmActions: ["{TOPIC}"] -> (none)',)


def test_only_alarms_of_the_set_are_deleted():
    ours, theirs, stacks, other_set = alarms("p95 < 1", "p99 < 1", "max < 1", "mean < 1")
    there = [
        existing(ours),
        existing(theirs, {"team": "x"}),
        existing(stacks, {OWNER_TAG: SET, "aws:cloudformation:stack-name": "prod"}),
        existing(other_set, {OWNER_TAG: "perf/other/loadtests"}),
        existing(alarms("rps > 1")[0], AlarmRule="ALARM(x)"),
    ]
    changes = alarm_changes((), there, SET, {}).changes
    assert [(change.kind, change.name) for change in changes] == [(Kind.DELETE, ours.name)]


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({}, "was not made by locust-cw alarms"),
        ({OWNER_TAG: "perf/other/loadtests"}, "was not made by locust-cw alarms"),
        ({OWNER_TAG: SET, "aws:cloudformation:stack-name": "prod"}, "CloudFormation stack prod"),
    ],
)
def test_a_name_that_others_use_is_an_error_before_anything_is_done(tags, words):
    with pytest.raises(LocustCwError) as caught:
        alarm_changes(alarms(), [existing(alarms()[1], tags)], SET, {})
    assert words in str(caught.value)
    assert alarms()[1].name in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def dashboard(**more):
    return make_dashboard(SHOP, View(SET, "eu-west-1", host="-", **more))


def test_a_dashboard_is_created_kept_changed_and_deleted():
    made = dashboard()
    (change,) = dashboard_changes(made.name, made.body, None, SET).changes
    assert change.kind is Kind.CREATE
    assert "Requests per second" in change.lines
    same = json.dumps(made.body, indent=3, sort_keys=True)
    assert dashboard_changes(made.name, made.body, same, SET).unchanged == 1
    other = dashboard(rules=(parse("p95 < 300"),), endpoints=(("/a", "GET"),))
    (change,) = dashboard_changes(made.name, other.body, made.text(), SET).changes
    assert change.kind is Kind.CHANGE
    assert "~ Response times, all requests" in change.lines
    assert "~ p95 by endpoint" in change.lines
    (change,) = dashboard_changes(made.name, None, made.text(), SET).changes
    assert (change.kind, change.request) == (Kind.DELETE, None)
    assert dashboard_changes(made.name, None, None, SET).changes == ()


@pytest.mark.parametrize(
    "theirs",
    [
        '{"widgets": []}',
        "not JSON",
        "[]",
        '{"widgets": [{"type": "text", "properties": null}, 3]}',
        dashboard().text().replace("perf/shop/loadtests`", "perf/other/loadtests`"),
        json.dumps({"widgets": [{"type": "metric", "properties": {"title": dashboard().text()}}]}),
    ],
)
@pytest.mark.parametrize("body", [None, dashboard().body])
def test_a_dashboard_of_somebody_else_is_neither_replaced_nor_deleted(theirs, body):
    with pytest.raises(LocustCwError, match="was not made by locust-cw dashboard") as caught:
        dashboard_changes("perf-shop-loadtests", body, theirs, SET)
    assert len(str(caught.value).splitlines()) == 1
