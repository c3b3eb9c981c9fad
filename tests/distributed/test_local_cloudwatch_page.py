"""Every command of docs/local-cloudwatch.md, run as it stands, in order, on one server; and its tables."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from locust_cw_dist.local_cloudwatch.faults.conditions import Conditions
from locust_cw_dist.local_cloudwatch.faults.faults import KINDS, Fault
from locust_cw_dist.local_cloudwatch.storage.aggregate import parse_statistic
from support import needs
from support.cluster.cluster import free_port
from support.cluster.processes import Process, wait_until
from support.pages.readme import ROOT, blocks

pytestmark = pytest.mark.once

PAGE = "docs/local-cloudwatch.md"
TEXT = (ROOT / PAGE).read_text()
SHELL = [block.text.strip() for block in blocks("sh", PAGE)]
START, EXPORTS, *REST = SHELL
AWS = os.environ.get("TEST_AWS_CLI") or shutil.which("aws")


class Page:
    """The page's commands, on a server of its own at another port."""

    def __init__(self, folder):
        self._folder = folder
        self._port = str(free_port())
        scripts = [str(Path(sys.executable).parent), *([str(Path(AWS).parent)] if AWS else [])]
        self._env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOCUST_"))}
        self._env |= {"HOME": str(folder), "PATH": os.pathsep.join([*scripts, self._env["PATH"]])}
        self.server = Process("local", ["bash", "-c", f"exec {self._here(START)}"], folder, self._env)

    def _here(self, command):
        assert self._port != "4582"
        return command.replace("4582", self._port)

    def wait(self):
        wait_until(lambda: self._port in self.server.out, "the local CloudWatch's ready line")

    def run(self, command):
        script = f"set -e\n{self._here(EXPORTS)}\n{self._here(command)}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._folder,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, part):
        """Run the one command that contains `part`."""
        [command] = [command for command in REST if part in command]
        return self.run(command)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    page = Page(tmp_path_factory.mktemp("page"))
    try:
        page.wait()
        yield page
    finally:
        page.server.kill()


def test_the_page_begins_with_what_the_rest_needs():
    assert START.startswith("locust-cw local-cloudwatch")
    assert EXPORTS.startswith("export AWS_ENDPOINT_URL_CLOUDWATCH=")


def test_every_command_is_run_by_a_test_below():
    parts = ("locust-cw doctor", "aws cloudwatch", "/_local/")
    assert [command for command in REST if not any(part in command for part in parts)] == []


def test_the_doctor_finds_everything_in_order(page):
    told = page.ask("locust-cw doctor")
    assert "FAILED" not in told
    assert "one datum of DoctorCheck was taken" in told


def test_the_aws_cli_writes_and_reads(page):
    if AWS is None:
        needs.lack("no AWS CLI, neither as `aws` nor in TEST_AWS_CLI")
    if time.gmtime().tm_sec > 45:  # a datum without a time, and three reads of its minute
        wait_until(lambda: time.gmtime().tm_sec < 45, "the next minute begins")
    page.ask("put-metric-data")
    names = {metric["MetricName"] for metric in json.loads(page.ask("list-metrics"))["Metrics"]}
    assert "ResponseTime_ms" in names
    [point] = json.loads(page.ask("get-metric-statistics"))["Datapoints"]
    assert point["ExtendedStatistics"] == {"p90": 20.0, "tm90": pytest.approx(100 / 9), "PR(:20)": 90.0}
    [result] = json.loads(page.ask("get-metric-data"))["MetricDataResults"]
    assert result["Values"] == [400.0]
    [series] = json.loads(page.ask("/_local/metrics?"))["series"]
    assert series["points"][0]["values"] == [[10.0, 8], [20.0, 1], [400.0, 1]]


def test_faults_and_conditions(page):
    if shutil.which("curl") is None:
        needs.lack("curl is missing; apt-get install -y curl")
    for part in ("-X POST http://127.0.0.1:4582/_local/faults", "/_local/conditions", "-X DELETE"):
        assert json.loads(page.ask(part)) == {}
    assert json.loads(page.ask("/_local/stats"))["put_refused"] == 0
    assert "series" in json.loads(page.ask("/_local/metrics?"))
    assert json.loads(page.ask("/_local/reset")) == {}
    assert json.loads(page.ask("/_local/stats"))["series"] == 0


def test_the_python_examples(tmp_path):
    examples = blocks("python", PAGE)
    assert len(examples) == 2
    for block in examples:
        (tmp_path / block.file_name).write_text(block.text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_tables_name_all_that_there_is():
    assert re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE) == list(KINDS_IN_ORDER)
    assert sorted(KINDS_IN_ORDER) == sorted(KINDS)
    for name in (*Conditions.__slots__, "operation", "probability", "seed", "count", "skip", "retry_after_s", "status"):
        assert name in Conditions.__slots__ or name in Fault.__slots__
        assert f'"{name}"' in TEXT or f"`{name}`" in TEXT


KINDS_IN_ORDER = (
    "latency",
    "throttling",
    "server_error",
    "request_timeout",
    "request_too_large",
    "hang",
    "reset",
    "expired_credentials",
    "access_denied",
    "bad_datum",
    "lost_reply",
    "trickle",
)


def test_the_statistics_that_are_named_exist():
    paragraph = TEXT[TEXT.index("Statistics are exact") : TEXT.index("As on AWS, all but")]
    named = re.findall(r"`([^`]+)`", paragraph)
    assert len(named) == 12
    for text in named:
        parse_statistic(text.replace("(...)", "(1:2)"))
