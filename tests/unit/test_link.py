"""What is used of Locust beyond its interface: probed on real runners, and missing on runners that lack it."""

from __future__ import annotations

import time
from types import SimpleNamespace

import gevent
from locust.env import Environment

from locust_cw_dist.edge.link import ROUTER_HANDOVER, MasterLink, WorkerLink


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
        "a worker that reconnects over a half-open connection is not heard again",
    ]
    link.keep_handover()
    assert_waits_for_nothing(link)


def test_a_worker_of_another_locust_works_in_a_stated_lesser_mode():
    link = WorkerLink(SimpleNamespace())
    assert link.lesser_modes == [
        "a worker can't wait at its end until the master has its last results",
        "users that Locust leaves behind go on while a worker waits at its end",
    ]
    link.end_users(0.05)
    assert_waits_for_nothing(link)


def assert_waits_for_nothing(link):
    gevent.get_hub().loop.update_now()  # what timers count from; else they are short by as much as it is behind
    before_s = time.monotonic()
    assert link.receive(0.05) is None
    assert 0.04 <= time.monotonic() - before_s < 20
