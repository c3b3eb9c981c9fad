"""Two processes that publish the same series at once: noticed on one machine and in one spool folder."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager

import pytest

from locust_cw_dist.live.platform.clock import SystemClock
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.publish import other_publishers
from locust_cw_dist.live.publish.machine_lock import MachineLock
from locust_cw_dist.live.runs import Runs
from locust_cw_dist.live.spool.spool_keeper import SpoolKeeper
from locust_cw_dist.settings.settings import Settings
from support.cluster.processes import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's abstract sockets")

HOLDER = """
import sys, time
from locust_cw_dist.live.publish.machine_lock import MachineLock
presence = MachineLock(sys.argv[1].encode())
print(presence.claim(), flush=True)
time.sleep(60)
"""


@contextmanager
def holder(identity):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, identity], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "True\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_name_belongs_to_one_process_until_that_is_killed(tmp_path):
    mine = str(tmp_path)
    with holder(mine) as process:
        assert not MachineLock(mine.encode()).claim()
        other = MachineLock(f"{mine} of another kind".encode())
        assert other.claim()
        other.release()
        process.kill()
        process.wait()
        again = MachineLock(mine.encode())
        wait_until(again.claim, "the name is free", 5)
        again.release()
    third = MachineLock(mine.encode())
    assert third.claim()
    third.release()
    third.release()


SAME = Settings(service="shop", dimensions={"Team": "a", "Zone": "b"})


@pytest.mark.parametrize(
    ("other", "is_equal"),
    [
        (Settings(service="shop", dimensions={"Zone": "b", "Team": "a"}), True),
        (Settings(namespace="perf/shop/loadtests", dimensions={"Team": "a", "Zone": "b"}, max_endpoints=3), True),
        (Settings(service="shop", dimensions={"Team": "a"}), False),
        (Settings(service="cart", dimensions={"Team": "a", "Zone": "b"}), False),
        (Settings(service="shop", dimensions={"Team": "a", "Zone": "b"}, region="eu-west-1"), False),
        (Settings(service="shop", dimensions={"Team": "a", "Zone": "b"}, endpoint_url="http://127.0.0.1:1"), False),
    ],
)
def test_rivals_are_those_with_the_same_namespace_and_dimensions(other, is_equal):
    assert (other_publishers.identity(SAME) == other_publishers.identity(other)) is is_equal


def keeper(folder, **settings):
    settings = Settings(spool_dir=str(folder), **settings)
    return SpoolKeeper(settings, Runs(1_800_000_000.0, "-"), SystemClock(), LogOnce())


def test_a_second_master_in_the_same_spool_says_so_once(tmp_path, caplog):
    first, second, third = (keeper(tmp_path, service=name) for name in ("shop", "cart", "shop"))
    first.open()
    second.open()
    assert "another process" not in caplog.text
    third.open()
    assert caplog.text.count("another process with the same spool folder publishes to namespace perf/shop/loadt") == 1


def test_a_master_that_is_gone_is_no_rival(tmp_path, caplog):
    first = keeper(tmp_path, service="shop")
    first.open()
    first._spool.put(b"x")
    first._spool.close()
    keeper(tmp_path, service="shop").open()
    assert "another process" not in caplog.text
