"""The console of commands that a person reads: colours on a terminal, plain text of a fixed width elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PIPED_COLUMNS = 100
"""Width where there is no terminal to ask."""


def make_console() -> Console:
    """Return a console for standard output."""
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPED_COLUMNS)
