"""RequestResult: one finished request, made from whatever Locust's `request` event hands over.

Locust's own clients fire well-formed events; custom clients fire anything (a response time of None, nan or "12 ms", no
name, an exception that is a string). `parse_result` counts them all: a field that can't be used costs that field, never
the result, and above all never a failure. A result without a usable response time is counted without one.

No field raises an Exception here, whatever the objects of a client do when they are looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from numbers import Number, Real
from typing import Any, TypeVar

from locust_cw_dist.core.names.shorten import shorten
from locust_cw_dist.core.summaries.failure_reasons import reason_of
from locust_cw_dist.core.summaries.grid import CEILING_MS

T = TypeVar("T")
U = TypeVar("U")

MAX_NAME_CHARS = 1024
"""A CloudWatch dimension value has at most this many characters, so a longer name would be cut there anyway; cutting
it on the worker bounds the memory that one endpoint can take."""

MAX_RESPONSE_BYTES = 2**40
"""1 TiB, longer than any response that a load test reads: a length above it is a client's mistake. Sixteen million
responses of this length in one window still have a sum that the wire carries (64 bits)."""

UNNAMED = "(unnamed)"
"""Stands for a name or method that is None, empty or unreadable: CloudWatch refuses an empty dimension value."""

UNREADABLE_FAILURE = "(unreadable)"
"""Stands for the reason of a failure whose exception can't be looked at."""

UNTIMED_REASONS = (
    "response_time missing",
    "response_time not a number",
    "response_time negative",
    "response_time not finite",
    "response_time above 24 h",
    "response_time unreadable",
)
"""Every reason for which a result is counted without a response time, in the words of the ledger."""

MISSING, NOT_A_NUMBER, NEGATIVE, NOT_FINITE, TOO_LONG, UNREADABLE = UNTIMED_REASONS


@dataclass(frozen=True, slots=True)
class RequestResult:
    """One finished request.

    Attributes:
        name: The request's name, 1 to 1024 characters.
        method: The request's method (Locust's `request_type`), 1 to 1024 characters.
        response_time_ms: From 0 to `CEILING_MS`; None where the client gave no usable one.
        response_bytes: The response's length, or None where the client gave none.
        failure: Why it failed, as `failure_reasons` says it, or None for a success.
        untimed: One of `UNTIMED_REASONS` where `response_time_ms` is None, else None.
    """

    name: str
    method: str
    response_time_ms: float | None
    response_bytes: int | None
    failure: str | None
    untimed: str | None = None


NOTHING_READABLE = (
    RequestResult(UNNAMED, UNNAMED, None, None, None, UNREADABLE),
    RequestResult(UNNAMED, UNNAMED, None, None, UNREADABLE_FAILURE, UNREADABLE),
)
"""A success and a failure of which nothing could be read."""


def parse_result(
    request_type: Any,
    name: Any,
    response_time: Any,
    response_length: Any,
    exception: Any,
    response: Any = None,
    *,
    with_message: bool = True,
) -> RequestResult:
    """Return the RequestResult of an event, whatever its fields are.

    `with_message` says whether a failure's reason has the message of the exception.
    """
    time_or_reason = _read(lambda: _parse_response_time(response_time), UNREADABLE)
    untimed = time_or_reason if isinstance(time_or_reason, str) else None
    return RequestResult(
        _read(lambda: _text(name), UNNAMED),
        _read(lambda: _text(request_type), UNNAMED),
        None if isinstance(time_or_reason, str) else time_or_reason,
        _read(lambda: _parse_response_length(response_length), None),
        _failure(exception, response, with_message=with_message),
        untimed,
    )


def _read(read: Callable[[], T], otherwise: U) -> T | U:
    """Read a field; the objects of a client may do anything when they are looked at."""
    try:
        return read()
    except Exception:
        return otherwise


def _parse_response_time(value: Any) -> float | str:
    """Return the time in ms, or why there is none."""
    if value is None:
        return MISSING
    if not _is_number(value):
        return NOT_A_NUMBER
    try:
        return _checked(float(value))
    # Of a Decimal's signaling NaN.
    except (TypeError, ValueError):
        return NOT_A_NUMBER
    except OverflowError:
        return NEGATIVE if value < 0 else TOO_LONG


def _checked(time_ms: float) -> float | str:
    if 0.0 <= time_ms <= CEILING_MS:
        # Adding 0.0 turns -0.0 into 0.0.
        return time_ms + 0.0
    if not math.isfinite(time_ms):
        return NOT_FINITE
    return NEGATIVE if time_ms < 0 else TOO_LONG


def _is_number(value: Any) -> bool:
    """Whether a value measures something: Decimal, Fraction and numpy's scalars do.

    Not so text and truth values, which `float` would take (a client that fires "12" may have meant seconds), numpy's
    truth values, spans of time, whose unit is not ms, and arrays.
    """
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool", "timedelta64"):
        return False
    if isinstance(value, Number):
        return isinstance(value, Real | Decimal)
    return hasattr(value, "__float__") and not hasattr(value, "__len__")


def _parse_response_length(value: Any) -> int | None:
    if type(value) is not int:
        if not _is_number(value):
            return None
        try:
            value = int(value)
        # Not finite.
        except (ValueError, OverflowError):
            return None
    return value if 0 <= value <= MAX_RESPONSE_BYTES else None


def _text(value: Any) -> str:
    return _plain(value, MAX_NAME_CHARS) if value is not None else UNNAMED


def _plain(value: Any, limit: int) -> str:
    """Return the text of `value` as a plain str, 1 to `limit` long; `UNNAMED` for one that can't be read.

    The text of a str is its characters, also where its class has a `__str__` of its own: that of ``class M(str, Enum)``
    returns "M.GET" for the text "GET", which is what Locust's statistics group by.
    """
    try:
        text = value if type(value) is str else str.__str__(value if isinstance(value, str) else str(value))
    except Exception:
        return UNNAMED
    return shorten(text, limit) if len(text) > limit else text or UNNAMED


def _failure(exception: Any, response: Any, *, with_message: bool) -> str | None:
    """Return why a request failed, or None if it did not."""
    # The truth of `exception` decides, as it does in Locust's own statistics; one without any is a failure.
    if exception is None or not _read(lambda: bool(exception), otherwise=True):
        return None
    return reason_of(exception, response, with_message=with_message)
