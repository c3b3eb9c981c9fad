"""Checks: values from elsewhere, taken only if type and range are as expected.

Each function returns the value that it was given and raises ValueError otherwise. A bool is no integer here, and NaN
is in no range.
"""

from __future__ import annotations

from typing import Any

MAX_COUNT = 2**53
"""Above this a float, which is what CloudWatch keeps, no longer holds every integer."""


class InconsistentError(ValueError):
    """Each value could be, but not together with the others."""


def require(condition: bool, detail: str) -> None:
    """Raise ValueError with `detail` unless `condition` holds."""
    if not condition:
        raise ValueError(detail)


def agree(condition: bool, detail: str) -> None:
    """Raise InconsistentError with `detail` unless `condition` holds."""
    if not condition:
        raise InconsistentError(detail)


def integer(value: Any, low: int, high: int) -> int:
    """Take an integer from `low` to `high`."""
    if not (type(value) is int and low <= value <= high):
        raise ValueError(f"an integer from {low} to {high} expected")
    return value


def number(value: Any, low: float, high: float) -> float:
    """Take a number from `low` to `high`, as a float."""
    if not (type(value) in (int, float) and low <= value <= high):
        raise ValueError(f"a number from {low} to {high} expected")
    return float(value)


def boolean(value: Any) -> bool:
    """Take a bool."""
    if type(value) is not bool:
        raise ValueError("a boolean expected")
    return value


def string(value: Any, limit: int, *, empty: bool = False) -> str:
    """Take a string of at most `limit` characters, and of one at least unless it may be `empty`."""
    if not (type(value) is str and len(value) <= limit and (empty or value)):
        raise ValueError(f"a string of at most {limit} characters expected")
    return value


def identifier(value: Any, limit: int, *, empty: bool = False) -> str:
    """Take a string as above that UTF-8 can express: Locust retries for seconds to send one that it can't."""
    # UnicodeEncodeError is a ValueError.
    string(value, limit, empty=empty).encode()
    return value  # type: ignore[no-any-return]


def listing(value: Any, limit: int, length: int | None = None) -> list[Any]:
    """Take a list of at most `limit` values, and of exactly `length` if that is given."""
    if not (type(value) is list and len(value) <= limit and length in (None, len(value))):
        raise ValueError(f"a list of {'at most' if length is None else 'exactly'} {length or limit} values expected")
    return value


def tally(value: Any, limit: int, key_chars: int) -> dict[str, int]:
    """Take a map of at most `limit` strings of at most `key_chars` characters to counts from 1 to `MAX_COUNT`."""
    if not (type(value) is dict and len(value) <= limit):
        raise ValueError(f"a map of at most {limit} values expected")
    return {string(key, key_chars): integer(count, 1, MAX_COUNT) for key, count in value.items()}
