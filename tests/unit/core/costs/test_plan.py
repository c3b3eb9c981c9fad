"""Plans: what they count is what the datums say, and their calls obey the limits."""

from __future__ import annotations

import json
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_cw_dist.core.costs.bill import Usage
from locust_cw_dist.core.costs.made_up_load import Load, made_up_times_ms
from locust_cw_dist.core.costs.plan import PublishingPlan, make_plan
from locust_cw_dist.core.costs.prices import Prices
from locust_cw_dist.core.publish.datums import MetricPlan
from locust_cw_dist.core.publish.metric_names import METRIC_NAMES
from locust_cw_dist.core.publish.selection import Selection

START_S = 1_800_000_000
RUN_METRICS = {"Users", "Workers", "WorkerCpu_Percent", "WorkerMemory_Bytes", "ResultsLost", "PublishLag_Seconds"}
OF_BOTH = {"ResponseTime_ms", "RequestCount", "FailureCount"}


def endpoints(count):
    return tuple((f"/{number}", "GET") for number in range(count))


THREE = endpoints(3)


def plan(
    names=THREE,
    *,
    metrics=frozenset(METRIC_NAMES),
    percentiles=((95.0,), (50.0, 95.0, 99.0)),
    dimensions=(),
    resolution_s=10,
    max_endpoints=100,
    selection=None,
    rate=100.0,
    role_arn=None,
    usage=Usage(),  # noqa: B008 - frozen
):
    metric_plan = MetricPlan(metrics, *percentiles, dimensions, 60 if resolution_s == 60 else 1)
    publishing = PublishingPlan("ns", metric_plan, resolution_s, max_endpoints, selection or Selection(), role_arn)
    return make_plan(publishing, Load(names, "-", rate, 100.0, 1000.0), usage, Prices(), start_s=START_S)


def expected_series(metrics, percentiles, count):
    """How many series the table of docs/metrics.md tells."""
    of_endpoints = len(metrics & OF_BOTH) + ("ResponseSize_Bytes" in metrics)
    together = len(metrics & OF_BOTH) + ("FailureRate_Percent" in metrics)
    if "ResponseTime_pNN_ms" in metrics:
        of_endpoints += len(percentiles[0])
        together += len(percentiles[1])
    return of_endpoints * count + (together if count else 0) + len(metrics & RUN_METRICS)


percents = st.lists(st.sampled_from([50.0, 90.0, 95.0, 99.0, 99.9]), max_size=4, unique=True).map(tuple)


@settings(max_examples=40)
@given(
    metrics=st.sets(st.sampled_from(METRIC_NAMES), min_size=1).map(frozenset),
    percentiles=st.tuples(percents, percents),
    count=st.integers(1, 40),
    max_endpoints=st.integers(1, 40),
    resolution_s=st.sampled_from([1, 5, 10, 30, 60]),
    rate=st.floats(0.1, 2_000),
)
def test_series_and_calls_are_those_of_the_table_and_of_the_limits(
    metrics, percentiles, count, max_endpoints, resolution_s, rate
):
    made = plan(
        endpoints(count),
        metrics=metrics,
        percentiles=percentiles,
        max_endpoints=max_endpoints,
        resolution_s=resolution_s,
        rate=rate,
    )
    assert made.endpoints == min(count, max_endpoints)
    assert made.is_capped == (count > max_endpoints)
    assert len(made.series) == expected_series(metrics, percentiles, made.endpoints + made.is_capped)
    assert sum(number for _, _, number in made.metrics) == len(made.series)
    assert made.usage.calls_per_hour == len(made.bodies) * 3600 / resolution_s
    data = [datum for body in made.bodies for datum in json.loads(body)["MetricData"]]
    assert made.payloads.datums == len(data)
    assert made.payloads.body_bytes == sum(map(len, made.bodies))
    assert {(datum["MetricName"], tuple(d["Value"] for d in datum["Dimensions"])) for datum in data} == {
        (metric, tuple(value for _, value in dimensions)) for metric, dimensions in made.series
    }
    for body in made.bodies:
        assert len(body) <= 950_000
        assert len(json.loads(body)["MetricData"]) <= 1000
    json.dumps(made.as_json())


def test_twenty_endpoints_by_default_make_so_many_metrics():
    made = plan(endpoints(20))
    # Five for each endpoint (p95 among them), seven together, six of the run.
    assert len(made.series) == 20 * 5 + 7 + 6
    counts = Counter({metric: number for metric, names, number in made.metrics if names})
    assert counts["ResponseTime_p95_ms"] == counts["RequestCount"] == 20


def test_static_dimensions_are_on_every_metric():
    made = plan(dimensions=(("Team", "a"),))
    assert {names[-1] for _, names, _ in made.metrics} == {"Team"}


def test_groups_and_filters_count():
    names = (*((f"/item/{number}", "GET") for number in range(50)), ("/health", "GET"), ("/cart", "POST"))
    made = plan(names, selection=Selection((("/item/[0-9]+", "/item/{id}"),), (), ("/health",)))
    assert made.endpoints == 2
    requests = {dict(dimensions)["Request"] for _, dimensions in made.series if dimensions}
    assert requests == {"/item/{id}", "/cart"}


def test_nothing_but_the_run_is_left_where_all_is_excluded():
    made = plan(selection=Selection((), (), (".*",)))
    assert (made.endpoints, len(made.series), made.values) == (0, 6, 0)


def test_endpoints_beyond_the_cap_are_warned_of_and_so_are_dimensions():
    assert plan().warnings == []
    made = plan(endpoints(4), max_endpoints=2, dimensions=(("Commit", "3f2a91c"),))
    assert [
        "commit hash" in made.warnings[0],
        "max-endpoints allows (2)" in made.warnings[1],
    ] == [True, True]


def test_the_policy_allows_the_namespace_alone():
    document = plan(role_arn="arn:aws:iam::123456789012:role/x").as_json()
    (statement,) = document["iam_policy"]["Statement"]
    assert (statement["Action"], statement["Effect"]) == ("cloudwatch:PutMetricData", "Allow")
    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "ns"}}
    (assume,) = document["assume_role_policy"]["Statement"]
    assert (assume["Action"], assume["Resource"]) == ("sts:AssumeRole", "arn:aws:iam::123456789012:role/x")
    assert plan().as_json()["assume_role_policy"] is None


def test_longer_windows_and_fewer_metrics_cost_less():
    usual = plan(endpoints(20))
    assert plan(endpoints(20), resolution_s=60).usage.calls_per_hour < usual.usage.calls_per_hour
    fewer = plan(endpoints(20), metrics=frozenset(METRIC_NAMES) - {"ResponseSize_Bytes"})
    assert usual.month_usd - fewer.month_usd == pytest.approx(20 * (0.30 + 0.01 / 1000 * 60 * 730))


def test_the_same_question_has_the_same_answer():
    assert plan().as_json() == plan().as_json()
    assert plan().bodies == plan().bodies


@pytest.mark.parametrize("count", [100, 5_000])
@pytest.mark.parametrize("start", [0.0, 0.37, 0.9])
def test_made_up_times_have_the_percentiles_that_were_asked_for(count, start):
    times_ms = sorted(made_up_times_ms(count, 80.0, 640.0, start))
    assert len(times_ms) == count
    assert times_ms[math.ceil(count * 0.50) - 1] == pytest.approx(80.0, rel=0.15)
    assert times_ms[math.ceil(count * 0.99) - 1] == pytest.approx(640.0, rel=0.25)


def test_times_that_are_all_the_same_are_possible():
    assert made_up_times_ms(3, 5.0, 5.0) == [5.0, 5.0, 5.0]
