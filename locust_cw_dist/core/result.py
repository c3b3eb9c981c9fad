"""RequestResult: one finished request, made from whatever Locust's `request` event hands over.

Locust's own clients fire well-formed events; custom clients fire anything (a response time of None, nan or "12 ms",
no name, an exception that is a string). `parse_result` turns the first kind into a RequestResult and tells the reason
why the second kind can't be used. It does not raise for values of the builtin types; what raises when it is
looked at (a hostile `__float__` or `__str__`, an int of over 4,300 digits as a name) the caller counts as
``unreadable``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from locust_cw_dist.core.histogram import CEILING_MS
from locust_cw_dist.core.names import shorten

MAX_NAME_CHARS = 1024
"""A CloudWatch dimension value has at most this many characters, so a longer name would be cut there anyway; cutting
it on the worker bounds the memory that one endpoint can take."""

MAX_REASON_CHARS = 120
"""Failure reasons are for people who read a table; an exception that is a whole HTML page must not travel."""

MAX_RESPONSE_BYTES = 2**40
"""1 TiB, longer than any response that a load test reads: a length above it is a client's mistake. Sixteen million
responses of this length in one window still have a sum that the wire carries (64 bits)."""

UNNAMED = "(unnamed)"
"""Stands for a name or method that is None or empty: CloudWatch refuses an empty dimension value."""

REJECTIONS = (
    "response_time missing",
    "response_time not a number",
    "response_time negative",
    "response_time not finite",
    "response_time above 24 h",
    "unreadable",
)
"""Every reason for which a result can't be used, in the words of the ledger."""

MISSING, NOT_A_NUMBER, NEGATIVE, NOT_FINITE, TOO_LONG, UNREADABLE = REJECTIONS


NO_NUMBERS = (str, bytes, bytearray, memoryview, bool)
"""Types that `float` would take and that are no measurements: a client that fires "12" may have meant seconds."""


@dataclass(frozen=True, slots=True)
class RequestResult:
    """One finished request.

    Attributes:
        name: The request's name, 1 to 1024 characters.
        method: The request's method (Locust's `request_type`), 1 to 1024 characters.
        response_time_ms: From 0 to `CEILING_MS`.
        response_bytes: The response's length, or None where the client told none.
        failure: Why it failed (exception class or HTTP status), or None for a success.
    """

    name: str
    method: str
    response_time_ms: float
    response_bytes: int | None
    failure: str | None


def parse_result(
    request_type: Any, name: Any, response_time: Any, response_length: Any, exception: Any, response: Any = None
) -> RequestResult | str:
    """Return the RequestResult of an event, or the reason (one of `REJECTIONS`) why there is none."""
    response_time_ms = _parse_response_time(response_time)
    if isinstance(response_time_ms, str):
        return response_time_ms
    # The truth of `exception` decides, as it does in Locust's own statistics.
    failure = _failure_reason(exception, response) if exception else None
    return RequestResult(
        _text(name), _text(request_type), response_time_ms, _parse_response_length(response_length), failure
    )


def _parse_response_time(value: Any) -> float | str:
    if type(value) is not float:
        value = _to_float(value)
        if isinstance(value, str):
            return value
    if 0.0 <= value <= CEILING_MS:
        # Adding 0.0 turns -0.0 into 0.0.
        return float(value) + 0.0
    if not math.isfinite(value):
        return NOT_FINITE
    return NEGATIVE if value < 0 else TOO_LONG


def _to_float(value: Any) -> float | str:
    if value is None:
        return MISSING
    if isinstance(value, NO_NUMBERS):
        return NOT_A_NUMBER
    try:
        return float(value)
    except (TypeError, ValueError):
        return NOT_A_NUMBER
    except OverflowError:
        return NEGATIVE if value < 0 else TOO_LONG


def _parse_response_length(value: Any) -> int | None:
    if type(value) is int and 0 <= value <= MAX_RESPONSE_BYTES:
        return value
    if value is None or isinstance(value, NO_NUMBERS):
        return None
    try:
        length = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return length if 0 <= length <= MAX_RESPONSE_BYTES else None


def _text(value: Any) -> str:
    return _plain(value, MAX_NAME_CHARS) if value is not None else UNNAMED


def _plain(value: Any, limit: int) -> str:
    """Return the text of `value` as a plain str (a subclass may compare and hash as it likes), 1 to `limit` long."""
    text = value if type(value) is str else str.__str__(str(value))
    return shorten(text, limit) if len(text) > limit else text or UNNAMED


def _failure_reason(exception: Any, response: Any) -> str:
    status = getattr(response, "status_code", None)
    if type(status) is int and 400 <= status < 1000:
        return f"HTTP {status}"
    return _plain(exception if isinstance(exception, str) else type(exception).__name__, MAX_REASON_CHARS)
