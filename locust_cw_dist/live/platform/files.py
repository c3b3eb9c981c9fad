"""Files: what is done with files the same way wherever it is done."""

from __future__ import annotations

import io


def write_all(file: io.FileIO, content: bytes) -> None:
    """Write to a file that has no buffer, which may take less at a time.

    Raises:
        OSError: The disk did not take it.
    """
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
