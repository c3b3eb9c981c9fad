"""ReportIntervals: how often workers report, and how much longer windows wait where that is rarer than usual.

Locust's workers report every 3 s, and a locustfile may set that, on the master too or on workers alone. The grace time
is meant for workers that are behind by more than a report, so it is longer by as much as reports are rarer.

State: touched only on the master's hub.
"""

from __future__ import annotations

import itertools

MAX_WORKERS = 4096
"""Workers that are looked at; ids are whatever a message says."""

MAX_SLACK_S = 120.0
"""Bounds what windows wait longer: rarer reports come late, as those of a worker that is away do."""

REGULAR_GAPS = 2
"""Gaps in a row that make an interval: one alone is a worker that stood still."""


class ReportIntervals:
    """Measures the gaps between the reports of each worker."""

    def __init__(self, usual_s: float) -> None:
        """Compare with reports every `usual_s`."""
        self._usual_s = usual_s
        self._reports_s: dict[str, list[float]] = {}

    def note(self, worker: str, now_s: float) -> None:
        """Note a report of a worker."""
        if worker in self._reports_s or len(self._reports_s) < MAX_WORKERS:
            before = self._reports_s.get(worker, [])
            self._reports_s[worker] = [*before[-REGULAR_GAPS:], now_s]

    def slack_s(self, own_s: float, workers: set[str]) -> float:
        """Return how much longer windows are to wait.

        Args:
            own_s: How often workers report, as far as the master knows.
            workers: Those that are there; others are forgotten.
        """
        self._reports_s = {worker: times_s for worker, times_s in self._reports_s.items() if worker in workers}
        longest_s = max(map(_interval_s, self._reports_s.values()), default=0.0)
        return min(MAX_SLACK_S, max(0.0, max(own_s, longest_s) - self._usual_s))


def _interval_s(times_s: list[float]) -> float:
    """Return the shortest of the last gaps; 0 as long as there are too few."""
    if len(times_s) <= REGULAR_GAPS:
        return 0.0
    return min(after - before for before, after in itertools.pairwise(times_s))
