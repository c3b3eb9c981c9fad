"""Backlog: closed windows that wait to be sent, bounded in number.

When CloudWatch is away for so long that `max_windows` wait, the two oldest of a run merge into one that keeps the older
one's start: time gets coarser at the far end, and nothing is lost.

State: touched only by the publisher.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from itertools import chain

from locust_cw_dist.core.summaries.run_counters import OTHER
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary, merged
from locust_cw_dist.core.summaries.window import MAX_ENDPOINTS_PER_WINDOW, ClosedWindow

MAX_WAITING_WINDOWS = 360
"""An hour at 10 s windows: 100 endpoints with two hundred bins each come to some 300 MB at worst."""


class Backlog:
    """Closed windows, oldest first."""

    def __init__(self, max_windows: int = MAX_WAITING_WINDOWS) -> None:
        """Hold at most `max_windows` (two at least), as far as they are of one run."""
        self._max_windows = max_windows
        self._waiting: deque[ClosedWindow] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[ClosedWindow]:
        """Iterate over the windows, oldest first."""
        return iter(self._waiting)

    def add(self, window: ClosedWindow) -> None:
        """Let a window wait."""
        self._waiting.append(window)
        if len(self._waiting) > self._max_windows:
            self._coarsen()

    @property
    def offset_s(self) -> int | None:
        """The offset of the window that waited longest, or None."""
        return self._waiting[0].offset_s if self._waiting else None

    def take(self) -> ClosedWindow | None:
        """Return the window that waited longest, or None."""
        return self._waiting.popleft() if self._waiting else None

    def _coarsen(self) -> None:
        # Two of one offset, so that each result keeps the time that it was to be published with. Where the clock steps
        # so often that there are none, memory has a bound all the same.
        pair = self._oldest_pair(lambda window: (window.run_id, window.offset_s)) or self._oldest_pair(
            lambda window: window.run_id
        )
        if pair is not None:
            older, newer = pair
            self._waiting[older] = _joined(self._waiting[older], self._waiting[newer])
            del self._waiting[newer]

    def _oldest_pair(self, kind: Callable[[ClosedWindow], Hashable]) -> tuple[int, int] | None:
        """Return the numbers of the two oldest windows of one kind, or None if all are of different kinds."""
        first_of: dict[Hashable, int] = {}
        for number, window in enumerate(self._waiting):
            older = first_of.setdefault(kind(window), number)
            if older != number:
                return older, number
        return None


def _joined(older: ClosedWindow, newer: ClosedWindow) -> ClosedWindow:
    """Return one that begins with the older and holds what both hold."""
    parts: defaultdict[EndpointKey, list[Summary]] = defaultdict(list)
    for key, summary in chain(older.summaries.items(), newer.summaries.items()):
        parts[key if key in parts or len(parts) < MAX_ENDPOINTS_PER_WINDOW else OTHER].append(summary)
    return replace(older, summaries={key: merged(together) for key, together in parts.items()})
