"""What the local CloudWatch is like, apart from faults: its clock, its quota, its sessions. Settable while it runs."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from locust_cw_dist.local_cloudwatch.errors import ApiError, invalid_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_SKEW_S = 366 * 24 * 3600.0
_POSITIVE = ("put_calls_per_s", "session_s")


@dataclass(frozen=True, slots=True)
class Conditions:
    """How the server behaves until told otherwise.

    Attributes:
        clock_skew_s: how far its clock, and its Date header, is ahead of this machine's; negative for behind.
        put_calls_per_s: PutMetricData calls that it takes in a second. 500 is AWS's default quota of an account in a
            Region; a call beyond it gets Throttling.
        session_s: how long the credentials that AssumeRole gives are good, in place of what was asked for.
        external_id: what AssumeRole must bring as ExternalId; None lets everyone in.
    """

    clock_skew_s: float = 0.0
    put_calls_per_s: float = 500.0
    session_s: float | None = None
    external_id: str | None = None


def changed(conditions: Conditions, document: Mapping[str, Any]) -> Conditions:
    """The conditions with what /_local/conditions was given; null restores the default.

    Raises:
        ApiError: a name or a value is none that conditions have.
    """
    unknown = sorted(set(document) - set(Conditions.__slots__))
    if unknown:
        raise invalid_value(f"A condition is one of {', '.join(Conditions.__slots__)}, not {unknown[0]!r}.")
    defaults = Conditions()
    given = {name: getattr(defaults, name) if value is None else value for name, value in document.items()}
    for name, value in given.items():
        if value is not None and not _fits(name, value):
            raise invalid_value(f"{value!r} is no {name} of the conditions.")
    return replace(conditions, **given)


def _fits(name: str, value: object) -> bool:
    if name == "external_id":
        return isinstance(value, str) and bool(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return False
    return value > 0 if name in _POSITIVE else abs(value) <= MAX_SKEW_S


class Surroundings:
    """The conditions as they are now, the clock under them, and what is left of the quota. Any thread may call it.

    Args:
        clock: this machine's time in epoch seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Go back to the defaults."""
        with self._lock:
            self._apply(Conditions())

    def change(self, document: Mapping[str, Any]) -> None:
        """Change what the document names; raises ApiError."""
        with self._lock:
            self._apply(changed(self.conditions, document))

    def _apply(self, conditions: Conditions) -> None:
        self.conditions = conditions
        self._allowance = self._burst(conditions)
        self._refilled_s = time.monotonic()

    @staticmethod
    def _burst(conditions: Conditions) -> float:
        return max(1.0, conditions.put_calls_per_s)

    def now_s(self) -> float:
        """The server's time in epoch seconds."""
        return self._clock() + self.conditions.clock_skew_s

    def admit_put(self) -> None:
        """Count a PutMetricData call against the quota.

        Raises:
            ApiError: Throttling; there were more in the last second than the quota allows.
        """
        with self._lock:
            now_s = time.monotonic()
            earned = (now_s - self._refilled_s) * self.conditions.put_calls_per_s
            self._allowance = min(self._burst(self.conditions), self._allowance + earned)
            self._refilled_s = now_s
            if self._allowance < 1:
                raise ApiError("Throttling", "Rate exceeded")
            self._allowance -= 1
