"""Run records of real processes: exact, also without CloudWatch, and readable whatever became of the master."""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from locust_cw_dist.live.records.record_file import read_file
from support.cluster.processes import unwrapped, wait_until

pytestmark = pytest.mark.once

LOCUST_CW = (sys.executable, "-m", "locust_cw_dist.tools.cli.main")


def records(cluster):
    return sorted((cluster.folder / "records").glob("*.cwrecord"))


def assert_same(record, requests):
    """Assert that a record holds exactly these requests."""
    held = record.endpoints()
    assert {key: summary.count for key, summary in held.items()} == Counter((r.name, r.method) for r in requests)
    failures = Counter((r.name, r.method) for r in requests if r.failed)
    assert {key: s.failure_count for key, s in held.items() if s.failure_count} == failures
    for key, summary in held.items():
        times = [r.time for r in requests if (r.name, r.method) == key]
        assert summary.response_times().sum_ms == pytest.approx(sum(times), rel=1e-8)
        assert summary.response_times().max_ms == pytest.approx(max(times), rel=1e-9)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, cloudwatch):
    """A master with two workers that published and kept a record."""
    from support.cluster.cluster import Cluster

    with Cluster(tmp_path_factory.mktemp("recorded"), cloudwatch) as cluster:
        cluster.distributed("--cw-record", "records", "--cw-label", "branch=main", workers=2, run_time_s=9)
        cluster.wait()
        yield cluster


def test_a_distributed_run_is_recorded_exactly_and_published_as_ever(recorded):
    recorded.assert_exact()
    (path,) = records(recorded)
    record = read_file(path)
    assert_same(record, recorded.truth().requests)
    summary = recorded.summary()
    assert (record.run_id, path.stem, record.labels) == (summary["run_id"], summary["run_id"], {"branch": "main"})
    assert record.has_ended
    assert record.damage.reason == ""
    assert record.ledger["recorded"] == summary["recorded"]
    assert record.ledger["published"] == summary["published"]
    assert 8.5 < record.duration_s < 19


def test_a_record_tells_how_the_run_was_made(recorded):
    record = read_file(records(recorded)[0])
    assert len(record.workers) == len({worker["epoch"] for worker in record.workers}) == 2
    assert all(worker["done"] for worker in record.workers)
    # Locust measures these every five seconds, the first time of the processor in vain; what it told is what is kept.
    memory, cpu = record.gauge("memory_bytes"), record.gauge("cpu_percent")
    assert all(0 <= worker["memory_bytes"] <= memory.maximum for worker in record.workers)
    assert all(0 <= worker["cpu_percent"] <= cpu.maximum + 0.1 for worker in record.workers)
    assert all(abs(worker["clock_offset_s"]) < 1 for worker in record.workers)
    assert (record.options["num_users"], record.options["run_time"]) == (8, 9)
    assert record.gauge("users").maximum == 8
    assert record.gauge("workers").maximum == 2
    assert {"locust", "python", "gevent"} <= record.begin["versions"].keys()
    assert "AWS" not in json.dumps(record.begin)


def test_the_commands_read_it(recorded, tmp_path):
    pytest.importorskip("plotly")
    folder = str(recorded.folder / "records")
    report = recorded.start("report", [*LOCUST_CW, "report", folder, "-o", str(tmp_path / "report.html")], {})
    assert report.wait() == 0, report.log
    assert "POST /orders" in (tmp_path / "report.html").read_text()
    compare = recorded.start("compare", [*LOCUST_CW, "compare", folder, folder, "--fail-on", "any", "--all"], {})
    assert compare.wait() in {0, 4}, compare.log
    assert "\x1b[" not in compare.out + compare.log


