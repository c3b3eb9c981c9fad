"""Files: what is done with files the same way wherever it is done."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PART = ".part"
"""How the name of a file ends that is being written."""


def write_all(file: io.FileIO, content: bytes) -> None:
    """Write to a file that has no buffer, which may take less at a time.

    Raises:
        OSError: The disk did not take it.
    """
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def part_of(path: Path) -> Path:
    """Return where a file is written that is to be at `path` when it is whole."""
    return path.with_name(path.name + PART)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file whole or not at all: what is written in the block is durable, and at `path`, after it.

    Raises:
        OSError: The disk did not take it.
    """
    part = part_of(path)
    with part.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file as `replacing` does, in one go.

    Raises:
        OSError: The disk did not take it.
    """
    with replacing(path) as file:
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
