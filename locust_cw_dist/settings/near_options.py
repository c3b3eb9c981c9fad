"""Mistyped ``--cw-*`` options: the error names the nearest option that there is."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from locust_cw_dist.settings.option import PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNKNOWN = re.compile(r"unrecognized arguments: (?:.* )?(--cw-[^ =]*)")


def name_near_options(parser: Any) -> None:
    """Make `parser` name the nearest option, on the same line, where one that begins like ours is not known."""
    # Locust 2.47 does so on a second line, Locust 2.32 and argparse don't.
    refuse = parser.error

    def error(message: str) -> None:
        actions = parser._actions  # noqa: SLF001 - there is no public way to ask
        refuse(_with_suggestion(message, [flag for action in actions for flag in action.option_strings]))

    parser.error = error


def _with_suggestion(message: str, flags: Sequence[str]) -> str:
    typed = _UNKNOWN.search(message)
    # Without what all have in common, which would make any two look alike.
    names = [flag.removeprefix(PREFIX) for flag in flags if flag.startswith(PREFIX)]
    near = difflib.get_close_matches(typed[1].removeprefix(PREFIX), names, n=1) if typed else ()
    return f"unrecognized option {typed[1]}: did you mean {PREFIX}{near[0]}?" if typed and near else message
