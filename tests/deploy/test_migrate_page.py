"""docs/migrate.md: what dashboards read of the old listener's metrics and of ours, by real calls; what both cost."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from locust_cw_dist.core.costs.prices import CURRENT_PRICES, HOURS_PER_MONTH, run_cost_usd
from locust_cw_dist.core.publish.datums import MetricPlan, endpoint_datums, run_datums, total_datums
from locust_cw_dist.core.publish.metric_names import LEGACY, LEGACY_METRICS, METRIC_NAMES
from locust_cw_dist.core.summaries.gauges import RunGauges, StatisticSet
from locust_cw_dist.core.summaries.request_result import parse_result
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.worker.buffer import WorkerBuffer
from support import deploy_tools
from support.pages.readme import ROOT

PAGE = (ROOT / "docs" / "migrate.md").read_text()
OLD_LISTENER = ROOT / "tests/support/publishing/old_listener.py"

HOST, NAME, METHOD = "http://shop", "/pay", "POST"
DIMENSIONS = [{"Name": name, "Value": value} for name, value in (("Request", NAME), ("Method", METHOD), ("Host", HOST))]
WINDOW_S = 10

# Offset of the start in seconds, response time in ms, length in bytes, failed. Minute 0 has failures, minute 1 none,
# minute 2 has nothing but the start of a request that ends in minute 3.
REQUESTS = [
    *((2 * n + 0.5, 7.3 * (n + 1), 100 + n, n % 4 == 0) for n in range(24)),
    *((60.5 + n, 20.0 * n, 900, False) for n in range(12)),
    (179.5, 1000.0, 50, False),
]
FAILURES, NO_FAILURES, NOTHING, LATER = range(4)
OF_MINUTE_0 = {"requests": 24, "failures": 6}
BASIC = ("Sum", "SampleCount", "Average", "Minimum", "Maximum")
PERCENTILES = ("p50", "p95", "p99")
METRICS = sorted(LEGACY_METRICS)


def table(first_cell):
    """The rows of the page's table whose head begins so, as lists of cells."""
    lines = PAGE[PAGE.index(f"| {first_cell} |") :].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[2:]]


class Reader:
    """Asks for what dashboards show of one namespace."""

    def __init__(self, client, namespace, start_s):
        self._client, self._namespace, self._start_s = client, namespace, start_s
        times = {"StartTime": self._at(0), "EndTime": self._at(4)}
        self._asked = [(metric, statistic) for metric in METRICS for statistic in (*BASIC, *PERCENTILES)]
        queries = [
            {"Id": f"q{number}", "MetricStat": self._query(metric, statistic)}
            for number, (metric, statistic) in enumerate(self._asked)
        ]
        answers = client.get_metric_data(MetricDataQueries=queries, **times)["MetricDataResults"]
        self._found = {
            asked: dict(zip(answer["Timestamps"], answer["Values"], strict=True))
            for asked, answer in zip(self._asked, answers, strict=True)
        }
        for metric in METRICS:
            self._assert_the_older_call_agrees(metric, times)

    def _at(self, minute):
        return datetime.fromtimestamp(self._start_s + 60 * minute, UTC)

    def _query(self, metric, statistic):
        about = {"Namespace": self._namespace, "MetricName": metric, "Dimensions": DIMENSIONS}
        return {"Metric": about, "Period": 60, "Stat": statistic}

    def _assert_the_older_call_agrees(self, metric, times):
        about = {"Namespace": self._namespace, "MetricName": metric, "Dimensions": DIMENSIONS, "Period": 60}
        points = self._client.get_metric_statistics(**about, **times, Statistics=list(BASIC))["Datapoints"]
        assert points
        for statistic in BASIC:
            assert {one["Timestamp"]: one[statistic] for one in points} == self._found[metric, statistic]

    def read(self, metric, statistic, minute):
        """None where there is no data."""
        return self._found[metric, statistic].get(self._at(minute))

    def series(self, terms):
        """The sums over all minutes of each series that a SEARCH finds."""
        search = f"SEARCH('{terms} MetricName=\"RequestCount\"', 'Sum', 60)"
        answer = self._client.get_metric_data(
            MetricDataQueries=[{"Id": "s", "Expression": search}], StartTime=self._at(0), EndTime=self._at(4)
        )
        return [sum(one["Values"]) for one in answer["MetricDataResults"]]


