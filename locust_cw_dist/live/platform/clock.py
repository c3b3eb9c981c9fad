"""Clock: wall time anchored to the monotonic clock, so that it never jumps while the process runs."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now_s(self) -> float:
        """Return seconds since the epoch; never less than before."""
        ...

    def ticks(self) -> float:
        """Return seconds from an arbitrary moment on; never less than before, and never corrected."""
        ...


class SystemClock:
    """The machine's wall clock as it was when this was made, carried on by its monotonic clock."""

    __slots__ = ("_anchor_s",)

    ticks = staticmethod(time.monotonic)

    def __init__(self) -> None:
        """Anchor to the wall clock as it is now."""
        self._anchor_s = time.time() - time.monotonic()

    def now_s(self) -> float:
        """Return seconds since the epoch."""
        return self._anchor_s + time.monotonic()
