from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.publish.datums import (
    Datum,
    Distribution,
    MetricPlan,
    endpoint_datums,
    percentile_metric,
    run_datums,
    total_datums,
)
from locust_cw_dist.core.publish.metric_names import METRIC_NAMES
from locust_cw_dist.core.summaries.gauges import RunGauges, StatisticSet
from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.core.summaries.summary import Summary

START_S = 1_760_000_000
ENDPOINT = ("/pay", "POST", "-")
EVERYTHING = MetricPlan(frozenset(METRIC_NAMES), static_dimensions=(("Team", "blue"),))


def a_summary(successes=(), failures=(), response_bytes=None):
    summary = Summary()
    for value in successes:
        summary.record_success(value, response_bytes)
    for value in failures:
        summary.record_failure(value, "HTTP 500")
    return summary


def values_of(datums):
    return {datum.metric: datum.value for datum in datums}


def test_an_endpoint():
    summary = a_summary([10.0, 30.0], [20.0], 512)
    datums = endpoint_datums(EVERYTHING, ENDPOINT, START_S, summary, late=False)
    values = values_of(datums)
    times = values.pop("ResponseTime_ms")
    assert (times.values, times.counts) == ((10.0, pytest.approx(20.0), 30.0), (1, 1, 1))
    assert values == {
        "RequestCount": Distribution((1,), (3,)),
        "FailureCount": Distribution((0, 1), (2, 1)),
        "ResponseSize_Bytes": StatisticSet(2, 1_024, 512, 512),
        "ResponseTime_p95_ms": 30.0,
    }
    assert {datum.dimensions for datum in datums} == {
        (("Request", "/pay"), ("Method", "POST"), ("Host", "-"), ("Team", "blue"))
    }
    assert {datum.unit for datum in datums} == {"Milliseconds", "Count", "Bytes"}
    assert {datum.timestamp_s for datum in datums} == {START_S}


def test_all_endpoints_together():
    datums = total_datums(EVERYTHING, START_S, a_summary([10.0, 30.0], [20.0], 512), late=False)
    values = values_of(datums)
    assert list(values) == [
        "ResponseTime_ms",
        "RequestCount",
        "FailureCount",
        "ResponseTime_p50_ms",
        "ResponseTime_p95_ms",
        "ResponseTime_p99_ms",
        "FailureRate_Percent",
    ]
    assert values["FailureRate_Percent"] == StatisticSet(3, 100, 0, 100)
    assert {datum.dimensions for datum in datums} == {(("Team", "blue"),)}


@pytest.mark.parametrize(
    ("successes", "failures", "outcomes", "rate"),
    [
        ([1.0, 1.0], [], Distribution((0,), (2,)), StatisticSet(2, 0, 0, 0)),
        ([], [1.0, 1.0], Distribution((1,), (2,)), StatisticSet(2, 200, 100, 100)),
        ([1.0], [1.0], Distribution((0, 1), (1, 1)), StatisticSet(2, 100, 0, 100)),
    ],
)
def test_failures(successes, failures, outcomes, rate):
    values = values_of(total_datums(EVERYTHING, START_S, a_summary(successes, failures), late=False))
    assert (values["FailureCount"], values["FailureRate_Percent"]) == (outcomes, rate)


def test_no_results_make_no_datums():
    assert endpoint_datums(EVERYTHING, ENDPOINT, START_S, Summary(), late=False) == []
    assert total_datums(EVERYTHING, START_S, Summary(), late=False) == []
    assert run_datums(EVERYTHING, START_S, RunGauges()) == []


def test_late_results_bring_no_percentiles_but_all_that_adds_up():
    summary = a_summary([10.0], [20.0], 512)
    late = values_of(endpoint_datums(EVERYTHING, ENDPOINT, START_S, summary, late=True))
    assert set(late) == {"ResponseTime_ms", "RequestCount", "FailureCount", "ResponseSize_Bytes"}
    late = values_of(total_datums(EVERYTHING, START_S, summary, late=True))
    assert set(late) == {"ResponseTime_ms", "RequestCount", "FailureCount", "FailureRate_Percent"}


@pytest.mark.parametrize("metric", METRIC_NAMES)
def test_a_metric_that_is_switched_off_is_not_sent_and_the_others_are(metric):
    gauges = RunGauges(5, 2, StatisticSet.of([50.0]), StatisticSet.of([1e6]), 0, 1.5)

    def sent(plan):
        summary = a_summary([10.0], [20.0], 512)
        datums = endpoint_datums(plan, ENDPOINT, START_S, summary, late=False)
        datums += total_datums(plan, START_S, summary, late=False)
        return {datum.metric for datum in datums + run_datums(plan, START_S, gauges)}

    every = sent(EVERYTHING)
    gone = every - sent(MetricPlan(frozenset(METRIC_NAMES) - {metric}))
    assert gone == ({name for name in every if "_p" in name} if metric == "ResponseTime_pNN_ms" else {metric})
    assert every >= {"RequestCount", "ResponseTime_ms"}


