"""A disk that hangs is waited for once."""

from __future__ import annotations

import os
import time

import gevent
import pytest

from locust_cw_dist.live.platform.disk_thread import HUNG_S, DiskThread, HungDiskError
from locust_cw_dist.live.platform.patience import Bounds, Patience


@pytest.fixture
def hang():
    """A call that comes back when the test ends, or when it calls `hang.release`."""
    released, release = os.pipe()

    def call():
        return os.read(released, 1)

    call.release = lambda: os.write(release, b"12345678")
    yield call
    call.release()


def test_after_a_call_that_was_given_up_all_others_fail_at_once_until_it_comes_back(hang):
    disk_thread = DiskThread()
    with Patience().limit(Bounds(0.05, 0.05, 0.05)) as limit:
        disk_thread.run(hang)
    assert limit.is_over
    for _ in range(2):
        with gevent.Timeout(30), pytest.raises(HungDiskError, match="the disk does not respond"):
            disk_thread.run(str, 1)
    began_s = time.monotonic()
    with pytest.raises(OSError, match="does not respond"):
        disk_thread.run(str, 2)
    assert time.monotonic() - began_s < HUNG_S, "it was waited for by then"
    hang.release()
    with gevent.Timeout(30):
        while not answers(disk_thread):
            gevent.sleep(0.01)


def answers(disk_thread):
    try:
        return disk_thread.run(str, 3) == "3"
    except HungDiskError:
        return False


def test_a_call_whose_greenlet_ends_says_nothing_about_the_disk():
    disk_thread = DiskThread()
    caller = gevent.spawn(disk_thread.run, time.sleep, 0.1)
    gevent.sleep(0.01)
    caller.kill()
    assert disk_thread.run(str, 1) == "1"


def test_a_call_that_is_given_up_just_before_it_comes_back_says_nothing_either():
    disk_thread = DiskThread()
    with gevent.Timeout(0.01, False):
        disk_thread.run(gevent.monkey.get_original("time", "sleep"), 0.1)
    assert disk_thread.run(str, 1) == "1"
