"""One line for each change, and silence otherwise."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from locust_cw_dist.core.rules.outcome import Outcome, RuleOutcome, RuleState
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.runs import Runs
from locust_cw_dist.live.terminal.change_log import ChangeLog
from locust_cw_dist.live.verdict.health_watch import HealthWatch
from locust_cw_dist.testing import ManualClock

NOW_S = 1_800_000_000.0


class Bench:
    """A run with three workers and rules whose outcome a test sets."""

    def __init__(self, *, sends=True):
        self.clock = ManualClock(NOW_S)
        self.runs = Runs(NOW_S, "-")
        self.rules = ()
        events = SimpleNamespace(request=SimpleNamespace(), test_stopping=SimpleNamespace())
        environment = SimpleNamespace(events=events, runner=None, web_ui=None, parsed_options=None, shape_class=None)
        self.health = HealthWatch(environment, self.runs, self.clock, LogOnce())
        rule_watch = SimpleNamespace(is_on=True, outcome=lambda _: Outcome(rules=self.rules))
        self.changes = ChangeLog(self.runs, rule_watch, self.health, self.clock, sends=sends)
        self.begin()

    def begin(self):
        self.run = self.runs.start(self.clock.now_s(), "-", ())
        self.health.begin(self.run, ["w1", "w2", "w3"])

    def look(self, seconds=1.0, signs=("w1", "w2", "w3")):
        self.clock.time_s += seconds
        for worker in signs:
            self.health.note_sign(worker)
        self.changes.look()

    def break_rules(self, *texts, state=RuleState.BROKEN):
        self.rules = tuple(
            RuleOutcome(rule=parse(text), state=state, observed=1.0, requests=9, message="seen", failed=True)
            for text in texts
        )


@pytest.fixture
def bench(caplog):
    caplog.set_level("INFO")
    return Bench()


def test_the_first_window_that_is_accepted_is_told_of_once_in_each_run(bench, caplog):
    bench.look()
    assert caplog.messages == []
    bench.run.ledger.published = 120
    for _ in range(3):
        bench.look()
    bench.runs.stop(bench.clock.now_s())
    bench.begin()
    bench.look()
    bench.run.ledger.published = 7
    bench.look()
    first = "locust-cw: CloudWatch has accepted the first window: %d results"
    assert caplog.messages == [first % 120, first % 7]


def test_what_is_not_sent_is_not_accepted(caplog):
    caplog.set_level("INFO")
    bench = Bench(sends=False)
    bench.run.ledger.published = 120
    bench.look()
    assert caplog.messages == []


def test_a_rule_is_told_of_when_it_breaks_and_once(bench, caplog):
    bench.break_rules("p95 < 3 ms", state=RuleState.PASSED)
    bench.look()
    bench.break_rules("p95 < 3 ms", "count > 100", "rps(/a) > 5", "rps(/b) > 5, window_s=60", "rps < 9")
    for _ in range(3):
        bench.look()
    assert caplog.messages == [
        "locust-cw: rule broken so far: p95 < 3 ms: seen",
        "locust-cw: rule broken so far: rps(/b) > 5 /s, window_s=60: seen",
        "locust-cw: rule broken so far: rps < 9 /s: seen",
    ]


def test_a_worker_that_is_silent_is_told_of_and_its_return(bench, caplog):
    for _ in range(10):
        bench.look(signs=("w1",))
    bench.look()
    for _ in range(10):
        bench.look()
    assert caplog.messages == [
        "locust-cw: workers w2, w3 have sent nothing for 7 s; all that came before counts",
        "locust-cw: workers w2, w3 are back after 11 s, with all results recorded meanwhile",
    ]


def test_a_worker_that_leaves_for_good_does_not_come_back(bench, caplog):
    for _ in range(8):
        bench.look(signs=("w1", "w2"))
    bench.health._current.note_departure("w3", bench.clock.now_s())
    bench.look()
    assert len(caplog.messages) == 1


def test_two_hundred_workers_are_one_line(bench, caplog):
    bench.health.begin(bench.run, [f"w{number}" for number in range(200)])
    bench.look(seconds=9.0, signs=())
    (line,) = caplog.messages
    assert line.startswith("locust-cw: workers w0, w1, w2, w3, w4 and 195 more have sent nothing for 9 s")
