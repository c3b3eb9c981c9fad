"""Backlog: closed windows that wait to be sent, bounded in number.

When CloudWatch is away for so long that `max_windows` wait, the two oldest of a run merge into one that keeps the older
one's start: time gets coarser at the far end, and nothing is lost.

State: touched only by the publisher.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from locust_cw_dist.core.summaries.sections import Section
from locust_cw_dist.core.summaries.window import Window

MAX_WAITING_WINDOWS = 360
"""An hour at 10 s windows: 100 endpoints with two hundred bins each come to some 300 MB at worst."""


class Backlog:
    """Closed windows, oldest first."""

    def __init__(self, max_windows: int = MAX_WAITING_WINDOWS) -> None:
        """Hold at most `max_windows` (two at least), as far as they are of one run."""
        self._max_windows = max_windows
        self._waiting: deque[Window] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Window]:
        """Iterate over the windows, oldest first."""
        return iter(self._waiting)

    def add(self, window: Window) -> None:
        """Let a window wait."""
        self._waiting.append(window)
        if len(self._waiting) > self._max_windows:
            self._coarsen()

    def take(self) -> Window | None:
        """Return the window that waited longest, or None."""
        return self._waiting.popleft() if self._waiting else None

    def results(self, run_id: str) -> int:
        """Return the number of results of a run that wait."""
        return sum(window.results for window in self._waiting if window.run_id == run_id)

    def _coarsen(self) -> None:
        first_of: dict[str, Window] = {}
        for window in self._waiting:
            older = first_of.setdefault(window.run_id, window)
            if older is not window:
                older.merge(Section.of(window.run_id, window.start_s, window.summaries))
                older.late += window.late
                self._waiting.remove(window)
                return
