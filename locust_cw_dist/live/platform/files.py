"""Files that are written: whole or not at all, and beside nothing that is somebody else's.

A file is written under a name that nobody had, ``.NAME.<8 hex digits>.part``, and takes its own when it is on disk.
"""

from __future__ import annotations

import errno
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from locust_cw_dist.regular_files import NO_WAITING

EVERYONE, OWNER_ONLY = 0o666, 0o600
"""Who may use a new file: all whom the umask lets, or its owner alone."""

_PART = re.compile(r"\.(.+)\.[0-9a-f]{8}\.part", re.DOTALL)


def part_of(path: Path) -> str | None:
    """Return the name of the file that one was to become which a process left when it was killed; None: it is none."""
    found = _PART.fullmatch(path.name)
    return found and found[1]


def new_part(path: Path, mode: int = EVERYONE) -> tuple[Path, io.FileIO]:
    """Make the file that becomes `path` when it is renamed, open for writing and without a buffer.

    Raises:
        OSError: The disk did not take it.
    """
    part = path.with_name(f".{path.name[:200]}.{token_hex(4)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_WAITING, mode)
    return part, io.FileIO(descriptor, "w")


def try_writing(path: Path) -> None:
    """Find out whether a file can be written, and leave nothing.

    Raises:
        OSError: It can't.
    """
    part, file = new_part(path)
    file.close()
    part.unlink()


def check_writable(path: Path) -> None:
    """Make a file's folder, and find out whether the file can be written.

    Raises:
        OSError: It can't.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    try_writing(path)


def write_all(file: io.FileIO, content: bytes) -> None:
    """Write to a file that has no buffer, which may take less at a time.

    Raises:
        OSError: The disk did not take it.
    """
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


@contextmanager
def replacing(path: Path, mode: int = EVERYONE) -> Iterator[BinaryIO]:
    """Write a file whole or not at all: what is written in the block is durable, and at `path`, after it.

    Raises:
        OSError: The disk did not take it.
    """
    part, unbuffered = new_part(path, mode)
    try:
        with io.BufferedWriter(unbuffered) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    sync_folder(path.parent)


def write_whole(path: Path, content: bytes, mode: int = EVERYONE) -> None:
    """Write a file as `replacing` does, in one go.

    Raises:
        OSError: The disk did not take it.
    """
    with replacing(path, mode) as file:
        file.write(content)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, which syncing the files does not.

    Raises:
        OSError: The disk did not take them.
    """
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
