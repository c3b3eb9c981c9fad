"""The summary beside a record: made by a child process, which harms nothing if it fails."""

from __future__ import annotations

import os
import sys
import time

from locust_cw_dist.core.records.location import SUMMARY_SUFFIX
from locust_cw_dist.live.platform import child_process
from locust_cw_dist.live.records.record_file import read_file
from locust_cw_dist.live.records.run_summaries import summarize
from locust_cw_dist.tools.history.summary import summary_of, unpack
from support.records.records import Simulation, Traffic


def test_a_closed_record_gets_a_summary_beside_it(tmp_path, monkeypatch):
    # Whatever a user's folder has beside the locustfile is not imported.
    (tmp_path / "json.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    path = Simulation(traffic={("/", "GET"): Traffic(rate=3)}, windows=4).write(tmp_path)
    assert summarize(path) == path.with_suffix(SUMMARY_SUFFIX)
    read = unpack(path.with_suffix(SUMMARY_SUFFIX).read_bytes(), path.stat().st_size)
    assert read.levels.keys() == summary_of(read_file(path)).levels.keys()
    assert {one.name for one in tmp_path.iterdir()} == {"json.py", path.name, path.with_suffix(SUMMARY_SUFFIX).name}


def test_a_record_that_cannot_be_summed_up_has_none(tmp_path):
    path = tmp_path / "a.cwrecord"
    path.write_bytes(b"nothing")
    assert summarize(path) is None
    assert list(tmp_path.iterdir()) == [path]


def test_a_child_that_takes_too_long_is_ended():
    began_s = time.monotonic()
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    assert child_process.run(command, os.environ, output=2, timeout_s=0.1) == (None, "")
    assert time.monotonic() - began_s < 30
