"""What a process that publishes keeps in its run records."""

from __future__ import annotations

import errno
import gc
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import gevent
import pytest

from locust_cw_dist.core.summaries.reason_cap import MAX_REASONS_PER_RUN
from locust_cw_dist.core.summaries.summary import MAX_REASONS, OTHER_REASONS, Summary
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.live.records import git_revision, report_maker
from locust_cw_dist.live.records.git_revision import revision
from locust_cw_dist.live.records.record_file import RecordFile, read_file
from locust_cw_dist.live.records.record_writer import MAX_WAITING
from locust_cw_dist.live.records.run_facts import begin_document
from locust_cw_dist.live.runs import Runs
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.testing import ManualClock, ScriptedSink
from support.publishing.endings import close_record, stop
from support.publishing.publisher import NOW_S, Bench

pytestmark = pytest.mark.once

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def bench(tmp_path):
    return RecordingBench(tmp_path / "records")


class RecordingBench(Bench):
    """A bench whose publisher keeps a record."""

    def __init__(self, folder, **settings):
        from locust_cw_dist.live.records.record_writer import RecordWriter

        super().__init__(ScriptedSink(), **({"record": str(folder)} | settings))
        self.folder = folder
        self.recording = RecordWriter(
            self.settings,
            self.runs,
            self.clock,
            self.once,
            begin=lambda run: begin_document(
                SimpleNamespace(), self.settings, run, self.clock, None, is_distributed=True
            ),
            status=lambda run, ended: {"ended": ended, "recorded": self.publisher.balance(run).recorded},
        )
        self.publisher.on_closed.append(self.recording.take)

    def record(self):
        """End, and read what was kept."""
        self.recording.open()
        self.flush()
        close_record(self.recording)
        (path,) = self.folder.glob("*.cwrecord")
        assert path.stem == self.run.run_id
        return read_file(path)


def counts(record):
    return {name: summary.count for (name, _), summary in record.endpoints().items()}


def test_every_result_is_kept_and_the_status_says_that_it_ended(bench):
    bench.deliver("/a", "/b", count=7)
    bench.deliver("/a", count=3, at_s=NOW_S + 10)
    record = bench.record()
    assert counts(record) == {"/a": 10, "/b": 7}
    assert [point.start_s for point in record.points] == [NOW_S, NOW_S + 10]
    assert record.status == {"ended": True, "recorded": 17, "left_out": 0}


def test_late_results_are_added(bench):
    bench.deliver("/a", count=2)
    bench.clock.time_s += 60
    bench.publisher.tick()
    bench.deliver("/a", count=5)
    record = bench.record()
    assert counts(record) == {"/a": 7}
    assert [point.start_s for point in record.points if point.summaries] == [NOW_S]


def test_what_the_user_left_out_is_left_out_and_groups_are_groups(tmp_path):
    bench = RecordingBench(tmp_path, groups=(("/item/.*", "/item/{id}"),), exclude=("/health",))
    bench.deliver("/item/1", "/item/2", "/health", count=4)
    assert counts(bench.record()) == {"/item/{id}": 8}


def test_endpoints_beyond_the_budget_of_series_are_kept_apart(tmp_path):
    bench = RecordingBench(tmp_path, max_endpoints=1)
    bench.deliver(*(f"/{n}" for n in range(30)), count=2)
    assert counts(bench.record()) == {f"/{n}": 2 for n in range(30)}
    published = {dict(datum.dimensions).get("Request") for datum in bench.sent("RequestCount")}
    assert published == {None, "(other)", "/0"}


def test_a_record_has_so_many_reasons_whatever_the_workers_send(bench):
    names = [f"/{number}" for number in range(15)]
    for number, name in enumerate(names):
        summary = Summary()
        for reason in range(MAX_REASONS):
            summary.record_failure(1.0, f"Error{number}-{reason}")
        bench.accept({(name, "GET"): summary})
    record = bench.record()
    named = {reason for _, _, reason in record.reasons()} - {OTHER_REASONS}
    assert len(named) == MAX_REASONS_PER_RUN < 15 * MAX_REASONS
    assert record.reasons().total() == 15 * MAX_REASONS


