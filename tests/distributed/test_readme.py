"""Every command and snippet of the README, run as it stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from locust_cw_dist.core.publish.metric_names import METRIC_NAMES
from locust_cw_dist.testing import LocalCloudwatch
from support import needs
from support.cluster.cluster import master_port_env
from support.cluster.ports import free_port
from support.cluster.processes import Process, unwrapped, wait_until
from support.pages.readme import ROOT, blocks

pytestmark = [pytest.mark.xdist_group("ports that the README names"), pytest.mark.once]

README = (ROOT / "README.md").read_text()

PLAIN = """
from locust import FastHttpUser, constant_pacing, task


class Buyer(FastHttpUser):
    wait_time = constant_pacing(1)

    @task
    def product(self):
        self.client.get("/product")
"""


@pytest.fixture
def shop(target):
    """What the snippets put load on: a process of its own, whatever is patched in this one."""
    return target


@pytest.fixture
def folder(tmp_path, shop):
    """A folder with the README's files, whose host is the shop."""
    for block in blocks("python"):
        assert block.file_name, "a Python block begins with the name of its file"
        (tmp_path / block.file_name).write_text(block.text.replace("http://127.0.0.1:8080", shop))
    for block in blocks("toml"):
        assert block.file_name, "a TOML block begins with the name of its file"
        # A test is over before its users are warm.
        (tmp_path / block.file_name).write_text(block.text.replace("warm_up_s = 30", "warm_up_s = 0"))
    (tmp_path / "plain.py").write_text(PLAIN)
    return tmp_path


def load_commands():
    return [block.text.strip() for block in blocks("sh") if re.match(r"(locust|locust-cw run) ", block.text)]


def as_test(command, shop):
    """Shortens a command's run and points it at the shop; everything else stays."""
    scripts = Path(sys.executable).parent
    command = command.replace("-t 10m", "-t 4s").replace("http://127.0.0.1:8080", shop).replace("-u 200", "-u 20")
    return f"export PATH={scripts}:$PATH\n{command}\nstatus=$?\nwait\nexit $status\n"


def run(name, command, folder, cloudwatch, code=0):
    env = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LOCUST_"))}
    env |= cloudwatch.env() | master_port_env(free_port())
    process = Process(name, command, folder, env | {"HOME": str(folder)})
    try:
        ended = process.wait(90)
        process.wait_for_group(30)
    finally:
        process.kill()
    assert ended == code, process.log
    return process


def requests_in(cloudwatch, namespace="perf/checkout/loadtests"):
    series = cloudwatch.dump(namespace, "RequestCount")
    return {one.dimensions["Request"]: one.total for one in series if "Request" in one.dimensions}


def published(log):
    (count,) = re.findall(r"complete: (\d+) of \1 results published", log)
    return int(count)


@pytest.mark.parametrize("command", load_commands())
def test_load_commands_publish_what_they_say(command, folder, shop):
    with LocalCloudwatch() as cloudwatch:
        process = run("readme", ["bash", "-c", as_test(command, shop)], folder, cloudwatch)
        assert requests_in(cloudwatch) == {"/product": published(process.log)}


def gate_command():
    return next(command for command in load_commands() if "--cw-rules" in command)


PATIENT = "< 30000 ms"
"""In place of the README's 300 ms: a busy machine may stall for as long."""


def test_the_gate_judges_as_its_file_says(folder, shop):
    rules = (folder / "rules.toml").read_text()
    (folder / "rules.toml").write_text(rules.replace("< 300 ms", PATIENT))
    with LocalCloudwatch() as cloudwatch:
        process = run("gate", ["bash", "-c", as_test(gate_command(), shop)], folder, cloudwatch)
    words = re.findall(r"^    . (passed|FAILED|WARNING|no data) (.+): ", unwrapped(process.log), re.MULTILINE)
    assert [word for word, _ in words] == ["WARNING", "passed", "passed"]
    assert words[1][1] == f"product pages are fast: p95(GET /product) {PATIENT}, successful_only"
    cases = list(ET.parse(folder / "junit.xml").getroot().iter("testcase"))
    assert cases[0].get("name") == "product pages are fast"
    assert [case.find("failure") for case in cases] == [None] * 4


