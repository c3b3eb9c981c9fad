"""ClockSync: how far this process's clock is from the master's, from the times that the master sends along.

A message that left at T (master's clock) and arrived at t (own clock) shows that the master's clock is at least T - t
ahead, since it did not arrive before it left; if it answers what left here at a (own clock), it shows that it is at
most T - a ahead. Between the closest bounds lies the truth, and they are as far apart as the shortest two ways take. Of
what they allow, the smallest offset is taken: the first message may wait for seconds in a process that is busy with its
start, and that is no reason to move its clock. Only the last `MEMORY` count, so that a clock that moved is followed.
"""

from __future__ import annotations

from collections import deque

MEMORY = 32
"""Measurements that count: a minute and a half at one acknowledgement each 3 s."""


class ClockSync:
    """Estimates the offset; pure, the caller reads the clock."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._bounds_s: deque[tuple[float, float]] = deque(maxlen=MEMORY)

    @property
    def offset_s(self) -> float | None:
        """What to add to the own clock to get the master's; None as long as nothing is known."""
        if not self._bounds_s:
            return None
        lowest_s = max(lower_s for lower_s, _ in self._bounds_s)
        highest_s = min(upper_s for _, upper_s in self._bounds_s)
        return max(lowest_s, min(0.0, highest_s))

    def note(self, asked_s: float, sent_s: float, received_s: float) -> None:
        """Take one measurement: own clock at asking, master's clock at answering, own clock at receipt."""
        self._bounds_s.append((sent_s - received_s, sent_s - asked_s))
