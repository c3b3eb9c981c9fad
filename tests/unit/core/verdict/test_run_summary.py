from __future__ import annotations

import json
from dataclasses import replace

import pytest

from locust_cw_dist.core.costs.prices import Prices
from locust_cw_dist.core.publish.ledger import LEFT_OUT, Balance
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.summaries.request_result import NEGATIVE
from locust_cw_dist.core.summaries.totals import Totals
from locust_cw_dist.core.verdict.cross_check import CrossCheck
from locust_cw_dist.core.verdict.run_summary import RunSummary, Spending
from locust_cw_dist.core.verdict.verdict import Delivery, Evidence

SPENDING = Spending(calls=120, retries=3, ambiguous=0, datums=4_000, series=50, series_hours=100)
WHOLE = Balance(recorded=1_000, published=1_000, pending=0, spooled=0, late=0, dropped={})
COMPLETE = RunSummary("run-1", (("branch", "main"),), WHOLE, SPENDING, {}, prices=Prices())

MISSED = Delivery(unheard=(("worker-7", 1_800_000_000.0),), without_plugin=("worker-9",))


def balance(**changes):
    return replace(COMPLETE, balance=replace(WHOLE, **changes))


def checked(recorded, locust):
    return replace(COMPLETE, evidence=Evidence(cross_check=CrossCheck(recorded, locust)))


def test_a_complete_run_takes_two_lines():
    assert COMPLETE.lines() == [
        "run run-1: complete: 1000 of 1000 results published",
        "  120 PutMetricData calls, 4000 datums, 50 metrics: about $0.0423 (us-east-1, prices of 2026-11)",
    ]


def test_what_never_left_has_no_price():
    nothing = Spending(calls=0, retries=0, ambiguous=0, datums=0, series=50, series_hours=0)
    summary = replace(balance(published=0, dropped={"CloudWatch not reached": 1_000}), spending=nothing)
    assert summary.lines() == [
        "run run-1: INCOMPLETE: 0 of 1000 results published",
        "  1000 dropped: CloudWatch not reached",
        "  no PutMetricData call left this process, so AWS bills nothing",
    ]


def test_one_of_anything_is_told_as_one():
    summary = replace(
        balance(recorded=1, published=1, doubtful=1),
        spending=Spending(calls=1, retries=0, ambiguous=1, datums=1, series=1, series_hours=1),
        refused_frames={"malformed": 1},
    )
    assert summary.lines() == [
        "run run-1: complete: 1 of 1 result published",
        "  1 frame refused: malformed",
        "  1 PutMetricData call, 1 datum, 1 metric: about $0.0004 (us-east-1, prices of 2026-11)",
        "  1 call got no answer and was sent again; up to 1 result may count twice",
    ]


@pytest.mark.parametrize(
    ("summary", "is_complete"),
    [
        (COMPLETE, True),
        (balance(late=5), True),
        (balance(untimed={NEGATIVE: 10}), True),
        (balance(published=990, dropped={LEFT_OUT: 10}), True),
        (balance(recorded=0, published=0), True),
        (replace(COMPLETE, refused_frames={"malformed": 3}), True),  # somebody's, and nothing is missing
        (balance(published=990, dropped={"refused by CloudWatch": 10}), False),
        (balance(published=990, pending=10), False),
        (balance(published=990, spooled=10), False),
        (balance(published=990), False),
        (balance(published=1_001), False),
        (replace(COMPLETE, evidence=Evidence(delivery=Delivery(unheard=(("worker", 1_800_000_000.0),)))), False),
        (replace(COMPLETE, evidence=Evidence(delivery=Delivery(without_plugin=("worker",)))), False),
        (checked(Totals(1_000, 5), Totals(990, 5)), True),
        (checked(Totals(1_000, 5), Totals(1_001, 5)), False),
        (checked(Totals(1_000, 5), Totals(990, 6)), False),
    ],
)
def test_a_run_is_complete_if_every_result_is_published_and_nobody_has_more(summary, is_complete):
    assert summary.is_complete is is_complete
    assert ("INCOMPLETE" in summary.lines()[0]) is not is_complete
    assert summary.as_json()["complete"] is is_complete