@pytest.mark.parametrize("role", ["single", "distributed"])
def test_a_record_needs_no_cloudwatch(cluster, cloudwatch, role):
    calls_before = cloudwatch.stats().put_calls
    options = ("--cw-record", "records", "--cw-resolution", "1", "--cw-report", "report.md")
    process = getattr(cluster, role)(*options, publishing=(), env={})
    cluster.wait()
    assert process.exit_code == 1  # Locust's: some requests failed
    (path,) = records(cluster)
    record = read_file(path)
    # What the process ends with, and why, is in its record and in its report.
    failed = sum(summary.failure_count for summary in record.endpoints().values())
    assert record.outcome["exit"] == {"code": 1, "reason": f"{failed} request{'s' * (failed != 1)} failed"}
    assert (cluster.folder / "report.md").read_text().startswith("### ❌ FAILED: ")
    assert "its report is report.md" in process.log
    assert_same(record, cluster.truth().requests)
    assert "results received; nothing is published without --cw-service" in unwrapped(process.log)
    assert f"its record is records/{path.name}" in process.log
    assert cloudwatch.stats().put_calls == calls_before
    assert [each.modules for each in cluster.truth().processes] == [[]] * len(cluster.processes)
    assert cluster.summary()["complete"]
    cluster.assert_clean()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            (),
            {
                ("/buy", "HTTP 500: no gold in stock for order <n>"),
                ("/buy", "HTTP 500: price of <id> is wrong, token=<masked>"),
                ("/check", "CatchResponseError: cart of <email> is empty"),
            },
        ),
        (("--cw-reasons", "class"), {("/buy", "HTTP 500"), ("/check", "CatchResponseError")}),
    ],
    ids=["message", "class"],
)
def test_reasons_tell_failures_apart_and_keep_no_secret(cluster, options, expected):
    cluster.locustfile = "refuser.py,plugin.py"
    cluster.distributed("--cw-record", "records", *options, workers=1, users=2, run_time_s=2, publishing=(), env={})
    cluster.wait()
    (path,) = records(cluster)
    record = read_file(path)
    assert {(name, reason) for name, _, reason in record.reasons()} == expected
    assert record.reasons().total() == sum(summary.failure_count for summary in record.endpoints().values()) > 0
    assert record.options["cw_reasons"] == ("class" if options else "message")
    cluster.assert_clean()


def test_a_killed_master_leaves_a_record_that_can_be_read(cluster):
    master = cluster.distributed("--cw-record", "records", workers=2, run_time_s=60)

    def has_points():
        return bool(records(cluster)) and len(read_file(records(cluster)[0]).points) >= 4

    wait_until(has_points, "a few windows are in the record")
    master.signal(signal.SIGKILL)
    master.wait()
    record = read_file(records(cluster)[0])
    assert not record.has_ended
    assert len(record.points) >= 4
    assert set(record.endpoints()) == {(r.name, r.method) for r in cluster.truth().requests}
    assert record.options["num_users"] == 8


def test_a_folder_that_cannot_be_written_ends_the_process_before_any_load(cluster):
    (cluster.folder / "records").write_text("a file")
    single = cluster.single("--cw-record", "records")
    assert cluster.wait() == {"single": 2}
    assert "--cw-record: got 'records', must be a folder that can be written" in single.log
    assert cluster.truth().requests == []


def test_each_run_of_a_process_has_a_record_of_its_own(cluster):
    script = Path(cluster.folder, "twice.py")
    script.write_text(TWICE)
    process = cluster.start("twice", [sys.executable, str(script)], {})
    assert process.wait() == 0, process.log
    assert [read_file(path).endpoints()["/a", "GET"].count for path in records(cluster)] == [3, 4]


TWICE = """
import gevent.monkey
gevent.monkey.patch_all()
from locust.env import Environment
import locust_cw_dist

environment = Environment(user_classes=[])
environment.create_local_runner()
plugin = locust_cw_dist.install(environment, locust_cw_dist.Settings(record="records", resolution_s=1))
for requests in (3, 4):
    environment.events.test_start.fire(environment=environment)
    for _ in range(requests):
        environment.events.request.fire(
            request_type="GET", name="/a", response_time=5, response_length=1, exception=None, context={}
        )
    environment.events.test_stop.fire(environment=environment)
    gevent.sleep(1.1)
plugin.close()
"""
