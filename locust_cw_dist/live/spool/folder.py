"""Spool: batches on disk that CloudWatch has not taken, so that they outlive this process.

    FOLDER/
      <process>/              one for each process, whose owner holds the lock as long as it lives
        lock                  what its holder says of itself
        state.json            what became of its runs, as of a second ago
        00000001.batch        see `core.spool.batch_file`
        00000001.trying       it is being sent: if this process dies now, nobody knows whether it was taken
      refused.jsonl           datums that CloudWatch refuses, with the reason
      records/<place>/        a folder like this one, of records that belong to a place in S3 (`live.records.uploads`)

The kernel gives a lock free when its holder dies, however it dies; a folder whose lock is free is an orphan, and
whoever takes its lock may send what it holds. Each file is written under another name, synced, and renamed: it is
whole or not there. Folders and files that are made here are for their owner alone. What others may have put there is
read with care (`regular_files`), and no link is followed.

Every method blocks. State: touched by one thread at a time (`DiskThread`); nothing here logs.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from locust_cw_dist.core.records.location import SUFFIX
from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.files import OWNER_ONLY, part_of, sync_folder, write_whole
from locust_cw_dist.regular_files import NO_WAITING, read_regular, reason, require_regular

MAX_SPOOL_BYTES = 512 * 2**20
"""What all batches in a folder may take: a window of 100 endpoints with 250 values each is some 150 kB, so this holds
ten hours of an outage at 10 s windows. What has no room waits in memory."""

MAX_REFUSED_BYTES = 16 * 2**20
"""What `refused.jsonl` may grow to: it is for people."""

MAX_FILE_BYTES = 4 * 2**20
"""No batch is as large; a larger file was not written here."""

MAX_STATE_BYTES = 512 * 1024
"""What is read of another process's state: a thousand runs, with ids as long as ours are ten times over."""

MAX_NOTE_BYTES = 64 * 1024
"""What is read of another process's note."""

FOLDER_MODE = 0o700

BATCH, TRYING = ".batch", ".trying"
LOCK, STATE, REFUSED = "lock", "state.json", "refused.jsonl"

