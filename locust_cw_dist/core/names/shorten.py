"""Shortening of texts: of names so that two stay two, of values for messages."""

from __future__ import annotations

import hashlib
import re

_HASH_CHARS = 16


_CUT_END = re.compile(rf"~[0-9a-f]{{{_HASH_CHARS}}}\Z")


def shorten(text: str, limit: int) -> str:
    """Return `text`, cut to `limit` characters and ending with a hash of the whole if it is longer.

    Args:
        text: Any text, lone surrogates included.
        limit: Characters, above 17.
    """
    return _cut(text, text, limit)


def shown(value: object) -> str:
    """A value as an error message shows it: on one line, and not longer than a line."""
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def meant(value: object) -> str:
    """Return ``; was 95 meant?`` of 0.95 where per cent are expected; of all but a fraction nothing."""
    is_fraction = isinstance(value, int | float) and 0 < value < 1
    return f"; was {round(100 * value, 4):g} meant?" if is_fraction else ""  # type: ignore[operator]


def _looks_cut(text: str, limit: int) -> bool:
    return len(text) == limit and _CUT_END.search(text) is not None


def _cut(text: str, whole: str, limit: int) -> str:
    """Return `text`; where it is over `limit` or looks cut, its beginning and a hash of `whole`."""
    if len(text) < limit or (len(text) == limit and not _looks_cut(text, limit)):
        return text
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[: limit - _HASH_CHARS - 1]}~{digest[:_HASH_CHARS]}"
