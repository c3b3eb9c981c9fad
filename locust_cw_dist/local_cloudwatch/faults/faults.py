"""Faults on demand: what a network, a credential or a Region may do to a call.

A fault strikes before an operation is done or after it:

| kind | when | what |
|---|---|---|
| latency | before | waits `latency_s` |
| throttling | before | `status` (400 if not given) Throttling, "Rate exceeded" |
| server_error | before | `status` (500 if not given) InternalServiceError |
| request_timeout | before | 408 RequestTimeout, and the connection is closed |
| request_too_large | before | 413 RequestEntityTooLarge |
| hang | before | no answer for `latency_s` (an hour if not given), then the connection is closed |
| reset | before | the connection is reset (RST) |
| expired_credentials | before | 403 ExpiredToken |
| access_denied | before | 403 AccessDenied |
| bad_datum | before | 400 InvalidParameterValue, if a metric name or a dimension value contains `match` |
| lost_reply | after | the datums are taken, and the connection is closed without an answer |
| trickle | after | the answer, its headers too, comes byte by byte, over `latency_s` |

An error that is throttling, server_error, request_timeout or request_too_large carries a Retry-After header if
`retry_after_s` is given. Up to 100 faults may wait at once. They are tried in the order in which they were added, until
one ends the call.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from locust_cw_dist.local_cloudwatch.errors import ApiError, invalid_value
from locust_cw_dist.local_cloudwatch.operations.identities import STS_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from locust_cw_dist.local_cloudwatch.operations.fields import Document

KINDS = (
    "latency", "throttling", "server_error", "request_timeout", "request_too_large", "hang", "reset",
    "expired_credentials", "access_denied", "bad_datum", "lost_reply", "trickle",
)  # fmt: skip

_AFTER = ("lost_reply", "trickle")
_DEFAULT_HANG_S = 3600.0
_MAX_WAITING = 100
_NUMERIC = ("probability", "latency_s", "retry_after_s")
_INTEGER = ("count", "skip", "status", "seed")
_WITH_RETRY_AFTER = ("throttling", "server_error", "request_timeout", "request_too_large")
_WITH_STATUS = ("throttling", "server_error")
_STATUSES = range(400, 600)


class ConnectionCutError(Exception):
    """A fault ended the call without an answer.

    Attributes:
        is_reset: whether the client should see a reset instead of an orderly end.
    """

    def __init__(self, *, is_reset: bool) -> None:
        super().__init__("reset" if is_reset else "closed")
        self.is_reset = is_reset


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that waits for calls.

    Attributes:
        kind: one of `KINDS`.
        operation: the operation that it strikes; None for every one.
        probability: of striking a call that it could strike, 0 to 1.
        count: how many calls it strikes before it is used up; None for no end.
        skip: how many calls it lets pass first.
        latency_s: seconds, for latency, hang and trickle.
        status: HTTP status of throttling and server_error.
        retry_after_s: seconds in the Retry-After header of an error.
        match: text that makes a datum bad.
        seed: makes a probability repeatable.
    """

    kind: str
    operation: str | None = None
    probability: float = 1.0
    count: int | None = None
    skip: int = 0
    latency_s: float = 0.0
    status: int | None = None
    retry_after_s: float | None = None
    match: str = ""
    seed: int = 0


def parse_fault(document: Mapping[str, Any]) -> Fault:
    """A fault from the JSON that /_local/faults takes: the attributes of `Fault`, `kind` required.

    Raises:
        ApiError: a name or a value is none that a fault has.
    """
    unknown = sorted(set(document) - set(Fault.__slots__))
    if unknown:
        raise invalid_value(f"A fault has no {unknown[0]!r}; it has {', '.join(Fault.__slots__)}.")
    given = {name: value for name, value in document.items() if value is not None}
    for name, value in given.items():
        if not _is_of_its_type(name, value):
            raise invalid_value(f"{value!r} is no {name} of a fault.")
    if given.get("kind") not in KINDS:
        raise invalid_value(f"The kind of a fault is one of {', '.join(KINDS)}.")
    _check_together(given)
    return Fault(**given)


def _check_together(given: Mapping[str, Any]) -> None:
    kind = given["kind"]
    if kind == "bad_datum" and not given.get("match"):
        raise invalid_value("A bad_datum fault needs a text to match.")
    if "retry_after_s" in given and kind not in _WITH_RETRY_AFTER:
        raise invalid_value(f"Only a fault that is {', '.join(_WITH_RETRY_AFTER)} has a retry_after_s.")
    if "status" in given and kind not in _WITH_STATUS:
        raise invalid_value(f"Only a fault that is {' or '.join(_WITH_STATUS)} has a status.")


def _is_of_its_type(name: str, value: object) -> bool:
    if name == "status":
        return isinstance(value, int) and value in _STATUSES
    if name in _INTEGER:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if name in _NUMERIC:
        limit = 1 if name == "probability" else _DEFAULT_HANG_S
        return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= limit
    return isinstance(value, str)


