"""WorkerBuffer: what a worker recorded: results folded into Summaries, and counters for each run.

Results are recorded in the `CurrentWindow`, which is one of the `StoredWindows`, until a frame takes these. Memory is
bounded by `max_endpoints` x `MAX_WINDOWS` summaries, never by the number of requests: an endpoint beyond the cap folds
into `(other)`.

State: as of `CurrentWindow`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from locust_cw_dist.core.summaries.reason_cap import ReasonCap
from locust_cw_dist.core.summaries.request_result import RequestResult
from locust_cw_dist.core.summaries.run_counters import MAX_ENDPOINTS_PER_WORKER, NO_LIMIT, UNKNOWN_RUN, RunCounters
from locust_cw_dist.core.summaries.sections import Section
from locust_cw_dist.core.summaries.windows import FINEST_RESOLUTION_S
from locust_cw_dist.core.worker.current_window import CurrentWindow
from locust_cw_dist.core.worker.stored_windows import StoredWindows


class WorkerBuffer:
    """Records results, and counts them by run; see `CurrentWindow` for who may call it.

    Attributes:
        run_id: The run that results are recorded for.
        current: The window of now.
        stored: What was not taken yet.
    """

    def __init__(
        self, *, resolution_s: int = FINEST_RESOLUTION_S, max_endpoints: int = MAX_ENDPOINTS_PER_WORKER
    ) -> None:
        """Make an empty buffer that folds into windows of `resolution_s`."""
        self.run_id = UNKNOWN_RUN
        self.current = CurrentWindow(max_endpoints)
        self.stored = StoredWindows(self.current, resolution_s)
        self._counters = {UNKNOWN_RUN: RunCounters()}
        # Results that were handed over, by run; all others are here.
        self._taken: Counter[str] = Counter()
        self._reasons = ReasonCap()
        self._known_run_id = UNKNOWN_RUN

    @property
    def counters(self) -> dict[str, RunCounters]:
        """For each run that this process has seen, what it recorded."""
        self.current.count_waiting()
        return self._counters

    def record(self, result: RequestResult, now_s: float) -> None:
        """Fold one result into the window that holds `now_s`."""
        current = self.current
        if not current.start_s <= now_s < current.until_s:
            self.stored.enter(self.run_id, now_s, self._counters_of(self.run_id))
        summary = current.summary_of((result.name, result.method))
        if result.failure is None:
            summary.record_success(result.response_time_ms, result.response_bytes)
        else:
            summary.record_failure(result.response_time_ms, self._reasons.admit(result.failure))
        current.counters.recorded += 1
        if result.untimed is not None:
            current.counters.untimed[result.untimed] += 1

    def use_resolution(self, resolution_s: int) -> None:
        """Fold what comes from now on into windows of `resolution_s`; what is there keeps its windows."""
        if resolution_s != self.stored.resolution_s:
            self.stored.resolution_s = resolution_s
            self.current.leave()

    def begin_run(self, run_id: str) -> None:
        """Record for `run_id` from now on; what was recorded before keeps its run."""
        self.current.leave()
        self._reasons = ReasonCap()
        self.run_id = run_id
        self._known_run_id = run_id or self._known_run_id
        self._counters_of(run_id)

    def name_unknown_run(self, run_id: str) -> None:
        """Give what was recorded before any run was known to `run_id`, and record for it from now on."""
        self.stored.rename_run(UNKNOWN_RUN, run_id)
        unknown, named = self.counters.pop(UNKNOWN_RUN, RunCounters()), self._counters_of(run_id)
        named.recorded += unknown.recorded
        named.untimed += unknown.untimed
        self.begin_run(run_id)

    def take(
        self, max_summaries: int = NO_LIMIT, max_waiting: int = NO_LIMIT, *, until_s: float = math.inf
    ) -> list[Section]:
        """Hand over what is here as `StoredWindows.take` does: everything, or as much as that."""
        sections = self.stored.take(max_summaries, max_waiting, until_s)
        for section in sections:
            self._taken[section.run_id] += section.results
        return sections

    def put_back(self, sections: Sequence[Section]) -> None:
        """Take sections back that did not fit into a frame."""
        for section in sections:
            self._taken[section.run_id] -= section.results
            self.stored.merge((section.run_id, section.start_s), section.summaries)

    def lose(self, results: Mapping[str, int], reason: str) -> None:
        """Count so many results of each run as lost: they were taken, and nobody will have them."""
        for run_id, count in results.items():
            self._counters_of(run_id).lost[reason] += count

    def copy_counters(self) -> dict[str, RunCounters]:
        """Return a copy of the counters of every run that has any, and of the current one, and what is held of it."""
        held = self._held()
        return {
            run_id: RunCounters(counters.recorded, Counter(counters.untimed), held[run_id], Counter(counters.lost))
            for run_id, counters in self.counters.items()
            if run_id != UNKNOWN_RUN and (counters.recorded or run_id == self.run_id)
        }

    def forget_runs(self, acknowledged: dict[str, RunCounters]) -> None:
        """Drop the counters of every run that is over and of which `acknowledged` tells all there is to tell.

        The latest known run is not over: what is recorded for one that is not known yet may turn out to be its own.
        """
        waiting, mine = self.stored.runs | {self._known_run_id, self.run_id}, self.counters
        for run_id, counters in acknowledged.items():
            if run_id not in waiting and mine.get(run_id) == counters:
                del mine[run_id], self._taken[run_id]

    def has_told(self, acknowledged: dict[str, RunCounters]) -> bool:
        """Whether `acknowledged` tells all that was counted in a known run."""
        return all(
            acknowledged.get(run_id) == counters or not counters.recorded
            for run_id, counters in self.counters.items()
            if run_id != UNKNOWN_RUN
        )

    def discard(self) -> None:
        """Drop every summary, and take back that its results were recorded: nobody wants them."""
        untimed = self.stored.count_untimed()
        for run_id, results in self._held().items():
            self._counters[run_id].recorded -= results
            _take_back(self._counters[run_id].untimed, untimed[run_id])
        self.stored.discard()

    def _held(self) -> dict[str, int]:
        return {run_id: counters.recorded - self._taken[run_id] for run_id, counters in self.counters.items()}

    def _counters_of(self, run_id: str) -> RunCounters:
        return self._counters.setdefault(run_id, RunCounters())


def _take_back(tally: Counter[str], number: int) -> None:
    """Take so many off a tally; which reasons they had is not known any more."""
    for reason in list(tally):
        taken = min(number, tally[reason])
        tally[reason] -= taken
        number -= taken
        if not tally[reason]:
            del tally[reason]
