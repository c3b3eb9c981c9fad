"""A spool that others use at the same time, and folders that this process may not open."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from locust_cw_dist.live.spool.folder import Spool
from locust_cw_dist.testing import ScriptedSink
from support.publishing.publisher import Bench
from support.records.spools import batch, leave


def test_a_batch_that_another_process_removes_while_the_spool_is_opened_is_no_error(tmp_path, monkeypatch):
    (path,) = leave(tmp_path, "other", [batch("run 1", 3)])
    stat = Path.stat

    def gone(self, **kwargs):
        if self == path:
            raise FileNotFoundError(path)
        return stat(self, **kwargs)

    monkeypatch.setattr(Path, "stat", gone)
    spool = Spool(tmp_path, "mine")
    spool.open()
    spool.close()


@pytest.fixture
def locked_away(tmp_path, monkeypatch):
    """A folder whose lock can't be opened, as that of another user; who runs the tests may be allowed everything."""
    (path,) = leave(tmp_path, "another-users", [batch("run 1", 3)])
    really_open = os.open

    def may_open(name, *args, **kwargs):
        if name == path.parent / "lock":
            raise PermissionError(errno.EACCES, "Permission denied", str(name))
        return really_open(name, *args, **kwargs)

    monkeypatch.setattr("locust_cw_dist.live.spool.folder.os.open", may_open)
    return path.parent


def test_a_folder_that_may_not_be_opened_is_said_and_the_others_are_sent(tmp_path, locked_away, caplog):
    bench = Bench(ScriptedSink(), spool_dir=str(tmp_path))
    leave(tmp_path, "killed", [batch("run 2", 5)])
    bench.clock.time_s = time.time()
    bench.start()
    bench.keeper._greenlets[0].join(5)
    bench.flush()
    assert bench.recovered["run 2"].ledger.published == 5
    assert f"skipped {locked_away}: " in caplog.text
    assert list(locked_away.glob("*.batch"))


def test_looking_says_a_folder_that_may_not_be_opened(tmp_path, locked_away):
    leave(tmp_path, "killed", [batch("run 2", 5)])
    orphans = Spool(tmp_path, "mine").look()
    assert {orphan.folder.name: len(orphan.batches) for orphan in orphans} == {"another-users": 0, "killed": 1}
    assert [orphan.error for orphan in orphans if orphan.folder == locked_away] != [""]


def test_room_that_another_process_has_made_is_used(tmp_path):
    leave(tmp_path, "other", [b"x" * 90])
    spool = Spool(tmp_path, "mine", max_bytes=100)
    spool.open()
    assert spool.put(b"y" * 20) is None
    other = Spool(tmp_path, "later", max_bytes=100)
    other.open()
    for orphan in other.adopt():
        other.remove(orphan.batches[0][0])
    other.close()
    assert spool.put(b"y" * 20) is not None
    spool.close()
