"""What is used of Locust beyond its interface: probed on real runners, and missing on runners that lack it."""

from __future__ import annotations

import time
from types import SimpleNamespace

import gevent
import pytest
from locust import User, constant, runners
from locust.env import Environment

from locust_cw_dist.live.platform.locust_internals import (
    ROUTER_HANDOVER,
    USUAL_REPORT_INTERVAL_S,
    MasterLink,
    RunLink,
    WorkerLink,
    end_users,
    report_interval_s,
)

pytestmark = pytest.mark.locust


class Socket:
    """Notes the options that are set."""

    def __init__(self):
        self.options = []

    def setsockopt(self, option, value):
        self.options.append((option, value))


def test_this_locust_has_all_that_a_master_uses():
    runner = Environment().create_master_runner("127.0.0.1", 0)
    try:
        link = MasterLink(runner)
        link.keep_handover()
        assert link.lesser_modes == []
        runner.greenlet.kill()
        assert link.receive(0.05) is None
    finally:
        runner.quit()


def test_handover_is_set_once_for_each_server_socket():
    first, second = Socket(), Socket()
    runner = SimpleNamespace(server=SimpleNamespace(socket=first, recv_from_client=print))
    link = MasterLink(runner)
    link.keep_handover()
    link.keep_handover()
    runner.server = SimpleNamespace(socket=second, recv_from_client=print)
    link.keep_handover()
    assert (first.options, second.options) == ([(ROUTER_HANDOVER, 1)], [(ROUTER_HANDOVER, 1)])


def test_a_master_of_another_locust_works_in_a_stated_lesser_mode():
    link = MasterLink(SimpleNamespace())
    assert link.lesser_modes == [
        "reports that arrive after Locust has stopped reading are lost",
        "a worker that reconnects over a half-open connection is lost",
    ]
    link.keep_handover()
    assert_waits_for_nothing(link)


def test_a_worker_of_another_locust_works_in_a_stated_lesser_mode():
    link = WorkerLink(SimpleNamespace())
    assert link.lesser_modes == [
        "a worker can't wait at its end until the master has its last results",
        "a name, time or length that msgpack can't pack loses a worker's results",
        "users that Locust leaves behind go on while a worker waits at its end",
    ]
    end_users(SimpleNamespace(), 0.05)
    link.keep_sendable()
    assert_waits_for_nothing(link)


def assert_waits_for_nothing(link):
    gevent.get_hub().loop.update_now()  # what timers count from; else they are short by as much as it is behind
    before_s = time.monotonic()
    assert link.receive(0.05) is None
    assert 0.04 <= time.monotonic() - before_s < 20


@pytest.mark.parametrize(
    ("value", "expected_s"), [(30, 30.0), (0.1, 0.1), (0, 3.0), (-1, 3.0), (None, 3.0), ("30", 3.0)]
)
def test_how_often_workers_report_is_what_a_locustfile_set(monkeypatch, value, expected_s):
    assert report_interval_s() == runners.WORKER_REPORT_INTERVAL == USUAL_REPORT_INTERVAL_S
    monkeypatch.setattr(runners, "WORKER_REPORT_INTERVAL", value)
    assert report_interval_s() == expected_s


def test_runners_that_count_the_same_events_are_counted():
    environment = Environment()
    environment.events.request.add_listener(print)
    link = RunLink(environment)
    assert link.count_runners() == 0
    first = environment.create_local_runner()
    assert link.count_runners() == 1
    second = Environment(events=environment.events).create_local_runner()
    assert link.count_runners() == 2
    assert RunLink(environment).lesser_modes == []
    for runner in (first, second):
        runner.quit()


class Idle(User):
    wait_time = constant(1)


class Busy(Idle):
    fixed_count = 2


def test_classes_that_are_dispatched_are_those_of_the_last_start():
    environment = Environment(user_classes=[Idle, Busy])
    runner = environment.create_local_runner()
    link = RunLink(environment)
    assert link.dispatched_classes() == [Idle, Busy]
    runner.start(5, spawn_rate=5, user_classes=[Busy])
    runner.spawning_greenlet.join(5)
    assert link.dispatched_classes() == [Busy]
    assert runner.user_count == 2
    runner.quit()


def test_runs_of_another_locust_are_seen_in_a_stated_lesser_mode():
    events = SimpleNamespace(request=SimpleNamespace())
    link = RunLink(SimpleNamespace(events=events, runner=SimpleNamespace(), user_classes=[Idle]))
    assert link.lesser_modes == [
        "runners that share events may make a run incomplete: Locust counts each twice",
        "a shape that chooses classes with a `fixed_count` may make a run suspect",
    ]
    assert (link.count_runners(), link.dispatched_classes()) == (1, [Idle])
