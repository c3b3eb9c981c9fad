"""Signals that end processes: what was recorded is published, and nothing hangs. One test for each target."""

from __future__ import annotations

import signal

import pytest

from support.matrix import assert_exact_and_quiet, let_pass, wait_for_requests
from support.processes import SPAWNED, wait_until

EITHER = {0, 1}
"""Locust's exit codes of a worker that a signal ends: 1 if failures wait for its next report. And of a master whose
workers are all ended so: 1 if it has heard of failures."""


def assert_exit_codes(codes, **expected):
    for name, code in codes.items():
        assert code in expected.get(name.replace("-", "_"), EITHER), codes


def test_sigterm_to_the_master(cluster):
    master = cluster.distributed(run_time_s=60)
    wait_for_requests(cluster, 1200)
    master.signal(signal.SIGTERM)
    assert cluster.wait() == {"master": 1, "worker-1": 0, "worker-2": 0}
    assert_exact_and_quiet(cluster)


def test_sigterm_to_the_master_while_spawning(cluster):
    master = cluster.distributed("-r", "2", users=200, run_time_s=90)
    wait_for_requests(cluster, 800)
    assert not master.log_has(SPAWNED)
    master.signal(signal.SIGTERM)
    assert cluster.wait() == {"master": 1, "worker-1": 0, "worker-2": 0}
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
    cluster.distributed(workers=1, run_time_s=60)
    wait_for_requests(cluster, 800)
    cluster.processes["worker-1"].signal(signal.SIGTERM)
    assert_exit_codes(cluster.wait())
    assert cluster.processes["master"].log_has("The last worker quit")
    assert_exact_and_quiet(cluster)


def test_sigterm_to_both_workers(cluster):
    cluster.distributed(run_time_s=60)
    wait_for_requests(cluster, 800)
    for name in ("worker-1", "worker-2"):
        cluster.processes[name].signal(signal.SIGTERM)
    assert_exit_codes(cluster.wait())
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
    cluster.distributed(run_time_s=60)
    wait_for_requests(cluster, 1200)
    for process in cluster.processes.values():
        process.signal(signal.SIGTERM)
    assert_exit_codes(cluster.wait(), master={1})
    assert_exact_and_quiet(cluster)


def test_ctrl_c_to_all(cluster):
    cluster.distributed(run_time_s=60)
    wait_for_requests(cluster, 800)
    for process in cluster.processes.values():
        process.signal_group(signal.SIGINT)
    codes = cluster.wait()
    # Locust's own codes: a worker says 1 if it has seen a failure that no report has told of yet, the master if one was
    # in a report that it took in time; its own totals may end with nothing at all.
    assert set(codes.values()) <= {0, 1}, codes
    assert_exact_and_quiet(cluster)
