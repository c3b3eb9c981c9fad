"""Reading typed fields out of a request's JSON document, for every operation.

A member that is null counts as absent, as in AWS JSON 1.0. Every function raises `ApiError`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from locust_cw_dist.local_cloudwatch.errors import invalid_value, missing, wrong_type

if TYPE_CHECKING:
    from collections.abc import Mapping

Document = dict[str, Any]
"""A JSON object as it came over the wire."""


class Timestamp(int):
    """A time in an answer, in whole epoch seconds; each protocol has its own way to write it."""

    __slots__ = ()


MAX_NAME_CHARS = 255
MAX_DIMENSIONS = 30
MAX_DIMENSION_VALUE_CHARS = 1024

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""How AWS JSON spells the floats that JSON lacks; botocore sends them so."""


def text(document: Mapping[str, Any], name: str, where: str) -> str | None:
    """A string member, or None where it is absent."""
    raw = document.get(name)
    if raw is None or isinstance(raw, str):
        return raw
    raise wrong_type(f"{where}{name}", "a string")


def required_text(document: Mapping[str, Any], name: str, where: str) -> str:
    """A string member that must be there."""
    found = text(document, name, where)
    if found is None:
        raise missing(f"{where}{name}")
    return found


def sized_text(document: Mapping[str, Any], name: str, where: str, max_chars: int) -> str:
    """A required string of 1 to `max_chars` characters."""
    found = required_text(document, name, where)
    if not found:
        raise invalid_value(f"The parameter {where}{name} must not be empty.")
    if len(found) > max_chars:
        raise invalid_value(f"The parameter {where}{name} must be shorter than {max_chars + 1} characters.")
    return found


def members(document: Mapping[str, Any], name: str, where: str) -> list[Any]:
    """A list member; an absent one is empty."""
    raw = document.get(name)
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise wrong_type(f"{where}{name}", "a list")
    return raw


def limited_members(document: Mapping[str, Any], name: str, where: str, max_size: int) -> list[Any]:
    """A list member of at most `max_size` items."""
    found = members(document, name, where)
    if len(found) > max_size:
        raise invalid_value(f"The collection {where}{name} must not have a size greater than {max_size}.")
    return found


def as_document(raw: Any, where: str) -> Document:
    """An item that must be a JSON object."""
    if not isinstance(raw, dict):
        raise wrong_type(where, "a structure")
    return raw


def as_number(raw: Any, where: str) -> float:
    """A JSON number, or one of AWS's spellings of NaN and the infinities, as a float."""
    if isinstance(raw, str) and raw in _NON_FINITE:
        return _NON_FINITE[raw]
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        raise wrong_type(where, "a number")
    try:
        return float(raw)
    except OverflowError:  # an integer beyond the largest float
        return math.inf if raw > 0 else -math.inf


def integer(document: Mapping[str, Any], name: str, where: str) -> int | None:
    """An integer member, or None where it is absent."""
    raw = document.get(name)
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise wrong_type(f"{where}{name}", "an integer")
    return raw


def required_integer(document: Mapping[str, Any], name: str, where: str) -> int:
    """An integer member that must be there."""
    found = integer(document, name, where)
    if found is None:
        raise missing(f"{where}{name}")
    return found


def timestamp(document: Mapping[str, Any], name: str, where: str) -> float | None:
    """A time in epoch seconds, or None where it is absent.

    AWS JSON 1.0 carries times as numbers of seconds, fractions included, in requests and answers alike.
    """
    raw = document.get(name)
    if raw is None:
        return None
    seconds = as_number(raw, f"{where}{name}")
    if not math.isfinite(seconds):
        raise wrong_type(f"{where}{name}", "a time in epoch seconds")
    return seconds


def required_timestamp(document: Mapping[str, Any], name: str, where: str) -> float:
    """A time in epoch seconds that must be there."""
    found = timestamp(document, name, where)
    if found is None:
        raise missing(f"{where}{name}")
    return found


def dimensions(document: Mapping[str, Any], where: str) -> tuple[tuple[str, str], ...]:
    """The `Dimensions` member, sorted by name: their order does not tell metrics apart.

    Rules, from the shapes Dimension, DimensionName and DimensionValue of botocore's service model: at
    most 30; names of 1 to 255 and values of 1 to 1,024 characters; ASCII without control characters; not
    blank; a name does not start with a colon. No name twice: dimensions are a metric's identity.
    """
    found: dict[str, str] = {}
    for position, raw in enumerate(limited_members(document, "Dimensions", where, MAX_DIMENSIONS), start=1):
        at = f"{where}Dimensions.member.{position}."
        item = as_document(raw, at[:-1])
        name = _dimension_text(item, "Name", at, MAX_NAME_CHARS)
        if name.startswith(":"):
            raise invalid_value(f"The parameter {at}Name must not start with a colon.")
        if name in found:
            raise invalid_value(f"The parameter {at}Name must be unique: {name!r} is there twice.")
        found[name] = _dimension_text(item, "Value", at, MAX_DIMENSION_VALUE_CHARS)
    return tuple(sorted(found.items()))


def refuse_unprintable(value: str, where: str) -> None:
    """Refuse a string that is not made of printable ASCII characters."""
    if not value.isascii():
        raise invalid_value(f"The parameter {where} contains non-ASCII characters.")
    if not value.isprintable():
        raise invalid_value(f"The parameter {where} contains control characters.")


def refuse_blank(value: str, where: str) -> None:
    """Refuse a string of white space alone."""
    if value.isspace():
        raise invalid_value(f"The parameter {where} must contain a non-whitespace character.")


def _dimension_text(item: Document, name: str, where: str, max_chars: int) -> str:
    value = sized_text(item, name, where, max_chars)
    refuse_unprintable(value, f"{where}{name}")
    refuse_blank(value, f"{where}{name}")
    return value
