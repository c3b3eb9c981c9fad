"""Files that a script makes: written, or checked to be what it would write."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_or_check(path: Path, wanted: str) -> int:
    """Write a file; with ``--check`` among the arguments say whether it is as wanted. Returns the exit code."""
    if "--check" not in sys.argv[1:]:
        path.write_text(wanted)
    elif path.read_text() != wanted:
        print(f"{path.name} is out of date: python {sys.argv[0]}", file=sys.stderr)
        return 1
    return 0
