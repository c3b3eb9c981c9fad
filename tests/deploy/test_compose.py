"""The Compose file: a real master and workers in read-only containers; CloudWatch holds what the target counted."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from locust_cw_dist.settings.settings import Settings
from support.cluster.processes import wait_until
from support.pages import readme

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy/compose/compose.yaml"
BIN = Path(sys.executable).parent
READ_COUNTS = ROOT / "tests/support/deployment/read_counts.py"
SERVED = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8080/_served').read().decode())"
NAMESPACE = "perf/checkout/loadtests"

WELL = """
from locust import FastHttpUser, constant_pacing, task


class Looker(FastHttpUser):
    wait_time = constant_pacing(0.2)

    @task
    def look(self):
        self.client.get("/product")
"""


def rendered(**env):
    command = [BIN / "docker-compose", "-f", COMPOSE, "config", "--format", "json"]
    done = subprocess.run(
        command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "HOME": "/tmp"} | env, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)["services"]


def test_the_file_is_valid_and_each_container_hardened():
    services = rendered()
    assert services.keys() == {"master", "worker", "target", "cloudwatch"}
    for name, service in services.items():
        assert service["read_only"], name
        assert (service["tmpfs"], service["cap_drop"]) == (["/tmp"], ["ALL"]), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["healthcheck"]["test"], name


def test_the_workers_have_nothing_of_aws():
    services = rendered(AWS_ACCESS_KEY_ID="mine", AWS_SECRET_ACCESS_KEY="secret", AWS_SESSION_TOKEN="token")
    assert services["master"]["environment"]["AWS_SESSION_TOKEN"] == "token"
    assert services["worker"]["environment"] == {"AWS_EC2_METADATA_DISABLED": "true"}


def test_the_master_waits_for_as_many_workers_as_there_are():
    services = rendered(WORKERS="7", ENDPOINT_URL="")
    assert services["worker"]["deploy"]["replicas"] == 7
    assert "--expect-workers=7" in services["master"]["command"]
    assert services["master"]["environment"]["LOCUST_CW_ENDPOINT_URL"] == ""


def test_grace_periods_outlast_what_the_processes_do_at_their_end():
    services = rendered()
    (stop_s,) = (float(one.partition("=")[2]) for one in services["master"]["command"] if "--stop-timeout" in one)
    flush_s = Settings().flush_timeout_s
    assert services["master"]["stop_grace_period"] == "1m15s"
    assert max(flush_s, stop_s + 10) + flush_s + 15 == 75
    # 18 s for the worker's last word.
    assert services["worker"]["stop_grace_period"] == "30s"
    assert stop_s + 18 < 30


def test_the_docs_list_every_variable():
    import re

    variables = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text()))
    assert len(variables) > 8
    page = (ROOT / "docs/containers.md").read_text()
    assert not {name for name in variables if f"`{name}`" not in page}


class Composition:
    """The containers of one test."""

    def __init__(self, engine):
        self.engine = engine
        self.env = {"WORKERS": "2", "RUN_TIME": "6s", "USERS": "10"}

    def compose(self, *args, codes=(0,)):
        command = ["docker", "compose", "--progress", "quiet", "-f", str(COMPOSE), *args]
        return self.engine.run(command, codes=codes, **self.env).stdout

    def container(self, service):
        return self.compose("ps", "-aq", service).strip()

    def wait_for_master(self):
        return int(self.engine.docker("wait", self.container("master")))

    def log(self, service):
        return self.compose("logs", "--no-log-prefix", "--no-color", service)

    def summary(self):
        # It is said again where results come after it.
        *_, line = [line for line in self.log("master").splitlines() if '"locust_cw_run_summary"' in line]
        return json.loads(line[line.index("{") :])

    def served(self):
        rows = json.loads(self.compose("exec", "-T", "target", "python3", "-c", SERVED))
        return sorted(row for row in rows if row[2])

    def held(self):
        where = ["http://127.0.0.1:4582", NAMESPACE]
        return json.loads(self.engine.run([*self.engine.inside, sys.executable, str(READ_COUNTS), *where]).stdout)

    def assert_exact(self):
        served, summary = self.served(), self.summary()
        assert self.held() == served
        assert sum(row[2] for row in served) == summary["recorded"] == summary["published"] > 0
        assert summary["complete"]


@pytest.fixture
def composition(engine, image):
    composition = Composition(engine)
    yield composition
    composition.compose("down", "--volumes", "--timeout", "5")


# The first test of them builds the image.
pytestmark = [pytest.mark.xdist_group("containers"), pytest.mark.timeout(900)]


def test_cloudwatch_holds_what_the_target_counted(composition):
    composition.compose("up", "-d", "master")
    assert composition.wait_for_master() in {0, 1}  # 1 where a request has failed, as the target lets some
    composition.assert_exact()
    record = composition.compose("run", "--rm", "--no-deps", "--entrypoint", "ls", "master", "/records")
    run_id = composition.summary()["run_id"]
    assert record.split() == [f"{run_id}.cwrecord", f"{run_id}.cwsummary"]


def state(composition, service):
    def inspected():
        (found,) = json.loads(composition.engine.docker("inspect", composition.container(service)))
        return found["State"]["Health"]["Status"], found["HostConfig"]["ReadonlyRootfs"], found["Config"]["User"]

    wait_until(lambda: inspected()[0] != "starting", f"{service} is healthy or not")
    return inspected()


def test_sigterm_to_the_master_ends_the_run_with_all_results(composition):
    composition.env["RUN_TIME"] = "10m"
    composition.compose("up", "-d", "master")
    wait_until(lambda: sum(row[2] for row in composition.served()) > 200, "there are requests")
    for service in ("master", "target", "cloudwatch"):
        assert state(composition, service) == ("healthy", True, "10001:10001"), service
    assert len(composition.compose("ps", "-q", "worker").split()) == 2
    composition.compose("stop", "master")
    assert "Got SIGTERM signal" in composition.log("master")
    assert composition.wait_for_master() in {0, 1}
    composition.assert_exact()
    for container in composition.compose("ps", "-aq", "worker").split():
        assert composition.engine.docker("wait", container).strip() == "0"


def test_the_commands_of_the_page(composition, tmp_path):
    """As they stand there, but for the build, which needs a registry; the exit code is the master's."""
    build, *_, up, down = [block.text.strip() for block in readme.blocks("sh", "docs/containers.md")]
    assert build == "docker build -f deploy/image/Dockerfile -t locust-cw ."
    (tmp_path / "well.py").write_text(WELL)
    well = {"LOCUSTFILE": str(tmp_path / "well.py")}
    done = composition.engine.run(shlex.split(up), cwd=ROOT, **composition.env | well)
    assert "results published" in done.stdout + done.stderr
    composition.engine.run(shlex.split(down), cwd=ROOT)
    assert composition.engine.docker("ps", "-aq") == composition.engine.docker("volume", "ls", "-q") == ""


def test_a_run_that_fails_where_all_containers_are_watched(composition):
    """People leave the last word out: then Compose stops the master as soon as a worker has ended."""
    composition.env["HOST"] = "http://target:1"
    composition.compose("up", "--exit-code-from", "master", codes=[1])
    summary = composition.summary()
    assert summary["complete"]
    assert summary["recorded"] == summary["published"] > 0
