"""Workers whose clock is off by minutes: noticed, said once, and put right to within a second."""

from __future__ import annotations

import re

import pytest

from support.cluster.matrix import assert_within_a_second, published_by_second

pytestmark = pytest.mark.once

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
    said_s = [float(seconds) for seconds in re.findall(r"is (\S+) s off;", master.log)]
    assert sorted(said_s) == pytest.approx([-300, 300], abs=2)
