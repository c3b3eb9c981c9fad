"""ManualClock: time that only a test moves."""

from __future__ import annotations


class ManualClock:
    """A clock that stands until it is moved.

    Attributes:
        time_s: What it shows, seconds since the epoch; set it, or call `advance`.
        offset_s: Seconds to add to every time that is written: set it.
        wall_ahead_s: How far the wall clock is ahead of it: set it for a wall clock that makes a step.
    """

    def __init__(self, time_s: float = 1_800_000_000.0) -> None:
        """Show `time_s`: by default a whole minute in January 2027."""
        self.time_s = time_s
        self.wall_ahead_s = 0.0
        self.offset_s = 0
        self._began_s = time_s

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.time_s += seconds

    def now_s(self) -> float:
        """Return seconds since the epoch."""
        return self.time_s

    def written_s(self, time_s: float) -> float:
        """Return a time as it is written: with `offset_s` added."""
        return time_s + self.offset_s

    def ticks(self) -> float:
        """Return seconds since this was made: not those of `now_s`, so that a mix-up of the two shows."""
        return self.time_s - self._began_s

    def wall_s(self) -> float:
        """Return seconds since the epoch as the wall clock has them."""
        return self.time_s + self.wall_ahead_s
