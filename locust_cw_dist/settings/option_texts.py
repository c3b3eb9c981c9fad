"""The texts of options taken apart: from what a user typed to what `checks` judge."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from locust_cw_dist.core.names.shorten import shown
from locust_cw_dist.core.publish.metric_names import LEGACY, LEGACY_METRICS, METRIC_NAMES
from locust_cw_dist.errors import SettingsError


class Repeating(NamedTuple):
    """How an option holds several values.

    Attributes:
        how: A sentence for help.
        split: Takes the text of one occurrence apart.
        joint: What stands between values in one text.
    """

    how: str
    split: Callable[[str], list[str]]
    joint: str


def number(kind: Callable[[str], float]) -> Callable[[str], float | str]:
    """Reads a number; what is none stays text, for the rule to refuse as the user wrote it."""

    def read(text: str) -> float | str:
        try:
            return kind(text)
        except ValueError:
            return text

    return read


def _lines(text: str) -> list[str]:
    """Return the lines that hold anything."""
    return [line.strip() for line in text.splitlines() if line.strip()]


_ITEM = re.compile(
    r"""
    \s* (?:
        (?P<quoted> (?: [^,="]* =\s* )? "(?: [^"] | "" )*" )
      | (?P<plain> [^,]* )
    ) \s* (?: , | $ )
    """,
    re.VERBOSE,
)
ONE, TWO = '"', '""'
_QUOTED = re.compile(r'(?P<key>[^,="]*=\s*)?"(?P<text>(?:[^"]|"")*)"')


def _lines_and_commas(text: str) -> list[str]:
    """Return what stands between commas or on a line of its own; commas in double quotes separate nothing.

    Quotes go around a whole item or around all behind its ``=``. They stay, so that this may be done again; `unquoted`
    takes them away.
    """
    items = [found for line in _lines(text) for found in _ITEM.finditer(line)]
    return [item for found in items if (item := (found["quoted"] or found["plain"]).strip())]


LINES = Repeating("Repeatable; put one value per line in the variable.", _lines, "\n")
COMMAS = Repeating("Repeatable, or separate values by commas.", _lines_and_commas, ",")


def unquoted(item: str) -> str:
    """Return an item of a list with commas without its quotes; two of them within are one of the text."""
    found = _QUOTED.fullmatch(item)
    return item if found is None else f"{found['key'] or ''}{found['text'].replace(TWO, ONE)}"


def read_labels(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Return (key, value) of ``branch=main``, ``note="a, b"`` and ``"note=a, b"``."""
    return read_pairs(map(unquoted, texts))


def read_percentiles(texts: Sequence[str]) -> list[float | str]:
    """Return the numbers of ``95`` and ``p99.9``."""
    percent = number(float)
    return [percent(text.removeprefix("p")) for text in texts]


def read_pairs(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Return (key, value) of each KEY=VALUE."""
    pairs = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingsError(f"got {shown(text)}, must be KEY=VALUE")
        pairs.append((name.strip(), value.strip()))
    return pairs


_METRIC_SETS = {"all": frozenset(METRIC_NAMES), LEGACY: LEGACY_METRICS | {LEGACY}}


def read_metrics(texts: Sequence[str]) -> frozenset[str] | Sequence[str]:
    """``all,-Users`` as the names that are left, and ``legacy,-RequestCount``; a plain list of names stays as it is."""
    if "all" not in texts and not any(text.startswith("-") for text in texts):
        return texts
    allowed = f"all or {LEGACY}, alone or followed by -NAME to switch off, or names, out of {', '.join(METRIC_NAMES)}"
    if texts[0] not in _METRIC_SETS:
        raise SettingsError(f"got {shown(','.join(texts))}, must be {allowed}")
    for text in texts[1:]:
        if not text.startswith("-") or text[1:] not in METRIC_NAMES:
            raise SettingsError(f"got {shown(text)}, must be {allowed}")
    left = _METRIC_SETS[texts[0]] - {text[1:] for text in texts[1:]}
    if not left & set(METRIC_NAMES):
        raise SettingsError(f"got {shown(','.join(texts))}, which leaves no metric; must be {allowed}")
    return left


def read_groups(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Return (expression, name) of each REGEX=NAME."""
    # At the last sign: an expression may hold one, as in query strings.
    groups = []
    for text in texts:
        pattern, equals, name = text.rpartition("=")
        if not equals:
            raise SettingsError(f"got {shown(text)}, must be REGEX=NAME")
        groups.append((pattern, name))
    return groups


def read_prices(texts: Iterable[str]) -> list[tuple[str, float | str]]:
    """Return (name, US dollars) of each NAME=USD."""
    amount = number(float)
    prices = []
    for text in texts:
        name, equals, usd = text.partition("=")
        if not equals:
            raise SettingsError(f"got {shown(text)}, must be NAME=USD")
        prices.append((name.strip(), amount(usd.strip())))
    return prices


def read_rule_file(text: str) -> str:
    """Return a file's path, if the rules in it are right; a worker need not have the file that its master reads."""
    # Late: a worker has no rules.
    from pathlib import Path

    from locust_cw_dist.settings.rule_file import load

    if text.strip() and "\0" not in text and Path(text).exists():
        load(text)
    return text
