"""The demo as a user runs it: a process of its own, with real Locust processes below it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

pytestmark = pytest.mark.once

DEMO = [sys.executable, "-m", "locust_cw_dist.tools.cli.main", "demo"]

GONE_WITHIN_S = 40
HOSTILE = {
    "AWS_PROFILE": "no-such-profile",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "LOCUST_RUN_TIME": "1h",
    "LOCUST_CW_NAMESPACE": "elsewhere",
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "home").mkdir()
    for place in (tmp_path / "locust.conf", tmp_path / "home" / ".locust.conf"):
        place.write_text("users = 1000\nlogfile = nowhere/at/all\n")
    return tmp_path


def environment(folder, **more):
    variables = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")}
    return variables | {"HOME": str(folder / "home"), "TMPDIR": str(folder)} | more


def run(folder, *args, **more):
    return subprocess.run(
        [*DEMO, *args],
        cwd=folder,
        env=environment(folder, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def rows_of(output):
    """The table: endpoint -> source -> [requests, failures]."""
    table, endpoint = {}, None
    for line in output.splitlines():
        if row := re.match(r"  (CloudWatch|Locust|exact) +([\d,]+) +([\d,]+)", line):
            table[endpoint][row[1]] = [int(cell.replace(",", "")) for cell in row.group(2, 3)]
        elif re.match(r"(GET|POST|all) \S+ *$", line):
            endpoint = line.strip()
            table[endpoint] = {}
    return table


def test_the_demo_shows_that_cloudwatch_holds_the_truth(folder):
    done = run(folder, "--duration", "5", **HOSTILE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    table = rows_of(done.stdout)
    assert list(table) == ["GET /product", "GET /search", "POST /checkout", "all together"]
    for endpoint, rows in table.items():
        assert rows["exact"][0] > 0, endpoint
        assert rows["CloudWatch"] == rows["exact"], endpoint
        assert rows["Locust"] == rows["exact"], endpoint
    total = table.pop("all together")["CloudWatch"]
    assert total == [sum(rows["CloudWatch"][place] for rows in table.values()) for place in (0, 1)]
    assert re.search(rf"holds all {total[0]:,} requests and {total[1]:,} failures", done.stdout)
    assert re.search(r"locust-cw-dist +\d+ +\d+ +\d+ +\$0\.0\d+", done.stdout)
    assert "locust-cw run -f locustfile.py" in done.stdout
    assert "\x1b" not in done.stdout
    assert max(len(line.rstrip()) for line in done.stdout.splitlines()) <= 100
    assert processes_of(folder) == []
    assert sorted(path.name for path in folder.iterdir()) == ["home", "locust.conf"]


def started(folder, until):
    """A demo in a session of its own that has come so far as to say `until`; with all its processes."""
    process = subprocess.Popen(
        DEMO,
        cwd=folder,
        env=environment(folder, PYTHONUNBUFFERED="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    for line in process.stdout:
        if until in line:
            break
    return process


def processes_of(folder):
    """Every process that a demo of this test started, whoever is its parent now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("TMPDIR") == str(folder):
                found.append(process)
    return found


def assert_ends(folder, process, end, exit_code):
    children = [child for child in processes_of(folder) if child.pid != process.pid]
    began_s = time.monotonic()
    end()
    output, _ = process.communicate(timeout=GONE_WITHIN_S)
    assert process.returncode == exit_code, output
    assert output.splitlines()[-1] == "locust-cw demo: interrupted; everything is stopped"
    assert "Traceback" not in output
    assert processes_of(folder) == []
    assert time.monotonic() - began_s < GONE_WITHIN_S
    assert sorted(path.name for path in folder.iterdir()) == ["home", "locust.conf"]
    return children


def test_ctrl_c_in_a_terminal_stops_everything(folder):
    process = started(folder, "running: ")
    children = assert_ends(folder, process, lambda: os.killpg(process.pid, signal.SIGINT), 130)
    assert len(children) == 6  # the local CloudWatch, the target, a master and three workers


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_to_the_process_alone_stops_everything(folder, number, exit_code):
    process = started(folder, "starting a Locust master")
    assert_ends(folder, process, lambda: process.send_signal(number), exit_code)


def test_when_a_process_cannot_start_its_log_is_shown_and_the_rest_ends(folder):
    (folder / "lib").mkdir()
    (folder / "lib" / "geventhttpclient.py").write_text("raise ImportError('broken on purpose')\n")
    path = os.pathsep.join(filter(None, [str(folder / "lib"), os.environ.get("PYTHONPATH")]))
    done = run(folder, PYTHONPATH=path)
    assert done.returncode == 1
    assert re.match(r"locust-cw demo: the (master|worker \d) ended with exit code 1; the last it said:\n", done.stderr)
    assert "broken on purpose" in done.stderr
    assert "Traceback" not in done.stderr.splitlines()[0]
    assert processes_of(folder) == []


@pytest.mark.parametrize("duration", ["0", "-1", "5s", "1.5", "99999", "²"])
def test_a_wrong_duration_is_one_line(folder, duration):
    done = run(folder, f"--duration={duration}")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert repr(duration) in done.stderr
