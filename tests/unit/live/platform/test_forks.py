"""In a forked process nothing of the parent's is used, and in the parent nothing changes: with real forks."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import contextmanager

import gevent
import pytest

from locust_cw_dist.live.platform import forks, signals
from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.live.platform.patience import Patience
from locust_cw_dist.live.publish.machine_lock import MachineLock
from locust_cw_dist.live.spool.folder import Spool


def code_of_child(check):
    """Fork; return the child's exit code: 0 if `check` is true there, 1 if not or if it raises."""
    child = os.fork()
    if not child:
        code = 1
        try:
            code = int(not check())
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


@contextmanager
def a_child_that_lives():
    """Have a child that does nothing until the block ends."""
    ear, mouth = os.pipe()
    child = os.fork()
    if not child:
        os.write(mouth, b"!")
        while True:
            signal.pause()
    os.read(ear, 1)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ear)
        os.close(mouth)


def test_a_greenlet_of_ours_ends_in_the_child_and_goes_on_in_the_parent():
    pids = []

    def note():
        while True:
            gevent.sleep(0.001)
            pids.append(os.getpid())

    greenlet = forks.spawn(note)

    def has_ended():
        was_dead = greenlet.dead
        gevent.sleep(0.05)
        return was_dead and os.getpid() not in pids

    try:
        for _ in range(20):
            gevent.sleep(0.002)
            # What it waits for has come by now, and waits itself for its turn.
            time.sleep(0.005)
            assert code_of_child(has_ended) == 0
        pids.clear()
        with gevent.Timeout(20):
            while not pids:
                gevent.sleep(0.01)
    finally:
        greenlet.kill()


def test_what_a_greenlet_of_ours_does_when_it_ends_is_done_in_the_child_at_once():
    done = []

    def work():
        try:
            gevent.sleep(600)
        finally:
            done.append(os.getpid())

    greenlet = forks.spawn(work)
    try:
        gevent.sleep(0)
        assert code_of_child(lambda: done == [os.getpid()]) == 0
        assert not done
    finally:
        greenlet.kill()


def test_what_has_a_door_can_not_be_used_in_the_child_but_made_anew():
    disk_thread = DiskThread()
    assert disk_thread.run(str, 1) == "1"

    def is_shut():
        with pytest.raises(gevent.GreenletExit):
            disk_thread.run(str, 2)
        return DiskThread().run(str, 3) == "3"

    assert code_of_child(is_shut) == 0
    assert disk_thread.run(str, 4) == "4"


def test_one_that_fails_keeps_no_other_from_being_abandoned():
    class Broken:
        def abandon(self):
            raise OSError

    broken, door = Broken(), forks.Door()
    for thing in (broken, door):
        forks.watch(thing)
    assert code_of_child(lambda: door._is_shut) == 0
    assert not door._is_shut


def test_a_child_that_outlives_its_parent_keeps_neither_its_spool_nor_its_name(tmp_path):
    identity = os.urandom(8)
    spool, presence, again = Spool(tmp_path, "parent"), MachineLock(identity), MachineLock(identity)
    spool.open()
    spool.put(b"batch")
    presence.claim()
    other = Spool(tmp_path, "other")
    other.open()
    with a_child_that_lives():
        assert other.adopt() == []
        assert not again.claim()
        # What the kernel does when the parent dies.
        for lock in spool._locks.values():
            os.close(lock)
        presence.release()
        assert [orphan.folder.name for orphan in other.adopt()] == ["parent"]
        assert again.claim()
        again.release()


def test_a_child_that_ends_leaves_the_parents_lock_alone(tmp_path):
    spool = Spool(tmp_path, "parent")
    spool.open()
    assert code_of_child(lambda: spool._locks == {}) == 0
    assert spool._locks
    with (tmp_path / "parent" / "lock").open() as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    spool.close()


def test_ctrl_c_ends_what_runs_in_the_child():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        handlers = signals.Signals(Patience(), is_testing=lambda: True, early=signals.end_at_once)
        handlers.install()

        def is_raised():
            with pytest.raises(KeyboardInterrupt):
                gevent.spawn(os.kill, os.getpid(), signal.SIGINT).join()
            return signal.getsignal(signal.SIGINT) is signal.default_int_handler

        assert code_of_child(is_raised) == 0
        assert signal.getsignal(signal.SIGINT) == handlers._on_interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_a_process_ends_a_child(number):
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        signals.Signals(Patience(), is_testing=lambda: True, early=signals.end_at_once).install()
        assert code_of_child(lambda: signal.raise_signal(number)) == -number
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
