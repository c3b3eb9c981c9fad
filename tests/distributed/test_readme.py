"""README: its size, its two commands, and its recipes, run as they stand. tests/deploy runs the one on Kubernetes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support import needs
from support.cluster.processes import Process
from support.pages import checkout as pages
from support.pages.readme import ROOT, blocks

pytestmark = [pytest.mark.xdist_group("README"), pytest.mark.once]

README = (ROOT / "README.md").read_text()
DEMO, SUITE, *RECIPES = [block.text.strip() for block in blocks("sh")]


def test_it_is_short_and_so_is_each_recipe():
    assert len(README.splitlines()) <= 150
    assert len(RECIPES) == 4
    assert [recipe for recipe in RECIPES if len(recipe.splitlines()) > 10] == []


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return pages.Checkout(tmp_path_factory.mktemp("clone"))


def shorter(recipe):
    """A recipe whose runs are over sooner; a busy machine is slower than 300 ms at times."""
    return recipe.replace("-t 30s", "-t 4s").replace("< 300 ms", "< 30 s")


def published(process):
    (summary,) = {one["run_id"]: one for one in pages.summaries(process)}.values()
    assert summary["complete"], summary
    assert summary["published"] == summary["recorded"] > 20
    return summary


# In the README's order: the first one writes the locustfile.
def test_one_process_publishes(checkout):
    published(checkout.run("one", shorter(RECIPES[0])))


def test_a_master_and_workers_publish_as_one(checkout):
    process = checkout.run("distributed", shorter(RECIPES[1]))
    assert published(process)["locust_totals"]["comparable"]
    assert len(set(re.findall(r"Worker '(\w+)'.* quit", process.log))) == 2


def test_the_rules_of_ci_hold(checkout):
    process = checkout.run("ci", shorter(RECIPES[2]))
    published(process)
    assert "2 of 2 passed" in process.log
    assert list((checkout.folder / "load-test" / "records").glob("*.cwrecord"))
    assert {"junit.xml", "report.html"} <= {path.name for path in (checkout.folder / "load-test").iterdir()}
    assert RECIPES[2].count("< 300 ms") == 1


def test_a_rule_that_is_broken_is_exit_code_3(checkout):
    assert "With `< 1 ms` the exit code is 3" in README.replace("\n", " ")
    process = checkout.run("broken", shorter(RECIPES[2].replace("< 300 ms", "< 1 ms")), code=3)
    assert "1 failed" in process.log


ASK = "python -c \"import urllib.request as r; r.urlopen('http://127.0.0.1:8080/product')\" 2>/dev/null"


def test_services_of_another_shell_are_taken_over_when_it_ends(checkout):
    start = ". .venv/bin/activate && . deploy/local/start.sh"
    first = f"bash -c '{start}; touch first; until [ -e second ]; do sleep 0.1; done' & first=$!"
    second = (
        f"until [ -e first ]; do sleep 0.1; done; {start}; touch second; wait $first; until {ASK}; do sleep 0.1; done"
    )
    checkout.run("both", f"{first}\n{second}")


def test_ci_runs_the_suite_command():
    script = (ROOT / ".ci" / "run").read_text()
    (wanted,) = re.findall(r"grep -E '(.+)' README.md", script)
    assert re.findall(wanted, README, re.MULTILINE) == [SUITE]
    assert DEMO.endswith("&& .venv/bin/locust-cw demo")


@pytest.mark.slow
def test_the_demo_command_works_in_a_fresh_clone(tmp_path):
    if shutil.which("git") is None:
        needs.lack("git is missing; apt-get install -y git")
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / "clone")], check=True)
    env = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LOCUST_", "VIRTUAL_ENV"))}
    env["PATH"] = env["PATH"].replace(f"{Path(sys.executable).parent}:", "")
    # What is imported is compiled then; all of plotly takes ten seconds.
    env["PIP_NO_COMPILE"] = "1"
    process = Process("demo", ["bash", "-c", DEMO], tmp_path / "clone", env)
    try:
        assert process.wait(280) == 0, process.out + process.log
    finally:
        process.kill()
    assert "/checkout" in process.out
