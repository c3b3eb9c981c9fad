"""docs/record.md and docs/compare.md: the reader that the page shows reads, and what they name is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from locust_cw_dist.cli.main import main
from locust_cw_dist.edge.records import read_file
from support.readme import ROOT, blocks
from support.records import Simulation


@pytest.mark.parametrize("cut", [0, 40])
def test_a_strangers_reader_reads_the_same(tmp_path, cut):
    (program,) = blocks("python", "docs/record.md")
    path = Simulation(windows=9).write(tmp_path)
    path.write_bytes(path.read_bytes()[: -cut or None])
    command = [sys.executable, "-I", "-S", "-c", program.text, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    expected = []
    for (name, method), summary in read_file(path).endpoints().items():
        mean_ms = summary.response_times().sum_ms / summary.count
        expected.append(f"{method} {name}: {summary.count} requests, mean {mean_ms:.2f} ms")
    assert done.stdout.splitlines() == expected


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
        ]
    }
    page = Path(ROOT / "docs/compare.md").read_text()
    for option in named.get(command, ["-o"]):
        assert option in text
        assert command == "report" or option in page