_NUMBERED = re.compile(rf"[0-9]{{8}}{re.escape(BATCH)}|{re.escape(STATE)}|.+{re.escape(SUFFIX)}", re.DOTALL)
"""Files that processes write whole, and so leave half of when they are killed."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """What a process left that is gone.

    Attributes:
        folder: Its folder, whose lock this process holds now.
        batches: Files, oldest first, each with whether it was being sent when the process ended.
        foreign: Files that no process of ours writes.
        state: What `state.json` holds; empty if there is none, or it can't be read.
        state_error: Why `state.json` can't be read; empty if it can.
        error: Why the folder can't be used and is not held; empty if it is.
    """

    folder: Path
    batches: tuple[tuple[Path, bool], ...]
    foreign: tuple[Path, ...]
    state: bytes
    state_error: str = ""
    error: str = ""


class Spool:
    """One folder of batches, used by one process or several; see the module's docstring."""

    def __init__(self, folder: Path, name: str, max_bytes: int = MAX_SPOOL_BYTES, note: bytes = b"") -> None:
        """Use `folder`, in which this process is called `name`; `open` makes it. Others see `note` in its locks."""
        self.folder = folder
        self._note = note
        self._own = folder / name
        self._max_bytes = max_bytes
        self._used_bytes = 0
        self._number = 0
        self._locks: dict[Path, int] = {}
        self._foreign: set[Path] = set()
        forks.watch(self)

    def open(self) -> None:
        """Make the folders and take this process's lock.

        Raises:
            OSError: It can't be written there.
        """
        # Under a name that nobody adopts, until it is locked.
        unlocked = self.folder / f".{self._own.name}"
        _make_folder(unlocked)
        self._lock(unlocked)
        unlocked.rename(self._own)
        self._locks[self._own] = self._locks.pop(unlocked)
        self._used_bytes = self._measure_bytes()

    def new_path(self) -> Path:
        """Return a file that no batch has yet; does not block."""
        self._number += 1
        return self._own / f"{self._number:08d}{BATCH}"

    def put(self, content: bytes, path: Path | None = None, *, trying: bool = False) -> Path | None:
        """Write a batch and return its file; None if there is no room.

        Args:
            content: What the file holds.
            path: The file, of `new_path`; a new one by default. What it holds is replaced.
            trying: Whether nobody knows if CloudWatch has taken it.

        Raises:
            OSError: The disk did not take it.
        """
        if not self._has_room(len(content)):
            return None
        path = path or self.new_path()
        if trying:
            self.mark(path)
        size_bytes = _size_bytes(path)
        write_whole(path, content, OWNER_ONLY)
        self._used_bytes += len(content) - size_bytes
        return path

    def replace(self, path: Path, content: bytes) -> None:
        """Write a batch in the place of another."""
        size_bytes = _size_bytes(path)
        write_whole(path, content, OWNER_ONLY)
        self._used_bytes += len(content) - size_bytes

    def read(self, path: Path) -> bytes:
        """Return what a file holds.

        Raises:
            OSError: It can't be read, is no regular file, or is larger than any batch.
        """
        return read_regular(path, MAX_FILE_BYTES, follows_links=False)

    def mark(self, path: Path) -> None:
        """Note on disk that a batch is being sent."""
        path.with_suffix(TRYING).touch(OWNER_ONLY)
        sync_folder(path.parent)

    def unmark(self, path: Path) -> None:
        """Note on disk that a batch is not being sent: its fate is known."""
        path.with_suffix(TRYING).unlink(missing_ok=True)
        sync_folder(path.parent)

    def remove(self, path: Path) -> None:
        """Remove a batch; first itself and then its mark, so that it is never there without one."""
        with suppress(FileNotFoundError):
            size_bytes = _size_bytes(path)
            path.unlink()
            self._used_bytes -= size_bytes
            sync_folder(path.parent)
        path.with_suffix(TRYING).unlink(missing_ok=True)

    def write_state(self, content: bytes) -> None:
        """Note what became of this process's runs."""
        write_whole(self._own / STATE, content, OWNER_ONLY)

    def set_aside(self, line: bytes) -> bool:
        """Add a line to `refused.jsonl`; return False if it is full."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | NO_WAITING
        with os.fdopen(os.open(self.folder / REFUSED, flags, OWNER_ONLY), "ab") as file:
            if require_regular(file.fileno()).st_size + len(line) > MAX_REFUSED_BYTES:
                return False
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return True

    def adopt(self) -> list[Orphan]:
        """Take over the folders of processes that are gone; oldest first."""
        return [orphan for path in self._others() if (orphan := _usable(self._take_over, path)) is not None]

    def look(self) -> list[Orphan]:
        """Return what `adopt` would, but touch nothing; this needs no `open`."""
        return [orphan for path in self._others() if (orphan := _usable(_look_into, path)) is not None]

    def in_use(self) -> list[Path]:
        """Return the folders of other processes that live."""
        held = []
        for path in self._others():
            # What can't be opened is told of by `adopt` and `look`.
            with suppress(OSError):
                if _is_held(path):
                    held.append(path)
        return held

    def notes(self) -> list[bytes]:
        """Return what other processes that live say of themselves."""
        notes = []
        for path in self.in_use():
            with suppress(OSError):
                notes.append(read_regular(path / LOCK, MAX_NOTE_BYTES, follows_links=False))
        return notes

    def leave(self, path: Path) -> None:
        """Never remove this file: it has a name of ours, and holds something else."""
        self._foreign.add(path)

    def forget(self, folder: Path) -> None:
        """Remove an adopted folder, or this process's own, if no batch or record is left in it; free its lock."""
        if not any((*folder.glob(f"*{BATCH}"), *folder.glob(f"*{SUFFIX}"))):
            halves = (path for path in folder.glob(".*") if _is_half(path))
            for path in {*folder.glob(f"*{TRYING}"), *halves, folder / STATE, folder / LOCK} - self._foreign:
                # A folder of that name, say.
                with suppress(OSError):
                    path.unlink()
            # Something foreign may be in it, which stays.
            with suppress(OSError):
                folder.rmdir()
        if folder in self._locks:
            os.close(self._locks.pop(folder))

    def close(self) -> None:
        """Remove what is empty, and free every lock: what is left is for the next process."""
        for folder in list(self._locks):
            self.forget(folder)

    def abandon(self) -> None:
        """Leave the locks to the parent, in a forked process: they must be free when that ends."""
        for lock in self._locks.values():
            forks.sever(lock)
        self._locks.clear()

    def _has_room(self, size_bytes: int) -> bool:
        if self._used_bytes + size_bytes > self._max_bytes:
            # Others may have made some.
            self._used_bytes = self._measure_bytes()
        return self._used_bytes + size_bytes <= self._max_bytes

    def _measure_bytes(self) -> int:
        return sum(_size_bytes(path) for path in self.folder.glob(f"*/*{BATCH}"))

    def _take_over(self, folder: Path) -> Orphan | None:
        return _orphan(folder) if self._lock(folder) else None

    def _others(self) -> list[Path]:
        """Return the folders of other processes; one with batches and no lock was copied here."""
        folders = [path for path in sorted(self.folder.iterdir()) if path.is_dir() and path not in self._locks]
        folders = [path for path in folders if not path.name.startswith(".")]
        return [path for path in folders if _is_used(path)]

    def _lock(self, folder: Path) -> bool:
        try:
            file = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | NO_WAITING, OWNER_ONLY)
        except FileNotFoundError:
            # Its process has ended just now, and left nothing.
            return False
        try:
            # Without a name it is likewise the lock of a folder that is gone.
            is_free = require_regular(file).st_nlink > 0
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_free = is_free and os.fstat(file).st_nlink > 0
        except BlockingIOError:
            is_free = False
        except OSError:
            os.close(file)
            raise
        if not is_free:
            os.close(file)
            return False
        os.ftruncate(file, 0)
        os.write(file, self._note)
        self._locks[folder] = file
        return True