def publish_with_the_old_listener(cloudwatch, environment, start_s):
    lines = "".join(f"{json.dumps([start_s + offset_s, *rest])}\n" for offset_s, *rest in REQUESTS)
    path = os.pathsep.join([deploy_tools.modules("locust-plugins"), os.environ.get("PYTHONPATH", "")])
    before = cloudwatch.stats().put_calls
    done = subprocess.run(
        [sys.executable, OLD_LISTENER, "shop", environment, HOST],
        input=lines,
        env=os.environ | cloudwatch.env() | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    # What it can't publish it prints.
    assert done.stdout == ""
    return cloudwatch.stats().put_calls - before


def publish_with_ours(client, namespace, plan, start_s):
    buffer = WorkerBuffer(resolution_s=WINDOW_S)
    buffer.begin_run("r")
    for offset_s, time_ms, length, failed in REQUESTS:
        error = ConnectionError("refused") if failed else None
        result = parse_result(METHOD, NAME, time_ms, length, error)
        buffer.record(result, start_s + offset_s + time_ms / 1000)
    datums = []
    for section in buffer.take():
        (summary,) = section.summaries.values()
        datums += endpoint_datums(plan, (NAME, METHOD, HOST), section.start_s, summary, late=False)
        datums += total_datums(plan, section.start_s, summary, late=False)
    client.put_metric_data(Namespace=namespace, MetricData=[datum.to_api() for datum in datums])


@pytest.fixture(scope="module")
def readers(cloudwatch):
    """Column of the page's table -> what is read of that way to publish; and the calls of the old listener."""
    client, start_s = cloudwatch.client(), int(time.time()) // 60 * 60 - 600
    calls = publish_with_the_old_listener(cloudwatch, "migrate-old", start_s)
    for name, metrics in (("new", METRIC_NAMES), ("legacy", LEGACY_METRICS | {LEGACY})):
        publish_with_ours(client, f"migrate-{name}/shop/loadtests", MetricPlan(frozenset(metrics)), start_s)
    found = [Reader(client, f"migrate-{name}/shop/loadtests", start_s) for name in ("old", "new", "legacy")]
    return [*found, calls]


def expected(word, statistic, old):
    """What a cell says of a statistic in the minute with failures; `old` is that of the old listener's metric."""
    requests, failures = OF_MINUTE_0["requests"], OF_MINUTE_0["failures"]
    if word.startswith("no data"):
        return None
    if word == "within 1 %":
        return pytest.approx(old, rel=0.01)
    if word in {"the same", "of all requests", "of successes"}:
        assert old is not None, statistic
        return pytest.approx(old, rel=1e-6)
    return pytest.approx({**OF_MINUTE_0, "failures / requests": failures / requests, "0": 0, "1": 1}[word])


def statistics_of(row):
    metric, _, statistics = row[0].partition(": ")
    return [(metric.strip("`"), one) for one in statistics.split(", ") if one in BASIC + PERCENTILES]


STATISTICS = [row for row in table("what you read") if statistics_of(row)]


def test_the_table_has_each_statistic_of_each_metric():
    counts = {"RequestCount", "FailureCount"}
    wanted = {
        (metric, one) for metric in METRICS for one in BASIC + PERCENTILES if metric not in counts or one in BASIC
    }
    named = [asked for row in STATISTICS for asked in statistics_of(row)]
    assert (len(named), set(named)) == (len(wanted), wanted)


@pytest.mark.parametrize("row", STATISTICS, ids=lambda row: row[0])
def test_each_statistic_is_what_the_table_says(readers, row):
    for metric, statistic in statistics_of(row):
        old = readers[0].read(metric, statistic, FAILURES)
        for reader, word in zip(readers, row[1:], strict=False):
            assert reader.read(metric, statistic, FAILURES) == expected(word, statistic, old), (statistic, word)


def cells(first):
    (row,) = (row[1:] for row in table("what you read") if row[0] == first)
    return row


def test_what_is_missing_is_what_the_table_says(readers):
    assert cells("`FailureCount`: a period without failures") == ["no data", "0", "no data"]
    assert [reader.read("FailureCount", "Sum", NO_FAILURES) for reader in readers[:3]] == [None, 0, None]
    assert cells("all four: a period without requests") == ["no data"] * 3
    for reader in readers[1:3]:
        assert [reader.read(metric, "SampleCount", NOTHING) for metric in METRICS] == [None] * 4


def test_a_request_counts_when_it_began_or_when_it_ended(readers):
    old, new, *_ = cells("all four: the timestamp")
    assert (old, new) == ("when the request began", f"the start of the window of {WINDOW_S} s in which it ended")
    minutes = [[reader.read("RequestCount", "Sum", minute) for minute in (NOTHING, LATER)] for reader in readers[:3]]
    assert minutes == [[1, None], [None, 1], [None, 1]]


def test_series_of_all_endpoints_together_count_twice_where_no_dimensions_are_named(readers):
    everything = len(REQUESTS)
    for reader, name, series in zip(readers, ("old", "new", "legacy"), (1, 2, 1), strict=False):
        namespace = f"migrate-{name}/shop/loadtests"
        assert reader.series(f'{{"{namespace}",Host,Method,Request}}') == [everything]
        assert reader.series(f'Namespace="{namespace}"') == [everything] * series
    assert cells("series without dimensions, of all endpoints together")[::2] == ["none", "none"]


ENDPOINTS, MILLION = 20, 1_000_000
GAUGES = RunGauges(1, 1, StatisticSet(1, 1, 1, 1), StatisticSet(1, 1, 1, 1), 0, 1.0)


def series(plan):
    """How many metrics AWS bills of 20 endpoints that all have failures."""
    summary = Summary()
    summary.record_success(1.0, 1)
    summary.record_failure(1.0, "500")
    datums = total_datums(plan, 0, summary, late=False) + run_datums(plan, 0, GAUGES)
    for number in range(ENDPOINTS):
        datums += endpoint_datums(plan, (f"/{number}", METHOD, HOST), 0, summary, late=False)
    return len({(datum.metric, datum.dimensions) for datum in datums})


def dollars(cell):
    return float(cell.removeprefix("$"))


def test_what_is_sent_costs_what_the_table_says(readers):
    # 37 requests: two calls for each of three tens, and two for the 7 that are left when the test stops.
    assert readers[3] == 2 * -(-len(REQUESTS) // 10)
    plans = [LEGACY_METRICS | {LEGACY}, LEGACY_METRICS | {LEGACY}, LEGACY_METRICS, METRIC_NAMES]
    rows = table("what is sent")
    for row, plan, calls in zip(rows, plans, (2 * MILLION // 10, *[3600 // WINDOW_S] * 3), strict=True):
        metrics = series(MetricPlan(frozenset(plan)))
        assert (int(row[1]), int(row[3].replace(",", ""))) == (metrics, calls)
        assert dollars(row[2]) == pytest.approx(run_cost_usd(CURRENT_PRICES, series_hours=metrics, calls=0), abs=0.0005)
        assert dollars(row[4]) == pytest.approx(run_cost_usd(CURRENT_PRICES, series_hours=0, calls=calls), rel=0.01)
    assert f"prices of {CURRENT_PRICES.as_of}" in PAGE


def test_what_is_new_costs_what_the_table_says():
    rows = table("metric")
    everything = 0
    for row in rows:
        names = frozenset(re.findall(r"`(\w+)`", row[0]))
        of_totals = names <= LEGACY_METRICS
        metrics = series(MetricPlan(names)) - (ENDPOINTS * len(names) if of_totals else 0)
        everything += metrics
        assert int(row[1]) == metrics, row
        hour = run_cost_usd(CURRENT_PRICES, series_hours=metrics, calls=0)
        assert dollars(row[2]) == pytest.approx(hour, abs=0.00005)
        assert dollars(row[3]) == pytest.approx(hour * HOURS_PER_MONTH)
    assert everything + series(MetricPlan(LEGACY_METRICS | {LEGACY})) == series(MetricPlan(frozenset(METRIC_NAMES)))
