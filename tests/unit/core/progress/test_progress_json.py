"""A state as JSON, and as the table in Locust's own web UI."""

from __future__ import annotations

import json

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
                    rule=rule, state=RuleState.PASSED, observed=123.456789, requests=5, message="m", failed=False
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
            "message": "m",
        }
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_what_is_no_number_is_null(value):
    assert number(value) is None
    assert number_text(value) == "null"


@pytest.mark.parametrize("value", [0, 7, 123456789, 0.0, 1.5, 123456.7, 1e-9, 12.34567])
def test_a_number_is_the_same_in_both_forms(value):
    assert json.loads(number_text(value)) == number(value)


def test_locusts_table_has_all_columns_in_each_line():
    rows = json.loads(TableText().of(progress()))
    assert all(list(row) == [key for key, _ in COLUMNS] for row in rows)
    assert [row["kind"] for row in rows] == ["publishing", *["results"] * 5, "rule", "all endpoints", "endpoint"]
    assert rows[0]["state"] == "publishing since 00:16:40 UTC"
    assert rows[6]["state"] == "passed at 123.46 ms"
    assert (rows[-1]["name"], rows[-1]["requests"], rows[-1]["p99"]) == ("/a", 5, 3.0)


def test_locusts_table_follows_the_state():
    table = TableText()
    table.of(progress())
    rows = json.loads(table.of(progress(endpoints=(), rules=())))
    assert [row["kind"] for row in rows] == ["publishing", *["results"] * 5, "all endpoints"]