def test_many_values_are_several_datums():
    summary = a_summary(1.05**step / 50 for step in range(400))
    parts = [
        datum.value
        for datum in endpoint_datums(EVERYTHING, ENDPOINT, START_S, summary, late=False)
        if datum.metric == "ResponseTime_ms"
    ]
    assert [len(part.values) for part in parts[:-1]] == [150] * (len(parts) - 1)
    assert len(parts) > 1
    assert sum(sum(part.counts) for part in parts) == 400


def test_names_of_requests_are_cleaned():
    (datum, *_) = endpoint_datums(EVERYTHING, ("caf\xe9", "", "\n"), START_S, a_summary([1.0]), late=False)
    assert datum.dimensions[:3] == (("Request", r"caf\xe9"), ("Method", r"\-"), ("Host", r"\x0a"))


@pytest.mark.parametrize(
    ("percent", "name"), [(95, "p95"), (95.0, "p95"), (99.9, "p99.9"), (99.99, "p99.99"), (0.5, "p0.5")]
)
def test_names_of_percentiles(percent, name):
    assert percentile_metric(percent) == f"ResponseTime_{name}_ms"


def test_the_run():
    cpu, memory = StatisticSet.of([40.0, 80.0]), StatisticSet.of([2e8, 1e8, 3e8])
    datums = run_datums(EVERYTHING, START_S, RunGauges(20, 3, cpu, memory, 0, 2.5))
    assert [(datum.metric, datum.unit, datum.value) for datum in datums] == [
        ("Users", "Count", 20),
        ("Workers", "Count", 3),
        ("WorkerCpu_Percent", "Percent", StatisticSet(2, 120.0, 40.0, 80.0)),
        ("WorkerMemory_Bytes", "Bytes", StatisticSet(3, 6e8, 1e8, 3e8)),
        ("ResultsLost", "Count", 0),
        ("PublishLag_Seconds", "Seconds", 2.5),
    ]
    assert StatisticSet.of([]) is None


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 2.0**361, 10**400])
def test_a_number_that_cloudwatch_refuses_makes_no_datum(number):
    gauges = RunGauges(users=number, cpu_percent=StatisticSet(1, number, 0, 0), results_lost=1)
    assert [datum.metric for datum in run_datums(EVERYTHING, START_S, gauges)] == ["ResultsLost"]


def json_entry(metric, dimensions):
    return {
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions],
        "Timestamp": START_S,
        "Unit": "Count",
        "StorageResolution": 1,
    }


def json_value(value):
    if isinstance(value, Distribution):
        return {"Values": list(value.values), "Counts": list(value.counts)}
    if isinstance(value, StatisticSet):
        numbers = {"Sum": value.sum, "Minimum": value.minimum, "Maximum": value.maximum}
        return {"StatisticValues": {"SampleCount": value.count} | numbers}
    return {"Value": value}


def test_what_boto3_is_called_with():
    entry = json_entry("M", (("Request", "/"),)) | {"Timestamp": datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)}

    def api(value):
        return Datum("M", (("Request", "/"),), START_S, "Count", 1, value).to_api()

    assert api(1.5) == entry | {"Value": 1.5}
    assert api(Distribution((0, 1), (5, 2))) == entry | {"Values": [0, 1], "Counts": [5, 2]}
    statistics = {"SampleCount": 2, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0}
    assert api(StatisticSet(2, 3.0, 1.0, 2.0)) == entry | {"StatisticValues": statistics}


numbers = st.one_of(st.sampled_from(EDGES), st.floats(-(2.0**360), 2.0**360), st.integers(-(2**70), 2**70))
texts = st.text(st.characters(codec="ascii"), max_size=20)


@given(
    texts,
    st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    st.one_of(
        numbers,
        st.builds(StatisticSet, st.integers(0, 2**53), numbers, numbers, numbers),
        st.lists(st.tuples(numbers, st.integers(1, 2**53)), min_size=1, max_size=150).map(
            lambda pairs: Distribution(*zip(*pairs, strict=True))
        ),
    ),
)
def test_the_json_of_a_datum_says_all_of_it(metric, dimensions, value):
    datum = Datum(metric, dimensions, START_S, "Count", 1, value)
    assert json.loads(datum.json) == json_entry(metric, dimensions) | json_value(value)


@pytest.mark.parametrize(("values", "counts"), [((), ()), ((1.0,), (1, 1)), ((1.0,) * 151, (1,) * 151)])
def test_a_distribution_that_cloudwatch_refuses_is_not_made(values, counts):
    with pytest.raises(ValueError, match="1 to 150 values"):
        Distribution(values, counts)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"storage_resolution_s": 10}, "storage resolution"),
        ({"static_dimensions": tuple((f"d{n}", "x") for n in range(28))}, "over 27"),
        ({"static_dimensions": (("Request", "x"),)}, "twice"),
        ({"static_dimensions": (("a", "x"), ("a", "y"))}, "twice"),
        ({"static_dimensions": ((":a", "x"),)}, "colon"),
        ({"static_dimensions": (("a", ""),)}, "1 to 1024"),
    ],
)
def test_a_plan_that_cloudwatch_would_refuse_is_not_made(wrong, message):
    with pytest.raises(ValueError, match=message):
        MetricPlan(frozenset(METRIC_NAMES), **wrong)
