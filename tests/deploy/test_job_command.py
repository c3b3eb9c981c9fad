"""The commands of pods, as rendered, around real processes: of a Job, which sees their exit codes, and of helm test."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from support.cluster import ports
from support.deployment import manifests

LOCUSTFILE = """
from locust import User, constant, events, task


class Idle(User):
    wait_time = constant(0.1)

    @task
    def nothing(self):
        error = ValueError("no") if {fails} else None
        events.request.fire(
            request_type="GET", name="/", response_time=1.0, response_length=0, context={{}}, exception=error
        )
"""


def write_program(path):
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -m locust_cw_dist.tools.cli.main "$@"\n')
    path.chmod(0o755)


class Run:
    """A master and a worker with the command and the arguments of the chart's Job."""

    def __init__(self, folder, *, run_time="60s", fails=False, is_sample=False):
        scripts = folder / "bin"
        scripts.mkdir()
        write_program(scripts / "locust-cw")
        self._environment = {**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}", "HOME": str(folder)}
        self._folder = folder
        self._port = ports.free_port()
        locust = {"runTime": run_time, "users": 2, "stopTimeoutSeconds": 0, "onlySummary": not is_sample}
        file = {"sample": True} if is_sample else {"content": LOCUSTFILE.format(fails=fails)}
        self.objects = manifests.chart_with("job", locust=locust, locustfile=file, worker={"replicas": 1})
        mounted = self.objects.named("ConfigMap", "checkout-locust-cw-locustfile")["data"]
        (folder / "locustfile.py").write_text(mounted["locustfile.py"])
        self._environment |= self.objects.options() if is_sample else {}
        self.processes = {}

    def start(self, role):
        replaced = {
            "--locustfile=/mnt/locust/locustfile.py": f"--locustfile={self._folder / 'locustfile.py'}",
            "--master-host=checkout-locust-cw-master": "--master-host=127.0.0.1",
            "--master-port=5557": f"--master-port={self._port}",
        }
        container = self.objects.container(role)
        arguments = [replaced.get(one, one) for one in container["args"]]
        if role == "master":
            arguments += [f"--master-bind-port={self._port}"]
        log = (self._folder / f"{role}.log").open("w")
        self.processes[role] = subprocess.Popen(
            [*container["command"], *arguments], env=self._environment, stdout=log, stderr=log, cwd=self._folder
        )

    def probe(self):
        """Connect to the workers' port and leave, as the kubelet does for the master's probes."""
        for name in ("startupProbe", "readinessProbe"):
            assert self.objects.container("master")[name]["tcpSocket"] == {"port": "workers"}
        socket.create_connection(("127.0.0.1", self._port), timeout=1).close()

    def log(self, role):
        return (self._folder / f"{role}.log").read_text()

    def wait_for(self, role, text, timeout_s=60):
        deadline_s = time.monotonic() + timeout_s
        while not re.search(text, self.log(role)):
            assert time.monotonic() < deadline_s, self.log(role)
            time.sleep(0.1)

    def code(self, role):
        return self.processes[role].wait(timeout=90)

    def end(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.fixture
def run(tmp_path, request):
    run = Run(tmp_path, **getattr(request, "param", {}))
    yield run
    run.end()


@pytest.mark.parametrize("run", [{"run_time": "3s"}], indirect=True)
def test_a_run_that_is_over_passes(run):
    run.start("master")
    run.start("worker")
    assert (run.code("master"), run.code("worker")) == (0, 0)
    assert "exit code 143" not in run.log("master")


@pytest.mark.parametrize("run", [{"run_time": "8s", "fails": True}], indirect=True)
def test_failed_requests_fail_the_masters_job_and_not_the_workers(run):
    run.start("master")
    run.start("worker")
    assert (run.code("master"), run.code("worker")) == (1, 0)


@pytest.mark.parametrize("run", [{"run_time": "12s"}], indirect=True)
def test_probes_pass_before_there_are_workers_and_are_none(run):
    run.start("master")
    run.wait_for("master", "Waiting for workers to be ready")
    for _ in range(20):
        run.probe()
    run.start("worker")
    run.wait_for("master", "Sending spawn jobs")
    for _ in range(20):
        run.probe()
    assert (run.code("master"), run.code("worker")) == (0, 0)
    assert run.log("master").count("reported as ready") == 1
    assert not [line for line in run.log("master").splitlines() if "ERROR" in line or "Traceback" in line]


@pytest.mark.parametrize("run", [{"is_sample": True}], indirect=True)
def test_an_evicted_master_fails_in_the_middle_of_the_sample(run):
    run.start("master")
    run.start("worker")
    run.wait_for("master", r"dry run[\s\S]*GET +/ +[1-9]\d* +0\(0\.00%\)")
    run.processes["master"].send_signal(signal.SIGTERM)
    assert run.code("master") == 143
    # The signal came through, and Locust ended in order.
    assert "Got SIGTERM" in run.log("master")
    assert "Shutting down (exit code 0)" in run.log("master")
    assert "ended by a signal in the middle of the run: exit code 143" in run.log("master")
    # The workers have been told.
    assert run.code("worker") == 0


def test_an_evicted_worker_fails_and_so_is_replaced(run):
    run.start("master")
    run.start("worker")
    run.wait_for("master", "Sending spawn jobs")
    run.processes["worker"].send_signal(signal.SIGTERM)
    assert run.code("worker") == 143


def test_a_signal_while_it_starts_ends_it(run):
    run.start("master")
    time.sleep(0.05)
    run.processes["master"].send_signal(signal.SIGTERM)
    assert run.code("master") != 0


def test_other_codes_stay(run):
    run.objects.container("master")["args"].append("--no-such-option")
    run.start("master")
    assert run.code("master") == 2


@pytest.mark.parametrize("role", ["master", "worker"])
def test_a_locustfile_finds_its_lib_folder_and_the_files_beside_it(tmp_path, role):
    locustfile = {
        "content": (
            "from pathlib import Path\n"
            "from lib.common import Base\n"
            "class Shopper(Base):\n"
            "    __doc__ = (Path(__file__).parent / 'data.csv').read_text()\n"
        ),
        "files": {"data.csv": "a,b\n"},
        "lib": {"common.py": "from locust import User\nclass Base(User):\n    abstract = True\n"},
    }
    objects = manifests.chart_with("job", locustfile=locustfile)
    volumes = {one["name"]: one for one in objects.pod(role)["volumes"]}
    for mount in objects.container(role)["volumeMounts"]:
        folder = tmp_path / mount["mountPath"].lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        if "configMap" in volumes[mount["name"]]:
            content = objects.named("ConfigMap", volumes[mount["name"]]["configMap"]["name"])["data"]
            for name, text in content.items():
                (folder / name).write_text(text)
    (tmp_path / "bin").mkdir()
    write_program(tmp_path / "bin" / "locust-cw")
    (path,) = (one.partition("=")[2] for one in objects.container(role)["args"] if one.startswith("--locustfile="))
    environment = os.environ | {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": objects.environment(role)["PYTHONPATH"].replace("/mnt", f"{tmp_path}/mnt"),
    }
    environment["PYTHONPATH"] += f":{os.environ.get('PYTHONPATH', '')}"
    command = [*objects.container(role)["command"], f"--locustfile={tmp_path}{path}", "--list"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "Shopper" in done.stdout


@pytest.fixture
def helm_test(tmp_path, cloudwatch):
    """Runs the doctor of `helm test` as its pod would, with most options, against a local CloudWatch."""
    cloudwatch.reset()
    write_program(tmp_path / "locust-cw")

    def run(**changes):
        changes = {"cloudwatch__endpointUrl": cloudwatch.endpoint_url, "cloudwatch__record": "", "proxy": {}} | changes
        objects = manifests.chart_with("job-full", **changes)
        (tmp_path / "rules.toml").write_text(
            objects.named("ConfigMap", "checkout-locust-cw-rules")["data"]["rules.toml"]
        )
        fixed = {name: value for name, value in objects.environment("doctor").items() if isinstance(value, str)}
        environment = {
            **fixed,
            **objects.options(),
            **{name: value for name, value in cloudwatch.env().items() if not name.startswith("LOCUST_")},
            "LOCUST_CW_RULES": str(tmp_path / "rules.toml"),
            "HOME": str(tmp_path),
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        }
        command = objects.container("doctor")["command"]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120, check=False
        )

    return run


def test_helm_test_passes_where_the_master_could_publish_and_sends_nothing(helm_test, cloudwatch):
    done = helm_test()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "perf/checkout/loadtests" in done.stdout
    assert "PutMetricData" not in cloudwatch.stats().operations


def test_helm_test_sends_one_datum_when_asked_to(helm_test, cloudwatch):
    assert helm_test(doctor={"send": True}).returncode == 0
    assert cloudwatch.stats().operations["PutMetricData"] == 1


def test_helm_test_fails_where_nothing_answers(helm_test):
    done = helm_test(cloudwatch__endpointUrl=f"http://127.0.0.1:{ports.free_port()}")
    assert done.returncode == 1
    assert "FAILED" in done.stdout
