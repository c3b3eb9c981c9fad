"""`locust-cw alarms` and `locust-cw dashboard` as processes, as far as they call no AWS: what they print and refuse."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys

import pytest

from locust_cw_dist.errors import LocustCwError
from locust_cw_dist.tools.as_code.changes import Change, Changes, Kind
from locust_cw_dist.tools.cli import as_code
from support.cluster.commands import locust_cw
from support.pages.readme import blocks
from support.records.records import Simulation, Traffic

pytestmark = [pytest.mark.once, pytest.mark.slow]

RULES = """
[defaults]
warm_up_s = 30

[[rule]]
check = "p95(POST /checkout) < 300 ms"
window_s = 60

[[rule]]
check = "failure_ratio < 1 %"

[[rule]]
check = "p95(GET /item/.*) < 200 ms"
severity = "warn"
"""


@pytest.fixture
def run(tmp_path):
    """Run a command in a folder with a rule file, without AWS; return the process, which has ended."""
    (tmp_path / "rules.toml").write_text(RULES)
    env = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LOCUST_"))}
    # Nothing there: whoever calls AWS all the same fails.
    env |= {"HOME": str(tmp_path), "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}

    def call(*args, **more):
        return locust_cw(*args, folder=tmp_path, env=env | more)

    return call


ALARMS = ("alarms", "--cw-service", "checkout", "--cw-rules", "rules.toml", "-H", "https://shop.test")
DASHBOARD = ("dashboard", "--cw-service", "checkout", "--cw-rules", "rules.toml", "-H", "https://shop.test")


def test_alarms_are_shown_with_their_price_and_what_has_none(run):
    done = run(*ALARMS)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "ResponseTime_ms p95 >= 300, 1 of 1" in done.stdout
    assert "FailureRate_Percent Average >= 1" in done.stdout
    assert "$0.20" in done.stdout
    assert "us-east-1, prices of 2026-11" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("locust-cw alarms: no alarm for p95(GET /item/.*) < 200 ms")


@pytest.mark.parametrize(("layout", "code"), [((), 1), (("--format", "json"), 141)], ids=["table of rich", "json"])
def test_a_reader_that_has_seen_enough_gets_no_traceback(layout, code, tmp_path):
    """As `head` is, which ends at its tenth line."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "locust_cw_dist.tools.cli.main", *ALARMS, *layout]
    (tmp_path / "rules.toml").write_text(RULES)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False)
    os.close(write)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
    assert done.returncode == code


def test_alarms_as_json_are_requests_of_putmetricalarm(run):
    done = run(*ALARMS, "--format", "json", "--tag", "team=shop", "--cw-dimension", "Stage=perf")
    one, other = json.loads(done.stdout)
    assert one["AlarmName"] == "perf/checkout/loadtests: p95(POST /checkout)"
    assert one["Dimensions"] == [
        {"Name": "Request", "Value": "/checkout"},
        {"Name": "Method", "Value": "POST"},
        {"Name": "Host", "Value": "https://shop.test"},
        {"Name": "Stage", "Value": "perf"},
    ]
    assert other["Tags"] == [{"Key": "team", "Value": "shop"}]


def test_the_host_is_locusts_wherever_it_is_said(run, tmp_path):
    args = tuple(arg for arg in ALARMS if arg not in {"-H", "https://shop.test"})

    def host_of(done):
        (first, *_) = json.loads(done.stdout)
        return first["Dimensions"][2]["Value"]

    as_json = (*args, "--format", "json")
    assert host_of(run(*as_json, LOCUST_HOST="https://from.env")) == "https://from.env"
    assert host_of(run(*as_json, "-H", "https://a", "--cw-host", "prod")) == "prod"
    (tmp_path / "locust.conf").write_text("# a comment, so that this is no TOML\nhost = https://from.conf\n")
    assert host_of(run(*as_json)) == "https://from.conf"


def test_a_record_tells_endpoints_and_host(run, tmp_path):
    Simulation({("/item/{id}", "GET"): Traffic(18, 0.4, 10)}, windows=10).write(tmp_path)
    done = run("alarms", *ALARMS[1:5], "--record", ".", "--format", "json", "--cw-rule", "p95(GET /item/.*) < 9")
    assert done.returncode == 0, done.stderr
    found = {one["AlarmName"]: one for one in json.loads(done.stdout)}
    values = [one["Value"] for one in found["perf/checkout/loadtests: p95(GET /item/.*)"]["Dimensions"]]
    assert values == ["/item/{id}", "GET", "https://shop.test"]
    shown = run(*DASHBOARD[:5], "--record", ".", "--format", "json", "--cw-region", "eu-west-1")
    rows = [
        row
        for widget in json.loads(shown.stdout)["widgets"]
        for row in widget["properties"].get("metrics", [])
        if "by endpoint" in widget["properties"]["title"]
    ]
    assert rows
    assert {tuple(row[3:8:2]) for row in rows} == {("/item/{id}", "GET", "https://shop.test")}


