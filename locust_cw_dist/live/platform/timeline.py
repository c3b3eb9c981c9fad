"""Timeline: the time that all of a process goes by, and what others are told of it.

The timeline (`clock`) is the wall clock as it was when the process began. A machine may boot with a wrong clock that is
put right seconds later, and a laptop that was suspended wakes an hour later than its monotonic clock knows. So what is
written for others has the timeline's time plus an offset: that to the wall clock, or to AWS's clock where AWS's own
answers show that the wall clock is wrong.

The offset is a whole number of minutes, and so of windows: what falls into one window, or one minute of CloudWatch's,
stays together. It changes only by a step, never bit by bit.

    timeline     12:00:00                 12:00:10
    wall clock   12:00:00  put right: 09:00:05  09:00:15      offset -3 h from then on

State: touched on the hub only; no method yields.
"""

from __future__ import annotations

import logging
from email.utils import parsedate_to_datetime

from locust_cw_dist.live.platform.clock import WallClock

logger = logging.getLogger("locust_cw_dist")

STEP_S = 60
"""The offset is a multiple of this: the longest window, and CloudWatch's own minute."""

TOLERATED_S = 45.0
"""How far the offset may be from the truth before it changes: over half a step, or it could swing to and fro."""

WRONG_S = 60.0
"""How far the wall clock must be from AWS's before AWS is believed. A Date has whole seconds and takes a while."""


class Timeline:
    """A `WritingClock` that follows steps of the wall clock and AWS's word.

    Attributes:
        offset_s: What to add to a time of the timeline, a multiple of `STEP_S`.
    """

    def __init__(self, clock: WallClock) -> None:
        """Go by `clock`, which makes no step, and begin with its own time."""
        self.offset_s = 0
        self.ticks = clock.ticks
        self.now_s = clock.now_s
        self._clock = clock
        self._wrong_by_s = 0.0
        self._apart_when_told_s = 0.0

    def written_s(self, time_s: float) -> float:
        """Return what others are told of a time on the timeline."""
        return time_s + self.offset_s

    def exact_s(self) -> float:
        """Return the time as exactly as it is known: for signatures, which are refused if they are minutes off."""
        return self._clock.now_s() + self._drift_s()

    def look(self) -> None:
        """Look at the wall clock, and follow it if it has made a step."""
        drift_s = self._drift_s()
        if abs(drift_s - self.offset_s) <= TOLERATED_S:
            return
        before_s, self.offset_s = self.offset_s, STEP_S * round(drift_s / STEP_S)
        logger.warning(
            "locust-cw: %s: published and recorded times are %s from now on; earlier ones stay",
            "AWS's clock is not this machine's" if self._wrong_by_s else "this machine's clock was corrected",
            _moved(self.offset_s - before_s),
        )

    def note_answer(self, date: str) -> None:
        """Take AWS's word for the time: the Date header of an answer of its own. One that can't be read is none."""
        try:
            told_s = parsedate_to_datetime(date).timestamp()
        except (TypeError, ValueError, OverflowError):
            return
        wrong_by_s = told_s - self._clock.wall_s()
        self._wrong_by_s = wrong_by_s if abs(wrong_by_s) > WRONG_S else 0.0
        self._apart_when_told_s = self._apart_s()
        self.look()

    def _drift_s(self) -> float:
        """Return how far the time is ahead of the timeline."""
        apart_s = self._apart_s()
        if abs(apart_s - self._apart_when_told_s) > TOLERATED_S:
            # The wall clock has made a step since, so what AWS said was of another clock.
            self._wrong_by_s = 0.0
        return apart_s + self._wrong_by_s

    def _apart_s(self) -> float:
        return self._clock.wall_s() - self._clock.now_s()


def _moved(seconds: int) -> str:
    minutes = abs(seconds) // STEP_S
    size = f"{minutes:,} min" if minutes < 180 else f"{minutes / 60:,.0f} h"
    return f"{size} {'later' if seconds > 0 else 'earlier'}"
