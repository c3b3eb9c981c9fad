"""What watches a run, on events of Locust: how the test ended, how late the own event loop is, how many users run."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace

import gevent
import pytest

from locust_cw_dist.core.verdict.verdict import VALID, Evidence, State, judge
from locust_cw_dist.core.wire.frame import Vitals
from locust_cw_dist.live.platform.clock import SystemClock
from locust_cw_dist.live.verdict.health_watch import HealthWatch
from support.publishing.benches import MasterSide


class Bench(MasterSide):
    """A watch over a process whose clock and workers the test sets."""

    def __init__(self, *, clock=None, shape=None, **options):
        super().__init__(clock=clock)
        self.environment = SimpleNamespace(
            events=self.events,
            parsed_options=SimpleNamespace(**options),
            shape_class=shape,
            runner=SimpleNamespace(target_user_count=8),
        )
        self.workers = {"w1", "w2"}
        self.users = 8
        self.source = SimpleNamespace(
            count=lambda: (self.users, len(self.workers)),
            has_no_worker=lambda: not self.workers,
        )
        self.watch = HealthWatch(self.environment, self.runs, self.clock, self.once)
        self.watch.start(self.source)

    def begin(self):
        run = self.runs.start(self.clock.now_s(), "-", ())
        self.watch.begin(run, self.workers)
        return run

    def pass_time(self, seconds):
        self.clock.advance(seconds)

    def stop(self):
        self.environment.events.test_stopping.fire(environment=self.environment)
        self.runs.stop(self.clock.now_s())

    def verdict(self, run=None):
        run = run or self.runs.current
        return judge(Evidence(health=self.watch.health(run), cut_short=self.watch.cut_short(run)))

    def reasons(self):
        return [reason.text for reason in self.verdict().reasons]


@pytest.fixture
def make():
    benches = []

    def make(**options):
        benches.append(Bench(**options))
        return benches[-1]

    yield make
    for bench in benches:
        bench.watch.close()


def in_a_greenlet(call):
    gevent.spawn(call).join()


def test_a_run_that_gets_to_its_end_is_valid(make):
    bench = make(run_time=60, headless=True)
    bench.begin()
    bench.pass_time(60)
    in_a_greenlet(bench.stop)
    bench.watch.note_process_end()
    assert bench.verdict() == VALID


def test_a_test_that_quits_by_itself_is_valid(make):
    bench = make(run_time=60, headless=True)
    bench.begin()
    bench.pass_time(10)
    in_a_greenlet(bench.stop)
    bench.watch.note_process_end()
    assert bench.verdict() == VALID


def test_a_process_that_is_told_to_end_cuts_its_run_short(make):
    bench = make(run_time=60, headless=True)
    bench.begin()
    bench.pass_time(10)
    bench.watch.note_process_end()
    bench.pass_time(55)
    bench.stop()
    assert bench.reasons() == ["cut short: the process was told to end after 10 of 60 s"]
    assert not bench.watch.never_began


def test_without_a_planned_end_a_signal_is_the_way_to_end(make):
    bench = make(run_time=None, headless=True)
    bench.begin()
    bench.pass_time(10)
    bench.watch.note_process_end()
    assert bench.verdict() == VALID


def test_a_run_without_workers_any_more_is_cut_short(make):
    bench = make(run_time=60, headless=True)
    bench.begin()
    bench.pass_time(10)
    bench.workers.clear()
    in_a_greenlet(bench.stop)
    assert bench.reasons() == ["cut short: the last worker was gone after 10 of 60 s"]


def test_ctrl_c_cuts_a_shape_short_although_locust_stops_the_test_itself(make):
    bench = make(shape=object(), headless=True)
    bench.begin()
    bench.pass_time(10)
    bench.stop()  # in the main greenlet, as Locust does then
    assert bench.reasons() == ["cut short: the process was told to end after 10 s, before its shape had ended"]


def test_a_shape_that_ends_is_valid(make):
    bench = make(shape=object(), headless=True)
    bench.begin()
    in_a_greenlet(bench.stop)
    assert bench.verdict() == VALID


@pytest.mark.parametrize(("options", "never"), [({"headless": True}, True), ({"autostart": True}, True), ({}, False)])
def test_a_process_that_ends_before_its_test_began_is_known(make, options, never):
    bench = make(**options)
    bench.watch.note_process_end()
    assert bench.watch.never_began is never


def test_each_run_of_a_web_ui_has_a_verdict_of_its_own(make):
    bench = make(run_time=60)
    first = bench.begin()
    bench.pass_time(60)
    in_a_greenlet(bench.stop)
    bench.begin()
    bench.pass_time(5)
    bench.watch.note_process_end()
    assert bench.verdict(first) == VALID
    assert bench.verdict().state is State.INVALID


def test_the_cpu_of_a_single_process_is_its_own(make):
    bench = make()
    bench.begin()
    for _ in range(8):
        bench.watch.note_vitals(Vitals(users=8, cpu_percent=99.0))
        bench.pass_time(1)
    bench.stop()
    assert bench.reasons() == ["this process used over 90 % CPU for 7 s or more, up to 99 %"]


def test_nothing_is_noted_before_a_run(make):
    bench = make()
    bench.watch.note_sign("w1")
    bench.watch.note_vitals(Vitals(users=8, cpu_percent=99.0))
    assert bench.verdict() == VALID


def test_an_event_loop_that_is_held_is_noticed(make):
    bench = make(clock=SystemClock())
    bench.runs.start(SystemClock().now_s(), "-", ())
    bench.watch.begin(bench.runs.current, ())
    gevent.sleep(0.3)
    until_s = time.monotonic() + 1.6
    while time.monotonic() < until_s:
        pass  # as a user's code that does not yield
    gevent.sleep(0.3)
    bench.stop()
    (reason,) = bench.reasons()
    (held_s,) = re.match(r"the event loop of this process was held for ([\d.]+) s", reason).groups()
    assert float(held_s) >= 1.0


def test_users_are_counted_against_their_target(make):
    bench = make(clock=SystemClock())
    bench.runs.start(SystemClock().now_s(), "-", ())
    bench.watch.begin(bench.runs.current, ())
    bench.users = 5
    gevent.sleep(1.5)
    bench.stop()
    assert "only 5 of 8 users reached" in bench.reasons()


def test_users_that_a_short_run_reaches_between_two_samples_are_seen_at_its_end(make):
    """Users of a master are known when workers have reported them; the one sample of a short run is of before that."""
    bench = make(clock=SystemClock())
    bench.runs.start(SystemClock().now_s(), "-", ())
    bench.watch.begin(bench.runs.current, ())
    bench.users = 0
    gevent.sleep(1.5)
    bench.users = 8
    bench.stop()
    assert bench.reasons() == []
