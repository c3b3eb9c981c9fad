"""What else may wait while a process ends, beside CloudWatch and the disk: ctrl-C ends that too."""

from __future__ import annotations

import re
import signal
import time

from support.cluster.ends import APART_S, IN_SECONDS_S
from support.cluster.matrix import let_pass, wait_for_requests


def test_tasks_and_a_listener_of_the_users(cluster):
    """With --stop-timeout, Locust lets tasks finish, for an hour here; a listener of `quitting` takes a minute."""
    cluster.locustfile = "long_tasks.py,plugin.py,waiting_listener.py"
    single = cluster.single("-s", "3600", run_time_s=60)
    wait_for_requests(cluster, 8)
    single.signal(signal.SIGTERM)
    single.wait_for_log("Got SIGTERM signal")
    let_pass(APART_S)
    single.signal(signal.SIGINT)
    single.wait_for_log("a listener waits")
    let_pass(APART_S)
    single.signal(signal.SIGINT)
    assert single.wait(IN_SECONDS_S) == 0
    assert "Aggregated" in single.log + single.out
    assert single.log.count("Shutting down") == 1
    cluster.assert_exact()


def test_a_worker_whose_master_is_frozen(cluster):
    """SIGTERM changes nothing more; ctrl-C gives the master two seconds."""
    cluster.locustfile = "trickle.py,plugin.py"
    master = cluster.distributed(workers=1, run_time_s=60)
    worker = cluster.processes["worker-1"]
    wait_for_requests(cluster, 20)
    master.freeze()
    worker.signal(signal.SIGTERM)
    worker.wait_for_log("Shutting down")
    for _ in range(5):
        worker.signal(signal.SIGTERM)
        let_pass(0.1)
    assert worker.exit_code is None
    began_s = time.monotonic()
    worker.signal(signal.SIGINT)
    assert worker.wait(IN_SECONDS_S) == 0
    assert time.monotonic() - began_s < 16, "18 s is what the master has otherwise"
    assert re.search(r"the master has not acknowledged the last results of this worker within \d+ s", worker.log)
    cluster.assert_clean()
    master.thaw()
