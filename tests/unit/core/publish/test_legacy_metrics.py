"""What a dashboard made for the CloudWatch listener of locust-plugins reads, from that listener and from `legacy`."""

from __future__ import annotations

import time

import pytest

from locust_cw_dist.core.publish.datums import MetricPlan, endpoint_datums, total_datums
from locust_cw_dist.core.publish.metric_names import LEGACY, LEGACY_METRICS
from locust_cw_dist.core.summaries.gauges import StatisticSet
from locust_cw_dist.core.summaries.summary import Summary

LEGACY_PLAN = MetricPlan(LEGACY_METRICS | {LEGACY})
NEW_PLAN = MetricPlan(LEGACY_METRICS)
ENDPOINT = ("/pay", "POST", "http://shop")
DIMENSIONS = [
    {"Name": name, "Value": value} for name, value in zip(("Request", "Method", "Host"), ENDPOINT, strict=True)
]
RESULTS = [(10.0, 100, False), (30.0, 300, False), (20.0, 0, True), (0.0, 0, False), (500.0, 0, True)]
FINE = [result for result in RESULTS if not result[2]]
STATISTICS = ("Sum", "SampleCount", "Average", "Minimum", "Maximum")


def summary_of(results):
    summary = Summary()
    for time_ms, size_bytes, failed in results:
        if failed:
            summary.record_failure(time_ms, "500")
        else:
            summary.record_success(time_ms, size_bytes)
    return summary


def datums_of_the_listener(results, timestamp_s):
    """As `RequestResult.get_all_metrics` in locust_plugins/listeners/cloudwatch.py (5.0) makes them of each request."""
    for time_ms, size_bytes, failed in results:
        values = [("ResponseTime_ms", "Milliseconds", time_ms), ("RequestCount", "Count", 1)]
        values.append(("FailureCount", "Count", 1) if failed else ("ResponseSize_Bytes", "Bytes", size_bytes))
        for metric, unit, value in values:
            yield {
                "MetricName": metric,
                "Dimensions": DIMENSIONS,
                "Timestamp": timestamp_s,
                "Value": value,
                "Unit": unit,
            }


def read(client, namespace, start_s):
    """Each statistic of each metric by the minute; a metric without data has none."""
    queries = [
        {
            "Id": f"q{number}",
            "MetricStat": {
                "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": DIMENSIONS},
                "Period": 60,
                "Stat": statistic,
            },
        }
        for number, (metric, statistic) in enumerate(questions())
    ]
    answer = client.get_metric_data(MetricDataQueries=queries, StartTime=start_s, EndTime=start_s + 60)
    return {
        question: [round(value, 6) for value in result["Values"]]
        for question, result in zip(questions(), answer["MetricDataResults"], strict=True)
    }


def questions():
    return [(metric, statistic) for metric in sorted(LEGACY_METRICS) for statistic in STATISTICS]


@pytest.mark.parametrize("results", [RESULTS, FINE], ids=["with failures", "without failures"])
def test_dashboards_of_the_listener_read_the_same(cloudwatch, results):
    client, minute_s = cloudwatch.client(), int(time.time()) // 60 * 60 - 120
    namespaces = [f"{each}/{len(results)}" for each in ("old", "legacy", "new")]
    client.put_metric_data(Namespace=namespaces[0], MetricData=list(datums_of_the_listener(results, minute_s)))
    for namespace, plan in zip(namespaces[1:], (LEGACY_PLAN, NEW_PLAN), strict=True):
        datums = endpoint_datums(plan, ENDPOINT, minute_s, summary_of(results), late=False)
        client.put_metric_data(Namespace=namespace, MetricData=[datum.to_api() for datum in datums])
    old, legacy, new = (read(client, namespace, minute_s) for namespace in namespaces)
    assert legacy == old
    # Without `legacy` a failure still adds 1 to the sum; the other statistics are of all results.
    differing = {question for question in old if old[question] != new[question]}
    assert differing <= {("FailureCount", statistic) for statistic in STATISTICS}
    assert ("FailureCount", "SampleCount") in differing


def test_nothing_is_sent_of_all_endpoints_together():
    assert total_datums(LEGACY_PLAN, 0, summary_of(RESULTS), late=False) == []


def test_other_metrics_come_beside_the_old_ones():
    plan = MetricPlan(LEGACY_METRICS | {LEGACY, "FailureRate_Percent", "ResponseTime_pNN_ms"})
    totals = {datum.metric: datum.value for datum in total_datums(plan, 0, summary_of(RESULTS), late=False)}
    assert totals.pop("FailureRate_Percent") == StatisticSet(5, 200, 0, 100)
    assert set(totals) == {"ResponseTime_p50_ms", "ResponseTime_p95_ms", "ResponseTime_p99_ms"}
