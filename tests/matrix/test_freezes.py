"""Processes that stand still for a while (SIGSTOP) and go on: late is not lost, and nobody waits for ever."""

from __future__ import annotations

import signal
import time

from support.cluster.matrix import (
    assert_cut_short,
    assert_exact_and_quiet,
    assert_reliable,
    let_pass,
    published_by_second,
    verdict,
    wait_for_requests,
)
from support.cluster.processes import wait_until

FREEZE_S = 8.0


def test_the_only_worker_frozen(cluster):
    """Locust's master stops the test after 4.5 s; the worker's results come when that is over.

    Locust then waits for a signal, which is not what cut the run short.
    """
    master = cluster.distributed("--cw-required", workers=1, run_time_s=60)
    worker = cluster.processes["worker-1"]
    wait_for_requests(cluster, 400)
    worker.freeze()
    let_pass(FREEZE_S)
    assert master.log_has("The last worker went missing, stopping test")
    worker.thaw()
    master.wait_for_log("reported that it has stopped")
    master.signal(signal.SIGTERM)
    assert cluster.wait() == {"master": 4, "worker-1": 0}
    assert_cut_short(cluster, "the last worker was gone after .* of 60 s")
    assert_exact_and_quiet(cluster)


def test_all_workers_frozen_while_spawning(cluster):
    """Locust's master stops the test and spawns users all the same: what they do then counts for the same run."""
    master = cluster.distributed("-r", "2", users=200, run_time_s=90)
    wait_for_requests(cluster, 400)
    for name in ("worker-1", "worker-2"):
        cluster.processes[name].freeze()
    master.wait_for_log("The last worker went missing, stopping test")
    for name in ("worker-1", "worker-2"):
        cluster.processes[name].thaw()
    wait_until(lambda: len(master.log_times_s("reported that it has stopped")) >= 2, "both have stopped")
    wait_for_requests(cluster, 400)
    master.signal(signal.SIGTERM)
    assert cluster.wait() == {"master": 1, "worker-1": 0, "worker-2": 0}
    assert max(request.run for request in cluster.truth().requests) >= 2  # as the workers see it
    assert_exact_and_quiet(cluster)


def test_one_of_two_workers_frozen(cluster):
    """Windows don't wait for it longer than the grace time; what it brings later is merged, and counted as late."""
    master = cluster.distributed("--cw-grace", "3", run_time_s=60)
    worker = cluster.processes["worker-1"]
    wait_for_requests(cluster, 1000)
    worker.freeze()
    frozen_s = time.time()
    wait_until(lambda: max(published_by_second(cluster), default=0) > frozen_s, "windows go on", FREEZE_S)
    let_pass(frozen_s + FREEZE_S - time.time())
    worker.thaw()
    master.wait_for_log("self-healed")
    wait_for_requests(cluster, 400)
    master.signal(signal.SIGTERM)
    assert cluster.wait() == {"master": 1, "worker-1": 0, "worker-2": 0}
    assert cluster.summary()["late"] > 0
    assert_exact_and_quiet(cluster)


def test_a_worker_frozen_across_the_masters_last_half_second(cluster):
    master = cluster.distributed(workers=1, run_time_s=4)
    worker = cluster.processes["worker-1"]
    wait_for_requests(cluster, 800)
    worker.freeze()
    master.wait_for_log("run-time limit reached")
    let_pass(2)
    worker.thaw()
    assert cluster.wait() == {"master": 1, "worker-1": 0}
    assert_exact_and_quiet(cluster)


def test_the_master_frozen(cluster):
    """It wakes when the run time is over: all at once come reports, frames that were sent again, and the end."""
    master = cluster.distributed("--cw-required", run_time_s=6)
    wait_for_requests(cluster, 1000)
    master.freeze()
    let_pass(FREEZE_S)
    master.thaw()
    assert cluster.wait() == {"master": 1, "worker-1": 0, "worker-2": 0}
    assert_reliable(cluster)
    assert any("the event loop of this process was held for" in reason for reason in verdict(cluster)["reasons"])
    assert_exact_and_quiet(cluster)


def test_users_spawned_after_the_workers_stop(cluster):
    """While the worker waits at its end, they don't go on: what they did then would come after its last results."""
    cluster.locustfile = "shopper.py,late_users.py,plugin.py,slow_quitting.py"
    master = cluster.distributed(workers=1)
    worker = cluster.processes["worker-1"]
    worker.wait_for_log("Got quit message")
    master.freeze()
    worker.wait_for_log("Shutting down")
    let_pass(1)
    master.thaw()
    assert cluster.wait() == {"master": 1, "worker-1": 0}
    assert_exact_and_quiet(cluster)
