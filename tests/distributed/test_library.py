"""Locust as a library, and the adapter that replaces the listener of locust-plugins."""

from __future__ import annotations

import json
import sys
from collections import Counter

import pytest

from locust_cw_dist.core.publish.metric_names import LEGACY_METRICS
from support.cluster.figures import Figures, assert_equal_figures, by_endpoint, figures_of


def test_a_script_with_a_local_runner(cluster):
    cluster.script("script", "library_single.py", cluster.namespace, publishes=True)
    assert cluster.wait() == {"script": 0}
    cluster.assert_exact()


def test_a_script_that_variables_tell_where_to_publish(cluster, cloudwatch):
    cluster.bring("library_single.py,shopper.py")
    ours = {"LOCUST_CW_NAMESPACE": cluster.namespace, "LOCUST_CW_RESOLUTION": "1", "LOCUST_CW_SERVICE": ""}
    cluster.start("script", [sys.executable, "library_single.py"], cloudwatch.env() | ours)
    assert cluster.wait() == {"script": 0}
    cluster.assert_exact()


def test_what_has_stopped_is_sent_at_once_and_each_window_once(cluster):
    """Two runs in one window of ten seconds, which both stop in it; one result of each comes when it has stopped."""
    # Results of the first run still come when the second one has begun: Locust's totals are of both.
    cluster.comparable = False
    script = cluster.script("script", "library_stops.py", cluster.namespace, publishes=True)
    assert cluster.wait() == {"script": 0}
    first, second, last = json.loads(script.out)
    assert first == [counts(20, 1), counts(1, 1)]
    assert second == [counts(41, 2), counts(2, 2)]
    assert last == [counts(42, 2), counts(2, 2)]
    summaries = cluster.last_summaries()
    assert [(one["recorded"], one["complete"], one["late"]) for one in summaries] == [(22, True, 0), (22, True, 0)]
    cluster.assert_balanced()
    cluster.assert_clean()


def counts(requests, windows):
    return {"RequestCount": requests, "ResponseTime_p95_ms": windows}


def test_a_script_as_master_and_one_as_worker(cluster):
    cluster.script("master", "library_master.py", cluster.namespace, str(cluster.port), publishes=True)
    cluster.script("worker", "library_worker.py", str(cluster.port), publishes=False)
    assert cluster.wait() == {"master": 0, "worker": 0}
    (worker,) = cluster.truth().workers
    assert worker.runners == ["WorkerRunner"]
    assert (worker.modules, worker.aws) == ([], [])
    cluster.assert_exact()


@pytest.mark.parametrize("ends", [(), ("master-first",)], ids=["workers first", "master first"])
def test_a_master_and_workers_in_one_process_share_their_events(cluster, ends):
    cluster.script("script", "library_shared.py", cluster.namespace, str(cluster.port), *ends, publishes=True)
    assert cluster.wait() == {"script": 0}
    cluster.assert_exact()


def assert_calls_are_exact(cluster):
    calls = [json.loads(line) for line in (cluster.folder / "calls.jsonl").read_text().splitlines()]
    assert {call["namespace"] for call in calls} == {"staging/shop/loadtests"}
    assert len({(call["pid"], call["thread"]) for call in calls}) == 1, "more than one thread called the client"
    datums = [datum for call in calls for datum in call["data"]]
    truth = cluster.truth().requests
    for (name, method), figures in by_endpoint(truth).items():
        dimensions = {"Request": name, "Method": method, "Host": "-"}
        assert_equal_figures(figures, figures_in(datums, dimensions), name)
    assert_equal_figures(figures_of(truth), figures_in(datums, {}), "all together")
    assert cluster.summary()["complete"]
    cluster.assert_balanced()
    cluster.assert_clean()
    return calls


def figures_in(datums, dimensions):
    def values(metric):
        counts = Counter()
        for datum in datums:
            found = {one["Name"]: one["Value"] for one in datum["Dimensions"]}
            if datum["MetricName"] == metric and found == dimensions:
                counts.update(dict(zip(datum["Values"], datum["Counts"], strict=True)))
        return counts

    return Figures(values("RequestCount")[1], values("FailureCount")[1], values("ResponseTime_ms"))


def test_the_adapter_on_a_master(cluster):
    cluster.locustfile = "shopper.py,adapter.py"
    master = cluster.distributed(workers=2, publishing=(), env={})
    cluster.wait()
    calls = assert_calls_are_exact(cluster)
    assert {call["pid"] for call in calls} == {master.pid}


def test_the_adapter_in_a_single_process(cluster):
    cluster.locustfile = "shopper.py,adapter.py"
    cluster.single(publishing=(), env={}, run_time_s=2)
    cluster.wait()
    assert_calls_are_exact(cluster)


def test_the_adapter_takes_options_and_variables(cluster):
    cluster.locustfile = "shopper.py,adapter.py"
    variables = {"LOCUST_CW_ENVIRONMENT": "qa", "LOCUST_CW_METRICS": "legacy"}
    single = cluster.single("--cw-record", "records", publishing=(), env=variables, run_time_s=2)
    cluster.wait()
    calls = [json.loads(line) for line in (cluster.folder / "calls.jsonl").read_text().splitlines()]
    assert {call["namespace"] for call in calls} == {"qa/shop/loadtests"}
    assert {datum["MetricName"] for call in calls for datum in call["data"]} == LEGACY_METRICS
    assert "and not to staging/shop/loadtests, as CloudwatchAdapter was called" in single.log
    assert len(list((cluster.folder / "records").glob("*.cwrecord"))) == 1
    cluster.assert_balanced()


def test_a_wrong_variable_ends_the_adapter_before_any_load(cluster):
    cluster.locustfile = "shopper.py,adapter.py"
    single = cluster.single(publishing=(), env={"LOCUST_CW_RESOLUTION": "7"}, run_time_s=2)
    assert single.wait() == 2
    assert "--cw-resolution" in single.log
    assert "Traceback" not in single.log
    assert cluster.truth().requests == []
