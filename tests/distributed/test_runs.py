"""Whole runs of real processes, in every role: what CloudWatch holds equals what the users' processes counted."""

from __future__ import annotations

import json

import pytest

from locust_cw_dist.core.publish.metric_names import METRIC_NAMES
from support.cluster.cluster import LOCUST_CW_RUN, Cluster

PERCENTILE_METRICS = {"ResponseTime_p50_ms", "ResponseTime_p95_ms", "ResponseTime_p99_ms"}


@pytest.fixture(scope="module")
def ordinary_run(tmp_path_factory, cloudwatch):
    """A master with two workers, long enough for a report in its middle, that has ended."""
    with Cluster(tmp_path_factory.mktemp("ordinary"), cloudwatch) as cluster:
        cluster.distributed("--json", workers=2, run_time_s=5)
        cluster.wait()
        yield cluster


@pytest.mark.locust
def test_a_master_with_two_workers(ordinary_run):
    assert len(ordinary_run.truth().workers) == 2
    ordinary_run.assert_exact()


def test_exit_codes_are_locusts_own(ordinary_run):
    # 1: there were failures.
    assert {name: process.exit_code for name, process in ordinary_run.processes.items()} == {
        "master": 1,
        "worker-1": 0,
        "worker-2": 0,
    }


@pytest.mark.locust
def test_every_metric_is_there(ordinary_run):
    published = ordinary_run.published()
    assert published.names() == set(METRIC_NAMES) - {"ResponseTime_pNN_ms"} | PERCENTILE_METRICS
    assert published.hosts == {"-"}
    (users,), (workers,) = published.named("Users"), published.named("Workers")
    assert (users.maximum, workers.maximum) == (8, 2)
    (lost,) = published.named("ResultsLost")
    assert lost.total == 0


def test_workers_never_import_boto3_and_know_nothing_of_aws(ordinary_run):
    for worker in ordinary_run.truth().workers:
        assert worker.has_ended
        assert worker.modules == []
        assert worker.aws == []


def test_stdout_is_for_locusts_json_alone(ordinary_run):
    endpoints = json.loads(ordinary_run.processes["master"].out)
    assert sum(endpoint["num_requests"] for endpoint in endpoints) == len(ordinary_run.truth().requests)
    for name in ("worker-1", "worker-2"):
        assert ordinary_run.processes[name].out == ""


def test_three_workers(cluster):
    cluster.distributed(workers=3, users=9, run_time_s=6)
    cluster.wait()
    assert len(cluster.truth().workers) == 3
    cluster.assert_exact()


def test_a_single_process(cluster):
    single = cluster.single("--json")
    cluster.wait()
    assert [worker.runners for worker in cluster.truth().workers] == [["LocalRunner"]]
    assert json.loads(single.out)
    cluster.assert_exact()


def test_processes(cluster):
    cluster.forks = False  # what forks for the tests has imported what a worker must not
    cluster.single("--processes", "2", run_time_s=6)
    cluster.wait()
    workers = cluster.truth().workers
    assert len(workers) == 2
    assert [worker.modules for worker in workers] == [[], []]
    cluster.assert_exact()


def test_workers_that_fetch_their_locustfiles_from_the_master(cluster):
    cluster.master(workers=2, run_time_s=6)
    for _ in range(2):
        cluster.worker(locustfile="-")
    cluster.wait()
    assert len(cluster.truth().workers) == 2
    cluster.assert_exact()


def test_a_locustfile_that_nobody_edited(cluster):
    cluster.command = LOCUST_CW_RUN
    cluster.locustfile = "shopper.py"
    cluster.master(workers=2, run_time_s=6)
    cluster.worker()
    cluster.worker(locustfile="-")
    cluster.wait()
    assert len(cluster.truth().workers) == 2
    cluster.assert_exact()


def test_a_single_process_with_a_locustfile_that_nobody_edited(cluster):
    cluster.command = LOCUST_CW_RUN
    cluster.locustfile = "shopper.py"
    cluster.single(run_time_s=2)
    cluster.wait()
    cluster.assert_exact()