def test_the_gate_fails_a_build(folder, shop):
    rules = (folder / "rules.toml").read_text()
    (folder / "rules.toml").write_text(rules.replace("< 300 ms", "< 0.001 ms"))
    with LocalCloudwatch() as cloudwatch:
        process = run("gate", ["bash", "-c", as_test(gate_command(), shop)], folder, cloudwatch, code=3)
    assert "✗ FAILED product pages are fast" in process.log
    assert len(list(ET.parse(folder / "junit.xml").getroot().iter("failure"))) == 1


def test_rules_without_a_file_and_without_aws(folder, shop):
    (command,) = (block.text.strip() for block in blocks("sh", "docs/rules.md"))
    command = command.replace("< 300 ms", PATIENT)
    with LocalCloudwatch() as cloudwatch:
        process = run("rules", ["bash", "-c", as_test(command, shop)], folder, cloudwatch)
        assert cloudwatch.stats().put_calls == 0
    assert "2 of 2 hold" in process.log


def test_the_migrated_locustfile_publishes(folder, shop):
    command = f"locust -f migrated.py --headless -u 5 -t 2s -H {shop}"
    with LocalCloudwatch() as cloudwatch:
        process = run("migrated", ["bash", "-c", as_test(command, shop)], folder, cloudwatch)
        assert requests_in(cloudwatch) == {"/product": published(process.log)}


def test_the_script_publishes(folder):
    script = (folder / "script.py").read_text()
    (folder / "script.py").write_text(script.replace("gevent.sleep(10)", "gevent.sleep(2)"))
    with LocalCloudwatch() as cloudwatch:
        run("script", [sys.executable, "script.py"], folder, cloudwatch)
        assert requests_in(cloudwatch)["/product"] >= 5


def test_the_local_cloudwatch_starts_as_the_readme_says(folder):
    (command,) = (block.text.strip() for block in blocks("sh") if "local-cloudwatch" in block.text)
    scripts = Path(sys.executable).parent
    process = Process("local", ["bash", "-c", f"exec {scripts}/{command}"], folder, dict(os.environ))
    try:
        wait_until(lambda: "http://127.0.0.1:4582" in process.out, "the local CloudWatch's ready line")
    finally:
        process.kill()


def doctor_command():
    return next(block.text.strip() for block in blocks("sh") if "locust-cw doctor" in block.text)


def test_the_doctor_finds_nothing_wrong_where_nothing_is(folder, shop):
    with LocalCloudwatch() as cloudwatch:
        process = run("doctor", ["bash", "-c", as_test(doctor_command(), shop)], folder, cloudwatch)
        assert "FAILED" not in process.out
        assert cloudwatch.stats().put_calls == 0


def test_every_shell_block_is_run_by_a_test():
    known = [demo_command(), suite_command(), doctor_command(), *load_commands()]
    rest = [block.text.strip() for block in blocks("sh") if block.text.strip() not in known]
    # Run by test_plan.py (the second), test_record_page.py, test_as_code_commands.py, and in tests/deploy.
    elsewhere = (
        *("locust-cw local-cloudwatch", "locust-cw plan", "locust-cw report", "locust-cw alarms"),
        *("docker build", "helm install"),
    )
    assert [text for text in rest if not text.startswith(elsewhere)] == []


def demo_command():
    return next(block.text.strip() for block in blocks("sh") if "locust-cw demo" in block.text)


def suite_command():
    return next(block.text.strip() for block in blocks("sh") if "bin/tox" in block.text)


def test_ci_runs_the_suite_command():
    script = (ROOT / ".ci" / "run").read_text()
    assert "README" in script
    assert "bin/tox run" in suite_command()


@pytest.mark.slow
def test_the_demo_command_works_in_a_fresh_clone(tmp_path):
    if shutil.which("git") is None:
        needs.lack("git is missing; apt-get install -y git")
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / "clone")], check=True)
    env = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LOCUST_", "VIRTUAL_ENV"))}
    env["PATH"] = env["PATH"].replace(f"{Path(sys.executable).parent}:", "")
    process = Process("demo", ["bash", "-c", demo_command()], tmp_path / "clone", env)
    try:
        assert process.wait(280) == 0, process.out + process.log
    finally:
        process.kill()
    assert "/checkout" in process.out


def test_the_table_of_metrics_is_complete():
    assert [name for name in METRIC_NAMES if f"`{name}`" not in README] == []
