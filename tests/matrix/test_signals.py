"""Signals that end processes: what was recorded is published, and nothing hangs. One test for each target.

With --cw-required the master ends with 4, since the run was cut short.
"""

from __future__ import annotations

import signal

import pytest

from support.cluster.matrix import assert_cut_short, assert_exact_and_quiet, let_pass, verdict, wait_for_requests
from support.cluster.processes import SPAWNED, wait_until

EITHER = {0, 1}
"""Locust's exit codes of a worker that a signal ends: 1 if failures wait for its next report."""

REQUIRED = "--cw-required"
TOLD = "the process was told to end after .* of 60 s"
GONE = "the last worker was gone after .* of 60 s"
EITHER_WAY = f"({TOLD}|{GONE})"
"""Whoever is first."""


def assert_exit_codes(codes, **expected):
    for name, code in codes.items():
        assert code in expected.get(name.replace("-", "_"), EITHER), codes


def test_sigterm_to_the_master(cluster):
    master = cluster.distributed(REQUIRED, run_time_s=60)
    wait_for_requests(cluster, 1200)
    master.signal(signal.SIGTERM)
    assert cluster.wait() == {"master": 4, "worker-1": 0, "worker-2": 0}
    assert_cut_short(cluster, TOLD)
    assert_exact_and_quiet(cluster)


def test_sigterm_to_the_master_while_spawning(cluster):
    master = cluster.distributed(REQUIRED, "-r", "2", users=200, run_time_s=90)
    wait_for_requests(cluster, 800)
    assert not master.log_has(SPAWNED)
    master.signal(signal.SIGTERM)
    assert cluster.wait() == {"master": 4, "worker-1": 0, "worker-2": 0}
    assert_cut_short(cluster, "the (process was told to end|last worker was gone)")
    assert any("of 200 users reached" in reason for reason in verdict(cluster)["reasons"])
    assert_exact_and_quiet(cluster)


@pytest.mark.locust
def test_sigterm_to_one_of_two_workers(cluster):
    master = cluster.distributed(run_time_s=60)
    wait_for_requests(cluster, 800)
    cluster.processes["worker-1"].signal(signal.SIGTERM)
    assert cluster.processes["worker-1"].wait() in EITHER
    wait_for_requests(cluster, 400)
    master.signal(signal.SIGTERM)
    assert_exit_codes(cluster.wait(), master={1}, worker_2={0})
    assert_exact_and_quiet(cluster)


def test_sigterm_to_the_last_worker(cluster):
    cluster.distributed(REQUIRED, workers=1, run_time_s=60)
    wait_for_requests(cluster, 800)
    cluster.processes["worker-1"].signal(signal.SIGTERM)
    assert_exit_codes(cluster.wait(), master={4})
    assert cluster.processes["master"].log_has("The last worker quit")
    assert_cut_short(cluster, GONE)
    assert_exact_and_quiet(cluster)


def test_sigterm_to_both_workers(cluster):
    cluster.distributed(REQUIRED, run_time_s=60)
    wait_for_requests(cluster, 800)
    for name in ("worker-1", "worker-2"):
        cluster.processes[name].signal(signal.SIGTERM)
    assert_exit_codes(cluster.wait(), master={4})
    assert_cut_short(cluster, GONE)
    assert_exact_and_quiet(cluster)


def test_sigterm_to_a_worker_that_quits_already(cluster):
    """Two greenlets of it end the process at once: one waits until the other has brought everything out, and exits."""
    cluster.locustfile += ",slow_quitting.py"
    master = cluster.distributed(workers=1)
    worker = cluster.processes["worker-1"]
    worker.wait_for_log("Got quit message")
    master.freeze()
    worker.wait_for_log("Shutting down")
    worker.signal(signal.SIGTERM)
    wait_until(lambda: worker.log.count("Shutting down") == 2, "the second greenlet comes to the end")
    let_pass(0.5)
    assert worker.exit_code is None
    master.thaw()
    assert_exit_codes(cluster.wait(), master={1})
    assert_exact_and_quiet(cluster)


@pytest.mark.locust
def test_sigterm_to_all(cluster):
    cluster.distributed(REQUIRED, run_time_s=60)
    wait_for_requests(cluster, 1200)
    for process in cluster.processes.values():
        process.signal(signal.SIGTERM)
    assert_exit_codes(cluster.wait(), master={4})
    assert_cut_short(cluster, EITHER_WAY)
    assert_exact_and_quiet(cluster)


def test_ctrl_c_to_all(cluster):
    cluster.distributed(REQUIRED, run_time_s=60)
    wait_for_requests(cluster, 800)
    for process in cluster.processes.values():
        process.signal_group(signal.SIGINT)
    # Locust's own code of a worker: 1 if it has seen a failure that no report has told of yet.
    assert_exit_codes(cluster.wait(), master={4})
    assert_cut_short(cluster, EITHER_WAY)
    assert_exact_and_quiet(cluster)
