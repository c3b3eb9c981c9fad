"""A task that forks: what its parent has recorded is published once, and by the parent."""

from __future__ import annotations

import re

import pytest

from locust_cw_dist.live.records.record_file import read_file


@pytest.fixture(autouse=True)
def _started_anew(cluster):
    """gevent takes a child of a process that was forked itself for one of its own, and hangs."""
    cluster.forks = False


WAYS = ("exit", "_exit", "multiprocessing")


def assert_forked(process):
    ways = re.findall(r"^child: (\w+) 0$", process.out, re.MULTILINE)
    assert set(ways) == set(WAYS), process.out


def test_a_single_process_whose_task_forks(cluster):
    cluster.locustfile = "forking.py,shopper.py,plugin.py"
    spool, records = cluster.folder / "spool", cluster.folder / "records"
    process = cluster.single("--cw-spool-dir", str(spool), "--cw-record", str(records), run_time_s=8)
    cluster.wait()
    assert_forked(process)
    cluster.assert_exact()
    assert list(spool.iterdir()) == []
    (path,) = records.glob("*.cwrecord")
    record = read_file(path)
    assert record.damage.reason == ""
    recorded = sum(summary.count for point in record.points for summary in point.summaries.values())
    assert recorded == len(cluster.truth().requests)


def test_workers_whose_tasks_fork(cluster):
    cluster.locustfile = "forking.py,shopper.py,plugin.py"
    cluster.distributed(workers=1, run_time_s=8)
    cluster.wait()
    assert_forked(cluster.processes["worker-1"])
    cluster.assert_exact()
