"""`locust-cw resend` as a real process: what is in a spool folder is in CloudWatch afterwards, once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from locust_cw_dist.core.names.plural import counted
from support.cluster.cluster import LOCUST_CW_RUN
from support.cluster.figures import assert_equal
from support.cluster.processes import Process, wait_until
from support.records.spools import NAMESPACE, batch, leave

# It asks nothing of Locust.
pytestmark = pytest.mark.once

COMMAND = (*LOCUST_CW_RUN[:-1], "resend")
HOLDER = """
import sys, time, pathlib
from locust_cw_dist.live.spool.folder import Spool
spool = Spool(pathlib.Path(sys.argv[1]), "living")
spool.open()
spool.put(pathlib.Path(sys.argv[2]).read_bytes())
print("ready", flush=True)
time.sleep(120)
"""


class Bench:
    """A spool folder, and processes that resend it."""

    def __init__(self, folder, cloudwatch):
        self.folder = folder
        self.spool = folder / "spool"
        self.spool.mkdir()
        self.cloudwatch = cloudwatch
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOCUST_"))}
        self.env |= cloudwatch.env() | {"HOME": str(folder)}
        self.processes = []

    def start(self, *args, **env):
        process = Process(f"resend-{len(self.processes)}", [*COMMAND, *args], self.folder, self.env | env)
        self.processes.append(process)
        return process

    def resend(self, *args, **env):
        process = self.start(str(self.spool), *args, **env)
        process.wait(60)
        assert "Traceback" not in process.log + process.out
        return process

    def counts(self):
        """What CloudWatch holds, by request name."""
        series = self.cloudwatch.dump(NAMESPACE, "RequestCount")
        return {one.dimensions["Request"]: one.total for one in series}

    def files(self):
        return sorted(str(path.relative_to(self.spool)) for path in self.spool.rglob("*") if path.is_file())

    def state(self):
        return {name: (self.spool / name).stat().st_mtime_ns for name in self.files()}


@pytest.fixture
def bench(tmp_path, cloudwatch):
    cloudwatch.reset()
    made = Bench(tmp_path, cloudwatch)
    yield made
    for process in made.processes:
        process.kill()
    cloudwatch.reset()


def test_everything_is_sent_and_the_second_time_nothing_is(bench):
    leave(bench.spool, "one", [batch("run-1", 7, request="/a"), batch("run-1", 5, request="/b")])
    leave(bench.spool, "two", [batch("run-2", 3, request="/a")])
    first = bench.resend()
    assert first.exit_code == 0
    assert "found 12 results of run run-1 on disk, in 2 batches" in first.out
    assert "15 of 15 results sent, 3 of 3 batches done" in first.out
    assert bench.counts() == {"/a": 10, "/b": 5}
    assert bench.files() == []
    second = bench.resend()
    assert (second.exit_code, second.out) == (0, "nothing to send\n")
    assert bench.counts() == {"/a": 10, "/b": 5}


def test_timestamps_are_those_of_the_windows(bench):
    (path,) = leave(bench.spool, "one", [batch("run-1", 7, age_s=7200)])
    before_s = path.stat().st_mtime - 7200
    assert bench.resend().exit_code == 0
    (series,) = bench.cloudwatch.dump(NAMESPACE, "RequestCount")
    assert series.points[0].timestamp_s == pytest.approx(before_s, abs=5)


def test_a_dry_run_says_it_all_and_touches_nothing(bench):
    leave(bench.spool, "one", [batch("run-1", 7, age_s=10_800), batch("run-1", 5, request="/b")], trying=[1])
    state = bench.state()
    process = bench.resend("--dry-run", AWS_ENDPOINT_URL_CLOUDWATCH="http://127.0.0.1:1", AWS_ACCESS_KEY_ID="")
    assert process.exit_code == 0
    assert "found 12 results of run run-1 on disk, in 2 batches, the oldest 3.0 hours old" in process.out
    assert "dry run: 2 batches with 12 results can be sent" in process.out
    assert "1 in flight when the process ended: would be sent again" in process.out
    assert bench.state() == state
    assert bench.cloudwatch.stats().put_calls == 0
    assert bench.resend().exit_code == 0
    assert bench.counts() == {"/a": 7, "/b": 5}


def test_torn_foreign_and_old_files_are_named_and_left_and_the_rest_is_sent(bench):
    torn, _, old = leave(
        bench.spool, "one", [batch("run-1", 7), batch("run-1", 5, request="/b"), batch("run-1", 2, age_s=15 * 86400)]
    )
    torn.write_bytes(torn.read_bytes()[:-3])
    foreign = torn.parent / "notes.txt"
    foreign.write_text("somebody's")
    process = bench.resend()
    assert process.exit_code == 1
    assert re.search(rf"skipped {torn}: it is damaged", process.out)
    assert re.search(rf"skipped {old}: it is 15\.0 days old, and CloudWatch accepts nothing older", process.out)
    assert re.search(rf"skipped {foreign}: it is not a file of a spool", process.out)
    assert bench.counts() == {"/b": 5}
    assert {torn.name, old.name, "notes.txt"} <= {name.rpartition("/")[2] for name in bench.files()}
    assert "5 of 5 results sent" in process.out
    assert bench.resend().exit_code == 1
    assert bench.counts() == {"/b": 5}


def test_files_of_a_process_that_lives_are_left_until_it_is_gone(bench):
    leave(bench.spool, "one", [batch("run-1", 7)])
    content = bench.folder / "content"
    content.write_bytes(batch("run-2", 4, request="/living"))
    command = [sys.executable, "-c", HOLDER, str(bench.spool), str(content)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=bench.env) as holder:
        try:
            assert holder.stdout.readline() == b"ready\n"
            for args in (["--dry-run"], []):
                process = bench.resend(*args)
                assert process.exit_code == 1
                assert f"skipped {bench.spool / 'living'}: a running process uses it" in process.out
            assert bench.counts() == {"/a": 7}
        finally:
            holder.kill()
    assert bench.resend().exit_code == 0
    assert bench.counts() == {"/a": 7, "/living": 4}


def test_killed_in_the_middle_and_run_again_all_is_there_but_for_what_is_stated(bench):
    leave(bench.spool, "one", [batch("run-1", 1 + number, request=f"/{number}") for number in range(40)])
    # Answers take so long that the kill comes while calls are under way whose datums were taken.
    bench.cloudwatch.faults("trickle", latency_s=0.5)
    first = bench.start(str(bench.spool))
    wait_until(lambda: len(bench.files()) < 60, "some are sent", 30)  # 40 batches, 3 marks, 2 locks and a state
    wait_until(lambda: bench.cloudwatch.stats().put_accepted >= 8, "some are sent", 30)
    first.signal(signal.SIGKILL)
    first.wait()
    bench.cloudwatch.clear_faults()
    files = set(bench.files())
    # Of a batch that was taken the mark goes last.
    doubtful = [name for name in files if name.endswith(".trying") and name.replace(".trying", ".batch") in files]
    assert 1 <= len(doubtful) <= 3
    second = bench.resend()
    assert second.exit_code == 0
    assert f"{counted(len(doubtful), 'batch', 'batches')} in flight when that process ended" in second.out
    counts, twice = bench.counts(), 0
    for number in range(40):
        assert counts[f"/{number}"] in (1 + number, 2 * (1 + number))
        twice += counts[f"/{number}"] == 2 * (1 + number)
    assert twice <= len(doubtful)
    assert bench.resend().out == "nothing to send\n"
    assert bench.counts() == counts


def test_what_is_in_doubt_can_be_left_out(bench):
    leave(bench.spool, "one", [batch("run-1", 7), batch("run-1", 5, request="/b")], trying=[0])
    process = bench.resend("--cw-ambiguous", "drop")
    assert process.exit_code == 1
    assert bench.counts() == {"/b": 5}
    assert "7 dropped: no answer from CloudWatch" in process.out
    assert bench.files() == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_calls_end_and_leaves_nothing_in_doubt(bench, number, code):
    leave(bench.spool, "one", [batch("run-1", 1, request=f"/{one}") for one in range(60)])
    bench.cloudwatch.faults("latency", latency_s=0.4)
    process = bench.start(str(bench.spool))
    wait_until(lambda: bench.cloudwatch.stats().put_accepted >= 3, "some are sent", 30)
    process.signal(number)
    assert process.wait() == code
    assert "Traceback" not in process.log
    left = [name for name in bench.files() if name.endswith(".batch")]
    assert 0 < len(left) < 60
    assert len(bench.counts()) == 60 - len(left)
    assert f"left in the folder: {len(left)}" in process.out
    assert not [name for name in bench.files() if name.endswith(".trying")]
    bench.cloudwatch.clear_faults()
    assert bench.resend().exit_code == 0
    assert bench.counts() == {f"/{one}": 1 for one in range(60)}


def test_it_gives_up_while_cloudwatch_is_away_and_keeps_everything(bench):
    leave(bench.spool, "one", [batch("run-1", 7), batch("run-1", 5, request="/b")])
    bench.cloudwatch.faults("throttling")
    process = bench.resend("--timeout", "8")
    assert process.exit_code == 1
    assert "CloudWatch has accepted nothing for 8 s (throttled by CloudWatch): giving up" in process.out
    assert "0 of 12 results sent, 0 of 2 batches done; left in the folder: 2" in process.out
    bench.cloudwatch.clear_faults()
    assert bench.resend().exit_code == 0
    assert bench.counts() == {"/a": 7, "/b": 5}


def test_it_ends_at_once_where_a_permission_is_denied(bench):
    leave(bench.spool, "one", [batch("run-1", 7), batch("run-1", 5, request="/b")])
    bench.cloudwatch.faults("access_denied")
    process = bench.resend("--timeout", "3600")
    assert process.exit_code == 1
    assert f"cloudwatch:PutMetricData is not allowed on namespace {NAMESPACE}" in process.out
    assert "permission denied: giving up, nothing more can be sent; the rest stays on disk" in process.out
    assert "0 of 12 results sent, 0 of 2 batches done; left in the folder: 2" in process.out
    assert "load test" not in process.out
    assert "again" not in process.out
    bench.cloudwatch.clear_faults()
    assert bench.resend().exit_code == 0
    assert bench.counts() == {"/a": 7, "/b": 5}


def test_an_outage_that_ends_in_time_costs_nothing(bench):
    leave(bench.spool, "one", [batch("run-1", 7)])
    bench.cloudwatch.faults("server_error", count=3)
    assert bench.resend().exit_code == 0
    assert bench.counts() == {"/a": 7}


def test_a_refused_datum_is_set_aside_and_the_rest_is_sent(bench):
    leave(bench.spool, "one", [batch("run-1", 7, request="/bad"), batch("run-1", 5, request="/b")])
    bench.cloudwatch.faults("bad_datum", match="/bad")
    process = bench.resend()
    assert process.exit_code == 1
    assert "7 dropped: refused by CloudWatch" in process.out
    assert bench.counts() == {"/b": 5}
    assert bench.files() == ["refused.jsonl"]


def test_without_credentials_nothing_is_touched(bench):
    leave(bench.spool, "one", [batch("run-1", 7)])
    process = bench.resend(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert process.exit_code == 1
    assert "nothing was sent: no AWS credentials found" in process.out
    assert len([name for name in bench.files() if name.endswith(".batch")]) == 1
    assert not [name for name in bench.files() if name.endswith(".trying")]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["nowhere"], "DIR: got 'nowhere', must be the folder of --cw-spool-dir"),
        (["spool/one"], "this is what one process left in it; use"),
        (["spool", "--timeout", "0"], "argument --timeout: got '0', must be above 0 and at most 86400"),
        (["spool", "--cw-ambiguous", "maybe"], "argument --cw-ambiguous: got 'maybe', must be resend or drop"),
        (["spool", "--cw-service", "x"], "unrecognized arguments: --cw-service x"),
        ([], "the following arguments are required: DIR"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_code_2(bench, args, says):
    leave(bench.spool, "one", [batch("run-1", 7)])
    process = bench.start(*args)
    assert process.wait() == 2
    assert says in process.log
    assert len(process.log.splitlines()) == 1


def test_options_come_from_the_environment_too(bench):
    leave(bench.spool, "one", [batch("run-1", 7)], trying=[0])
    process = bench.resend(LOCUST_CW_AMBIGUOUS="drop", LOCUST_CW_SERVICE="of no use here")
    assert "7 dropped: no answer from CloudWatch" in process.out
    process = bench.resend(LOCUST_CW_REGION="eu_1")
    assert process.exit_code == 2
    assert "'eu_1', must be the name of an AWS Region" in process.log


def test_two_at_once_send_each_batch_once(bench):
    leave(bench.spool, "one", [batch("run-1", 1, request=f"/{one}") for one in range(30)])
    leave(bench.spool, "two", [batch("run-2", 1, request=f"/{one}") for one in range(30)])
    bench.cloudwatch.faults("latency", latency_s=0.05)
    both = [bench.start(str(bench.spool)) for _ in range(2)]
    for process in both:
        assert process.wait() in (0, 1)
        assert "Traceback" not in process.log + process.out
    bench.resend()
    assert bench.counts() == {f"/{one}": 2 for one in range(30)}
    assert bench.files() == []


def test_what_a_run_left_in_an_outage_is_published(bench, cluster):
    bench.cloudwatch.faults("throttling")
    cluster.single("--cw-spool-dir", str(bench.spool), "--cw-flush-timeout", "1", run_time_s=3)
    cluster.wait()
    truth, summary = cluster.truth(), cluster.summary()
    assert summary["published"] == 0
    assert summary["spooled"] == len(truth.requests) > 0
    bench.cloudwatch.clear_faults()
    process = bench.resend()
    assert process.exit_code == 0
    assert f"{len(truth.requests):,} of {len(truth.requests):,} results sent" in process.out
    assert_equal(truth.requests, cluster.published())


def test_what_a_killed_run_had_on_disk_is_published_and_the_rest_is_stated(bench, cluster):
    bench.cloudwatch.faults("throttling")
    single = cluster.single("--cw-spool-dir", str(bench.spool), run_time_s=60)
    wait_until(lambda: sum(name.endswith(".batch") for name in bench.files()) >= 3, "batches are on disk", 40)
    single.signal(signal.SIGKILL)
    single.wait()
    bench.cloudwatch.clear_faults()
    process = bench.resend()
    assert process.exit_code == 0
    said = process.out.replace(",", "")
    killed = re.search(r"at least (\d+) results \d+ had been published and (\d+) were on disk; (\d+) ", said)
    recorded, on_disk, in_memory = map(int, killed.groups())
    (found,) = map(int, re.findall(r"found (\d+) results?", said))
    published = sum(
        one.total for one in bench.cloudwatch.dump(cluster.namespace, "RequestCount") if "Request" in one.dimensions
    )
    # What was noted is up to a second older than the files.
    assert published == found >= on_disk == recorded - in_memory
    assert found <= len(cluster.truth().requests)