def test_results_of_another_masters_run_make_no_record(bench):
    bench.run = SimpleNamespace(run_id="../../elsewhere")
    bench.deliver("/a", count=2)
    bench.recording.open()
    bench.publisher.start(lambda: (1, 1))
    bench.publisher.bring_out(5.0)
    stop(bench.publisher)
    close_record(bench.recording)
    (path,) = bench.folder.parent.rglob("*.cwrecord")
    assert path.stem == bench.runs.current.run_id
    assert counts(read_file(path)) == {}


def test_an_error_of_the_disk_ends_the_record_and_nothing_else(bench, monkeypatch, caplog):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RecordFile, "append", full)
    bench.deliver("/a", count=2)
    bench.recording.open()
    bench.flush()
    close_record(bench.recording)
    assert bench.balance.published == 2
    assert caplog.text.count("its record ends here") + caplog.text.count("ends here, it can't be written") == 1


def test_windows_that_the_disk_has_no_time_for_are_left_out_and_counted(bench):
    # What writes is not there before `open`.
    for number in range(MAX_WAITING + 2):
        bench.deliver("/a", count=1, at_s=NOW_S + 10 * number)
        bench.clock.time_s = NOW_S + 10 * number + 30
        bench.publisher.tick()
    bench.publisher.tick(everything=True)
    record = bench.record()
    assert record.status["left_out"] >= 2
    assert counts(record) == {"/a": MAX_WAITING + 2 - record.status["left_out"]}


def test_a_folder_that_cannot_be_written_is_one_line_before_any_load(tmp_path):
    (tmp_path / "file").write_text("")
    bench = RecordingBench(tmp_path / "file")
    with pytest.raises(SettingsError, match=r"--cw-record: got '.*/file', must be a folder that can be written"):
        bench.recording.open()


def test_what_a_record_says_of_its_run_holds_no_secret():
    settings = Settings(service="shop", role_arn="arn:aws:iam::123456789012:role/perf", external_id="secret-1")
    options = SimpleNamespace(
        num_users=5, spawn_rate=2.0, run_time=90, my_password="secret-2", tags=["a"], web_auth="x:y"
    )
    run = Runs(NOW_S, "-").start(NOW_S, "https://user:secret-3@shop.test/api?token=secret-4", (("branch", "main"),))
    document = begin_document(
        SimpleNamespace(parsed_options=options), settings, run, ManualClock(), 60, is_distributed=False
    )
    assert "secret" not in str(document)
    assert "role" not in str(document)
    assert document["options"] == {
        "num_users": 5,
        "spawn_rate": 2.0,
        "run_time": 60,
        "tags": ["a"],
        "cw_service": "shop",
        "cw_environment": "perf",
        "cw_resolution_s": 10,
        "cw_max_endpoints": 100,
        "cw_grace_s": 15.0,
        "cw_dry_run": False,
        "cw_reasons": "message",
        "host": "https://shop.test/api",
    }
    assert document["labels"] == {"branch": "main"}
    assert {"python", "platform", "locust"} <= document["versions"].keys()


def git(folder, *words):
    """Run git with nothing of this machine's configuration; return what it prints."""
    environ = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for who in ("AUTHOR", "COMMITTER"):
        environ |= {f"GIT_{who}_NAME": "n", f"GIT_{who}_EMAIL": "e@example.com"}
    command = ["git", "-c", "protocol.file.allow=always", *words]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


def test_the_revision_is_what_git_says_in_every_kind_of_checkout(repository, tmp_path):
    deep = repository / "deep" / "er"
    deep.mkdir(parents=True)
    first = git(repository, "rev-parse", "HEAD")
    assert revision(deep, {}) == first
    git(repository, "pack-refs", "--all")
    assert revision(deep, {}) == first
    git(repository, "worktree", "add", "-q", "-b", "topic", str(tmp_path / "tree"))
    git(tmp_path / "tree", "commit", "-q", "--allow-empty", "-m", "second")
    assert revision(tmp_path / "tree", {}) == git(tmp_path / "tree", "rev-parse", "HEAD") != first
    git(repository, "submodule", "add", "-q", str(tmp_path / "tree"), "part")
    git(repository / "part", "checkout", "-q", "HEAD~1")
    assert revision(repository / "part", {}) == first
    other = {"GIT_DIR": str(tmp_path / "tree" / ".git"), "GIT_WORK_TREE": str(tmp_path), "GIT_COMMIT": "1" * 40}
    assert revision(deep, other) == first


