"""RunEnd: whether a run was cut short: ended from outside before its planned end.

Locust itself exits with 0 then, so an evicted Kubernetes Job would pass. What the test or a user in the web UI ends is
not cut short, and neither is a run without a planned end, which nothing but a signal could end.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MARGIN_S = 1.0
"""A signal so shortly before the planned end changes nothing."""


class Cause(StrEnum):
    """What made the test stop."""

    ITSELF = "the test itself, its run time or its shape, or the user in the web UI"
    PROCESS = "the process was told to end"
    NO_WORKER = "the last worker was gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When a run was to end.

    Attributes:
        run_time_s: After so long; None if no run time was given.
        has_shape: Whether a load shape ends it.
        begins_by_itself: Whether it starts without a user who presses a button.
    """

    run_time_s: float | None = None
    has_shape: bool = False
    begins_by_itself: bool = False


def cut_short(plan: Plan, cause: Cause, elapsed_s: float) -> str | None:
    """Return how a run ended before its planned end, in words, or None if it did not."""
    if cause is Cause.ITSELF or (plan.run_time_s is None and not plan.has_shape):
        return None
    if plan.run_time_s is None:
        return f"{cause} after {elapsed_s:.0f} s, before its shape had ended"
    if elapsed_s >= plan.run_time_s - MARGIN_S:
        return None
    return f"{cause} after {elapsed_s:.0f} of {plan.run_time_s:.0f} s"
