"""ClockSync: how far this process's clock is from the master's, from the times that the master sends along.

A message that left at T (master's clock) and arrived at t (own clock) shows t - T = delay - offset, where the delay is
never negative; the smallest of several is the closest to the truth. Only the last `MEMORY` count, so that a clock that
moved is followed.
"""

from __future__ import annotations

from collections import deque

MEMORY = 32
"""Measurements that count: a minute and a half at one acknowledgement each 3 s."""


class ClockSync:
    """Estimates the offset; pure, the caller reads the clock."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._receive_minus_send_s: deque[float] = deque(maxlen=MEMORY)

    @property
    def offset_s(self) -> float | None:
        """What to add to the own clock to get the master's, less the shortest delay seen; None as long as unknown."""
        return -min(self._receive_minus_send_s) if self._receive_minus_send_s else None

    def note(self, sent_s: float, received_s: float) -> None:
        """Take one measurement: master's clock at sending, own clock at receipt."""
        self._receive_minus_send_s.append(received_s - sent_s)
