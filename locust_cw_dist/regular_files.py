"""Files that others may have made, opened so that none of them can hold this process up or fill its memory.

Opening a FIFO waits for a writer, a device (or a link to one) has no end, and any file may be longer than memory. So
everything that is read from disk is opened here: without waiting, a regular file only, up to a size.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

NO_WAITING = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def open_regular(path: str | Path, max_bytes: int, *, follows_links: bool = True) -> BinaryIO:
    """Open a file for reading.

    Args:
        path: The file.
        max_bytes: How long it may be. It may grow later, so what reads it needs a bound of its own.
        follows_links: Whether it may be a symbolic link, as files of a Kubernetes ConfigMap are.

    Raises:
        OSError: It can't be opened, is no regular file or is too long; `strerror` says which.
    """
    descriptor = os.open(path, os.O_RDONLY | NO_WAITING | (0 if follows_links else os.O_NOFOLLOW))
    try:
        _require_size(require_regular(descriptor).st_size, max_bytes)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: str | Path, max_bytes: int, *, follows_links: bool = True) -> bytes:
    """Return what a file holds.

    Raises:
        OSError: As `open_regular`.
    """
    with open_regular(path, max_bytes, follows_links=follows_links) as file:
        content = file.read(max_bytes + 1)
    _require_size(len(content), max_bytes)
    return content


def require_regular(descriptor: int) -> os.stat_result:
    """Return what the system says of an open file.

    Raises:
        OSError: It is a FIFO, a device, a folder or a socket.
    """
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return status


def _require_size(size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise OSError(errno.EFBIG, f"it has {size_bytes:,} bytes or more, over {max_bytes:,} bytes")


def reason(error: OSError) -> str:
    """Return why a file can't be used, without a number and without its name."""
    return error.strerror or str(error)
