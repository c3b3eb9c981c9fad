"""Standard error: where Locust logs and prints its tables, and where people and CI read.

The last lines of a run go there by themselves, not through logging: under `--loglevel WARNING`, under
`--skip-log-setup` and with a log file that nobody opens, whoever reads a CI log still learns what happened. Each line
of a block with the prefix of a log record could not be read, either.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from locust_cw_dist.core.progress.plain_text import COLUMNS, Marks, marks_of


def is_terminal() -> bool:
    """Whether a person watches, in whose terminal a line can be written anew."""
    try:
        return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:
        return False


def columns() -> int:
    """Return how many columns a line may have that is to be written anew: no more than the terminal, nor than any."""
    try:
        found = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError, AttributeError):
        return COLUMNS
    # A terminal of 0 columns does not know how many it has.
    return min(COLUMNS, found or COLUMNS)


def marks() -> Marks:
    """Return the marks that can be shown there."""
    return marks_of(getattr(sys.stderr, "encoding", None))


def write_lines(lines: Iterable[str]) -> None:
    """Write lines, in one piece: what others write meanwhile comes before or after them."""
    write("".join(f"{line}\n" for line in lines))


def write(text: str) -> None:
    """Write a text; where nobody reads any more, it is gone."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    # A closed pipe, a closed file, no file at all.
    except (OSError, ValueError, AttributeError):
        return
