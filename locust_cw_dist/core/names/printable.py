r"""Texts from elsewhere as a terminal may get them: on one line, and without a code that it would obey."""

from __future__ import annotations

import re

_NOT_PRINTED = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, what turns the direction of writing, ends of lines, and halves of characters."""


def printable(text: object) -> str:
    r"""Return a text with escapes, as ``\x1b``, for what is not to be printed; what is printable stays as it is."""
    return _NOT_PRINTED.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))
