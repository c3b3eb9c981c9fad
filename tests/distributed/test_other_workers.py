"""Workers that can't take part: they are named once on the master, and the run is not called complete."""

from __future__ import annotations

import re

import pytest

from locust_cw_dist.core.wire.frame import WIRE_VERSION
from support.cluster.figures import assert_equal


def assert_named_once(cluster, pattern):
    master, odd, good = (cluster.processes[name] for name in ("master", "odd", "good"))
    (name,) = re.findall(pattern, master.log)
    assert cluster.summary()["workers_without_plugin"] == [name]
    assert cluster.summary()["complete"] is False
    assert "INCOMPLETE" in master.log
    totals, recorded = cluster.summary()["locust_totals"], cluster.summary()["recorded"]
    assert totals["missing_requests"] == totals["requests"] - recorded > 0
    assert totals["likely_causes"] == [
        "workers without this plugin: install the same version of locust-cw-dist on every worker"
    ]
    assert f"lost: everything of worker {name}" in master.log
    cluster.assert_clean()
    cluster.assert_balanced()
    truth = cluster.truth()
    assert {worker.pid for worker in truth.workers} == {odd.pid, good.pid}
    assert_equal([request for request in truth.requests if request.pid == good.pid], cluster.published())


@pytest.mark.parametrize("run_time_s", [2, 8])
def test_a_worker_without_the_plugin(cluster, run_time_s):
    cluster.locust_has_more = True
    cluster.master(run_time_s=run_time_s)
    cluster.worker(name="odd", locustfile="shopper.py")
    cluster.worker(name="good")
    cluster.wait()
    assert_named_once(cluster, r"worker (\S+) does not run this plugin")


def test_a_worker_with_another_wire_version(cluster):
    cluster.locust_has_more = True
    cluster.master(run_time_s=5)
    odd = cluster.worker(name="odd", locustfile="shopper.py,other_version.py,plugin.py")
    cluster.worker(name="good")
    cluster.wait()
    assert_named_once(cluster, r"worker (\S+) has wire version 99")
    assert odd.log.count(f"the master has wire version {WIRE_VERSION}, this worker 99") == 1
