"""Which series a run makes, as its options say."""

from __future__ import annotations

import pytest

from support.cluster.figures import assert_equal_figures, by_endpoint, figures_of

pytestmark = pytest.mark.once


def test_more_endpoints_than_have_a_place(cluster):
    cluster.locustfile = "many_names.py,plugin.py"
    master = cluster.master("--cw-max-endpoints", "5")
    cluster.worker()
    cluster.worker()
    cluster.wait()
    truth, published = cluster.truth().requests, cluster.published()
    own = set(published.endpoints) - {("(other)", "ALL")}
    endpoints = by_endpoint(truth)
    assert len(endpoints) > 20
    assert len(own) == 5
    for endpoint in own:
        assert_equal_figures(endpoints[endpoint], published.endpoints[endpoint], endpoint)
    others = [request for request in truth if (request.name, request.method) not in own]
    assert_equal_figures(figures_of(others), published.endpoints["(other)", "ALL"], "(other)")
    assert_equal_figures(figures_of(truth), published.together, "all together")
    assert cluster.summary()["complete"]
    assert master.log.count("there are more endpoints than --cw-max-endpoints allows (5)") == 1


def test_host_and_static_dimensions(cluster):
    cluster.single(
        "--host", "http://never-shown", "--cw-host", "shop.example",
        "--cw-dimension", "region=eu", "--cw-dimension", "team=a b",
        "--cw-label", "branch=main", run_time_s=2,
    )  # fmt: skip
    cluster.wait()
    cluster.assert_exact()
    published = cluster.published()
    static = {"region": "eu", "team": "a b"}
    assert published.hosts == {"shop.example"}
    for series in published.series:
        assert series.dimensions.items() >= static.items()
        assert set(series.dimensions) - set(static) in ({"Request", "Method", "Host"}, set())
    assert cluster.summary()["labels"] == {"branch": "main"}


def test_some_metrics_switched_off(cluster):
    cluster.single("--cw-metrics", "all,-Users,-ResponseTime_pNN_ms", run_time_s=2)
    cluster.wait()
    cluster.assert_exact()
    names = cluster.published().names()
    assert {"Workers", "ResponseSize_Bytes", "FailureRate_Percent"} <= names
    assert not any(name == "Users" or name.startswith("ResponseTime_p") for name in names)


def test_one_metric_alone(cluster, cloudwatch):
    cluster.single("--cw-metrics", "RequestCount", run_time_s=2)
    cluster.wait()
    requests = cluster.truth().requests
    counts = {
        (one.dimensions.get("Request"), one.dimensions.get("Method")): one.total
        for one in cloudwatch.dump(cluster.namespace)
        if one.name == "RequestCount"
    }
    assert counts.pop((None, None)) == len(requests)
    assert counts == {endpoint: figures.requests for endpoint, figures in by_endpoint(requests).items()}
    assert {one.name for one in cloudwatch.dump(cluster.namespace)} == {"RequestCount"}
    summary = cluster.summary()
    assert (summary["published"], summary["complete"]) == (len(requests), True)


def test_percentiles_and_coarser_windows(cluster):
    cluster.single("--cw-resolution", "5", "--cw-percentiles", "90,99.9")
    cluster.wait()
    cluster.assert_exact()
    published = cluster.published()
    assert {name for name in published.names() if name.startswith("ResponseTime_p")} == {
        "ResponseTime_p90_ms",
        "ResponseTime_p99.9_ms",
    }
    assert all(point.timestamp_s % 5 == 0 for one in published.series for point in one.points)
