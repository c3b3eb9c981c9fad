"""The word after a number: one result, two results."""

from __future__ import annotations


def plural(count: int, one: str, many: str = "") -> str:
    """Return `one` after 1 or -1, else `many`, which is `one` with an s unless it is given."""
    return one if abs(count) == 1 else many or f"{one}s"


def counted(count: int, one: str, many: str = "") -> str:
    """Return the number with its word: ``1 result``, ``12,000 results``."""
    return f"{count:,} {plural(count, one, many)}"
