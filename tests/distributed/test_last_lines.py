"""The first and the last lines of real processes: where they stand, on every way out, whatever logging is set to."""

from __future__ import annotations

import re
import signal

import pytest

from support.cluster.matrix import wait_for_requests
from support.cluster.processes import unwrapped

HEAD = re.compile(r"^locust-cw: (?!\d+ runs)", re.MULTILINE)
"""How the block of a run begins; a line of the log has a prefix of Locust's."""


def last_lines(process):
    """The last lines, from the head of the first run's block on; each entry is one line."""
    log = unwrapped(process.log)
    return log[HEAD.search(log).start() :].rstrip().splitlines()


def test_a_run_is_told_of_from_its_first_line_to_its_last(cluster):
    options = ("--cw-record", "records", "--cw-rule", "max < 1 ms", "--cw-rule", "count > 5", "--cw-label", "branch=a")
    process = cluster.single(*options, run_time_s=8)
    assert cluster.wait() == {"single": 3}
    summary = cluster.summary()
    log, lines = process.log, last_lines(process)
    start = re.search(r"/INFO/locust_cw_dist: locust-cw: results go to CloudWatch every 1 s\n(    .*\n)+", log)[0]
    assert f"    namespace    {cluster.namespace}\n" in start
    assert "    credentials  environment variables\n" in start
    assert f"    record       records/{summary['run_id']}.cwrecord\n" in start
    assert process.log_has(r"locust-cw: CloudWatch has accepted the first window: \d+ results")
    assert len(re.findall("rule broken so far: max < 1 ms: ", log)) == 1
    assert "rule broken so far: count" not in log, "it is not enough yet"
    assert lines[0].endswith(" s, branch=a")
    assert (
        f"✓ run {summary['run_id']}: complete: {summary['recorded']} of {summary['recorded']} results published"
        in lines
    )
    assert "✗ rules: 1 of 2 passed, 1 failed" in lines
    assert re.fullmatch(
        rf"all together +{summary['recorded']:,} +{summary['recorded_failures']:,}( +[\d.]+){{4}}", lines[6]
    )
    assert lines[-3:] == [
        f"  next: locust-cw report records/{summary['run_id']}.cwrecord",
        f"    or: locust-cw compare BASE records/{summary['run_id']}.cwrecord",
        "✗ exit code 3: a rule failed: max < 1 ms",
    ]
    assert log.count("results published") == 1, "nothing is told twice"
    assert log.index("Error report") < log.index("results published"), "Locust's tables come before"
    assert "results published" not in process.out


@pytest.mark.parametrize("way", ["quiet", "without logging", "text", "json", "ascii"])
def test_logging_hides_no_last_line(cluster, cloudwatch, way):
    options = {
        "quiet": ("--loglevel", "WARNING"),
        "without logging": ("--skip-log-setup",),
        "text": ("--cw-summary", "text"),
        "json": ("--cw-summary", "json"),
        "ascii": (),
    }
    env = cloudwatch.env() | ({"PYTHONIOENCODING": "ascii"} if way == "ascii" else {})
    process = cluster.single(*options[way], users=1, run_time_s=1, env=env, locustfile="trickle.py,plugin.py")
    assert cluster.wait() == {"single": 0}
    assert ("results published" in process.log) is (way != "json")
    assert bool(cluster.summaries()) is (way in {"json", "ascii"})
    if way != "json":
        mark = "+" if way == "ascii" else "✓"
        assert process.log.rstrip().endswith(f"{mark} exit code 0: no request failed")
        assert process.log.isascii() is (way == "ascii")


SIGNALS = {"SIGTERM": [signal.SIGTERM], "ctrl-C": [signal.SIGINT], "ctrl-C twice": [signal.SIGINT] * 2}


@pytest.mark.parametrize("way", SIGNALS)
def test_a_run_that_is_cut_short_is_told_of_all_the_same(cluster, way):
    process = cluster.single("--cw-required", run_time_s=60, locustfile="trickle.py,plugin.py")
    wait_for_requests(cluster, 20)
    for number in SIGNALS[way]:
        process.signal(number)
    assert cluster.wait() == {"single": 4}
    assert last_lines(process)[-1] == "✗ exit code 4: the run can't be relied on: it is invalid"
    assert process.log_has("verdict: invalid: cut short: the process was told to end after")


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("quit", "✓ exit code 0: a listener of your own called sys.exit"),
        ("quitting", "✓ exit code 0: a listener of your own called sys.exit"),
        ("greenlet", "✓ exit code: the one that your code ended this process with"),
    ],
)
def test_sys_exit_hides_nothing(cluster, cloudwatch, where, line):
    env = cloudwatch.env() | {"LEAVES": where}
    process = cluster.single(run_time_s=3, env=env, locustfile="trickle.py,plugin.py,leaves.py")
    assert cluster.wait() == {"single": 0}
    assert last_lines(process)[-1] == line
    assert cluster.summary()["complete"]


def test_a_rule_that_stops_the_run_is_named_last(cluster):
    rule = "max < 1 ms, abort_after_s=1"
    process = cluster.single("--cw-rule", rule, run_time_s=60, locustfile="trickle.py,plugin.py")
    assert cluster.wait() == {"single": 3}
    assert last_lines(process)[-1].startswith("✗ exit code 3: a rule failed: max < 1 ms")


def test_on_a_terminal_there_is_no_json_and_the_wait_is_counted_down(cluster, cloudwatch, tmp_path):
    nowhere = cloudwatch.env() | {"AWS_ENDPOINT_URL_CLOUDWATCH": "http://127.0.0.1:1", "TERM": "xterm"}
    cluster.command = ("python3", str(tmp_path / "on_terminal.py"), *cluster.command)
    (tmp_path / "on_terminal.py").write_text("import os, pty, sys\nos._exit(pty.spawn(sys.argv[1:]) >> 8)\n")
    process = cluster.single(
        *("--cw-flush-timeout", "4", "--cw-rule", "count > 1"),
        run_time_s=2,
        env=nowhere,
        locustfile="trickle.py,plugin.py",
    )
    assert cluster.wait() == {"single": 0}
    shown = process.out
    assert "locust_cw_run_summary" not in shown
    assert re.search(r"\x1b\[2Kwaiting \d s for CloudWatch to accept \d+ results; ctrl-C stops the waiting", shown)
    assert "! verdict: suspect: " in shown
    assert shown.rstrip().endswith("✓ exit code 0: no request failed")


def test_the_log_says_when_cloudwatch_goes_and_comes_back(cluster, cloudwatch):
    process = cluster.single(run_time_s=60, locustfile="trickle.py,plugin.py")
    process.wait_for_log("CloudWatch has accepted the first window")
    cloudwatch.faults("server_error")
    process.wait_for_log("retrying, nothing is lost yet")
    cloudwatch.clear_faults()
    process.wait_for_log(r"CloudWatch answers again, after [\d.]+ s; nothing was lost")
    process.signal(signal.SIGTERM)
    assert cluster.wait() == {"single": 0}
    assert cluster.summary()["complete"]
