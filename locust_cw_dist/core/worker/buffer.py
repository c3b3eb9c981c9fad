"""WorkerBuffer: results folded into Summaries by run, window and endpoint, until the next frame takes them.

Memory is bounded by `max_endpoints` x `MAX_WINDOWS` summaries, never by the number of requests: an endpoint beyond the
cap folds into `(other)`, and when windows pile up because no frame could leave, the two oldest merge into one that
keeps the older one's start.

What Locust's own clients record is well-formed, and nearly all of it belongs to an endpoint and the window that were
there a moment ago. Such results wait in an `Intake`, at most `MAX_BATCH` for each endpoint, and are folded together,
which takes a sixth of the time of folding each by itself. An endpoint's intake is folded when it is full, when the
endpoint's first result of another window comes, and when its summary is taken: never all intakes at once, which would
hold the hub for 40 ms at 1,000 endpoints. Whatever looks at counters counts what waits.

State: touched only by the greenlet that fires the request event and by the one that cuts frames. Both run on the hub's
thread, and no method here yields, so neither sees the other in the middle.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from locust_cw_dist.core.summaries.reason_cap import ReasonCap, renamed
from locust_cw_dist.core.summaries.request_result import RequestResult
from locust_cw_dist.core.summaries.run_counters import (
    MAX_ENDPOINTS_PER_WORKER,
    MAX_WINDOWS,
    OTHER,
    UNKNOWN_RUN,
    RunCounters,
)
from locust_cw_dist.core.summaries.sections import AnySection, EndpointKey, Section
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.windows import FINEST_RESOLUTION_S, window_start_s

NO_LIMIT = 2**53
"""More than there can be."""


@dataclass(slots=True)
class Intake:
    """Successful results of one endpoint in one window that wait to be folded.

    Whoever appends to the two lists calls `fold` when they hold `MAX_BATCH`.

    Attributes:
        response_times_ms: Floats from 0 to `CEILING_MS`.
        response_bytes: As many integers, where one out of range stands for a length that is not known.
    """

    summary: Summary
    counters: RunCounters
    response_times_ms: list[float] = field(default_factory=list)
    response_bytes: list[int] = field(default_factory=list)
    _counted: int = 0

    def count(self) -> None:
        """Count what waits and is not counted yet."""
        waiting = len(self.response_times_ms)
        self.counters.recorded += waiting - self._counted
        self._counted = waiting

    def fold(self) -> int:
        """Fold what waits; return how much that was."""
        times_ms, lengths, counted = self.response_times_ms, self.response_bytes, self._counted
        # First of all: whatever goes wrong, they don't grow.
        self.response_times_ms, self.response_bytes, self._counted = [], [], 0
        if times_ms:
            self.summary.fold_successes(times_ms, lengths)
            self.counters.recorded += len(times_ms) - counted
        return len(times_ms)


class WorkerBuffer:
    """Folds results; see the module's docstring for who may call it.

    Attributes:
        run_id: The run that results are recorded for.
        intakes: Where results of the current window wait, by method and then by name; see `current_until_s`. Another
            dict as soon as another window or run may be the current one.
        current_until_s: End of the current window, and with it of what `intakes` may take.
    """

    def __init__(
        self, *, resolution_s: int = FINEST_RESOLUTION_S, max_endpoints: int = MAX_ENDPOINTS_PER_WORKER
    ) -> None:
        """Make an empty buffer that folds into windows of `resolution_s`."""
        self.run_id = UNKNOWN_RUN
        self.intakes: dict[str, dict[str, Intake]] = {}
        self.current_until_s = 0.0
        self._counters: dict[str, RunCounters] = {}
        # Results that were handed over, by run; all others are here.
        self._taken: Counter[str] = Counter()
        self._resolution_s = resolution_s
        self._max_endpoints = max_endpoints
        self._windows: dict[tuple[str, int], dict[EndpointKey, Summary]] = {}
        # As they were first seen, so that all windows share the strings.
        self._known: dict[EndpointKey, EndpointKey] = {}
        # Of each endpoint the latest, also if its window was left since.
        self._latest: dict[EndpointKey, Intake] = {}
        self._run_counters = self._counters_of(UNKNOWN_RUN)
        self._reasons = ReasonCap()
        self._known_run_id = UNKNOWN_RUN
        self._leave_window()

    @property
    def counters(self) -> dict[str, RunCounters]:
        """For each run that this process has seen, what it recorded."""
        for intake in self._latest.values():
            intake.count()
        return self._counters

    @property
    def is_empty(self) -> bool:
        """Whether every result has been taken."""
        return not self._windows

    @property
    def waiting_runs(self) -> set[str]:
        """The runs of which there are results that were not taken, `UNKNOWN_RUN` among them."""
        return {run_id for run_id, _ in self._windows}

    def waiting_summaries(self, until_s: float = math.inf) -> int:
        """Return how many summaries `take` would hand over."""
        return sum(len(self._windows[window]) for window in self._known_windows(until_s))

    @property
    def oldest_s(self) -> float:
        """Start of the oldest window that was not taken; inf if there is none."""
        return min((start_s for _, start_s in self._windows), default=math.inf)

    @property
    def resolution_s(self) -> int:
        """Length of the windows that new results go to."""
        return self._resolution_s

    def record(self, result: RequestResult, now_s: float) -> None:
        """Fold one result into the window that holds `now_s`."""
        if not self._start_s <= now_s < self.current_until_s:
            self._enter_window(now_s)
        summary = self._summary_of((result.name, result.method))
        if result.failure is None:
            summary.record_success(result.response_time_ms, result.response_bytes)
        else:
            summary.record_failure(result.response_time_ms, self._reasons.admit(result.failure))
        self._run_counters.recorded += 1
        if result.untimed is not None:
            self._run_counters.untimed[result.untimed] += 1

    def use_resolution(self, resolution_s: int) -> None:
        """Fold what comes from now on into windows of `resolution_s`; what is there keeps its windows."""
        if resolution_s != self._resolution_s:
            self._resolution_s = resolution_s
            self._leave_window()

    def begin_run(self, run_id: str) -> None:
        """Record for `run_id` from now on; what was recorded before keeps its run."""
        self._leave_window()
        self._reasons = ReasonCap()
        self.run_id = run_id
        self._known_run_id = run_id or self._known_run_id
        self._run_counters = self._counters_of(run_id)

    def name_unknown_run(self, run_id: str) -> None:
        """Give what was recorded before any run was known to `run_id`, and record for it from now on."""
        self._leave_window()
        for (_, start_s), summaries in self._pop_windows(UNKNOWN_RUN):
            self._merge_into((run_id, start_s), summaries)
        unknown, named = self.counters.pop(UNKNOWN_RUN, RunCounters()), self._counters_of(run_id)
        named.recorded += unknown.recorded
        named.untimed += unknown.untimed
        self.begin_run(run_id)

    def rename_reasons(self, names: dict[str, str]) -> None:
        """Count the failures that are here for what `names` says instead of their reason."""
        for summaries in self._windows.values():
            for summary in summaries.values():
                summary.reasons = renamed(summary.reasons, names)

    def shift(self, seconds: float) -> None:
        """Move every window by `seconds`, to the nearest finest window: the clock turned out to be off by so much."""
        by_s = round(seconds / FINEST_RESOLUTION_S) * FINEST_RESOLUTION_S
        self._leave_window()
        windows, self._windows = self._windows, {}
        for (run_id, start_s), summaries in windows.items():
            self._merge_into((run_id, start_s + by_s), summaries)

    def take(
        self, max_summaries: int = NO_LIMIT, max_waiting: int = NO_LIMIT, *, until_s: float = math.inf
    ) -> list[Section]:
        """Hand over what is here and whose run is known, oldest window first: everything, or as much as that.

        Args:
            max_summaries: Summaries to hand over at most.
            max_waiting: When so many results had to be folded for it, no further summary is taken.
            until_s: Windows that end later stay.
        """
        self._leave_window()
        sections = []
        for run_id, start_s in self._known_windows(until_s):
            summaries, taken = self._windows[run_id, start_s], Section(run_id, start_s, {})
            for key in list(summaries):
                if max_summaries <= 0 or max_waiting <= 0:
                    break
                taken.summaries[key] = summary = summaries.pop(key)
                max_summaries -= 1
                max_waiting -= self._fold_waiting(key, summary)
            if not summaries:
                del self._windows[run_id, start_s]
            if taken.summaries:
                sections.append(taken)
                self._taken[run_id] += taken.results
        return sections

    def put_back(self, sections: Sequence[AnySection]) -> None:
        """Take sections back that did not fit into a frame."""
        self._leave_window()
        for section in sections:
            self._taken[section.run_id] -= section.results
            self._merge_into((section.run_id, section.start_s), section.summaries)

    def copy_counters(self) -> dict[str, RunCounters]:
        """Return a copy of the counters of every run that has any, and of the current one, and what is held of it."""
        held = self._held()
        return {
            run_id: RunCounters(counters.recorded, Counter(counters.untimed), held[run_id])
            for run_id, counters in self.counters.items()
            if run_id != UNKNOWN_RUN and (counters.recorded or run_id == self.run_id)
        }

    def forget_runs(self, acknowledged: dict[str, RunCounters]) -> None:
        """Drop the counters of every run that is over and of which `acknowledged` tells all there is to tell.

        The latest known run is not over: what is recorded for one that is not known yet may turn out to be its own.
        """
        waiting, mine = self.waiting_runs | {self._known_run_id, self.run_id}, self.counters
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
        self._leave_window()
        for run_id, results in self._held().items():
            self._counters[run_id].recorded -= results
        for (run_id, _), summaries in self._windows.items():
            untimed = sum(summary.untimed_count for summary in summaries.values())
            _take_back(self._counters[run_id].untimed, untimed)
        self._windows, self._latest = {}, {}

    def _known_windows(self, until_s: float) -> list[tuple[str, int]]:
        """Return the windows of known runs that have ended by `until_s`, oldest first."""
        ended = [
            window for window in self._windows if window[0] != UNKNOWN_RUN and window[1] + self._resolution_s <= until_s
        ]
        return sorted(ended, key=lambda window: window[1])

    def _held(self) -> dict[str, int]:
        return {run_id: counters.recorded - self._taken[run_id] for run_id, counters in self.counters.items()}

    def _counters_of(self, run_id: str) -> RunCounters:
        return self._counters.setdefault(run_id, RunCounters())

    def _leave_window(self) -> None:
        self.intakes = {}
        # An empty span: the next result looks its window up.
        self._start_s = self.current_until_s = 0
        self._current: dict[EndpointKey, Summary] = {}

    def _enter_window(self, now_s: float) -> None:
        self._leave_window()
        start_s = window_start_s(now_s, self._resolution_s)
        self._start_s, self.current_until_s = start_s, start_s + self._resolution_s
        self._current = self._windows.setdefault((self.run_id, start_s), {})
        if len(self._windows) > MAX_WINDOWS:
            self._coarsen()

    def _summary_of(self, key: EndpointKey) -> Summary:
        """Return the summary of an endpoint in the current window, and see that it has an intake."""
        summary = self._current.get(key)
        if summary is None:
            if key not in self._known:
                if len(self._known) >= self._max_endpoints:
                    # Without an intake, for there may be any number of such names.
                    return self._current.setdefault(OTHER, Summary())
                self._known[key] = key
            key = self._known[key]
            summary = self._current[key] = Summary()
        name, method = key
        by_name = self.intakes.setdefault(method, {})
        if name not in by_name:
            by_name[name] = self._intake_of(key, summary)
        return summary

    def _intake_of(self, key: EndpointKey, summary: Summary) -> Intake:
        """Return an endpoint's intake for `summary`, and fold what waits for an earlier window."""
        intake = self._latest.get(key)
        if intake is None or intake.summary is not summary or intake.counters is not self._run_counters:
            if intake is not None:
                intake.fold()
            intake = self._latest[key] = Intake(summary, self._run_counters)
        return intake

    def _fold_waiting(self, key: EndpointKey, summary: Summary) -> int:
        """Fold what waits for a summary that leaves; return how much that was."""
        intake = self._latest.get(key)
        if intake is None or intake.summary is not summary:
            return 0
        del self._latest[key]
        return intake.fold()

    def _pop_windows(self, run_id: str) -> list[tuple[tuple[str, int], dict[EndpointKey, Summary]]]:
        return [(window, self._windows.pop(window)) for window in list(self._windows) if window[0] == run_id]

    def _coarsen(self) -> None:
        """Merge the two oldest windows of one run, if any run has two beside the current one."""
        current = (self.run_id, self._start_s)
        oldest: dict[str, tuple[str, int]] = {}
        for window in sorted(self._windows, key=lambda window: window[1]):
            if window == current:
                continue
            older = oldest.setdefault(window[0], window)
            if older != window:
                self._merge_into(older, self._windows.pop(window))
                return

    def _merge_into(self, window: tuple[str, int], summaries: dict[EndpointKey, Summary]) -> None:
        target = self._windows.setdefault(window, {})
        for key, summary in summaries.items():
            mine = target.get(key)
            if mine is None:
                target[key] = summary
            else:
                mine.merge(summary)
                intake = self._latest.get(key)
                if intake is not None and intake.summary is summary:
                    intake.summary = mine


def _take_back(tally: Counter[str], number: int) -> None:
    """Take so many off a tally; which reasons they had is not known any more."""
    for reason in list(tally):
        taken = min(number, tally[reason])
        tally[reason] -= taken
        number -= taken
        if not tally[reason]:
            del tally[reason]
