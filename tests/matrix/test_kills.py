"""SIGKILL, after which nobody knows all: what is lost is bounded, and said."""

from __future__ import annotations

import signal
import time

from locust_cw_dist.live.master.master import SILENCE_S
from support.cluster.figures import assert_equal_figures, by_endpoint
from support.cluster.matrix import wait_for_requests
from support.cluster.processes import wait_until

REPORT_INTERVAL_S = 3.0

STALL_S = 12.0
"""What a busy machine may add."""

SHUTDOWN_S = 4.0
"""How long a worker may take to end when its master is gone: Locust looks each second, the plugin tries for two."""

CLOCKS_AGREE_S = 0.1
"""Precision to which a worker knows the master's clock on one machine."""


def test_sigkill_of_a_worker(cluster):
    """The run is INCOMPLETE; the worker is named with the time up to which CloudWatch has all of its results.

    The other one has endpoints of its own, of which nothing is missing.
    """
    cluster.bring("shopper.py")
    master = cluster.master("--cw-required", run_time_s=60)
    victim = cluster.worker()
    cluster.worker(locustfile="renamed_shopper.py,plugin.py")
    wait_for_requests(cluster, 2000)
    victim.signal(signal.SIGKILL)
    killed_s = time.time()
    master.wait_for_log("failed to send heartbeat")
    master.signal(signal.SIGTERM)
    master.wait(killed_s + SILENCE_S + STALL_S - time.time())
    assert cluster.wait() == {"master": 4, "worker-1": -signal.SIGKILL, "worker-2": 0}
    assert master.log_has("verdict: invalid: .*worker .* was lost, with what it recorded after")

    summary = cluster.summary()
    (unheard,) = summary["unheard_workers"]
    until_s = unheard["complete_until_s"]
    assert summary["complete"] is False
    assert "INCOMPLETE" in master.log
    assert f"lost: what worker {unheard['worker']} recorded after" in master.log
    assert killed_s - REPORT_INTERVAL_S - STALL_S < until_s < killed_s

    requests = cluster.truth().requests
    published = cluster.published()
    survivors = by_endpoint(request for request in requests if request.pid != victim.pid)
    for endpoint, figures in survivors.items():
        assert_equal_figures(figures, published.endpoints[endpoint], endpoint)

    victims = [request for request in requests if request.pid == victim.pid]
    truth = by_endpoint(victims)
    assert not truth.keys() & survivors.keys()
    assert published.endpoints.keys() <= truth.keys() | survivors.keys()
    of_victim = {endpoint: figures.requests for endpoint, figures in published.endpoints.items() if endpoint in truth}
    assert all(number <= truth[endpoint].requests for endpoint, number in of_victim.items())
    at_least = sum(request.at_s < until_s - CLOCKS_AGREE_S for request in victims)
    at_most = sum(request.at_s < until_s + CLOCKS_AGREE_S for request in victims)
    assert at_least <= sum(of_victim.values()) <= at_most
    assert sum(of_victim.values()) < len(victims)
    assert published.together.requests == sum(figures.requests for figures in published.endpoints.values())
    assert published.together.requests == summary["published"] == summary["recorded"]
    cluster.assert_clean()


def test_sigkill_of_the_master(cluster):
    """What it had published stays; its workers end by Locust's own timeout and say what may be lost."""
    master = cluster.master(run_time_s=60)
    for _ in range(2):
        cluster.worker(locustfile="short_heartbeat.py,shopper.py,plugin.py")
    wait_until(lambda: cluster.published().together, "CloudWatch holds something")
    wait_for_requests(cluster, 500)
    before = cluster.published().together.requests
    master.signal(signal.SIGKILL)
    killed_s = time.time()
    codes = cluster.wait(deadline_s=8 + SHUTDOWN_S + STALL_S)
    assert codes["master"] == -signal.SIGKILL
    for name in ("worker-1", "worker-2"):
        assert codes[name] in {0, 1}
        assert cluster.processes[name].log_has("Didn't get heartbeat from master in over 8s")
        assert cluster.processes[name].log.count("has not acknowledged the last results") == 1
    requests, published = cluster.truth().requests, cluster.published()
    assert 0 < before <= published.together.requests <= sum(request.at_s < killed_s for request in requests)
    truth = by_endpoint(requests)
    assert all(figures.requests <= truth[endpoint].requests for endpoint, figures in published.endpoints.items())
    cluster.assert_clean()


def test_sigkill_of_a_worker_before_its_first_report(cluster):
    """The master has heard of it and has nothing of it: the run is INCOMPLETE all the same, and the worker is named."""
    master = cluster.distributed(run_time_s=60)
    victim = cluster.processes["worker-1"]
    wait_until(lambda: any(one.pid == victim.pid for one in cluster.truth().workers), "a request of worker-1")
    victim.signal(signal.SIGKILL)
    master.wait_for_log("failed to send heartbeat")
    master.signal(signal.SIGTERM)
    cluster.wait()
    summary = cluster.summary()
    assert (summary["complete"], len(summary["unheard_workers"])) == (False, 1)
    assert cluster.published().together.requests <= len(cluster.truth().requests)
    cluster.assert_clean()
