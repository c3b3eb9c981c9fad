"""Masters that don't want results: their workers say so once or not at all, record no more, and end at once."""

from __future__ import annotations

import signal

LEAVES_AT_ONCE_S = 20.0
"""A second, and what a busy machine adds; without a word of its master's, a worker waits for a minute."""


def assert_workers_left_at_once(cluster, codes):
    assert codes == {"master": 1, "worker-1": 0, "worker-2": 0}
    master, *workers = cluster.processes.values()
    assert all(worker.ended_after_s < master.ended_after_s + LEAVES_AT_ONCE_S for worker in workers)
    assert len(cluster.truth().workers) == 2
    assert (cluster.published().series, cluster.summaries()) == ([], [])
    cluster.assert_clean()


def test_a_master_without_the_plugin(cluster):
    """A worker that is never acknowledged stops recording after a while, and says so once."""
    master = cluster.master(publishing=[], env={}, locustfile="shopper.py", run_time_s=60)
    for _ in range(2):
        cluster.worker(locustfile="short_patience.py,shopper.py,plugin.py")
    for name in ("worker-1", "worker-2"):
        cluster.processes[name].wait_for_log("no master with this plugin has answered")
    master.signal(signal.SIGTERM)
    assert_workers_left_at_once(cluster, cluster.wait())
    for name in ("worker-1", "worker-2"):
        log = cluster.processes[name].log
        assert log.count("no master with this plugin has answered") == log.count("locust-cw") == 1


def test_a_short_run_of_a_master_without_the_plugin(cluster):
    """It is over before a worker has given up, which says the same then."""
    cluster.master(publishing=[], env={}, locustfile="shopper.py")
    cluster.worker()
    cluster.worker()
    assert_workers_left_at_once(cluster, cluster.wait())
    for name in ("worker-1", "worker-2"):
        log = cluster.processes[name].log
        assert log.count("no master with this plugin has answered") == log.count("locust-cw") == 1


def test_a_master_that_does_not_publish(cluster):
    """One line on the master says that publishing is off; its workers say nothing."""
    master = cluster.distributed(publishing=[], env={}, run_time_s=4)
    assert_workers_left_at_once(cluster, cluster.wait())
    assert master.log.count("publishing is off") == master.log.count("locust-cw") == 1
    assert all("locust-cw" not in cluster.processes[name].log for name in ("worker-1", "worker-2"))
