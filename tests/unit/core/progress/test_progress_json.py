"""A state as JSON, and as the table in Locust's own web UI."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from locust_cw_dist.core.progress.endpoint_progress import ALL, Figures, Row, RowKey, Times
from locust_cw_dist.core.progress.locust_table import COLUMNS, TableText
from locust_cw_dist.core.progress.numbers import encode, number, number_text
from locust_cw_dist.core.progress.progress import (
    Destination,
    Progress,
    RuleProgress,
    RunProgress,
    Spent,
    WarningLine,
    WorkerProgress,
)
from locust_cw_dist.core.progress.status import Status, StatusName
from locust_cw_dist.core.publish.ledger import LEFT_OUT, Balance
from locust_cw_dist.core.rules.outcome import RuleOutcome, RuleState
from locust_cw_dist.core.rules.rule_text import parse

FIGURES = Figures(start_s=1000.0, duration_s=10, requests=5, failures=1, untimed=0, times=Times(1.0, 2.0, 3.0, 4.0))


def progress(**changes):
    rule = parse("p95 < 300 ms")
    usual = {
        "now_s": 1010.0004,
        "locust_version": "2.47.0",
        "plugin_version": "1.0",
        "status": Status(StatusName.PUBLISHING, 1000.0),
        "destination": Destination("ns", "eu-west-1", 10, None),
        "is_open": True,
        "run": RunProgress("run", (("branch", "main"),), "-", True, 1000.0, None, 3),
        "ledger": Balance(10, 5, 2, 0, 0, {LEFT_OUT: 2, "refused by CloudWatch": 1}),
        "spent": Spent(1, 0, 0, 9, 4, 0.1234567891),
        "total": Row(ALL, FIGURES, FIGURES),
        "endpoints": (Row(RowKey("/a", "GET", "-"), None, FIGURES),),
        "workers": (WorkerProgress("w1", "running", 1009.0, 12.3456789, 1024, -0.0001),),
        "rules": (
            RuleProgress(
                RuleOutcome(
                    rule=rule,
                    state=RuleState.PASSED,
                    observed=123.456789,
                    requests=5,
                    message="123 ms of 5 requests",
                    failed=False,
                ),
                False,
            ),
        ),
        "warnings": (WarningLine(1001.0, "slow"),),
    }
    return Progress(**usual | changes)


def test_the_text_is_the_json():
    one = progress()
    assert json.loads(one.text()) == json.loads(encode(one.as_json()))


def test_the_ledger_says_what_was_lost():
    ledger = progress().as_json()["ledger"]
    assert (ledger["lost"], ledger["dropped"][LEFT_OUT]) == (1, 2)


def test_a_rule_says_what_was_seen_and_the_limit():
    assert progress().as_json()["rules"] == [
        {
            "name": "p95 < 300 ms",
            "text": "p95 < 300 ms",
            "state": "passed",
            "severity": "fail",
            "observed": 123.46,
            "limit": 300,
            "unit": "ms",
            "metric": "p95",
            "message": "123 ms of 5 requests",
        }
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_what_is_no_number_is_null(value):
    assert number(value) is None
    assert number_text(value) == "null"


@pytest.mark.parametrize("value", [0, 7, 123456789, 0.0, 1.5, 123456.7, 1e-9, 12.34567])
def test_a_number_is_the_same_in_both_forms(value):
    assert json.loads(number_text(value)) == number(value)


def table(one, text=None):
    return json.loads((text or TableText("/load/cloudwatch")).of(one))


def test_locusts_table_has_all_columns_in_each_line():
    rows = table(progress())
    assert all(list(row) == [key for key, _ in COLUMNS] for row in rows)
    # Locust sorts by this key as long as nobody chooses a column.
    assert all("name" not in row for row in rows)
    assert [(row["kind"], row["subject"], row["state"]) for row in rows] == [
        ("publishing", "ns", "publishing since 00:16:40 UTC"),
        ("results", "", "5 of 10 results are in CloudWatch, 2 on the way, 2 left out, 1 lost."),
        ("rule", "p95 < 300 ms", "passed: 123 ms of 5 requests"),
        ("page", "/load/cloudwatch", "plots, failures, workers, and news after a stop; this table is of 00:16:50 UTC"),
        ("all endpoints", "", ""),
        ("endpoint", "/a", ""),
    ]
    assert (rows[-1]["requests"], rows[-1]["p99"]) == (5, 3.0)


def test_broken_rules_come_first_in_locusts_table():
    (passed,) = progress().rules
    broken = replace(passed, outcome=replace(passed.outcome, state=RuleState.BROKEN))
    rows = table(progress(rules=(passed, broken, passed)))
    assert [row["state"].split(":")[0] for row in rows[2:5]] == ["broken", "passed", "passed"]


def test_locusts_table_is_short_of_digits_and_of_reasons():
    figures = replace(FIGURES, times=Times(0.0123456, 9.7697, 119.86, 123456.7))
    status = Status(StatusName.RETRYING, 1000.0, "no answer" * 99)
    rows = table(progress(total=Row(ALL, None, figures), status=status))
    assert [rows[4][key] for key in ("p50", "p95", "p99", "max")] == [0.0123, 9.77, 120, 123457]
    assert len(rows[0]["state"]) == 200
    assert rows[0]["state"].endswith("…")


def test_locusts_table_follows_the_state():
    text = TableText("/cloudwatch")
    table(progress(), text)
    rows = table(progress(endpoints=(), rules=()), text)
    assert [row["kind"] for row in rows] == ["publishing", "results", "page", "all endpoints"]
