"""The CloudFormation templates that the commands print, for several settings, by cfn-lint."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RULES = [
    "p95 < 300 ms",
    "p99.9(POST /checkout) <= 2 s, window_s=120, severity=warn, min_requests=50000",
    "failure_ratio < 1 %, window_s=SHORTEST",
    "rps >= 50, min_requests=10",
    "count(GET /item/{id}) > 5, window_s=300",
    "mean(GET /search?q=x) < 50, window_s=SHORTEST",
    "max < 5 s",
]
MANY = [f"p95(GET /item/{number}) < 300" for number in range(200)]
ACTION = [
    "--alarm-action",
    "arn:aws-cn:sns:cn-north-1:123456789012:oncall",
    "--ok-action",
    "arn:aws:sns:us-east-1:1:ok",
]
CASES = {
    "plain": (RULES, []),
    "actions, tags, dimensions": (RULES, [*ACTION, "--tag", "team=shop", "--cw-dimension", "Stage=perf $ (x)"]),
    "windows of a second": (RULES, ["--cw-resolution", "1", "--datapoints", "3/5", "--missing", "breaching"]),
    "windows of a minute": (RULES, ["--cw-resolution", "60", "--low-samples", "evaluate"]),
    "few metrics": (RULES, ["--cw-metrics", "ResponseTime_ms"]),
    "another name": (RULES, ["--name", "perf/checkout#2:x"]),
    "two hundred rules": (MANY, []),
}
OF_DASHBOARDS = {
    "plain": [],
    "endpoints": ["--endpoint", "GET /item/${id}", "--endpoint", "GET /caf\u00e9 'x' $${AWS::Region}"],
    "service metrics": ["--service-metric", "AWS/ECS:CPUUtilization:ClusterName=a,ServiceName=b:Average"],
    "few metrics": ["--cw-metrics", "Users", "--period", "300"],
}


def template_of(command, rules, more, folder):
    # The shortest window that a rule can have.
    window = more[more.index("--cw-resolution") + 1] if "--cw-resolution" in more else "10"
    fitting = [rule.replace("SHORTEST", window) for rule in rules]
    args = ["--cw-service", "checkout", "-H", "https://shop.test", "--format", "cloudformation", *more]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "locust_cw_dist.tools.cli.main",
            command,
            *args,
            *(f"--cw-rule={rule}" for rule in fitting),
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (folder / "template.json").write_text(done.stdout)
    return json.loads(done.stdout)


def lint(folder):
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--regions", "us-east-1", "--include-checks", "I"]
    return subprocess.run(
        [*command, "--", str(folder / "template.json")], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("case", CASES)
def test_a_template_of_alarms_has_no_finding(case, tmp_path):
    rules, more = CASES[case]
    template = template_of("alarms", rules, more, tmp_path)
    assert len(template["Resources"]) >= (6 if case != "few metrics" else 4)
    assert {one["Type"] for one in template["Resources"].values()} == {"AWS::CloudWatch::Alarm"}
    found = lint(tmp_path)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("case", OF_DASHBOARDS)
def test_a_template_of_a_dashboard_has_no_finding(case, tmp_path):
    template = template_of("dashboard", RULES, OF_DASHBOARDS[case], tmp_path)
    assert {one["Type"] for one in template["Resources"].values()} == {"AWS::CloudWatch::Dashboard"}
    found = lint(tmp_path)
    assert found.returncode == 0, found.stdout


def test_the_linter_finds_what_is_wrong(tmp_path):
    template = template_of("alarms", RULES, [], tmp_path)
    next(iter(template["Resources"].values()))["Properties"]["Period"] = 45
    (tmp_path / "template.json").write_text(json.dumps(template))
    assert "E3615" in lint(tmp_path).stdout
