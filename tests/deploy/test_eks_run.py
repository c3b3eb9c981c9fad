"""deploy/ci/eks-run.sh against recorded answers of helm and kubectl: its exit codes, what it prints, what it leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.cluster.processes import Process, wait_until

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy/ci/eks-run.sh"
RECORDED = ROOT / "tests/support/deployment/recorded_cluster.py"

NONE = ""
PENDING = "run-master-1-x7|||"
PULLING = "run-master-1-x7|ImagePullBackOff||"
RUNNING = "run-master-1-x7||2026-11-26T14:00:00Z|"
ENDED = "run-master-1-x7|||"
COMPLETE = "SuccessCriteriaMet CompletionsReached\nComplete CompletionsReached"
EVICTED = "FailureTarget PodFailurePolicy\nFailed PodFailurePolicy"


class Cluster:
    """The programs on PATH, and what they were asked."""

    def __init__(self, folder):
        self.folder = folder
        self.env = {"START_TIMEOUT_S": "20", "POLL_S": "0.1", "NAMESPACE": "load", "RECORDED": str(folder)}
        (folder / "bin").mkdir()
        for name in ("kubectl", "helm"):
            program = folder / "bin" / name
            program.write_text(f'#!/bin/sh\nexec {sys.executable} {RECORDED} {name} "$@"\n')
            program.chmod(0o755)

    def start(self, pods, jobs, args=("run",), **answers):
        (self.folder / "answers.json").write_text(json.dumps({"pods": pods, "jobs": jobs, **answers}))
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return Process("script", [str(SCRIPT), *args], self.folder, os.environ | {"PATH": path} | self.env)

    def calls(self, program, verb):
        calls = [json.loads(line) for line in (self.folder / "calls.jsonl").read_text().splitlines()]
        return [call for call in calls if call[:2] == [program, verb]]


@pytest.fixture
def cluster(tmp_path):
    return Cluster(tmp_path)


def assert_gone(cluster):
    (call,) = cluster.calls("helm", "uninstall")
    assert call[2:] == ["run", "--namespace", "load", "--ignore-not-found", "--wait"]
    assert not (cluster.folder / "installed").exists()


def test_shellcheck_finds_nothing():
    scripts = [*ROOT.glob("deploy/**/*.sh"), ROOT / ".ci/run"]
    assert len(scripts) > 2
    done = subprocess.run(
        [Path(sys.executable).parent / "shellcheck", *scripts], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(("code", "job"), [(0, COMPLETE), (3, "Failed BackoffLimitExceeded"), (1, NONE)])
def test_a_run_that_ends_gives_its_exit_code(cluster, code, job):
    script = cluster.start([NONE, PENDING, RUNNING, RUNNING, ENDED + str(code)], [NONE] * 5 + [job])
    assert script.wait() == code
    assert script.out == "Starting Locust\nShutting down\n"
    assert f"the master's exit code: {code}" in script.log
    assert_gone(cluster)


def test_what_is_installed_is_a_job_with_the_callers_values(cluster):
    cluster.start([ENDED + "0"], [COMPLETE], ("run", "-f", "my values.yaml", "--set", "mode=web")).wait()
    (call,) = cluster.calls("helm", "install")
    chart, rest = call[3], call[4:]
    assert Path(chart).resolve() == ROOT / "deploy/helm"
    assert rest == ["--namespace", "load", "-f", "my values.yaml", "--set", "mode=web", "--set", "mode=job"]


def test_a_master_that_never_starts(cluster):
    cluster.env["START_TIMEOUT_S"] = "8"
    script = cluster.start([PULLING], [NONE])
    assert script.wait() == 5
    assert "waiting for the master: run-master-1-x7: ImagePullBackOff" in script.log
    assert "FailedScheduling" in script.log
    assert_gone(cluster)


@pytest.mark.parametrize("pod", [NONE, ENDED + "0"], ids=["gone", "ended as if well"])
def test_an_evicted_master_does_not_pass(cluster, pod):
    script = cluster.start([RUNNING, RUNNING, pod], [NONE, NONE, EVICTED])
    assert script.wait() == 4
    assert "the Job failed: PodFailurePolicy" in script.log
    assert_gone(cluster)


def test_an_evicted_master_with_a_code_of_its_own(cluster):
    assert cluster.start([RUNNING, ENDED + "143"], [NONE, EVICTED]).wait() == 143


def test_a_job_that_fails_before_there_is_a_pod(cluster):
    assert cluster.start([NONE], [NONE, "Failed DeadlineExceeded"]).wait() == 4
    assert_gone(cluster)


def test_an_api_server_that_is_away_for_a_moment(cluster):
    script = cluster.start([RUNNING, None, None, RUNNING, ENDED + "0"], [NONE, NONE, COMPLETE])
    assert script.wait() == 0


def test_an_api_server_that_stays_away(cluster):
    script = cluster.start([RUNNING, None], [NONE])
    assert script.wait() == 6
    assert "kubectl failed 12 times in a row" in script.log
    assert_gone(cluster)


def test_a_log_that_breaks_off_is_taken_up_again(cluster):
    (cluster.folder / "log-ends").touch()
    script = cluster.start([RUNNING] * 8 + [ENDED + "0"], [NONE] * 8 + [COMPLETE])
    assert script.wait() == 0
    first, second, *_ = cluster.calls("kubectl", "logs")
    assert "--since" not in first
    assert "--since" in second


def test_an_installation_that_fails(cluster):
    assert cluster.start([NONE], [NONE], install=1).wait() == 6
    assert_gone(cluster)


def test_a_release_of_that_name_is_left_alone(cluster):
    (cluster.folder / "installed").touch()
    script = cluster.start([NONE], [NONE])
    assert script.wait() == 2
    assert "there is a release run already" in script.log
    assert cluster.calls("helm", "install") == cluster.calls("helm", "uninstall") == []


@pytest.mark.parametrize("args", [(), ("--set", "x=y")])
def test_a_wrong_call(cluster, args):
    script = cluster.start([NONE], [NONE], args)
    assert script.wait() == 2
    assert script.log.startswith("usage:")


@pytest.mark.parametrize("pods", [[PENDING], [RUNNING] * 10_000], ids=["before it runs", "while it runs"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_uninstalls_at_once(cluster, pods, number, code):
    script = cluster.start(pods, [NONE])
    if pods == [PENDING]:
        script.wait_for_log("waiting for the master: run-master-1-x7")
    else:
        wait_until(lambda: "Starting" in script.out, "the log is shown")
    script.signal_group(number)  # as a terminal does
    assert script.wait() == code
    script.wait_for_group(30)
    assert_gone(cluster)


def test_a_release_that_is_to_stay(cluster):
    cluster.env["KEEP"] = "1"
    script = cluster.start([ENDED + "0"], [COMPLETE])
    assert script.wait() == 0
    assert cluster.calls("helm", "uninstall") == []
