"""Documents of a record: its beginning, status and outcome, as its readers take and show them.

Fields come and go with versions, so a reader takes what it knows and can't check each one. So each value is made one
that can be shown and computed with; what can't be is None.
"""

from __future__ import annotations

from typing import Any

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.records.points_json import MAX_TIME_S
from locust_cw_dist.core.summaries.checked_values import MAX_COUNT

MAX_DEPTH = 6
"""Lists and objects within each other; what is written has four."""

MAX_CHARS = 4096


def tidy(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return a value of JSON with printable texts, finite numbers up to 2**53, and `depth` levels."""
    if isinstance(value, str):
        return printable(value[:MAX_CHARS])
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        # Of infinity and NaN that is false.
        return value if -MAX_COUNT <= value <= MAX_COUNT else None
    if depth == 0:
        return None
    if isinstance(value, list):
        return [tidy(one, depth - 1) for one in value]
    return {printable(key[:MAX_CHARS]): tidy(one, depth - 1) for key, one in value.items()}


def an_object(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a field that is to be an object; empty if it is none."""
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def objects(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects in a field that is to be a list of them."""
    value = document.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def a_number(document: dict[str, Any], name: str) -> float | None:
    """Return a field that is to be a number; None if it is none."""
    value = document.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def a_time_s(document: dict[str, Any], name: str) -> float:
    """Return a time, seconds since the epoch; 0 if there is none that a calendar has."""
    value = a_number(document, name)
    return value if value is not None and 0 <= value <= MAX_TIME_S else 0.0
