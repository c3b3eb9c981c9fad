"""Locust's own totals beside what was recorded, on a real Environment: each by itself, and when it means nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from locust import User
from locust.env import Environment
from locust.stats import RequestStats

from locust_cw_dist.core.summaries.totals import Totals
from locust_cw_dist.core.verdict.cross_check import CrossCheck
from locust_cw_dist.live.runs import Run
from locust_cw_dist.live.verdict.cross_checker import (
    MANY_RUNNERS,
    NEXT_RUN,
    NOT_OWN,
    NOT_STARTED,
    OTHER_RUN,
    RESET,
    RESET_OPTION,
    UNREADABLE,
    CrossChecker,
)
from support.publishing.benches import MasterSide

NOW_S = 1_800_000_000.0


class Bench(MasterSide):
    """A single process, of which the test says what was recorded, and what was told of other runs."""

    def __init__(self):
        super().__init__()
        self.environment = Environment(user_classes=[User])
        self.environment.create_local_runner()
        self.recorded = Totals()
        self.others = Totals()
        collector = SimpleNamespace(
            run=lambda _: SimpleNamespace(totals=self.recorded), totals_of_others=lambda _: self.others
        )
        self.waiting = 0
        self.checker = CrossChecker(self.environment, self.runs, collector, lambda _: self.waiting)

    def begin(self):
        run = self.runs.start(NOW_S, "-", ())
        self.environment.stats.clear_all()
        self.checker.begin(run)
        return run

    def fire(self, count, *, failed=False, **fields):
        for _ in range(count):
            event = {"request_type": "GET", "name": "/", "response_time": 10, "response_length": 1} | fields
            self.environment.events.request.fire(**event, exception=OSError("no") if failed else None, context={})
            self.recorded = Totals(self.recorded.requests + 1, self.recorded.failures + failed)

    def check(self, run=None):
        return self.checker.check(run or self.runs.current)


@pytest.fixture
def bench():
    bench = Bench()
    bench.begin()
    yield bench
    bench.environment.runner.quit()


def test_what_locust_and_the_plugin_see_alike_lacks_nothing(bench):
    bench.fire(5)
    bench.fire(3, failed=True)
    bench.fire(2, failed=True, response_time=None)
    check = bench.check()
    assert (check.locust, check.recorded) == (Totals(10, 5), Totals(10, 5))
    assert not check.finds_missing
    assert check.lines(["a cause"]) == []
    assert check.as_json(["a cause"]) == {
        "comparable": True,
        "requests": 10,
        "failures": 5,
        "missing_requests": 0,
        "missing_failures": 0,
        "likely_causes": [],
    }


def test_what_has_fired_and_is_not_handed_over_yet_is_not_missing(bench):
    """Users may go on while a process ends; each of these may have failed."""
    bench.fire(5)
    bench.fire(2, failed=True)
    bench.recorded, bench.waiting = Totals(4, 1), 3
    assert bench.check().missing == Totals()
    bench.waiting = 2
    assert bench.check().missing == Totals(1, 0)
    bench.waiting = 0
    assert bench.check().missing == Totals(3, 1)


def test_more_recorded_than_locust_has_is_normal(bench):
    bench.fire(5)
    bench.recorded = Totals(9, 4)
    assert bench.check().missing == Totals()


@pytest.mark.parametrize(
    ("log", "missing", "text", "cause"),
    [
        (
            lambda stats: stats.log_request("GET", "/", 10, 1),
            Totals(10, 0),
            "Locust counted 10 requests more than recorded",
            "code that calls stats.log_request directly: fire environment.events.request instead",
        ),
        (
            lambda stats: stats.log_error("GET", "/", "no"),
            Totals(0, 10),
            "Locust counted 10 failures more than recorded",
            "code that calls stats.log_error directly: fire environment.events.request instead",
        ),
    ],
)
def test_requests_and_failures_are_compared_each_by_itself(bench, log, missing, text, cause):
    bench.fire(20)
    bench.fire(20, failed=True)
    for _ in range(10):
        log(bench.environment.stats)
    check = bench.check()
    assert (check.missing, check.text) == (missing, text)
    causes = check.likely_causes(without_plugin=False, lost_workers=False)
    assert causes[0] == cause
    numbers = f"{40 + missing.requests} requests, {20 + missing.failures} failures"
    assert check.lines(causes)[:2] == [
        f"  {text} (Locust: {numbers}; recorded: 40 requests, 20 failures)",
        f"  likely cause: {cause}",
    ]


def test_a_surplus_of_the_one_hides_no_lack_of_the_other():
    assert CrossCheck(Totals(100, 2), Totals(50, 3)).missing == Totals(0, 1)
    check = CrossCheck(Totals(50, 1), Totals(51, 1))
    text = "Locust counted 1 request more than recorded"
    assert check.text == text
    assert check.lines([]) == [f"  {text} (Locust: 51 requests, 1 failure; recorded: 50 requests, 1 failure)"]


def test_workers_that_are_known_to_lack_results_are_the_likely_cause():
    causes = CrossCheck(Totals(), Totals(3, 1)).likely_causes(without_plugin=True, lost_workers=True)
    assert [cause.split()[0] for cause in causes] == ["workers", "a"]


def test_each_run_is_compared_with_its_own_totals(bench):
    first = bench.runs.current
    bench.fire(5)
    bench.environment.stats.log_error("GET", "/", "no")
    assert bench.check(first).missing == Totals(0, 1)
    second = bench.begin()
    assert bench.check(second).locust == Totals()
    # As it was while it was the current one.
    assert bench.check(first).locust == Totals(5, 1)


def test_a_run_that_was_not_looked_at_before_the_next_one_is_not_comparable(bench):
    first = bench.runs.current
    bench.fire(5)
    bench.begin()
    assert bench.check(first).why == NEXT_RUN


def test_what_may_be_of_another_run_is_not_missing(bench):
    bench.fire(5)
    bench.others = Totals(3, 2)
    for _ in range(10):
        bench.environment.stats.log_request("GET", "/", 10, 1)
    bench.environment.stats.log_error("GET", "/", "no")
    assert bench.check().missing == Totals(7, 0)


def test_what_locust_had_at_the_stop_is_surely_missing_after_the_next_start_too(bench):
    first = bench.runs.current
    bench.fire(5)
    bench.environment.stats.log_error("GET", "/", "no")
    bench.checker.note_stop(first)
    bench.begin()
    check = bench.check(first)
    assert (check.locust, check.missing) == (Totals(5, 1), Totals(0, 1))
    bench.recorded = Totals(5, 1)
    assert bench.check(first).why == NEXT_RUN


def test_what_may_be_of_another_run_at_the_stop_is_not_missing_either(bench):
    first = bench.runs.current
    bench.environment.stats.log_request("GET", "/", 10, 1)
    bench.others = Totals(1, 0)
    bench.checker.note_stop(first)
    bench.begin()
    assert bench.check(first).why == NEXT_RUN


def reset_button(bench):
    bench.environment.events.reset_stats.fire()
    bench.environment.runner.stats.reset_all()


def reset_option(bench):
    bench.environment.reset_stats = True


def clear(bench):
    bench.environment.stats.clear_all()


def replace(bench):
    bench.environment.stats = RequestStats()


def take_away(bench):
    bench.environment.stats = None


def forge(bench):
    bench.environment.stats.total.num_requests = float("nan")


def come_late(bench):
    bench.others = Totals(1, 1)


def make_another_runner(bench):
    bench.environment.runner = None
    bench.environment.create_local_runner()


def start_unseen(bench):
    bench.runs.start(NOW_S, "-", ())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (reset_button, RESET),
        (reset_option, RESET_OPTION),
        (clear, RESET),
        (replace, RESET),
        (take_away, UNREADABLE),
        (forge, UNREADABLE),
        (come_late, OTHER_RUN),
        (make_another_runner, MANY_RUNNERS),
        (start_unseen, NOT_STARTED),
    ],
)
def test_totals_of_something_else_are_not_compared(bench, change, why):
    bench.fire(5)
    bench.environment.stats.log_error("GET", "/", "no")
    change(bench)
    check = bench.check()
    assert check.as_json([]) == {"comparable": False, "why": why}
    assert not check.finds_missing
    assert check.lines([]) == []


def test_a_run_of_another_master_is_not_comparable(bench):
    assert bench.check(Run("theirs", "-", is_own=False)).why == NOT_OWN


def test_what_workers_report_sets_the_beginning_back_and_is_no_reset(bench):
    bench.environment.stats.total.start_time -= 10
    bench.fire(5)
    assert bench.check().locust == Totals(5, 0)


def test_stats_that_cannot_be_read_at_the_start_break_nothing():
    bench = Bench()
    bench.environment.stats = None
    bench.checker.begin(bench.runs.start(NOW_S, "-", ()))
    assert bench.check().why == UNREADABLE
    bench.environment.stats = RequestStats()
    assert bench.check().why == NOT_STARTED
    bench.environment.runner.greenlet.kill()
