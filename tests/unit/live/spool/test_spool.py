"""The spool on a real disk: whole files or none, locks that end with their holder, bounds."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from locust_cw_dist.live.spool.folder import Spool
from support.cluster.processes import wait_until


@pytest.fixture
def spool(tmp_path):
    made = Spool(tmp_path / "spool", "one")
    made.open()
    yield made
    made.close()


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_batch_is_there_until_it_is_removed(spool):
    path = spool.put(b"first")
    second = spool.put(b"second", trying=True)
    assert (spool.read(path), spool.read(second)) == (b"first", b"second")
    assert files(spool.folder) == ["one/00000001.batch", "one/00000002.batch", "one/00000002.trying", "one/lock"]
    spool.mark(path)
    spool.replace(path, b"the rest")
    spool.unmark(path)
    spool.remove(second)
    assert spool.read(path) == b"the rest"
    assert files(spool.folder) == ["one/00000001.batch", "one/lock"]


def test_an_empty_spool_leaves_nothing_behind(spool):
    spool.remove(spool.put(b"gone"))
    spool.write_state(b"{}")
    spool.close()
    assert list(spool.folder.iterdir()) == []


def test_what_is_left_is_for_the_next_process_and_for_one_only(spool):
    path = spool.put(b"left", trying=True)
    spool.write_state(b"state")
    (path.parent / "notes.txt").write_text("somebody's")
    spool.close()
    second, third = Spool(spool.folder, "two"), Spool(spool.folder, "three")
    second.open()
    third.open()
    (orphan,) = second.adopt()
    assert (orphan.folder.name, orphan.batches, orphan.state) == ("one", ((path, True),), b"state")
    assert [foreign.name for foreign in orphan.foreign] == ["notes.txt"]
    assert third.adopt() == []
    second.remove(path)
    second.close()
    assert files(spool.folder) == ["one/notes.txt", "three/lock"]
    assert third.adopt() == []
    third.close()


def test_a_folder_whose_process_lives_is_not_adopted_until_it_is_killed(spool, tmp_path):
    code = (
        "import sys, time, pathlib\n"
        "from locust_cw_dist.live.spool.folder import Spool\n"
        "spool = Spool(pathlib.Path(sys.argv[1]), 'other')\n"
        "spool.open(); spool.put(b'data'); print('ready', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(spool.folder)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    assert spool.adopt() == []
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    (orphan,) = spool.adopt()
    assert [path.name for path, _ in orphan.batches] == ["00000001.batch"]
    process.stdout.close()


def test_there_is_no_room_beyond_the_bound_and_removing_makes_some(tmp_path):
    spool = Spool(tmp_path, "one", max_bytes=100)
    spool.open()
    first = spool.put(b"x" * 60)
    assert spool.put(b"x" * 60) is None
    spool.replace(first, b"x" * 30)
    assert spool.put(b"x" * 60) is not None
    spool.remove(first)
    assert spool.put(b"x" * 41) is None
    assert spool.put(b"x" * 40) is not None
    spool.close()
    other = Spool(tmp_path, "two", max_bytes=100)
    other.open()
    assert other.put(b"x") is None, "what others left counts too"
    other.close()


def test_a_part_of_a_file_is_never_seen(spool, monkeypatch):
    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr("locust_cw_dist.live.spool.folder.os.fsync", fail)
    with pytest.raises(OSError, match="no space"):
        spool.put(b"torn")
    monkeypatch.undo()
    spool.close()
    other = Spool(spool.folder, "two")
    other.open()
    assert [orphan.batches for orphan in other.adopt()] in ([], [()])
    other.close()
    assert not list(spool.folder.rglob("*.batch"))


def test_refused_datums_are_lines_of_a_file_that_does_not_grow_for_ever(spool, monkeypatch):
    monkeypatch.setattr("locust_cw_dist.live.spool.folder.MAX_REFUSED_BYTES", 20)
    assert [spool.set_aside(b"x" * 9) for _ in range(3)] == [True, True, False]
    assert (spool.folder / "refused.jsonl").read_bytes() == b"xxxxxxxxx\n" * 2


def test_a_file_that_is_too_large_is_not_read(spool, monkeypatch):
    monkeypatch.setattr("locust_cw_dist.live.spool.folder.MAX_FILE_BYTES", 3)
    path = spool.put(b"four")
    with pytest.raises(OSError, match="over 3 bytes"):
        spool.read(path)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Spool(tmp_path / "file" / "spool", "one").open()


def test_the_lock_is_not_inherited_by_children(spool):
    spool.put(b"x")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"], close_fds=False)
    try:
        spool.close()
        other = Spool(spool.folder, "two")
        other.open()
        wait_until(other.adopt, "the folder is free", 5)
        other.close()
    finally:
        child.kill()
        child.wait()


def content_of(folder):
    return {name: ((folder / name).read_bytes(), (folder / name).stat().st_mtime_ns) for name in files(folder)}


def test_looking_finds_what_adopting_would_and_touches_nothing(spool):
    path = spool.put(b"left", trying=True)
    spool.write_state(b"state")
    spool.close()
    other = Spool(spool.folder, "two")
    before = content_of(spool.folder)
    seen = other.look()
    assert content_of(spool.folder) == before
    assert [(orphan.folder.name, orphan.batches, orphan.state) for orphan in seen] == [
        ("one", ((path, True),), b"state")
    ]
    other.open()
    assert other.adopt() == seen
    other.close()


def test_a_process_that_lives_is_seen_with_its_note_and_its_files_are_not(spool):
    held = Spool(spool.folder, "held", note=b"mine")
    held.open()
    held.put(b"x")
    assert (spool.look(), spool.in_use(), spool.notes()) == ([], [spool.folder / "held"], [b"mine"])
    # Looking takes no lock away from anybody.
    assert (spool.adopt(), held.in_use(), held.notes()) == ([], [spool.folder / "one"], [b""])
    held.close()
    assert (spool.in_use(), spool.notes()) == ([], [])
    assert [orphan.folder.name for orphan in spool.look()] == ["held"]


def test_who_adopts_a_folder_is_the_one_whose_note_is_in_it(spool):
    first = Spool(spool.folder, "first", note=b"a note that is longer")
    first.open()
    first.put(b"left")
    first.close()
    spool.close()
    second = Spool(spool.folder, "two", note=b"a shorter note")
    second.open()
    second.adopt()
    third = Spool(spool.folder, "three")
    assert set(third.notes()) == {b"a shorter note"}
    second.close()


def test_a_folder_that_was_copied_without_its_lock_is_adopted(spool):
    path = spool.put(b"left")
    spool.close()
    (path.parent / "lock").unlink()
    other = Spool(spool.folder, "two")
    assert [orphan.batches for orphan in other.look()] == [((path, False),)]
    other.open()
    assert [orphan.batches for orphan in other.adopt()] == [((path, False),)]
    third = Spool(spool.folder, "three")
    assert third.look() == []
    other.close()


def test_a_folder_that_goes_while_it_is_looked_at_is_not_there(spool, monkeypatch):
    other = Spool(spool.folder, "two")
    other.open()
    monkeypatch.setattr(other, "_others", lambda: [spool.folder / "gone"])
    assert (other.adopt(), other.in_use()) == ([], [])
    other.close()


def test_a_lock_of_a_folder_that_was_removed_meanwhile_is_none(spool, monkeypatch):
    other = Spool(spool.folder, "two")
    other.open()
    spool.put(b"x")
    (spool.folder / "one" / "00000001.batch").unlink()

    def flock_late(file, how):
        if (spool.folder / "one").exists():
            spool.close()
        fcntl.flock(file, how)

    monkeypatch.setattr(
        "locust_cw_dist.live.spool.folder.fcntl", SimpleNamespace(**vars(fcntl) | {"flock": flock_late})
    )
    assert other.adopt() == []
    assert not (spool.folder / "one").exists()
    other.close()
