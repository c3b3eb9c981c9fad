"""The real AWS CLI against the local CloudWatch. tox installs it for the environment `latest`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from datetime import UTC, datetime

import pytest

from locust_cw_dist.testing import LocalCloudwatch
from support.publishing.put_requests import NAMESPACE

AWS = os.environ.get("TEST_AWS_CLI") or shutil.which("aws")
pytestmark = [
    pytest.mark.skipif(AWS is None, reason="needs the AWS CLI, as `aws` or in TEST_AWS_CLI"),
    pytest.mark.once,
]

DIMENSIONS = ({"Name": "Request", "Value": "/cart"}, {"Name": "Host", "Value": "-"})
DATUM = {
    "MetricName": "ResponseTime_ms",
    "Dimensions": DIMENSIONS,
    "Unit": "Milliseconds",
    "StorageResolution": 1,
    "Values": [10.0, 20.0, 400.0],
    "Counts": [8, 1, 1],
}


@pytest.fixture(scope="module")
def server():
    with LocalCloudwatch() as running:
        yield running


@pytest.fixture
def cloudwatch(server):
    server.reset()
    return server


@pytest.fixture
def aws(cloudwatch, tmp_path):
    """Runs `aws cloudwatch ARGS` and returns its JSON; an error is the CLI's text."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env |= cloudwatch.env() | {"HOME": str(tmp_path), "AWS_PAGER": ""}

    def run(*arguments, service="cloudwatch"):
        command = [AWS, service, *arguments, "--output", "json"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            return done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def iso(seconds):
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def put(aws):
    now_s = time.time()
    datum = DATUM | {"Timestamp": iso(now_s)}
    assert aws("put-metric-data", "--namespace", NAMESPACE, "--metric-data", json.dumps([datum])) is None
    return "--start-time", iso(now_s - 120), "--end-time", iso(now_s + 60)


def test_put_and_list(aws, cloudwatch):
    put(aws)
    [series] = cloudwatch.dump(NAMESPACE)
    assert series.values == {10.0: 8, 20.0: 1, 400.0: 1}
    found = aws("list-metrics", "--namespace", NAMESPACE, "--recently-active", "PT3H")
    [metric] = found["Metrics"]
    assert metric["MetricName"] == "ResponseTime_ms"
    assert sorted(metric["Dimensions"], key=str) == sorted(DIMENSIONS, key=str)


def test_shorthand_of_one_value(aws, cloudwatch):
    arguments = ("--metric-name", "Users", "--value", "7", "--unit", "Count", "--dimensions", "Stage=perf,Team=shop")
    assert aws("put-metric-data", "--namespace", NAMESPACE, *arguments) is None
    [series] = cloudwatch.dump(NAMESPACE)
    assert (series.name, series.total, series.dimensions) == ("Users", 7.0, {"Stage": "perf", "Team": "shop"})


def test_get_metric_statistics(aws):
    times = put(aws)
    of_one = ("--namespace", NAMESPACE, "--metric-name", "ResponseTime_ms", "--period", "3600", *times)
    dimensions = ("--dimensions", "Name=Request,Value=/cart", "Name=Host,Value=-")
    simple = aws("get-metric-statistics", *of_one, *dimensions, "--statistics", "Sum", "SampleCount", "Maximum")
    [point] = simple["Datapoints"]
    assert (point["Sum"], point["SampleCount"], point["Maximum"], point["Unit"]) == (500, 10, 400, "Milliseconds")
    names = ("p90", "p99.9", "tm90", "TM(10:500)", "PR(:20)", "TC(90%:)", "IQM")
    [point] = aws("get-metric-statistics", *of_one, *dimensions, "--extended-statistics", *names)["Datapoints"]
    assert point["ExtendedStatistics"] == {
        "p90": 20.0,
        "p99.9": 400.0,
        "tm90": pytest.approx(100 / 9),
        "TM(10:500)": 210.0,
        "PR(:20)": 90.0,
        "TC(90%:)": 1.0,
        "IQM": 10.0,
    }


def test_get_metric_data(aws):
    times = put(aws)
    metric = {"Namespace": NAMESPACE, "MetricName": "ResponseTime_ms", "Dimensions": DIMENSIONS}
    queries = [
        {"Id": name, "MetricStat": {"Metric": metric, "Period": 3600, "Stat": stat}}
        for name, stat in (("p50", "p50"), ("trimmed", "TM(:95%)"), ("n", "SampleCount"))
    ]
    found = aws("get-metric-data", "--metric-data-queries", json.dumps(queries), *times)
    values = {result["Id"]: result["Values"] for result in found["MetricDataResults"]}
    assert values == {"p50": [10.0], "trimmed": [50.0], "n": [10.0]}


def test_errors_as_the_cli_shows_them(aws, cloudwatch):
    refused = aws("put-metric-data", "--namespace", "AWS/EC2", "--metric-name", "m", "--value", "1")
    assert "(InvalidParameterValue) when calling the PutMetricData operation" in refused
    cloudwatch.faults("access_denied", operation="ListMetrics")
    assert "(AccessDenied) when calling the ListMetrics operation" in aws("list-metrics")
    queries = json.dumps([{"Id": "e", "Expression": "m1 + m2"}])
    times = ("--start-time", iso(time.time() - 60), "--end-time", iso(time.time()))
    assert "no metric math" in aws("get-metric-data", "--metric-data-queries", queries, *times)


def test_who_calls(aws):
    assert aws("get-caller-identity", service="sts")["Arn"] == "arn:aws:iam::123456789012:user/local"
