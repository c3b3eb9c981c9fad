"""Files in a spool that no process of ours has written: each is named and left, and everything else is sent."""

from __future__ import annotations

import os
import stat
import time

import pytest

from locust_cw_dist.live.spool.folder import MAX_FILE_BYTES, Spool
from locust_cw_dist.testing import ScriptedSink
from locust_cw_dist.tools.cli.main import main
from support.publishing.publisher import Bench
from support.records.spools import batch, leave

pytestmark = pytest.mark.once


def huge(path):
    path.touch()
    os.truncate(path, MAX_FILE_BYTES + 1)


BAD = {
    "state.json": {
        "nested": lambda path: path.write_text("[" * 100_000),
        "number": lambda path: path.write_text(f'{{"version": {"9" * 5000}}}'),
        "nan": lambda path: path.write_text('{"version": 1, "ended": false, "runs": [["r", 1, 1, 1, 1, NaN]]}'),
        "fifo": os.mkfifo,
        "folder": lambda path: path.mkdir(),
        "zeros": lambda path: path.symlink_to("/dev/zero"),
        "huge": huge,
    },
    "00000009.batch": {
        "junk": lambda path: path.write_bytes(b"junk"),
        "fifo": os.mkfifo,
        "folder": lambda path: path.mkdir(),
        "zeros": lambda path: path.symlink_to("/dev/zero"),
        "huge": huge,
    },
    "lock": {
        "fifo": os.mkfifo,
        "folder": lambda path: path.mkdir(),
        "zeros": lambda path: path.symlink_to("/dev/zero"),
    },
    "\x1b[2J\udcff.batch": {"junk": lambda path: path.write_bytes(b"junk")},
}
CASES = [(name, kind) for name, kinds in BAD.items() for kind in kinds]


@pytest.fixture(scope="module")
def recovered(tmp_path_factory):
    """A spool with one folder for each bad file, and what a master made of it."""
    root = tmp_path_factory.mktemp("spool")
    sent = {}
    for number, (name, kind) in enumerate(CASES):
        (path,) = leave(root, f"{number:02d}", [batch(f"run {number}", number + 1)])
        bad = path.with_name(name)
        bad.unlink(missing_ok=True)
        BAD[name][kind](bad)
        # What has no lock can't be taken over.
        sent[number] = 0 if name == "lock" else number + 1
    bench = Bench(ScriptedSink(), spool_dir=str(root))
    bench.clock.time_s = time.time()
    bench.start()
    bench.keeper._greenlets[0].join(60)
    bench.flush()
    found = {number: bench.recovered.get(f"run {number}") for number in sent}
    skipped = dict(bench.keeper.recovery.skipped)
    bench.keeper.close(bench.publisher)
    return root, {number: run.ledger.published if run else 0 for number, run in found.items()}, sent, skipped


def test_what_can_be_read_is_sent(recovered):
    _, published, sent, _ = recovered
    assert published == sent


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{ascii(name)[1:-1]}-{kind}" for name, kind in CASES])
def test_what_cannot_be_read_is_named_and_left(recovered, number):
    root, _, _, skipped = recovered
    name, _ = CASES[number]
    folder = root / f"{number:02d}"
    assert os.path.lexists(folder / name)
    assert folder / ("" if name == "lock" else name) in skipped


def test_nothing_of_a_name_or_a_run_id_reaches_the_terminal(tmp_path, capsys):
    leave(tmp_path, "killed", [batch("run \x1b]0;title\x07 1", 3)])[0].with_name("\x1b[2J.batch").touch()
    assert main(["resend", str(tmp_path), "--dry-run"]) == 1
    text = "".join(capsys.readouterr())
    assert r"\x1b[2J.batch: it is not a file of a spool" in text
    assert r"run \x1b]0;title\x07 1 on disk" in text
    assert not {"\x1b", "\x07"} & set(text)


def test_folders_and_files_are_for_their_owner_alone(tmp_path):
    old = os.umask(0o002)
    try:
        spool = Spool(tmp_path / "deep" / "spool", "mine", note=b"note")
        spool.open()
        spool.put(batch("run 1", 3), trying=True)
        spool.write_state(b"{}")
        spool.set_aside(b"{}")
        spool.close()
    finally:
        os.umask(old)
    made = [tmp_path / "deep", *(tmp_path / "deep").rglob("*")]
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in made}
    assert modes == {
        **dict.fromkeys(("deep", "spool", "mine"), 0o700),
        **dict.fromkeys(("lock", "state.json", "refused.jsonl", "00000001.batch", "00000001.trying"), 0o600),
    }


def test_a_users_own_file_is_left_and_what_a_killed_process_left_half_is_not(tmp_path):
    spool = Spool(tmp_path, "mine")
    spool.open()
    own = [tmp_path / "mine" / name for name in ("notes.part", "00000001.part", ".notes.txt.0a1b2c3d.part")]
    halves = [tmp_path / "mine" / f".{name}.0a1b2c3d.part" for name in ("00000001.batch", "state.json")]
    for path in (*own, *halves):
        path.write_text("text")
    assert spool.put(batch("run 1", 3)) is not None
    spool.remove(tmp_path / "mine" / "00000001.batch")
    spool.close()
    assert sorted((tmp_path / "mine").iterdir()) == sorted(own)


def test_a_link_in_place_of_our_files_does_not_lead_elsewhere(tmp_path):
    theirs = tmp_path / "theirs.txt"
    theirs.write_text("text")
    (path,) = leave(tmp_path / "spool", "killed", [batch("run 1", 3)])
    (path.parent / "lock").unlink(missing_ok=True)
    (path.parent / "lock").symlink_to(theirs)
    (tmp_path / "spool" / "refused.jsonl").symlink_to(theirs)
    spool = Spool(tmp_path / "spool", "mine", note=b"note")
    spool.open()
    assert [orphan.error != "" for orphan in spool.adopt()] == [True]
    with pytest.raises(OSError, match="symbolic links"):
        spool.set_aside(b"{}")
    spool.close()
    assert theirs.read_text() == "text"


def test_what_cannot_be_a_batch_takes_no_room(tmp_path):
    (path,) = leave(tmp_path, "killed", [b"x" * 40])
    huge(path.with_name("00000002.batch"))
    spool = Spool(tmp_path, "mine", max_bytes=100)
    spool.open()
    assert spool.put(b"y" * 50) is not None
    spool.close()
