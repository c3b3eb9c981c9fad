"""NamePattern: a user's regular expression for request names, which can't hold the hub for long.

Python's `re` may need hours for one name of 30 letters (``/(a+)+b``), and nothing can stop it. `regex` reads the same
syntax, look-around included, and stops when its time is up. So a match ends in one of three ways: yes, no, or
`TooSlowError`.
"""

from __future__ import annotations

import re
from typing import Any

from locust_cw_dist.core.names.shorten import shown

MAX_MATCH_S = 0.002
"""How much processor time one match may take. An ordinary one takes some microseconds."""

MAX_SLOW_NAMES = 3
"""After so many names that took too long, the expression is tried on no further one."""

_LITERAL_BRACE = re.compile(r"(\\N\{[^}]*\}|\\.)|\{(?!(?:\d+(?:,\d*)?|,\d*)\})", re.DOTALL)
"""What an escape covers; else a brace that begins no number of repeats."""


class TooSlowError(Exception):
    """It can't be told in time whether a name matches. ``str()`` of it says which expression and which name."""


class NamePattern:
    """A regular expression that must match a whole name."""

    def __init__(self, text: str) -> None:
        """Compile it.

        Raises:
            ValueError: It is no regular expression; ``str()`` of it says why.
        """
        self.text = text
        self._slow_names: list[str] = []
        try:
            re.compile(text)
        except re.error as e:
            raise ValueError(str(e)) from None
        # For regex, {id} allows insertions and deletions; a name as /item/{id} shall match itself, as with re.
        self._compiled = _regex().compile(_LITERAL_BRACE.sub(lambda found: found[1] or r"\{", text))

    def matches(self, name: str) -> bool:
        """Whether it matches the whole name.

        Raises:
            TooSlowError: It took too long, for this name or for `MAX_SLOW_NAMES` others before.
        """
        if len(self._slow_names) < MAX_SLOW_NAMES:
            try:
                return self._compiled.fullmatch(name, timeout=MAX_MATCH_S) is not None
            except TimeoutError:
                self._slow_names.append(name)
        raise TooSlowError(
            f"the expression {shown(self.text)} takes too long on the name {shown(self._slow_names[-1])}"
        )


def _regex() -> Any:
    # Here, since it takes 30 ms to load and a worker has no expressions.
    import regex

    return regex
