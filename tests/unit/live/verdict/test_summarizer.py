"""The summarizer: logs a run once it is settled, and again if it has changed."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from locust_cw_dist.core.publish.ledger import LEFT_OUT, Balance, DatumLedger
from locust_cw_dist.core.summaries.totals import Totals
from locust_cw_dist.core.verdict.cross_check import CrossCheck
from locust_cw_dist.core.verdict.generator_health import Health
from locust_cw_dist.live.publish.publisher import SeriesCount
from locust_cw_dist.live.verdict.summary_log import SummaryLog
from locust_cw_dist.settings.settings import Settings
from support.publishing.benches import MasterSide

NOW_S = 1_800_000_000.0


class Bench(MasterSide):
    def __init__(self, **settings):
        super().__init__()
        self.run = self.runs.start(NOW_S, "-", (("branch", "main"),))
        self.balances = {}
        self.book()
        publisher = SimpleNamespace(
            balance=lambda run: self.balances.get(run.run_id, Balance(0, 0, 0, 0, 0, {})),
            datum_ledger=DatumLedger(calls=3),
            series=SeriesCount({}),
        )
        self.without_plugin = set()
        self.locust = Totals(10, 0)
        health = SimpleNamespace(health=lambda _: Health(), cut_short=lambda _: None)
        checker = SimpleNamespace(check=lambda _: CrossCheck(Totals(10, 0), self.locust))
        self.summarizer = SummaryLog(
            self.collector,
            self.without_plugin,
            publisher,
            health,
            checker,
            self.runs,
            self.clock,
            Settings(service="shop", **settings),
        )

    def book(self, published=10, pending=0, **dropped):
        total = published + pending + sum(dropped.values())
        self.balances[self.run.run_id] = Balance(total, published, pending, 0, 0, dropped)


@pytest.fixture
def bench(caplog):
    caplog.set_level("INFO")
    return Bench()


def logged(caplog):
    return [json.loads(r.getMessage()) for r in caplog.records if r.name == "locust_cw_dist.summary"]


def test_a_run_is_logged_once_when_it_is_settled(bench, caplog):
    bench.summarizer.log_settled(NOW_S)
    assert logged(caplog) == [], "it goes on"
    bench.runs.stop(NOW_S + 5)
    bench.book(published=8, pending=2)
    bench.summarizer.log_settled(NOW_S)
    assert logged(caplog) == [], "results are on their way"
    bench.book()
    for _ in range(2):
        bench.summarizer.log_settled(NOW_S)
    bench.summarizer.log_all()
    (line,) = logged(caplog)
    assert (line["published"], line["complete"], line["labels"]) == (10, True, {"branch": "main"})


def test_a_run_that_changed_after_it_was_logged_is_logged_again(bench, caplog):
    bench.runs.stop(NOW_S + 5)
    bench.summarizer.log_settled(NOW_S)
    bench.book(published=12)
    bench.summarizer.log_all()
    assert [line["published"] for line in logged(caplog)] == [10, 12]


def test_without_the_line_for_machines_nothing_is_logged(bench, caplog):
    bench.summarizer.logs_json = False
    bench.summarizer.log_all()
    assert caplog.records == []
    assert [one.balance.published for one in bench.summarizer.summaries.values()] == [10]


def test_an_incomplete_run_is_not_logged_again_when_the_next_one_is(bench, caplog):
    bench.runs.stop(NOW_S + 5)
    bench.book(published=7, refused=3)
    bench.summarizer.log_settled(NOW_S)
    bench.run = bench.runs.start(NOW_S + 10, "-", ())
    bench.book()
    bench.summarizer.log_all()
    assert [line["complete"] for line in logged(caplog)] == [False, True]


def test_a_run_whose_verdict_is_another_at_the_end_is_logged_again(bench, caplog):
    bench.runs.stop(NOW_S + 5)
    bench.summarizer.log_settled(NOW_S)
    bench.without_plugin.add("w1")
    bench.summarizer.log_all()
    assert [line["verdict"]["state"] for line in logged(caplog)] == ["valid", "invalid"]
    (told,) = bench.summarizer.summaries.values()
    assert told.verdict.lines() == ["  verdict: invalid: worker w1 has no plugin: its results are missing"]
    assert bench.run.verdict.as_json() == logged(caplog)[-1]["verdict"]


@pytest.mark.parametrize(("required", "state"), [(False, "suspect"), (True, "invalid")])
def test_what_is_received_and_not_published_depends_on_what_the_user_requires(required, state):
    bench = Bench(required=required)
    dropped = {"throttled by CloudWatch": 20, LEFT_OUT: 5}
    bench.balances[bench.run.run_id] = Balance(100, 60, 0, 15, 0, dropped, {"response_time negative": 9})
    bench.summarizer.log_all()
    expected = {"state": state, "reasons": ["35 results received but not published"]}
    assert bench.run.verdict.as_json() == expected


def test_a_worker_that_was_lost_is_told_of_with_the_time_up_to_which_its_results_are_in(bench, caplog):
    bench.collector.begin(bench.run.run_id, {"w1"}, NOW_S)
    bench.collector.greet("w1", "epoch 1", NOW_S)
    bench.summarizer.log_all()
    (line,) = logged(caplog)
    assert line["unheard_workers"] == [{"worker": "w1", "complete_until_s": NOW_S}]
    assert line["verdict"]["state"] == "invalid"


def test_a_run_of_which_locust_has_more_waits_for_the_rest_and_is_then_incomplete(bench, caplog):
    bench.runs.stop(NOW_S + 5)
    bench.locust = Totals(12, 0)
    bench.summarizer.log_settled(NOW_S + 5)
    assert logged(caplog) == [], "a report may be on its way"
    bench.summarizer.log_settled(NOW_S + 6)
    (line,) = logged(caplog)
    assert (line["complete"], line["locust_totals"]["missing_requests"]) == (False, 2)
    bench.summarizer.log_all()
    assert len(logged(caplog)) == 1


def test_a_run_that_catches_up_with_locust_is_complete(bench, caplog):
    bench.runs.stop(NOW_S + 5)
    bench.locust = Totals(12, 0)
    bench.summarizer.log_settled(NOW_S)
    bench.locust = Totals(9, 0)
    bench.summarizer.log_settled(NOW_S)
    (line,) = logged(caplog)
    assert (line["complete"], line["locust_totals"]["missing_requests"]) == (True, 0)
