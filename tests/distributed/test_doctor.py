"""`locust-cw doctor` as a process: exit codes, what goes where, and how long it takes at most."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

import pytest

from locust_cw_dist.testing import LocalCloudwatch
from support.cluster.forked import run_module

pytestmark = pytest.mark.once

CHECKS = [
    "versions",
    "interfaces",
    "namespace",
    "region",
    "credentials",
    "proxy",
    "endpoint",
    "clock",
    "role",
    "identity",
    "permission",
]


@pytest.fixture(scope="module")
def server():
    with LocalCloudwatch() as running:
        yield running


@pytest.fixture
def cloudwatch(server):
    server.reset()
    return server


@pytest.fixture
def doctor(cloudwatch, tmp_path):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOCUST_"))}

    def run(*args, **more):
        env = clean | cloudwatch.env() | {"HOME": str(tmp_path)} | more
        if "--timeout" not in args:
            args += ("--timeout", "60")  # busy machines are slow
        return run_module("locust_cw_dist.tools.cli.main", "doctor", *args, folder=tmp_path, env=env, publishes=True)

    return run


def statuses(done):
    """Name of the check -> its word, of what was printed for people."""
    lines = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    return {line[10:].partition(":")[0]: line[:10].strip() for line in lines}


def test_all_is_well(doctor, cloudwatch):
    done = doctor("--cw-service", "checkout")
    assert (done.returncode, done.stderr) == (0, "")
    assert list(statuses(done)) == CHECKS
    assert set(statuses(done).values()) == {"ok", "-"}
    assert "\x1b" not in done.stdout
    assert "PutMetricData" not in cloudwatch.stats().operations


def test_it_says_what_it_sends_and_sends_it(doctor, cloudwatch):
    done = doctor("--send", LOCUST_CW_SERVICE="checkout")
    assert done.returncode == 0, done.stdout
    assert done.stderr.startswith("locust-cw doctor: sending one datum of the metric DoctorCheck")
    assert [series.namespace for series in cloudwatch.dump()] == ["perf/checkout/loadtests"]


def test_for_machines(doctor, cloudwatch):
    cloudwatch.faults("access_denied")
    done = doctor("--json", "--send", "--cw-service", "checkout")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["ok"] is False
    assert [check["name"] for check in told["checks"]] == CHECKS
    permission = told["checks"][-1]
    assert (permission["status"], "cloudwatch:namespace" in permission["advice"]) == ("failed", True)
    cloudwatch.clear_faults()
    assert json.loads(doctor("--json").stdout)["ok"] is True


def test_a_blocked_endpoint_has_its_line_in_seconds(doctor, cloudwatch):
    cloudwatch.faults("hang", operation=None)
    started_s = time.monotonic()
    done = doctor("--cw-service", "checkout", "--timeout", "2")
    assert time.monotonic() - started_s < 40
    assert done.returncode == 1
    assert "FAILED    endpoint: no result within 2 s" in done.stdout
    assert "WARNING   identity: no result within 2 s" in done.stdout
    assert done.stderr == ""


def test_a_read_timeout_strikes_before_the_deadline(doctor, cloudwatch):
    cloudwatch.faults("hang", operation="ListMetrics")
    done = doctor("--cw-service", "checkout")
    assert done.returncode == 1
    assert "FAILED    endpoint: connected, but no answer in time: Read timeout" in done.stdout
    assert "ok        identity" in done.stdout


def test_a_closed_port_and_a_skewed_clock(doctor, cloudwatch):
    done = doctor("--cw-endpoint-url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "FAILED    endpoint: Could not connect" in done.stdout
    cloudwatch.conditions(clock_skew_s=-600)
    done = doctor("--cw-service", "checkout")
    assert done.returncode == 1
    assert re.search(r"FAILED    clock: this machine is (59|60)\d s ahead of the service", done.stdout)


def test_files_are_read_as_locust_reads_them(doctor, tmp_path):
    (tmp_path / "locust.conf").write_text("users = 1000\nheadless = true\ncw-service = fromfile\n")
    assert "namespace: perf/fromfile/loadtests" in doctor().stdout
    assert "namespace: perf/typed/loadtests" in doctor("--cw-service", "typed").stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--cw-resolution", "7"], "--cw-resolution"),
        (["--cw-external-id", "shop"], "--cw-external-id"),
        (["--send-it"], "unknown option --send-it: did you mean --send?"),
        (["extra"], "unrecognized arguments: extra"),
        (["--timeout", "0"], "--timeout"),
        (["--timeout", "soon"], "--timeout"),
    ],
)
def test_a_wrong_option_is_one_line_and_code_2(doctor, args, says):
    done = doctor(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("locust-cw doctor: error: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_wrong_variable_is_code_2_too(doctor):
    assert doctor(LOCUST_CW_GRACE="forever").returncode == 2


def test_help_has_examples(doctor):
    done = doctor("--help")
    assert done.returncode == 0
    for text in ("examples:", "--send", "--json", "--cw-role-arn", "exit code: 0 nothing fails"):
        assert text in done.stdout
    assert "--locustfile" not in done.stdout


def test_a_locust_that_is_broken_is_said(tmp_path):
    (tmp_path / "locust.py").write_text("raise ImportError('half an upgrade')")
    command = [sys.executable, "-m", "locust_cw_dist.tools.cli.main", "doctor"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Locust cannot be imported: half an upgrade" in done.stderr
