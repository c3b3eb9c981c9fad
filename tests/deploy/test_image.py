"""The image, really built and run: read-only, under its own user, without a network, and with a PID 1 that ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from locust_cw_dist import __version__
from support.cluster.processes import SPAWNED, wait_until
from support.deployment import containers
from support.pages import readme

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
HARDENED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
ADDED_BYTES = 110_000_000
"""What the image may have on top of its base."""

# The first test of them builds the image.
pytestmark = [pytest.mark.xdist_group("containers"), pytest.mark.timeout(900)]


def run(engine, *command, entrypoint="sh"):
    where = ["run", "--rm", "--network", "none", *HARDENED, "--entrypoint", entrypoint, containers.IMAGE]
    return engine.docker(*where, *command)


@pytest.fixture
def start(engine, image):
    """Starts a hardened container of the image; they are removed after the test."""
    started = []

    def start(*args, options=()):
        network = () if "--network" in options else ("--network", "none")
        started.append(engine.docker("run", "-d", *HARDENED, *network, *options, image, *args).strip())
        return started[-1]

    yield start
    engine.docker("rm", "-f", "-v", *reversed(started))


def log(engine, container):
    done = engine.run(["docker", "logs", container])
    return done.stdout + done.stderr


def test_the_dockerfile_passes_the_linter():
    done = subprocess.run(
        [BIN / "hadolint", ROOT / "deploy/image/Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_what_the_image_says_of_itself(engine, image):
    (inspected,) = json.loads(engine.docker("inspect", image))
    config = inspected["Config"]
    assert (config["User"], config["Entrypoint"]) == ("10001:10001", ["locust-cw", "run"])
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert (labels["version"], labels["base.name"]) == (__version__, containers.BASE_IMAGE)
    assert {"title", "description", "licenses", "revision"} <= labels.keys()
    (base,) = json.loads(engine.docker("inspect", containers.BASE_IMAGE))
    assert inspected["Size"] - base["Size"] < ADDED_BYTES


def test_it_holds_what_is_pinned_and_nothing_else(engine, image):
    frozen = dict(line.split("==") for line in run(engine, "-c", "pip freeze --exclude locust-cw-dist").splitlines())
    pinned = dict(
        re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "deploy/image/requirements.lock").read_text(), re.MULTILINE)
    )
    assert {"locust", "boto3", "gevent", "msgpack", "rich"} <= {name.lower() for name in frozen}
    assert {_normal(name): version for name, version in frozen.items()}.items() <= pinned.items()
    assert "No broken requirements" in run(engine, "-c", "pip check")


def _normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_it_runs_under_its_user_and_writes_nowhere_but_where_it_may(engine, image):
    said = run(
        engine, "-c", "id -u; for f in / /locust /opt/locust-cw /tmp; do touch $f/x 2>/dev/null && echo $f; done"
    )
    assert said.split() == ["10001", "/tmp"]


def test_volumes_for_records_and_spool_belong_to_its_user(engine, image):
    volumes = ["-v", "records-of-test:/records", "-v", "spool-of-test:/spool"]
    where = ["run", "--rm", *HARDENED, *volumes, "--entrypoint", "touch", image]
    engine.docker(*where, "/records/x", "/spool/x")
    engine.docker("volume", "rm", "records-of-test", "spool-of-test")


def test_all_commands_are_there(engine, image):
    commands = ("doctor", "plan", "resend", "compare", "local-cloudwatch")
    said = run(engine, "-ec", f"for c in {' '.join(commands)}; do locust-cw $c --help; done; locust-cw run --help")
    for command in commands:
        assert f"usage: locust-cw {command}" in said
    assert "--cw-service" in said


def test_a_wrong_option_is_one_line_and_code_2(engine, image):
    where = [*HARDENED, "--network", "none", image, "--cw-resolution", "7"]
    done = engine.run(["docker", "run", "--rm", *where], codes=[2])
    assert "--cw-resolution" in done.stderr
    assert "Traceback" not in done.stderr


def test_sigterm_ends_a_worker_that_still_asks_for_its_locustfile(engine, start):
    """Locust has no handler by then, and the kernel keeps from PID 1 what has none."""
    container = start("--worker", "-f", "-", "--master-host", "127.0.0.1")
    wait_until(lambda: _threads(engine, container) > 2, "it has a connection to try")
    began_s = time.monotonic()
    engine.docker("stop", "--time", "30", container)
    assert time.monotonic() - began_s < 15
    assert engine.docker("wait", container).strip() == "143"


def _threads(engine, container):
    """ZeroMQ's are there once it connects."""
    return int(engine.docker("exec", container, "sh", "-c", "ls /proc/1/task | wc -l"))


def test_sigterm_reaches_the_workers_that_a_worker_forks(engine, start):
    """Locust's parent of `--worker --processes` has no handler at all."""
    file = ("-v", f"{ROOT}/deploy/compose/locustfile.py:/locust/locustfile.py:ro")
    load = ("--headless", "--expect-workers", "2", "-u", "4", "-t", "10m", "-H", "http://127.0.0.1:1")
    master = start("--master", *load, options=file)
    forks = ("--worker", "--processes", "2", "--exit-code-on-error", "0")
    worker = start(*forks, options=(*file, "--network", f"container:{master}"))
    wait_until(lambda: re.search(SPAWNED, log(engine, master)), "both workers have users")
    began_s = time.monotonic()
    engine.docker("stop", "--time", "60", worker)
    assert time.monotonic() - began_s < 30
    assert log(engine, worker).count("Got SIGTERM signal") == 2
    assert engine.docker("wait", worker).strip() == "0"
    wait_until(lambda: "The last worker quit" in log(engine, master), "the master hears of it")


def test_an_image_of_a_team_on_top_of_it(engine, image, tmp_path):
    """The Dockerfile of the docs, with a wheel in place of an index."""
    (dockerfile,) = readme.blocks("dockerfile", "docs/containers.md")
    (tmp_path / "Dockerfile").write_text(re.sub(r"REPOSITORY/locust-cw:\S+", image, dockerfile.text))
    (wheel,) = containers.download_wheels().glob("tomlkit-*.whl")
    (tmp_path / wheel.name).write_bytes(wheel.read_bytes())
    (tmp_path / "requirements.txt").write_text(f"./{wheel.name}\n")
    (tmp_path / "locustfile.py").write_text(
        "import tomlkit\nfrom locust import User\n\n\nclass Team(User):\n    pass\n"
    )
    engine.docker("build", "--network=none", "--pull=false", "-t", "team", str(tmp_path))
    said = engine.docker("run", "--rm", "--network", "none", *HARDENED, "team", "-f", "locustfile.py", "--list")
    assert "Team" in said
    assert run(engine, "-c", "id -u").strip() == "10001"
