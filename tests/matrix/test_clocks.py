"""Workers whose clock is off by minutes: noticed, said once, and put right to within a second."""

from __future__ import annotations

from support.matrix import assert_exact_and_quiet, assert_within_a_second, published_by_second

AHEAD_S = {"ahead": 300, "behind": -300, "right": 0}


def test_workers_whose_clocks_are_minutes_off(cluster):
    master = cluster.master(workers=3, run_time_s=5)
    for name in AHEAD_S:
        shift = "" if name == "right" else f"clock_{name}.py,"
        cluster.worker(name=name, locustfile=shift + cluster.locustfile)
    cluster.wait()
    cluster.assert_exact()
    ahead_s = {cluster.processes[name].pid: seconds for name, seconds in AHEAD_S.items()}
    times_s = [request.at_s - ahead_s[request.pid] for request in cluster.truth().requests]
    assert_within_a_second(times_s, published_by_second(cluster))
    assert master.log.count("is 300.0 s off the master's") == 1
    assert master.log.count("is -300.0 s off the master's") == 1
    assert master.log.count("off the master's") == 2


def test_a_worker_that_hears_late_of_the_masters_clock(cluster):
    """A delay is no difference of clocks, and moves no result."""
    cluster.master(run_time_s=5)
    cluster.worker()
    cluster.worker(locustfile=f"{cluster.locustfile},slow_start.py")
    assert cluster.wait() == {"master": 1, "worker-1": 0, "worker-2": 0}
    assert_exact_and_quiet(cluster)
    assert_within_a_second([request.at_s for request in cluster.truth().requests], published_by_second(cluster))
