"""docs/record.md and docs/compare.md: the reader that the page shows reads, and what they name is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from locust_cw_dist.live.records.record_file import read_file
from locust_cw_dist.tools.cli.main import main
from support.pages.readme import ROOT, blocks
from support.records.records import SHOP, Counted, Simulation

pytestmark = pytest.mark.once

RESULTS = "docs/results.md"


@pytest.mark.parametrize("cut", [0, 40])
def test_a_strangers_reader_reads_the_same(tmp_path, cut):
    (program,) = blocks("python", "docs/record.md")
    traffic = SHOP | {("/search", "GET"): replace(SHOP["/search", "GET"], untimed_ratio=0.2)}
    path = Simulation(traffic=traffic, windows=9).write(tmp_path)
    path.write_bytes(path.read_bytes()[: -cut or None])
    command = [sys.executable, "-I", "-S", "-c", program.text, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    expected = []
    for (name, method), summary in read_file(path).endpoints().items():
        mean_ms = summary.response_times().sum_ms / summary.timed_count
        expected.append(f"{method} {name}: {summary.count} requests, mean {mean_ms:.2f} ms")
    assert done.stdout.splitlines() == expected


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The records that the pages compare: on the branch the checkout is slower and the start page faster."""
    folder = tmp_path_factory.mktemp("shop")
    slower = replace(SHOP["/checkout", "POST"], median_ms=270, failure_ratio=0.08)
    faster = replace(SHOP["/", "GET"], median_ms=15.5)
    branch = SHOP | {("/checkout", "POST"): slower, ("/", "GET"): faster}
    for seed, (name, traffic) in enumerate({"monday": SHOP, "tuesday": SHOP, "branch": branch}.items(), start=1):
        path = Simulation(traffic=traffic, seed=seed, windows=180, ramp_windows=6).write(folder)
        path.rename(folder / f"{name}.cwrecord")
    (folder / "records").mkdir()
    (folder / "records" / "branch.cwrecord").write_bytes((folder / "branch.cwrecord").read_bytes())
    return folder


def shell(command, folder, **more):
    """Run a block of a page in `folder`."""
    command = command.replace("locust-cw ", f"{sys.executable} -m locust_cw_dist.tools.cli.main ")
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)} | more
    return subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False)


def lines(text):
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def test_the_comparison_on_the_page_is_what_the_command_prints(shop):
    (command,) = blocks("sh", "docs/compare.md")
    shown, *_ = blocks("text", "docs/compare.md")
    done = shell(command.text, shop)
    assert (done.returncode, done.stderr) == (3, "")
    assert lines(done.stdout) == lines(shown.text)
    for line in next(block for block in blocks("text", RESULTS) if "WORSE" in block.text).text.splitlines()[2:]:
        assert line.rstrip() in lines(done.stdout)


def test_the_commands_of_the_page_on_results(shop):
    pytest.importorskip("plotly")
    command = next(block.text for block in blocks("sh", RESULTS) if "locust-cw report" in block.text)
    done = shell(command, shop)
    assert (done.returncode, done.stderr) == (3, "")
    assert "POST /checkout" in (shop / "report.html").read_text()


def test_the_commands_of_the_pages_on_reports(shop):
    (shop / "last").mkdir()
    (shop / "last" / "monday.cwrecord").write_bytes((shop / "monday.cwrecord").read_bytes())
    (summary,) = [block.text for block in blocks("sh", "docs/ci.md") if "GITHUB_STEP_SUMMARY" in block.text]
    opened, run, forms = (block.text for block in blocks("sh", "docs/report.md"))
    assert run.startswith("locust-cw run ")  # tests/distributed/test_run_records.py
    assert forms.startswith(summary)
    done = shell(summary, shop, GITHUB_STEP_SUMMARY="summary.md")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "POST /checkout" in (shop / "summary.md").read_text()
    as_json = next(line for line in forms.splitlines() if "--format json" in line)
    assert json.loads(shell(as_json, shop).stdout)["endpoints"]
    done = shell(opened, shop, BROWSER="cp %s shown.html #")
    assert done.returncode == 0, done.stderr
    assert "POST /checkout" in (shop / "report.html").read_text()


def test_what_is_missing_on_the_page_is_what_the_command_prints(tmp_path, capsys):
    _, shown = blocks("text", "docs/compare.md")
    base = {("/", "GET"): 12_000, ("/pay", "POST"): 420, ("/report", "GET"): 412, ("/account", "GET"): 300}
    candidate = {("/", "GET"): 12_000, ("/report", "GET"): 9, ("/account", "GET"): 299, ("/v2/pay", "GET"): 419}
    paths = [str(Counted(one, seed=seed).write(tmp_path)) for seed, one in enumerate((base, candidate))]
    assert main(["compare", *paths, "--fail-on", "mean"]) == 3
    printed = lines(capsys.readouterr().out)
    assert printed[-len(lines(shown.text)) :] == lines(shown.text)


@pytest.mark.parametrize("command", ["compare", "report"])
def test_the_options_that_the_pages_name_are_there(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    text = capsys.readouterr().out
    named = {
        "compare": [
            "--html",
            "--json",
            "--successes",
            "--min-change",
            "--min-failures",
            "--confidence",
            "--warm-up",
            "--fail-on",
            "--allow-missing",
            "--min-requests",
            "--last",
            "--base",
            "--markdown",
            "--junit",
        ]
    }
    page = Path(ROOT / "docs/compare.md").read_text()
    for option in named.get(command, ["-o"]):
        assert option in text
        assert command == "report" or option in page
