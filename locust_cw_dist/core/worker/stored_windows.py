"""StoredWindows: summaries by run and window, the current one among them, until a frame takes them.

Bounded by `MAX_WINDOWS`: when windows pile up because no frame could leave, the two oldest merge into one that keeps
the older one's start.

Each change takes windows out by `_pop`, and that leaves the current one if it is among them. So nothing is recorded
in summaries that were taken or merged.

State: as of `CurrentWindow`.
"""

from __future__ import annotations

import math
from collections import Counter

from locust_cw_dist.core.summaries.reason_cap import renamed
from locust_cw_dist.core.summaries.run_counters import MAX_WINDOWS, UNKNOWN_RUN, RunCounters
from locust_cw_dist.core.summaries.sections import EndpointKey, Section
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.windows import FINEST_RESOLUTION_S, window_start_s
from locust_cw_dist.core.worker.current_window import CurrentWindow

_Key = tuple[str, int]
"""Run and start of a window."""


class StoredWindows:
    """Keeps windows in the order in which they were entered.

    Attributes:
        resolution_s: Length of the windows that are entered.
    """

    def __init__(self, current: CurrentWindow, resolution_s: int) -> None:
        """Have no window; `current` is to be the one that was entered last."""
        self.resolution_s = resolution_s
        self._current = current
        self._windows: dict[_Key, dict[EndpointKey, Summary]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether every result has been taken."""
        return not self._windows

    @property
    def runs(self) -> set[str]:
        """The runs of which there are results, `UNKNOWN_RUN` among them."""
        return {run_id for run_id, _ in self._windows}

    @property
    def oldest_s(self) -> float:
        """Start of the oldest window; inf if there is none."""
        return min((start_s for _, start_s in self._windows), default=math.inf)

    def count_summaries(self, until_s: float = math.inf) -> int:
        """Return how many summaries `take` would hand over."""
        return sum(len(self._windows[window]) for window in self._known(until_s))

    def count_untimed(self) -> Counter[str]:
        """Return the number of results without a response time, by run."""
        untimed: Counter[str] = Counter()
        for (run_id, _), summaries in self._windows.items():
            untimed[run_id] += sum(summary.untimed_count for summary in summaries.values())
        return untimed

    def enter(self, run_id: str, now_s: float, counters: RunCounters) -> None:
        """Make the window of `now_s` the current one, of the run that `counters` belong to."""
        start_s = window_start_s(now_s, self.resolution_s)
        if (run_id, start_s) not in self._windows and len(self._windows) >= MAX_WINDOWS:
            self._coarsen()
        summaries = self._windows.setdefault((run_id, start_s), {})
        self._current.enter(start_s, start_s + self.resolution_s, summaries, counters)

    def take(self, max_summaries: int, max_waiting: int, until_s: float) -> list[Section]:
        """Hand over the oldest windows of runs that are known: as much as that, and all if that is more.

        Args:
            max_summaries: Summaries to hand over at most.
            max_waiting: When so many results had to be folded for it, no further summary is taken.
            until_s: Windows that end later stay.
        """
        sections = []
        for run_id, start_s in self._known(until_s):
            if max_summaries <= 0 or max_waiting <= 0:
                break
            rest, taken = self._pop((run_id, start_s)), {}
            while rest and max_summaries > 0 and max_waiting > 0:
                key = next(iter(rest))
                taken[key] = summary = rest.pop(key)
                max_summaries -= 1
                max_waiting -= self._current.fold_waiting(key, summary)
            if rest:
                self._windows[run_id, start_s] = rest
            sections.append(Section.of(run_id, start_s, taken))
        return sections

    def merge(self, window: _Key, summaries: dict[EndpointKey, Summary]) -> None:
        """Add summaries, which belong to this window from now on."""
        target = self._windows.setdefault(window, {})
        for key, summary in summaries.items():
            mine = target.setdefault(key, summary)
            if mine is not summary:
                mine.merge(summary)
                self._current.redirect_waiting(key, summary, mine)

    def rename_run(self, run_id: str, to_run_id: str) -> None:
        """Give the windows of a run to another one."""
        for window in [window for window in self._windows if window[0] == run_id]:
            self.merge((to_run_id, window[1]), self._pop(window))

    def shift(self, seconds: float) -> None:
        """Move every window by `seconds`, to the nearest finest window: the clock turned out to be off by so much."""
        by_s = round(seconds / FINEST_RESOLUTION_S) * FINEST_RESOLUTION_S
        for (run_id, start_s), summaries in [(window, self._pop(window)) for window in list(self._windows)]:
            self.merge((run_id, start_s + by_s), summaries)

    def rename_reasons(self, names: dict[str, str]) -> None:
        """Count the failures that are here for what `names` says instead of their reason."""
        for summaries in self._windows.values():
            for summary in summaries.values():
                summary.reasons = renamed(summary.reasons, names)

    def discard(self) -> None:
        """Drop everything."""
        for window in list(self._windows):
            self._pop(window)
        self._current.discard_waiting()

    def _known(self, until_s: float) -> list[_Key]:
        """Return the windows of known runs that have ended by `until_s`, oldest first."""
        ended = [
            window for window in self._windows if window[0] != UNKNOWN_RUN and window[1] + self.resolution_s <= until_s
        ]
        return sorted(ended, key=lambda window: window[1])

    def _pop(self, window: _Key) -> dict[EndpointKey, Summary]:
        summaries = self._windows.pop(window)
        if summaries is self._current.summaries:
            self._current.leave()
        return summaries

    def _coarsen(self) -> None:
        """Merge the two oldest windows of one run, if any run has two."""
        oldest: dict[str, _Key] = {}
        for window in sorted(self._windows, key=lambda window: window[1]):
            older = oldest.setdefault(window[0], window)
            if older != window:
                self.merge(older, self._pop(window))
                return