@dataclass(slots=True)
class _Waiting:
    """A fault and what is left of it."""

    fault: Fault
    seen: int = 0
    struck: int = 0
    random: random.Random = field(default_factory=random.Random)

    def strikes(self, operation: str, document: Document) -> bool:
        fault = self.fault
        if fault.operation not in (None, operation) or self.is_used_up or not _matches(fault, document):
            return False
        self.seen += 1
        if self.seen <= fault.skip or self.random.random() >= fault.probability:
            return False
        self.struck += 1
        return True

    @property
    def is_used_up(self) -> bool:
        return self.fault.count is not None and self.struck >= self.fault.count


def _matches(fault: Fault, document: Document) -> bool:
    return fault.kind != "bad_datum" or _bad_position(fault.match, document) is not None


def _bad_position(match: str, document: Document) -> int | None:
    """Which datum, from 1, has `match` in its metric name or in a dimension value."""
    datums = document.get("MetricData")
    for position, datum in enumerate(datums if isinstance(datums, list) else (), start=1):
        if isinstance(datum, dict) and any(match in text for text in _texts(datum)):
            return position
    return None


def _texts(datum: Document) -> list[str]:
    dimensions = datum.get("Dimensions") or []
    return [str(datum.get("MetricName"))] + [str(item.get("Value")) for item in dimensions if isinstance(item, dict)]


class FaultPlan:
    """The faults that wait. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []

    def add(self, fault: Fault) -> None:
        """Let a fault wait for calls; raises ApiError where too many wait already."""
        with self._lock:
            if len(self._waiting) >= _MAX_WAITING:
                raise invalid_value(f"No more than {_MAX_WAITING} faults may wait: clear them.")
            self._waiting.append(_Waiting(fault, random=random.Random(fault.seed)))  # noqa: S311 - no secret

    def clear(self) -> None:
        """Take all faults away; what has struck goes on."""
        with self._lock:
            self._waiting.clear()

    def strike(self, operation: str, document: Document) -> list[Fault]:
        """The faults that strike this call, in order; the first that ends it is the last of them."""
        struck: list[Fault] = []
        with self._lock:
            for waiting in self._waiting:
                if waiting.strikes(operation, document):
                    struck.append(waiting.fault)
                    if waiting.fault.kind not in ("latency", *_AFTER):
                        break
            self._waiting = [waiting for waiting in self._waiting if not waiting.is_used_up]
        return struck


class Line(Protocol):
    """What a fault needs of the connection."""

    def pause(self, seconds: float) -> None:
        """Wait, unless the server stops."""

    def hold(self, seconds: float) -> None:
        """Wait until the client has gone, at most that long, unless the server stops."""


def strike_before(fault: Fault, operation: str, document: Document, line: Line) -> None:
    """What a fault does before the operation is done; nothing if it comes after.

    Raises:
        ApiError: the fault is an error that AWS answers.
        ConnectionCutError: the fault leaves the call without an answer.
    """
    if fault.kind == "latency":
        line.pause(fault.latency_s)
    elif fault.kind == "hang":
        line.hold(fault.latency_s or _DEFAULT_HANG_S)
        raise ConnectionCutError(is_reset=False)
    elif fault.kind == "reset":
        raise ConnectionCutError(is_reset=True)
    elif fault.kind not in _AFTER:
        raise _error(fault, operation, document)


_PLAIN_ERRORS = {
    "throttling": ("Throttling", "Rate exceeded", 400),
    "server_error": ("InternalServiceError", "The request processing has failed.", 500),
    "request_timeout": ("RequestTimeout", "The request was not received in time.", 408),
    "request_too_large": ("RequestEntityTooLarge", "Request size exceeded the limit.", 413),
}
"""Kind of fault -> code, message and HTTP status, for those that say the same whatever the call."""


def _error(fault: Fault, operation: str, document: Document) -> ApiError:
    if fault.kind in _PLAIN_ERRORS:
        code, message, status = _PLAIN_ERRORS[fault.kind]
        return ApiError(code, message, fault.status or status, fault.retry_after_s)
    if fault.kind == "expired_credentials":
        return ApiError("ExpiredToken", "The security token included in the request is expired", 403)
    if fault.kind == "access_denied":
        action = f"{'sts' if operation in STS_OPERATIONS else 'cloudwatch'}:{operation}"
        return ApiError(
            "AccessDenied",
            f"User: arn:aws:iam::123456789012:user/local is not authorized to perform: {action}"
            f" because no identity-based policy allows the {action} action",
            403,
        )
    position = _bad_position(fault.match, document)
    return invalid_value(f"The parameter MetricData.member.{position} is refused by a fault: {fault.match!r}.")
