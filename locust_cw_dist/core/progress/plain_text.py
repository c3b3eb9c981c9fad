"""Plain text for terminals and CI logs: lines of 80 columns, marks, spans of time and response times in few digits."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

COLUMNS = 80
"""What every terminal has, and what fits a CI log beside its own time stamps."""


@dataclass(frozen=True, slots=True)
class Marks:
    """One character each, at the beginning of a line.

    Attributes:
        good: It is as it should be.
        bad: It is not.
        warn: Somebody should look.
        cut: Stands for the middle of a name that is too long.
    """

    good: str
    bad: str
    warn: str
    cut: str


UNICODE = Marks("✓", "✗", "!", "…")
ASCII = Marks("+", "x", "!", "~")


def marks_of(encoding: str | None) -> Marks:
    """Return the marks that a stream of this encoding can show."""
    try:
        f"{UNICODE.good}{UNICODE.bad}{UNICODE.cut}".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


_COMMAND = re.compile(r"(?<!\S)'[^']+'")
_NO_BREAK = "\0"
"""Stands for a space where no line may end; no text to be shown has one of its own."""


def wrapped(text: str, *, first: str = "", rest: str = "", columns: int = COLUMNS) -> list[str]:
    """Return a text in lines of at most `columns`; a longer word, such as a path, or a command in quotes stays whole.

    Args:
        text: It.
        first: What the first line begins with.
        rest: What the others begin with.
        columns: How wide lines may be.
    """
    lines = textwrap.wrap(
        _COMMAND.sub(lambda found: found[0].replace(" ", _NO_BREAK), text),
        columns,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]
    return [line.replace(_NO_BREAK, " ") for line in lines]


def columns_of(text: str) -> int:
    """Return how many columns a terminal takes for a text: Chinese characters have two, accents of their own none."""
    return sum(map(_columns_of_one, text))


def _columns_of_one(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def shortened(name: str, columns: int, marks: Marks) -> str:
    """Return a name in at most `columns`: its middle is left out, where names differ least.

    Where marks are ASCII, so is the name: what a stream escapes by itself would take more columns than were counted.
    """
    if marks is ASCII:
        name = name.encode("ascii", "backslashreplace").decode()
    if columns_of(name) <= columns:
        return name
    kept = columns - len(marks.cut)
    end = kept // 2
    return f"{_first(name, kept - end)}{marks.cut}{_first(reversed(name), end)[::-1]}"


def _first(characters: Iterable[str], columns: int) -> str:
    """Return as many characters as there are columns for."""
    found = ""
    for character in characters:
        if columns_of(found) + _columns_of_one(character) > columns:
            break
        found += character
    return found


def span(seconds: float) -> str:
    """Return a span of time: ``8.4 s``, ``60 s``, ``12 min``, ``12 min 5 s``, ``3 h 2 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    large, small, units = (*divmod(whole, 60), "min s") if whole < 7200 else (*divmod(whole // 60, 60), "h min")
    first, second = units.split()
    return f"{large} {first}" + (f" {small} {second}" if small else "")


def milliseconds(value: float | None) -> str:
    """Return a response time in ms, without the unit: ``0.42``, ``4.2``, ``412``, ``12345``; ``-`` for none.

    From a quarter of an hour on it is in seconds, as ``3600s``, which is still 7 characters for a day.
    """
    if value is None:
        return "-"
    if value >= 1e6:
        return f"{value / 1000:.0f}s"
    if value >= 10:
        return f"{value:.0f}"
    return f"{value:.2g}" if value >= 0.01 else "0"
