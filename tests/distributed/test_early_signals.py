"""SIGTERM and SIGHUP to `locust-cw run` where Locust has no handler: without a runner yet, or ever."""

from __future__ import annotations

import signal

import pytest

from support.cluster.cluster import LOCUST_CW_RUN
from support.cluster.processes import wait_until

LATE = "import sys, time\n\nprint('imported', file=sys.stderr, flush=True)\ntime.sleep(60)\n"


@pytest.fixture
def cluster(cluster):
    cluster.command = LOCUST_CW_RUN
    return cluster


def test_the_parent_of_forked_workers_passes_it_on_and_waits(cluster):
    cluster.master(workers=2, run_time_s=60)
    worker = cluster.worker("--processes", "2")
    wait_until(lambda: len(cluster.truth().workers) == 2, "both have requests")
    wait_until(lambda: len(cluster.truth().requests) > 300, "there are more")
    worker.signal(signal.SIGHUP)
    codes = cluster.wait()
    # 1 where failures wait for the next report; never that of a signal.
    assert set(codes.values()) <= {0, 1}, codes
    assert worker.log.count("Got SIGTERM signal") == 2
    cluster.assert_exact()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_ends_a_process_that_imports_its_locustfile(cluster, number):
    (cluster.folder / "late.py").write_text(LATE)
    single = cluster.single(locustfile="late.py")
    single.wait_for_log("imported")
    single.signal(number)
    assert single.wait() == -number