def test_a_dashboard_is_shown_and_printed(run):
    done = run(*DASHBOARD)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    for words in ("Dashboard perf-checkout-loadtests", "Requests per second", "a search", "$3.00 a month"):
        assert words in done.stdout
    body = json.loads(run(*DASHBOARD, "--format", "json", AWS_REGION="eu-west-3").stdout)
    assert {w["properties"]["region"] for w in body["widgets"] if w["type"] == "metric"} == {"eu-west-3"}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((*ALARMS, "--alarm-action", "oncall"), "argument --alarm-action: got 'oncall', must be an ARN"),
        ((*ALARMS, "--tag", "team"), "argument --tag: got 'team', must be KEY=VALUE"),
        ((*ALARMS, "--tag", "aws:x=1"), "--tag: got the key 'aws:x', must be"),
        ((*ALARMS, "--datapoints", "3/2"), "argument --datapoints: got '3/2', must be M/N"),
        ((*ALARMS, "--name", "a b"), "argument --name: got 'a b', must be"),
        ((*ALARMS, "--endpoint", "/cart"), "argument --endpoint: got '/cart', must be a method and a name"),
        ((*ALARMS, "--cw-rule", "p95 < x"), "--cw-rule: "),
        ((*ALARMS, "--alarm-action=arn:aws:sns:a:1:b", *["--alarm-action=arn:aws:sns:a:1:c"] * 5), "more than 5"),
        (("alarms", "--cw-service", "x"), "--cw-rules: is required"),
        (("alarms", "--cw-rule", "p95 < 3"), "--cw-service: is required"),
        (("alarms", "--cw-service", "x", "--cw-rule", "p95(GET /a) < 3"), "--host: is required"),
        (("alarms", "aply"), "unknown command aply: did you mean apply?"),
        ((*ALARMS, "plan", "--format", "json"), "--format: got json with plan, must be"),
        ((*ALARMS, "--cw-rules", "gone.toml"), "gone.toml"),
        ((*DASHBOARD, "--service-metric", "AWS/ECS"), "argument --service-metric: got 'AWS/ECS', must be"),
        ((*DASHBOARD, "--period", "20"), "argument --period: got '20', must be"),
        ((*DASHBOARD, "--period", "10", "--cw-resolution", "60"), "--period: got 10, must be at least 60"),
        ((*DASHBOARD, "--find-endpoints"), "--find-endpoints: got it with show, must be"),
        (("dashboard",), "--cw-service: is required"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(run, args, words):
    done = run(*args)
    assert done.returncode == 2, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"locust-cw {args[0]}: ")
    assert words in line


def test_what_cannot_be_read_or_reached_is_one_line_and_exit_code_1(run):
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "eu-west-1", "AWS_MAX_ATTEMPTS": "1"}
    for done in (
        run(*ALARMS, "--record", "gone.cwrecord"),
        run(*DASHBOARD, "--format", "json"),
        run("alarms", "delete", "--cw-service", "x", "--yes", AWS_EC2_METADATA_DISABLED="true", AWS_REGION="eu-west-1"),
        run("dashboard", "delete", "--cw-service", "x", "--yes", **keys),
    ):
        assert done.returncode == 1, done
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "the master" not in done.stderr


def test_an_apply_that_fails_half_way_says_how_far_it_got(capsys):
    def work(changes, done):
        done(changes[0])
        raise LocustCwError("AWS is away")

    changes = Changes((Change(Kind.CREATE, "a", request={}), Change(Kind.DELETE, "b")), 0)
    with pytest.raises(LocustCwError, match=r"^AWS is away \(1 of 2 changes made; run it again\)$"):
        as_code.carry_out(argparse.Namespace(action="apply", yes=True), changes, "alarms", work)
    assert "done" not in capsys.readouterr().out


@pytest.mark.parametrize("command", ["alarms", "dashboard"])
def test_help_has_examples_and_exit_codes(run, command):
    text = run(command, "--help").stdout
    assert "examples:" in text
    assert "exit code: 0" in text
    for option in ("--cw-rules", "--cw-service", "--name", "--yes", "--format"):
        assert option in text


@pytest.mark.parametrize("page", ["docs/results.md", "docs/alarms.md", "docs/dashboard.md"])
def test_commands_of_the_pages_that_need_no_account_work(run, page):
    # Those that plan and apply are in blocks of text, with what they print; tests/deploy has them.
    text = "".join(block.text for block in blocks("sh", page)).replace("\\\n", " ")
    commands = [line for line in text.splitlines() if line.startswith(("locust-cw alarms", "locust-cw dashboard"))]
    assert commands
    for command in commands:
        _, *args = shlex.split(command.partition(" > ")[0] if command.endswith(".json") else command)
        done = run(*args)
        assert done.returncode == 0, done
        assert done.stdout
