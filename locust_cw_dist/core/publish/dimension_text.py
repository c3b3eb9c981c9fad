r"""Text that CloudWatch takes: dimension values from any text, and checks of names that a user chose.

A dimension value has 1 to 1,024 printable ASCII characters, one of them not blank (see `limits`).
Locust's request names are any text. `clean_dimension_value` maps the one onto the other so that different
names stay different:

- A text that CloudWatch takes and that has no backslash stays as it is, so that series keep their names.
- In every other text a backslash becomes ``\\`` and what is not printable ASCII becomes ``\xNN``,
  ``\uNNNN`` or ``\UNNNNNNNN``; Python's ``unicode_escape`` reads that back. A text of nothing but blanks
  has its blanks escaped (``\x20``), and the empty text is ``\-``, which nothing else leads to.
- What is then longer than 1,024 characters is cut and ends with ``~`` and 16 hex digits of the SHA-256 of
  the whole. A text that looks like that already gets a hash of its own, so that it can't be mistaken for
  a cut one.
"""

from __future__ import annotations

import re

from locust_cw_dist.core.names.shorten import _cut, _looks_cut
from locust_cw_dist.core.publish.limits import (
    MAX_DIMENSION_NAME_CHARS,
    MAX_DIMENSION_VALUE_CHARS,
)

_EMPTY = r"\-"
_ESCAPED = re.compile(r"(?:[^\\]|\\(?:\\|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}))*", re.ASCII)

NO_HOST = "-"
"""The Host dimension where nobody says what is tested."""


def clean_dimension_value(text: str) -> str:
    """Return `text` as a dimension value that CloudWatch takes; different texts give different values."""
    kept = text if _is_plain(text) else _escape(text)
    return _cut(kept, text, MAX_DIMENSION_VALUE_CHARS)


def restore_dimension_value(value: str) -> str | None:
    """Return the text that `clean_dimension_value` made `value` of; None if it was cut or isn't one."""
    if value == _EMPTY:
        return ""
    if not value.isascii() or not _ESCAPED.fullmatch(value) or _looks_cut(value, MAX_DIMENSION_VALUE_CHARS):
        return None
    try:
        text = value.encode("ascii").decode("unicode_escape")
    except UnicodeDecodeError:  # \Uffffffff is beyond Unicode
        return None
    return text if clean_dimension_value(text) == value else None


def check_dimension_name(text: str) -> str | None:
    """Return what is wrong with the name of a dimension, or None."""
    if text.startswith(":"):
        return "must not start with a colon"
    return _check_dimension_text(text, MAX_DIMENSION_NAME_CHARS)


def check_dimension_value(text: str) -> str | None:
    """Return what is wrong with the value of a dimension, or None."""
    return _check_dimension_text(text, MAX_DIMENSION_VALUE_CHARS)


def _check_dimension_text(text: str, limit: int) -> str | None:
    if not 1 <= len(text) <= limit:
        return f"must have 1 to {limit} characters, not {len(text)}"
    for char in text:
        if not _is_printable_ascii(char):
            return f"must have only printable ASCII characters, not {char!a}"
    if text.isspace():
        return "must have a character that is not blank"
    return None


def _is_printable_ascii(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _is_plain(text: str) -> bool:
    return _is_printable_ascii(text) and "\\" not in text and text.strip() != ""


def _escape(text: str) -> str:
    if text.strip(" ") == "":
        return r"\x20" * len(text) or _EMPTY
    return "".join(map(_escape_char, text))


def _escape_char(char: str) -> str:
    if char == "\\":
        return r"\\"
    if _is_printable_ascii(char):
        return char
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
