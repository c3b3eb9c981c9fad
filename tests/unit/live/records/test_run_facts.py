"""What a record says of a run besides its results."""

from __future__ import annotations

from locust_cw_dist.core.publish.ledger import Balance
from locust_cw_dist.live.records.run_facts import status_document
from locust_cw_dist.live.runs import Runs
from locust_cw_dist.testing import ManualClock

NOW_S = 1_800_000_000.0


def test_the_ledger_of_a_record_tells_how_many_results_may_count_twice():
    balance = Balance(10, 7, 1, 0, 0, {"throttled by CloudWatch": 2}, {}, doubtful=3)
    status = status_document(Runs(NOW_S, "-").current, balance, {}, ManualClock(NOW_S), ended=True)
    assert status["ledger"] == {
        "recorded": 10,
        "published": 7,
        "doubtful": 3,
        "pending": 1,
        "spooled": 0,
        "late": 0,
        "dropped": {"throttled by CloudWatch": 2},
        "untimed": {},
    }
