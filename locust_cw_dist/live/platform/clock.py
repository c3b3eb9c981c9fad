"""Clock: the one timeline of a process, which never jumps, and the machine's wall clock, which may.

All stages tell the time by the timeline: windows, the watermark, rules, time-outs. What is written for others to read
(datums, records, states) has the wall clock's time; how far the two are apart is for `timeline.Timeline` to know.

A test may freeze or move Python's time (freezegun, time-machine) around a request, and other greenlets run meanwhile,
ours among them. Both leave alone what is read here.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Protocol

# As partials: freezegun replaces a function of `time` in every module that holds it by itself.
monotonic_s = partial(time.clock_gettime, time.CLOCK_MONOTONIC)
"""Return seconds from an arbitrary moment on; never less than before."""

cpu_s = partial(time.clock_gettime, time.CLOCK_THREAD_CPUTIME_ID)
"""Return how long this thread has had a processor, in seconds."""

# The coarse clock, 5, is one that time-machine leaves alone; it is at most 4 ms behind.
_wall_s = partial(time.clock_gettime, 5 if sys.platform == "linux" else time.CLOCK_REALTIME)


class Clock(Protocol):
    """Tells the time."""

    def now_s(self) -> float:
        """Return seconds since the epoch on the timeline; never less than before."""
        ...

    def ticks(self) -> float:
        """Return seconds from an arbitrary moment on; never less than before, and never corrected."""
        ...


class WritingClock(Clock, Protocol):
    """Tells the time, and what others are told of it."""

    offset_s: int

    def written_s(self, time_s: float) -> float:
        """Return what others are told of a time, seconds since the epoch."""
        ...


class WallClock(Clock, Protocol):
    """Tells the time, and what the wall clock makes of it."""

    def wall_s(self) -> float:
        """Return seconds since the epoch as the machine's wall clock has them now; they may jump."""
        ...


class SystemClock:
    """The machine's wall clock as it was when this was made, carried on by its monotonic clock."""

    __slots__ = ("_anchor_s",)

    # Twice as fast as `monotonic_s`, for the listener of each request; freezegun does not look into classes.
    ticks = staticmethod(time.monotonic)
    wall_s = staticmethod(_wall_s)

    def __init__(self) -> None:
        """Anchor to the wall clock as it is now."""
        self._anchor_s = _wall_s() - monotonic_s()

    def now_s(self) -> float:
        """Return seconds since the epoch."""
        return self._anchor_s + monotonic_s()