def _is_held(folder: Path) -> bool:
    """Whether a process that lives holds a folder's lock; this process must not.

    A shared lock, for a moment, finds out without writing.
    """
    try:
        file = os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW | NO_WAITING)
    except FileNotFoundError:
        return False
    try:
        require_regular(file)
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _look_into(folder: Path) -> Orphan | None:
    return None if _is_held(folder) else _orphan(folder)


def _usable(take: Callable[[Path], Orphan | None], folder: Path) -> Orphan | None:
    """Return what `take` finds in a folder; None if that is nothing, or the folder is gone meanwhile."""
    try:
        return take(folder)
    except FileNotFoundError:
        return None
    except OSError as e:
        # Of another user, say: whatever it is, the other folders can be used.
        return Orphan(folder, (), (), b"", error=f"it can't be used: {reason(e)}")


def _make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner alone."""
    missing = [above for above in folder.parents if not above.exists()]
    for above in reversed(missing):
        above.mkdir(FOLDER_MODE, exist_ok=True)
    folder.mkdir(FOLDER_MODE)


def _is_used(folder: Path) -> bool:
    """Whether a process has, or had, a folder; one that may not be looked into counts, for others to say so."""
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return LOCK in names or any(name.endswith(BATCH) for name in names)


def _is_half(path: Path) -> bool:
    """Whether a process of ours was killed while it wrote a file."""
    whole = part_of(path)
    return whole is not None and _NUMBERED.fullmatch(whole) is not None


def _size_bytes(path: Path) -> int:
    """Return what a batch takes; 0 if it is not there, or not any more: other processes remove theirs.

    What can't be a batch takes no room from those that are.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_FILE_BYTES else 0


def _orphan(folder: Path) -> Orphan:
    known = {LOCK, STATE}
    files = sorted(path for path in folder.iterdir() if path.name not in known and not _is_half(path))
    batches = tuple((path, os.path.lexists(path.with_suffix(TRYING))) for path in files if path.suffix == BATCH)
    foreign = tuple(path for path in files if path.suffix not in {BATCH, TRYING})
    try:
        state, error = read_regular(folder / STATE, MAX_STATE_BYTES, follows_links=False), ""
    except FileNotFoundError:
        state, error = b"", ""
    except OSError as e:
        state, error = b"", reason(e)
    return Orphan(folder, batches, foreign, state, error)
