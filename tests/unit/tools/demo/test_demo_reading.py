"""Reading a run back in one period, wherever it lies, from a real server through boto3."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from locust_cw_dist.testing import LocalCloudwatch
from locust_cw_dist.tools.demo.figures import ALL, Endpoint, Figures
from locust_cw_dist.tools.demo.reading import Period, read_figures, single_period

pytestmark = pytest.mark.once

HOUR_S = 3600
MIDNIGHT_S = 20_500 * 24 * HOUR_S
NAMESPACE = "perf/demo/loadtests"
HOST = "http://127.0.0.1:1"
BUY = Endpoint("POST", "/checkout")


@given(st.floats(0, 4e9), st.floats(0, HOUR_S))
@example(MIDNIGHT_S - 5.0, 30.0)
@example(MIDNIGHT_S - 0.001, 0.001)
def test_one_period_holds_the_run(first_s, length_s):
    period = single_period(first_s, first_s + length_s)
    assert period.length_s % 60 == 0
    assert period.start_s % period.length_s == 0
    assert period.start_s <= first_s
    assert first_s + length_s < period.start_s + period.length_s


def test_the_period_is_a_short_one():
    assert single_period(MIDNIGHT_S + 5, MIDNIGHT_S + 35) == Period(MIDNIGHT_S, 60)
    assert single_period(MIDNIGHT_S - 5, MIDNIGHT_S + 25).length_s < HOUR_S


def _datum(metric, time_s, values, counts, dimensions):
    return {
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Timestamp": time_s,
        "Values": values,
        "Counts": counts,
        "StorageResolution": 1,
    }


def _window(time_s, values, failures, dimensions):
    n = len(values)
    return [
        _datum("ResponseTime_ms", time_s, values, [1] * n, dimensions),
        _datum("RequestCount", time_s, [1], [n], dimensions),
        _datum("FailureCount", time_s, [0, 1], [n - failures, failures], dimensions),
    ]


def test_a_run_that_straddles_an_hour_has_one_set_of_percentiles():
    hour_s = math.floor(time.time() / HOUR_S) * HOUR_S
    buy = {"Request": "/checkout", "Method": "POST", "Host": HOST}
    values = [float(value) for value in range(1, 101)]
    with LocalCloudwatch() as cloudwatch:
        client = cloudwatch.client()
        for dimensions in (buy, {}):
            data = [
                *_window(hour_s - 10, values[:60], 2, dimensions),
                *_window(hour_s, values[60:], 1, dimensions),
            ]
            client.put_metric_data(Namespace=NAMESPACE, MetricData=data)
        period = single_period(hour_s - 10, hour_s + 9)
        found = read_figures(client, NAMESPACE, HOST, [BUY, Endpoint("GET", "/never")], period)
    assert found[BUY] == found[ALL] == Figures(100, 3, (50.0, 95.0, 99.0))
    assert found[Endpoint("GET", "/never")] == Figures(0, 0, (None, None, None))