def test_all_that_is_missing_has_a_line_of_its_own():
    summary = replace(
        COMPLETE,
        balance=Balance(1_000, 900, 40, 0, 7, {"refused by CloudWatch": 50}, {NEGATIVE: 20}),
        spending=replace(SPENDING, ambiguous=2),
        refused_frames={"malformed": 3},
        evidence=Evidence(delivery=MISSED, cross_check=CrossCheck(Totals(1_000, 50), Totals(1_200, 50))),
    )
    assert summary.lines()[0] == "run run-1: INCOMPLETE: 900 of 1000 results published, 7 of them late"
    text = "\n".join(summary.lines()[1:])
    for part in (
        "50 dropped: refused by CloudWatch",
        "20 counted without a response time: response_time negative",
        "40 not received or not sent",
        "10 unaccounted for",
        "worker-7 recorded after 08:00:00Z",
        "everything of worker worker-9",
        "Locust counted 200 requests more than recorded (Locust: 1200 requests, 50 failures; recorded: 1000",
        "likely cause: workers without this plugin",
        "likely cause: a lost worker",
        "3 frames refused: malformed",
        "2 calls got no answer and were sent again",
    ):
        assert part in text


def test_the_same_is_told_to_machines():
    summary = replace(
        COMPLETE,
        balance=Balance(1_000, 900, 40, 10, 7, {LEFT_OUT: 50}, {NEGATIVE: 20}),
        refused_frames={"malformed": 3},
        duplicate_frames=2,
        evidence=Evidence(delivery=MISSED),
    )
    told = json.loads(json.dumps(summary.as_json()))
    assert told == {
        "event": "locust_cw_run_summary",
        "run_id": "run-1",
        "labels": {"branch": "main"},
        "complete": False,
        "verdict": {
            "state": "invalid",
            "reasons": [
                "worker worker-7 was lost, with what it recorded after 08:00:00Z",
                "worker worker-9 has no plugin: its results are missing",
            ],
        },
        "recorded": 1_000,
        "recorded_failures": 0,
        "locust_totals": {"comparable": False, "why": "not compared"},
        "publishing": True,
        "published": 900,
        "pending": 40,
        "spooled": 10,
        "late": 7,
        "dropped": {LEFT_OUT: 50},
        "untimed": {NEGATIVE: 20},
        "unheard_workers": [{"worker": "worker-7", "complete_until_s": 1_800_000_000.0}],
        "workers_without_plugin": ["worker-9"],
        "refused_frames": {"malformed": 3},
        "duplicate_frames": 2,
        "put_metric_data_calls": 120,
        "retried_calls": 3,
        "ambiguous_calls": 0,
        "doubtful": 0,
        "datums": 4_000,
        "metrics": 50,
        "cost_usd": 0.042296,
        "prices_as_of": "2026-11",
        "own_prices": {},
        "dry_run": None,
    }
    assert told["recorded"] == sum(told[key] for key in ("published", "pending", "spooled")) + sum(
        told["dropped"].values()
    )


UNANSWERED = Failure.AMBIGUOUS.value


@pytest.mark.parametrize(
    ("calls", "changes", "resends", "lines"),
    [
        (0, {}, True, []),
        (0, {"doubtful": 5}, True, ["calls got no answer and were sent again; up to 5 results may count twice"]),
        (2, {"doubtful": 5}, True, ["2 calls got no answer and were sent again; up to 5 results may count twice"]),
        (
            0,
            {"has_doubtful_figures": True},
            True,
            ["calls got no answer and were sent again; figures in CloudWatch may count twice"],
        ),
        (
            2,
            {"published": 970, "dropped": {UNANSWERED: 20, "other": 5}, "spooled": 5},
            True,
            [
                "2 calls got no answer and were sent again",
                "results on disk that were in such a call may count twice when they are sent",
                "20 dropped results may be in CloudWatch",
            ],
        ),
        (
            2,
            {"published": 980, "dropped": {UNANSWERED: 20}},
            False,
            ["2 calls got no answer and were not sent again; 20 dropped results may be in CloudWatch"],
        ),
    ],
)
def test_what_became_of_calls_without_an_answer_is_said(calls, changes, resends, lines):
    summary = replace(balance(**changes), spending=replace(SPENDING, ambiguous=calls), resends_ambiguous=resends)
    told = summary.lines()
    assert [line.strip() for line in told[len(told) - len(lines) :]] == lines
    assert "answer" not in "".join(told[: len(told) - len(lines)]).replace(UNANSWERED, "")


@pytest.mark.parametrize(
    ("series_hours", "calls", "usd"), [(0, 0, 0.0), (730, 0, 0.30), (0, 1_000, 0.01), (7_300, 5_000, 3.05)]
)
def test_costs_are_those_of_the_price_list(series_hours, calls, usd):
    spending = replace(SPENDING, series_hours=series_hours, calls=calls)
    assert spending.cost_usd(Prices()) == pytest.approx(usd)


def test_what_a_run_cost_is_told_whole_when_it_is_told_again():
    first, later = Spending(3, 1, 0, 90, 20, 20), Spending(2, 0, 1, 10, 22, 4)
    assert later.after(first) == Spending(5, 1, 1, 100, 22, 24)
