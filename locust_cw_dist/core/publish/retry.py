"""Retry: what a failed PutMetricData call means, and when the next call may be made."""

from __future__ import annotations

from enum import Enum

BASE_S = 0.2
"""First pause at most; amazon-cloudwatch-agent begins with the same."""

CAP_S = 20.0
"""Longest pause: short enough that the end of an outage is noticed within two windows."""

MAX_RETRY_AFTER_S = 600.0
"""Longest pause that a service may ask for: beyond ten minutes it is tried again all the same."""

HURRIED_PAUSE_S = 1.0
"""Longest pause when the process ends: what is at stake is the time that is left."""

MIN_INTERVAL_S = 0.02
"""Between the beginnings of two calls: 50 a second, a tenth of what an account may do in a Region by default."""


class Failure(Enum):
    """Why a call failed. The value stands in the ledger as the reason of what was dropped."""

    THROTTLED = "throttled by CloudWatch"
    TRANSIENT = "CloudWatch failed"
    UNREACHABLE = "CloudWatch not reached"
    AMBIGUOUS = "no answer from CloudWatch"
    REFUSED = "refused by CloudWatch"
    CREDENTIALS = "no valid credentials"
    PERMISSION = "permission denied"
    FOREIGN = "something other than CloudWatch answered"

    @property
    def is_permanent(self) -> bool:
        """Whether the same call can only fail again."""
        return self is Failure.REFUSED

    @property
    def may_be_of_the_time(self) -> bool:
        """Whether a wrong clock may be why: timestamps that are out of range, or a signature of another time."""
        return self in {Failure.REFUSED, Failure.CREDENTIALS}


def backoff_s(attempt: int, jitter: float) -> float:
    """Return the pause before try number `attempt` (the first repetition is 1), full jitter.

    Args:
        attempt: How many tries have failed.
        jitter: Uniform in [0, 1); the caller draws it, since this module has no randomness.

    See "Exponential Backoff And Jitter" on the AWS Architecture Blog for why the whole pause is drawn.
    """
    return min(CAP_S, BASE_S * 2.0 ** min(attempt - 1, 30)) * jitter


class Gate:
    """When calls may begin: paced, and after failures with pauses that grow, as long as there is no success.

    One gate serves all greenlets that send, so that an outage is met by one call at a time and not by three. For
    example, with `jitter` 0.5 each time:

        10.0 s    a call fails          no call before 10.1 s (0.2 s x 0.5)
        10.1 s    it fails again        no call before 10.3 s (0.4 s x 0.5)
        10.3 s    throttled, with Retry-After: 5        no call before 15.3 s: the service's word, where it is longer
        15.3 s    accepted              open; the next calls may begin at 15.32 s, 15.34 s and so on

    With `hurry`, at the end of the process, the gate opens at once, and no later pause is longer than 1 s.

    State: touched only by the sender; times are seconds of one monotonic clock.

    Attributes:
        failures: Calls that have failed since the last success.
    """

    def __init__(self) -> None:
        """Be open."""
        self.failures = 0
        self._not_before_s = 0.0
        self._next_call_s = 0.0
        self._is_hurrying = False

    def pause_s(self, now_s: float) -> float:
        """Return how long no call may be made, for failures."""
        return max(0.0, self._not_before_s - now_s) if self.failures else 0.0

    def reserve(self, now_s: float) -> float:
        """Reserve the next call's time; return how long it is until then."""
        # Apart from the pauses after failures: a call that succeeds must not open the way for a burst.
        begin_s = max(now_s, self._next_call_s)
        self._next_call_s = begin_s + MIN_INTERVAL_S
        return begin_s - now_s

    def succeed(self) -> None:
        """Note an answer, even one that refuses: CloudWatch is there."""
        self.failures = 0

    def fail(self, now_s: float, jitter: float, retry_after_s: float | None) -> None:
        """Note a call that failed; `jitter` as for `backoff_s`, `retry_after_s` what the service asked to wait."""
        self.failures += 1
        pause_s = max(backoff_s(self.failures, jitter), min(retry_after_s or 0.0, MAX_RETRY_AFTER_S))
        self._not_before_s = now_s + (min(pause_s, HURRIED_PAUSE_S) if self._is_hurrying else pause_s)

    def hurry(self) -> None:
        """Open at once, and pause only shortly from now on: the process ends."""
        self._is_hurrying = True
        self._not_before_s = 0.0
