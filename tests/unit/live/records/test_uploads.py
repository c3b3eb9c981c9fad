"""When records are put to S3, and what becomes of those that can't be; the store is scripted."""

from __future__ import annotations

import logging
from pathlib import Path

import gevent
import pytest

from locust_cw_dist.core.records.location import S3Location
from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.records import uploads
from locust_cw_dist.live.records.s3 import RECORD_TYPE, S3Error
from locust_cw_dist.live.records.uploads import Uploads
from locust_cw_dist.settings.settings import Settings

PLACE = S3Location("perf", "x")
DEADLINE_S = 10.0


class Store:
    """Takes what is put, or fails, or never answers."""

    def __init__(self):
        self.objects = {}
        self.puts = []
        self.error = None
        self.never_answers = False
        self.is_warm = False

    def warm_up(self):
        self.is_warm = True

    def prepare(self, place):
        assert place == PLACE
        assert self.is_warm

    def put(self, content, target, content_type=RECORD_TYPE):
        self.puts.append(str(target))
        if self.never_answers:
            gevent.sleep(3600)
        if self.error:
            raise S3Error(self.error)
        self.objects[str(target)] = content.read()


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def make(store, tmp_path, monkeypatch):
    """What makes the uploads of one process, by name, and returns them with their folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()

    def new(name="20270115T080000Z-aaaaaaaa", **settings):
        made = Uploads(Settings(record=str(PLACE), **settings), PLACE, store, DiskThread(), LogOnce())
        return made, made.open(name)

    return new


def write(folder, run, content):
    path = Path(folder) / f"{run}.cwrecord"
    path.write_bytes(content)
    return path


def wait_for(condition):
    with gevent.Timeout(DEADLINE_S):
        while not condition():
            gevent.sleep(0.005)


def test_a_report_is_put_beside_the_records(make, store, tmp_path):
    made, _ = make()
    page = tmp_path / "report.html"
    page.write_text("a page")
    assert made.put_beside(page, "20270115T080000Z-aaaaaaaa.html", "text/html", 5.0) is None
    assert store.objects == {"s3://perf/x/20270115T080000Z-aaaaaaaa.html": b"a page"}
    store.error = "AccessDenied"
    page.write_text("another page")
    assert "AccessDenied" in made.put_beside(page, "b.html", "text/html", 5.0)
    rehearsing, _ = make("20270115T080000Z-bbbbbbbb", dry_run=True)
    assert rehearsing.put_beside(page, "c.html", "text/html", 5.0) is None
    assert len(store.puts) == 2


def test_a_record_is_put_at_once_now_and_then_and_at_the_end(make, store, monkeypatch):
    monkeypatch.setattr(uploads, "UPLOAD_INTERVAL_S", 0.02)
    made, folder = make()
    path = write(folder, "a", b"one")
    made.add(path)
    wait_for(lambda: store.objects == {"s3://perf/x/a.cwrecord": b"one"})
    path.write_bytes(b"one and two")
    wait_for(lambda: store.objects == {"s3://perf/x/a.cwrecord": b"one and two"})
    path.write_bytes(b"whole")
    assert made.finish(5.0)
    assert store.objects == {"s3://perf/x/a.cwrecord": b"whole"}
    assert not path.exists()
    assert not folder.parent.exists()


def test_what_has_not_changed_is_not_put_again(make, store, monkeypatch):
    monkeypatch.setattr(uploads, "UPLOAD_INTERVAL_S", 0.005)
    made, folder = make()
    made.add(write(folder, "a", b"one"))
    wait_for(lambda: store.objects)
    gevent.sleep(0.05)  # ten times
    assert made.finish(5.0)
    assert store.puts == ["s3://perf/x/a.cwrecord"]


def test_the_last_run_comes_first_at_the_end_and_every_one_arrives(make, store):
    made, folder = make()
    for run in ("a", "b", "c"):
        made.add(write(folder, run, run.encode()))
    assert made.finish(5.0)
    assert store.puts == [f"s3://perf/x/{run}.cwrecord" for run in ("c", "b", "a")]


def test_a_failure_is_said_once_and_at_the_end_once_for_each_record(make, store, monkeypatch, caplog):
    monkeypatch.setattr(uploads, "UPLOAD_INTERVAL_S", 0.005)
    store.error = "s3://perf/x/a.cwrecord: there is no bucket perf"
    made, folder = make()
    path = write(folder, "a", b"one")
    made.add(path)
    wait_for(lambda: len(store.puts) >= 3)
    assert not made.finish(5.0)
    assert path.read_bytes() == b"one"
    early, last = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert early == f"locust-cw: the record can't be put to S3 yet ({store.error}); it is kept here and retried"
    assert last.endswith(f"({store.error}); it stays here: aws s3 cp {path} s3://perf/x/a.cwrecord")


def test_what_failed_may_succeed_at_the_end(make, store):
    store.error = "slow down"
    made, folder = make()
    made.add(write(folder, "a", b"one"))
    wait_for(lambda: store.puts)
    store.error = None
    assert made.finish(5.0)
    assert store.objects == {"s3://perf/x/a.cwrecord": b"one"}


def test_an_s3_that_never_answers_is_given_up_in_time(make, store, caplog):
    store.never_answers = True
    made, folder = make()
    paths = [write(folder, run, b"one") for run in ("a", "b")]
    for path in paths:
        made.add(path)
    wait_for(lambda: store.puts)
    with gevent.Timeout(DEADLINE_S):
        assert not made.finish(0.2)
    assert all(path.exists() for path in paths)
    assert "could not be put to S3 (no answer within 0 s)" in caplog.text
    assert "could not be put to S3 (no time was left)" in caplog.text


def test_the_limit_of_whoever_calls_is_not_taken_for_an_answer_that_does_not_come(make, store):
    store.never_answers = True
    made, folder = make()
    made.add(write(folder, "a", b"one"))
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.1):
        made.finish(60.0)


def test_what_a_process_left_is_put_by_the_next_with_the_same_spool(make, store, tmp_path):
    spool = str(tmp_path / "spool")
    store.error = "away"
    first, folder = make("first", spool_dir=spool)
    path = write(folder, "a", b"left")
    first.add(path)
    assert not first.finish(1.0)
    # The kernel frees the lock when the process ends; here it was given back.
    store.error = None
    second, other = make("second", spool_dir=spool)
    wait_for(lambda: store.objects == {"s3://perf/x/a.cwrecord": b"left"})
    wait_for(lambda: not folder.exists())
    assert second.finish(1.0)
    assert not other.exists()
    assert not path.exists()


def test_what_belongs_to_another_place_is_left_for_a_master_that_puts_there(make, store, tmp_path):
    spool = str(tmp_path / "spool")
    store.error = "away"
    for place in (S3Location("perf", "x/y"), S3Location("other", "x"), S3Location("perf", "")):
        first = Uploads(Settings(record=str(place), spool_dir=spool), place, Deaf(), DiskThread(), LogOnce())
        first.add(write(first.open(f"process-of-{place.bucket}"), "a", b"left"))
        assert not first.finish(1.0)
    second, _ = make("second", spool_dir=spool)
    gevent.sleep(0.1)
    assert second.finish(1.0)
    assert store.puts == []
    assert len(list(tmp_path.rglob("a.cwrecord"))) == 3


class Deaf(Store):
    """Takes nothing, anywhere."""

    def prepare(self, place):
        pass

    def put(self, content, target):
        raise S3Error("away")


def test_what_a_process_that_lives_has_is_left_alone(make, store, tmp_path):
    spool = str(tmp_path / "spool")
    first, folder = make("first", spool_dir=spool)
    path = write(folder, "a", b"grows")
    second, _ = make("second", spool_dir=spool)
    gevent.sleep(0.1)
    assert second.finish(1.0)
    assert store.puts == []
    assert path.exists()
    assert first.finish(1.0)


def test_a_dry_run_puts_nothing_and_needs_no_boto3(make, store, caplog):
    caplog.set_level(logging.INFO)
    made, folder = make(dry_run=True)
    path = write(folder, "a", b"one")
    made.add(path)
    assert made.finish(5.0)
    assert (store.puts, store.is_warm) == ([], False)
    assert f"dry run: the record of run a is {path}, and not put to s3://perf/x/a.cwrecord" in caplog.text
