"""Mistyped commands and options: the error names the nearest one that there is."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from locust_cw_dist.settings.option import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

_WRONG = re.compile(r"invalid choice: '(?P<choice>[^']*)'|unrecognized arguments: (?:.*? )?(?P<option>--[^ =]*)")
"""What argparse says of a word that it doesn't know, in all versions of Python."""

_PREFIXES = (PREFIX, "--", "")


def with_suggestion(message: str, words: Iterable[str]) -> str:
    """Return an error of argparse with the nearest of `words`; as it is where no word was unknown or none is near."""
    wrong = _WRONG.search(message)
    if wrong is None:
        return message
    typed = wrong["choice"] or wrong["option"] or ""
    # Without what options have in common, which would make any two look alike.
    prefix = next(prefix for prefix in _PREFIXES if typed.startswith(prefix))
    names = [word.removeprefix(prefix) for word in words if word.startswith(prefix)]
    near = difflib.get_close_matches(typed.removeprefix(prefix), names, n=1)
    kind = "option" if prefix else "command"
    return f"unknown {kind} {typed}: did you mean {prefix}{near[0]}?" if near else message


def name_near_options(parser: Any) -> None:
    """Make `parser`, one of Locust's, name the nearest of our options where one is not known."""
    # Locust 2.47 does so on a second line, Locust 2.32 and argparse don't. Other plugins' options are theirs to name.
    refuse = parser.error

    def error(message: str) -> None:
        actions = parser._actions  # noqa: SLF001 - there is no public way to ask
        ours = [flag for action in actions for flag in action.option_strings if flag.startswith(PREFIX)]
        refuse(with_suggestion(message, ours))

    parser.error = error
