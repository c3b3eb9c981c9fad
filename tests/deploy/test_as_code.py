"""Alarms and dashboards in an account: planned, applied, applied again, changed and deleted, by real processes."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys

import pytest

from support.cluster.commands import locust_cw
from support.cluster.processes import wait_until

TOPIC = "arn:aws:sns:eu-central-1:123456789012:oncall"
RULES = (
    "p95 < 300 ms",
    "failure_ratio < 1 %, window_s=30",
    "p99.9(POST /checkout) <= 2 s, window_s=120, severity=warn",
    "rps >= 50, warm_up_s=30, min_requests=100",
)


class Shop:
    """The commands for one service."""

    def __init__(self, moto, folder, service):
        self.namespace, self.folder = f"perf/{service}/loadtests", folder
        env = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LOCUST_"))}
        self.env = env | moto.env() | {"AWS_ENDPOINT_URL_CLOUDWATCH": moto.url, "HOME": str(folder)}
        self._service, self._client = service, moto.client("cloudwatch")

    def command(self, *args, rules=RULES):
        own = ["--cw-service", self._service, "-H", "https://shop.test", *(f"--cw-rule={rule}" for rule in rules)]
        return [*args, *own]

    def run(self, *args, rules=RULES, code=0):
        done = locust_cw(*self.command(*args, rules=rules), folder=self.folder, env=self.env)
        assert done.returncode == code, done
        return done

    def alarms(self):
        pages = self._client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=self.namespace)
        return {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}

    def tags(self, alarm):
        tags = self._client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
        return {tag["Key"]: tag["Value"] for tag in tags}

    def put(self, name, **more):
        self._client.put_metric_alarm(
            AlarmName=f"{self.namespace}: {name}",
            **{
                "Namespace": "x",
                "MetricName": "y",
                "Statistic": "Sum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 1.0,
                "ComparisonOperator": "GreaterThanThreshold",
            }
            | more,
        )

    @property
    def dashboard_name(self):
        return self.namespace.replace("/", "-")

    def dashboard(self):
        found = self._client.list_dashboards(DashboardNamePrefix=self.dashboard_name)["DashboardEntries"]
        if not found:
            return None
        return json.loads(self._client.get_dashboard(DashboardName=self.dashboard_name)["DashboardBody"])

    def put_dashboard(self, body):
        self._client.put_dashboard(DashboardName=self.dashboard_name, DashboardBody=json.dumps(body))


@pytest.fixture
def shop(moto, tmp_path, request):
    # The server is one for all tests.
    return Shop(moto, tmp_path, re.sub(r"[^0-9a-z]+", "-", request.node.name))


def test_a_plan_changes_nothing(shop):
    out = shop.run("alarms", "plan").stdout
    assert f"  + {shop.namespace}: p95(" not in out
    assert f"  + {shop.namespace}: p95\n" in out
    assert "4 to create, 0 to change, 0 to delete, 0 unchanged" in out
    assert "about $0.60 a month" in out
    assert shop.alarms() == {}


def test_alarms_are_made_kept_changed_and_deleted(shop):
    shop.run("alarms", "apply", "--yes", "--alarm-action", TOPIC, "--tag", "team=shop")
    made = shop.alarms()
    assert len(made) == 4
    p95 = made[f"{shop.namespace}: p95"]
    assert (p95["ExtendedStatistic"], p95["Threshold"], p95["Period"]) == ("p95", 300, 60)
    assert (p95["TreatMissingData"], p95["EvaluateLowSampleCountPercentile"]) == ("notBreaching", "ignore")
    assert p95["AlarmActions"] == [TOPIC]
    assert shop.tags(p95) == {"team": "shop", "locust-cw-dist": shop.namespace}

    again = shop.run("alarms", "apply", "--alarm-action", TOPIC, "--tag", "team=shop").stdout
    assert "0 to create, 0 to change, 0 to delete, 4 unchanged" in again
    assert shop.alarms() == made

    shop._client.disable_alarm_actions(AlarmNames=[p95["AlarmName"]])
    changed = shop.run(
        "alarms", "apply", "--yes", "--alarm-action", TOPIC, "--tag", "team=cart", rules=("p95 < 250 ms", *RULES[1:3])
    ).stdout
    assert "Threshold: 300.0 -> 250.0" in changed
    assert "tag team: shop -> cart" in changed
    assert f"  - {shop.namespace}: rps" in changed
    assert set(shop.alarms()) == set(made) - {f"{shop.namespace}: rps"}
    p95 = shop.alarms()[p95["AlarmName"]]
    assert (p95["Threshold"], p95["ActionsEnabled"]) == (250, False)
    assert shop.tags(p95)["team"] == "cart"

    assert "3 to delete" in shop.run("alarms", "delete", "--yes", rules=()).stdout
    assert shop.alarms() == {}
    assert "0 to delete" in shop.run("alarms", "delete", rules=()).stdout


def test_alarms_of_others_stay_as_they_are(shop, moto, tmp_path):
    shop.put("mine", Tags=[{"Key": "team", "Value": "x"}])
    shop.put(
        "of a stack",
        Tags=[
            {"Key": "locust-cw-dist", "Value": shop.namespace},
            {"Key": "aws:cloudformation:stack-name", "Value": "s"},
        ],
    )
    neighbour = Shop(moto, tmp_path, "neighbour-of-alarms")
    neighbour.run("alarms", "apply", "--yes")
    theirs = shop.alarms()
    assert len(theirs) == 2
    shop.run("alarms", "apply", "--yes")
    shop.run("alarms", "delete", "--yes", rules=())
    assert shop.alarms() == theirs
    assert len(neighbour.alarms()) == 4


def test_a_name_that_somebody_uses_stops_an_apply_before_it_changes_anything(shop):
    shop.put("rps")
    for action in ("plan", "apply"):
        line = shop.run("alarms", action, "--yes", code=1).stderr.splitlines()[-1]
        assert f"'{shop.namespace}: rps' was not made by locust-cw alarms" in line
    assert list(shop.alarms()) == [f"{shop.namespace}: rps"]
    shop.run("alarms", "apply", "--yes", "--name", f"{shop.namespace}/2")
    assert len(shop.alarms()) == 5


def test_more_alarms_than_fit_on_a_page_are_applied_and_deleted(shop):
    rules = tuple(f"p95(GET /item/{number}) < 300" for number in range(120))
    assert "120 to create" in shop.run("alarms", "apply", "--yes", rules=rules).stdout
    assert "120 unchanged" in shop.run("alarms", "plan", rules=rules).stdout
    assert len(shop.alarms()) == 120
    assert "120 to delete" in shop.run("alarms", "delete", "--yes", rules=()).stdout
    assert shop.alarms() == {}


@pytest.mark.parametrize("command", ["alarms", "dashboard"])
def test_without_a_terminal_and_without_yes_nothing_is_done(shop, command):
    done = shop.run(command, "apply", code=2)
    assert done.stderr.splitlines()[-1] == (f"locust-cw {command}: --yes: is required without a terminal to ask on")
    assert (shop.alarms(), shop.dashboard()) == ({}, None)


@pytest.mark.parametrize(("answer", "count"), [(b"y\n", 4), (b"n\n", 0), (b"\n", 0)])
def test_on_a_terminal_it_asks(shop, answer, count):
    ours, its = pty.openpty()
    os.set_blocking(ours, False)
    said = b""

    def has_ended():
        nonlocal said
        has_exited = process.poll() is not None
        try:
            while part := os.read(ours, 4096):
                said += part
        except OSError:  # nothing more for now
            pass
        return has_exited

    command = [sys.executable, "-m", "locust_cw_dist.tools.cli.main", *shop.command("alarms", "apply")]
    with subprocess.Popen(command, cwd=shop.folder, env=shop.env, stdin=its, stdout=its, stderr=its) as process:
        os.write(ours, answer)
        wait_until(has_ended, "the command ends")
    os.close(its)
    os.close(ours)
    assert process.returncode == 0, said
    assert b"Apply these changes to alarms? [y/N]" in said
    assert b"\x1b[32m+" in said
    assert len(shop.alarms()) == count


def test_a_dashboard_is_made_kept_changed_and_deleted(shop):
    shop.run("dashboard", "plan")
    assert shop.dashboard() is None
    assert "1 to create" in shop.run("dashboard", "apply", "--yes").stdout
    made = shop.dashboard()
    assert {w["properties"]["region"] for w in made["widgets"] if w["type"] == "metric"} == {"eu-central-1"}
    assert "1 unchanged" in shop.run("dashboard", "apply").stdout
    metric = "AWS/ApplicationELB:TargetResponseTime:LoadBalancer=app/x/1:p95"
    changed = shop.run("dashboard", "apply", "--yes", "--service-metric", metric).stdout
    assert "+ Service: AWS/ApplicationELB TargetResponseTime" in changed
    assert shop.dashboard() != made
    assert "1 to delete" in shop.run("dashboard", "delete", "--yes").stdout
    assert shop.dashboard() is None


def test_a_dashboard_of_somebody_else_stays_as_it_is(shop):
    theirs = {"widgets": [{"type": "text", "x": 0, "y": 0, "width": 3, "height": 3, "properties": {"markdown": "hi"}}]}
    shop.put_dashboard(theirs)
    for action in ("plan", "apply", "delete"):
        line = shop.run("dashboard", action, "--yes", code=1).stderr.splitlines()[-1]
        assert f"the dashboard {shop.dashboard_name} was not made by locust-cw dashboard" in line
    assert shop.dashboard() == theirs


def test_endpoints_that_cloudwatch_has_are_named(shop):
    host = {"Name": "Host", "Value": "https://shop.test"}
    datums = [
        {"MetricName": "RequestCount", "Value": 1, "Dimensions": dimensions}
        for dimensions in (
            [],
            [{"Name": "Request", "Value": r"/caf\xe9"}, {"Name": "Method", "Value": "GET"}, host],
            [{"Name": "Request", "Value": "/cart"}, {"Name": "Method", "Value": "POST"}, host],
            [{"Name": "Request", "Value": "/cart"}, {"Name": "Method", "Value": "POST"}, host | {"Value": "other"}],
            [{"Name": "Request", "Value": "/x"}, {"Name": "Method", "Value": "GET"}, host, {"Name": "A", "Value": "b"}],
        )
    ]
    shop._client.put_metric_data(Namespace=shop.namespace, MetricData=datums)
    shop.run("dashboard", "apply", "--yes", "--find-endpoints")
    rows = next(
        widget["properties"]["metrics"]
        for widget in shop.dashboard()["widgets"]
        if widget["properties"].get("title", "").startswith("Requests by endpoint")
    )
    assert [row[3:8:2] for row in rows] == [
        [r"/caf\xe9", "GET", "https://shop.test"],
        ["/cart", "POST", "https://shop.test"],
    ]