def test_without_git_the_revision_is_what_ci_says(repository, tmp_path, monkeypatch):
    assert revision(tmp_path, {}) is None
    assert revision(tmp_path, {"GITHUB_SHA": COMMIT}) == COMMIT
    assert revision(tmp_path, {"GITHUB_SHA": "$(rm -rf)", "CI_COMMIT_SHA": COMMIT.upper()}) == COMMIT
    (tmp_path / ".git").write_text("gitdir: nowhere")
    assert revision(tmp_path, {}) is None
    assert revision(tmp_path / "missing", {}) is None
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    assert revision(empty, {}) is None
    monkeypatch.setenv("PATH", str(empty))
    assert revision(repository, {}) is None
    assert revision(repository, {"CI_COMMIT_SHA": COMMIT}) == COMMIT


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_checkout_of_another_user_has_its_revision_too(repository):
    first = git(repository, "rev-parse", "HEAD")
    os.chown(repository / ".git", 12_345, 12_345)
    with pytest.raises(subprocess.CalledProcessError):
        git(repository, "rev-parse", "HEAD")
    assert revision(repository, {}) == first


def test_a_git_that_hangs_is_ended_and_holds_nobody(tmp_path, monkeypatch, capfd):
    pid_file = tmp_path / "pid"
    script = tmp_path / "git"
    script.write_text(f"#!/bin/sh\necho $$ >{pid_file}\necho loud >&2\nexec /bin/sleep 60\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(git_revision, "TIMEOUT_S", 0.5)
    gc.collect()
    files = set(Path("/proc/self/fd").iterdir())
    beats = []
    other = gevent.spawn(lambda: [(beats.append(1), gevent.sleep(0.01)) for _ in range(1_000)])
    assert revision(tmp_path, {"CI_COMMIT_SHA": COMMIT}) == COMMIT
    other.kill()
    assert len(beats) >= 10
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    assert set(Path("/proc/self/fd").iterdir()) <= files
    assert capfd.readouterr() == ("", "")


def report_of(bench, caplog, timeout_s=30.0):
    """What a run leaves that is to have a report, and what is logged of it."""
    caplog.set_level("INFO")
    bench.recording.open()
    bench.deliver("/a", count=3)
    bench.flush()
    close_record(bench.recording)
    place = bench.recording.place_of(bench.run)
    bench.recording.make_report(timeout_s)
    bench.recording.remove_temporary()
    return place, [line for line in caplog.messages if "its report" in line]


@pytest.mark.parametrize("keeps_record", [True, False])
def test_a_report_is_made_of_a_record_that_is_closed(tmp_path, caplog, monkeypatch, keeps_record):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    settings = {} if keeps_record else {"record": None}
    bench = RecordingBench(tmp_path / "records", report=str(tmp_path / "new" / "report.md"), **settings)
    place, lines = report_of(bench, caplog)
    assert "`GET /a` | 3 | 0 |" in (tmp_path / "new" / "report.md").read_text()
    assert lines == [f"locust-cw: run {bench.run.run_id}: its report is {tmp_path / 'new' / 'report.md'}"]
    assert (place is not None) is keeps_record
    assert not any((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize(
    ("program", "timeout_s", "reason"),
    [
        ("no_such_module_anywhere", 30.0, "No module named no_such_module_anywhere"),
        ("locust_cw_dist.tools.cli.main", 0.01, "it was not there after 0 s"),
    ],
)
def test_a_report_that_is_not_made_is_a_line_and_the_record_stays(
    tmp_path, caplog, monkeypatch, program, timeout_s, reason
):
    monkeypatch.setattr(report_maker, "PROGRAM", program)
    bench = RecordingBench(tmp_path / "records", report=str(tmp_path / "report.html"))
    place, (line,) = report_of(bench, caplog, timeout_s=timeout_s)
    assert line.startswith(f"locust-cw: run {bench.run.run_id}: its report was not made (")
    assert reason in line
    assert counts(read_file(Path(place))) == {"/a": 3}
    assert not (tmp_path / "report.html").exists()


def test_a_report_that_cannot_be_written_is_said_before_any_load(tmp_path):
    (tmp_path / "file").write_text("")
    bench = RecordingBench(tmp_path / "records", report=str(tmp_path / "file" / "report.html"))
    with pytest.raises(SettingsError, match=r"--cw-report: got .*, must be a file that can be written"):
        bench.recording.open()
