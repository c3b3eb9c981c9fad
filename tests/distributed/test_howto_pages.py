"""Every command and snippet of the pages on running, migrating, rules and costs, run as it stands."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET

import pytest

from locust_cw_dist.testing import LocalCloudwatch
from support.cluster.processes import unwrapped
from support.pages import checkout as pages
from support.pages.readme import blocks

pytestmark = pytest.mark.once

RUNNING, MIGRATE, GATE, COSTS = "docs/running.md", "docs/migrate.md", "docs/ci.md", "docs/costs.md"
PAGES = (RUNNING, MIGRATE, GATE)

PLAIN = """
from locust import FastHttpUser, constant_pacing, task


class Buyer(FastHttpUser):
    wait_time = constant_pacing(1)

    @task
    def product(self):
        self.client.get("/product")
"""


PATIENT = "< 30000 ms"
"""In place of the page's 300 ms: a busy machine may stall for as long."""


@pytest.fixture
def folder(tmp_path, target):
    """A folder with the pages' files, whose host is the test's own service."""
    found = [block for page in PAGES for language in ("python", "toml") for block in blocks(language, page)]
    assert {block.file_name for block in found} == {"locustfile.py", "script.py", "migrated.py", "rules.toml"}
    for block in found:
        # A test is over before its users are warm.
        text = block.text.replace("http://127.0.0.1:8080", target).replace("warm_up_s = 30", "warm_up_s = 0")
        (tmp_path / block.file_name).write_text(text)
    (tmp_path / "plain.py").write_text(PLAIN)
    return tmp_path


def load_commands(page):
    return [block.text.strip() for block in blocks("sh", page) if re.match(r"(locust|locust-cw run) ", block.text)]


def as_test(command, target):
    """A command whose run is short and whose host is the test's own service; everything else stays."""
    command = command.replace("-t 10m", "-t 10s").replace("http://127.0.0.1:8080", target).replace("-u 200", "-u 20")
    return f"{pages.ACTIVATE}{command}\nstatus=$?\nwait\nexit $status\n"


def requests_in(cloudwatch, namespace="perf/checkout/loadtests"):
    series = cloudwatch.dump(namespace, "RequestCount")
    return {one.dimensions["Request"]: one.total for one in series if "Request" in one.dimensions}


def published(log):
    (count,) = set(re.findall(r"complete: (\d+) of \1 results? published", log))
    return int(count)


@pytest.mark.parametrize("command", load_commands(RUNNING) + load_commands(GATE))
def test_load_commands_publish_what_they_say(command, folder, target):
    rules = (folder / "rules.toml").read_text()
    (folder / "rules.toml").write_text(rules.replace("< 300 ms", PATIENT))
    with LocalCloudwatch() as cloudwatch:
        process = pages.run("page", as_test(command, target), folder, **cloudwatch.env())
        assert requests_in(cloudwatch) == {"/product": published(unwrapped(process.log))}


def gate(folder, target, limit, code=0):
    (command,) = load_commands(GATE)
    rules = (folder / "rules.toml").read_text()
    (folder / "rules.toml").write_text(rules.replace("< 300 ms", limit))
    with LocalCloudwatch() as cloudwatch:
        process = pages.run("gate", as_test(command, target), folder, code, **cloudwatch.env())
    return process, list(ET.parse(folder / "junit.xml").getroot().iter("testcase"))


def test_the_gate_judges_as_its_file_says(folder, target):
    process, cases = gate(folder, target, PATIENT)
    assert "2 of 3 passed" in unwrapped(process.log)
    assert cases[0].get("name") == "product pages are fast"
    assert [case.find("failure") for case in cases] == [None] * 4


def test_the_gate_fails_a_build(folder, target):
    process, cases = gate(folder, target, "< 0.001 ms", code=3)
    assert re.search(r"FAILED +product pages are fast", unwrapped(process.log))
    assert sum(case.find("failure") is not None for case in cases) == 1


def test_rules_without_a_file_and_without_aws(folder, target):
    (command,) = load_commands("docs/rules.md")
    with LocalCloudwatch() as cloudwatch:
        command = as_test(command.replace("< 300 ms", PATIENT), target)
        process = pages.run("rules", command, folder, **cloudwatch.env())
        assert cloudwatch.stats().put_calls == 0
    assert "2 of 2 passed" in unwrapped(process.log)


def test_the_migrated_locustfile_publishes(folder, target):
    command = f"locust -f migrated.py --headless -u 5 -t 2s -H {target}"
    with LocalCloudwatch() as cloudwatch:
        process = pages.run("migrated", as_test(command, target), folder, **cloudwatch.env())
        assert requests_in(cloudwatch) == {"/product": published(unwrapped(process.log))}


def test_the_script_publishes(folder):
    script = (folder / "script.py").read_text()
    (folder / "script.py").write_text(script.replace("gevent.sleep(10)", "gevent.sleep(2)"))
    with LocalCloudwatch() as cloudwatch:
        pages.run("script", f"exec {sys.executable} script.py", folder, **cloudwatch.env())
        assert requests_in(cloudwatch)["/product"] >= 5


def command_of(page, start):
    (found,) = [block.text.strip() for block in blocks("sh", page) if block.text.startswith(start)]
    return found


def test_the_doctor_finds_nothing_wrong_where_nothing_is(folder, target):
    with LocalCloudwatch() as cloudwatch:
        command = as_test(command_of(COSTS, "locust-cw doctor"), target)
        process = pages.run("doctor", command, folder, **cloudwatch.env())
        assert "FAILED" not in process.out
        assert cloudwatch.stats().put_calls == 0


def test_every_shell_block_of_these_pages_is_run_by_a_test():
    def others(page, *starts):
        return [block.text for block in blocks("sh", page) if not block.text.startswith(starts)]

    assert others(RUNNING, "locust ", "locust-cw run ") == []
    assert others(MIGRATE) == []
    # test_plan.py runs the first.
    assert others(COSTS, "locust-cw plan", "locust-cw doctor") == []
    # tests/deploy/test_ci.py and test_eks_run.py.
    assert others(GATE, "locust ", "LOCUSTFILE=", "deploy/ci/eks-run.sh", "locust-cw report ") == []
    # tests/unit/tools/cli: test_record_page.py and test_as_code_commands.py.
    assert others("docs/results.md", "locust-cw report", "locust-cw alarms") == []
