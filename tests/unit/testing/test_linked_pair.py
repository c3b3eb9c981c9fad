"""The linked pair's own edges; what it shows of the plugin is in tests/distributed/test_linked_pair.py."""

from __future__ import annotations

import locust.runners
import pytest
from locust import User, constant, task

from locust_cw_dist import Settings
from locust_cw_dist.testing import LinkedPair, RecordingClient


class Idle(User):
    wait_time = constant(0.05)

    @task
    def idle(self):
        self.environment.events.request.fire(request_type="GET", name="/idle", response_time=1.0)


def intervals():
    return locust.runners.WORKER_REPORT_INTERVAL, locust.runners.HEARTBEAT_INTERVAL


def test_a_test_that_fails_in_the_block_leaves_nothing_behind():
    before = intervals()

    def fail():
        with LinkedPair([Idle], Settings(service="shop"), report_interval_s=0.1) as pair:
            pairs.append(pair)
            assert intervals() == (0.1, 0.1)
            pair.start(users=2)
            raise RuntimeError("the test's own")

    pairs = []
    with pytest.raises(RuntimeError, match="the test's own"):
        fail()
    assert intervals() == before
    for environment in (pairs[0].master, pairs[0].worker):
        assert not environment.runner.greenlet
        assert environment.runner.user_count == 0


def test_what_can_not_begin_gives_the_intervals_back(monkeypatch):
    before = intervals()
    pair = LinkedPair([Idle], Settings(service="shop"))

    def refuse(*_):
        raise OSError("no port")

    monkeypatch.setattr(pair.worker, "create_worker_runner", refuse)
    with pytest.raises(OSError, match="no port"), pair:
        pass
    assert intervals() == before
    assert not pair.master.runner.greenlet


def test_waiting_for_what_does_not_come_says_what():
    client = RecordingClient()
    with LinkedPair([Idle], Settings(service="shop"), client=client) as pair:
        with pytest.raises(TimeoutError, match=r"no miracle within 0\.1 s"):
            pair.wait_until(lambda: False, "miracle", deadline_s=0.1)
        assert pair.client is client
