"""`locust-cw plan` as a real process: what it foretells is what a real run does."""

from __future__ import annotations

import json
import os
import re
import time
from datetime import UTC, datetime

import pytest

from support.cluster.forked import run_module
from support.pages.readme import blocks

# It asks nothing of Locust.
pytestmark = pytest.mark.once

PAGE = "docs/costs.md"
COMMAND = ("locust_cw_dist.tools.cli.main", "plan")


def plan(*args, folder, **env):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOCUST_"))}
    # Whoever called AWS from here would have to fail.
    clean |= {"HOME": str(folder), "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    return run_module(*COMMAND, *args, folder=folder, env=clean | env, publishes=True)


def document(*args, folder, **env):
    done = plan(*args, "--json", folder=folder, **env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_metrics_are_those_of_a_real_run(cluster, cloudwatch, tmp_path):
    cluster.single("--cw-percentiles", "50,99.9", "--cw-dimension", "Team=a", run_time_s=4)
    cluster.wait()
    real = {}
    endpoints = set()
    for one in cloudwatch.dump(cluster.namespace):
        key = one.name, tuple(sorted(one.dimensions))
        real[key] = real.get(key, 0) + 1
        if "Request" in one.dimensions:
            endpoints.add(f"{one.dimensions['Method']} {one.dimensions['Request']}")
    options = ("--cw-service", "x", "--cw-percentiles", "50,99.9", "--cw-dimension", "Team=a", "--cw-resolution", "1")
    foretold = document(*options, "--endpoints", *sorted(endpoints), folder=tmp_path)
    assert {(one["name"], tuple(sorted(one["dimensions"]))): one["count"] for one in foretold["metrics"]} == real
    assert foretold["metric_count"] == cluster.summary()["metrics"]
    assert foretold["calls_per_hour"] == 3600


def test_the_payloads_are_what_cloudwatch_takes(cloudwatch, tmp_path):
    namespace = "perf/plan/loadtests"
    done = plan(
        "--cw-service", "plan", "--endpoints", "60", "--rate", "5000", "--payloads", "window.jsonl", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    calls = [json.loads(line) for line in (tmp_path / "window.jsonl").read_text().splitlines()]
    assert len(calls) > 1
    for call in calls:
        for datum in call["MetricData"]:
            assert time.time() - 60 < datum["Timestamp"] <= time.time()
            datum["Timestamp"] = datetime.fromtimestamp(datum["Timestamp"], UTC)
        cloudwatch.client().put_metric_data(**call)
    assert len(cloudwatch.dump(namespace)) == 60 * 5 + 7 + 6


def test_it_is_plain_text_when_it_is_piped_and_says_all_there_is_to_say(tmp_path):
    done = plan(
        *("--cw-service", "checkout", "--endpoints", "20", "--duration", "1h", "--refresh", "10", "--alarms", "3"),
        *("--cw-dimension", "Build=build-4711"),
        folder=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    for part in (
        "Namespace perf/checkout/loadtests",
        "20 endpoints, windows of 10 s, a run of 1 h",
        "PutMetricData calls: 1 for each window",
        "360 per hour",
        "metrics: 113",
        "$0.0464",
        "$33.90",
        "a dashboard that reads all metrics every 10 s",
        "alarms: 3",
        "us-east-1, prices of 2026-11",
        '"cloudwatch:namespace": "perf/checkout/loadtests"',
        "warning: dimension Build=build-4711 looks like a build number",
    ):
        assert part in done.stdout


def test_options_come_from_the_environment_and_from_files_too(tmp_path):
    (tmp_path / "locust.conf").write_text("host = http://shop.test\nusers = 5\nheadless = true\ncw-resolution = 60\n")
    made = document(folder=tmp_path, LOCUST_CW_SERVICE="cart", LOCUST_CW_PRICE="metric_month=1\nalarm_month=2")
    assert (made["namespace"], made["resolution_s"]) == ("perf/cart/loadtests", 60)
    assert (made["prices"]["metric_month"], made["prices"]["alarm_month"]) == (1, 2)
    assert made["own_prices"] == ["metric_month", "alarm_month"]
    assert made["calls_per_hour"] == 60


def test_a_price_of_ones_own_is_in_the_costs(tmp_path):
    made = document("--cw-service", "x", "--cw-price", "metric_month=0.73,get_metric_data_1000=0", folder=tmp_path)
    costs = {cost["what"]: cost for cost in made["costs"]}
    assert costs["metrics"]["run_usd"] == pytest.approx(113 * 0.001)
    assert costs["reading"]["month_usd"] == 0
    assert made["month_usd"] == pytest.approx(sum(cost["month_usd"] for cost in made["costs"]))


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "--cw-service: is required (or --cw-namespace)"),
        (["--cw-service", "x", "--endpoints", "0"], "--endpoints: got 0, must be from 1 to 10000"),
        (["--cw-service", "x", "--duration", "soon"], "argument --duration: got 'soon', must be a time"),
        (["--cw-service", "x", "--rate", "-1"], "argument --rate: got '-1', must be above 0 and at most 1e+06"),
        (["--cw-service", "x", "--p50-ms", "9", "--p99-ms", "3"], "--p99-ms: got 3, must be at least --p50-ms (9)"),
        (["--cw-service", "x", "--alarms", "1.5"], "argument --alarms: got '1.5', must be a whole number from 0"),
        (["--cw-service", "x", "--cw-price", "metric=1"], "--cw-price: got 'metric', must be one out of metric_month"),
        (["--cw-service", "x", "--cw-price", "metric_month"], "got 'metric_month', must be NAME=USD"),
        (["--cw-service", "a b"], "argument --cw-service: got 'a b'"),
        (["--cw-service", "x", "--payloads", "none/x"], "--payloads: got 'none/x', must be a file that can be written"),
        (["--cw-service", "x", "--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_code_2(tmp_path, args, says):
    done = plan(*args, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_page_shows_what_its_command_prints(tmp_path):
    (command,) = [block.text.strip() for block in blocks("sh", PAGE) if block.text.startswith("locust-cw plan ")]
    (shown,) = [block.text for block in blocks("text", PAGE) if "PutMetricData calls: " in block.text]
    done = plan(*command.split()[2:], folder=tmp_path)
    # How well a body compresses depends on its timestamps.
    sizes = r"on\): [\d,]+, [\d,]+ at most"
    assert re.sub(sizes, "", shown) in re.sub(sizes, "", done.stdout)


@pytest.mark.parametrize("command", ["plan", "resend"])
def test_help_has_examples_and_exit_codes(tmp_path, command):
    done = run_module(*COMMAND[:-1], command, "--help", folder=tmp_path, env=os.environ)
    assert f"usage: locust-cw {command} " in done.stdout
    assert f"examples:\n  locust-cw {command} " in done.stdout
    assert "exit code: 0" in done.stdout
    assert "locustfile" not in done.stdout
