"""Retry: what a failed PutMetricData call means, and how long to wait before the next try."""

from __future__ import annotations

from enum import Enum

BASE_S = 0.2
"""First pause at most; amazon-cloudwatch-agent begins with the same."""

CAP_S = 20.0
"""Longest pause: short enough that the end of an outage is noticed within two windows."""


class Failure(Enum):
    """Why a call failed. The value stands in the ledger as the reason of what was dropped."""

    THROTTLED = "throttled by CloudWatch"
    TRANSIENT = "CloudWatch failed"
    UNREACHABLE = "CloudWatch not reached"
    AMBIGUOUS = "no answer from CloudWatch"
    REFUSED = "refused by CloudWatch"
    CREDENTIALS = "no valid credentials"
    PERMISSION = "permission denied"

    @property
    def is_permanent(self) -> bool:
        """Whether the same call can only fail again."""
        return self is Failure.REFUSED


def backoff_s(attempt: int, jitter: float) -> float:
    """Return the pause before try number `attempt` (the first repetition is 1), full jitter.

    Args:
        attempt: How many tries have failed.
        jitter: Uniform in [0, 1); the caller draws it, since this module has no randomness.

    See "Exponential Backoff And Jitter" on the AWS Architecture Blog for why the whole pause is drawn.
    """
    return min(CAP_S, BASE_S * 2.0 ** min(attempt - 1, 30)) * jitter
