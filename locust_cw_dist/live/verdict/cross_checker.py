"""CrossChecker: compares Locust's own totals with what was recorded, for the runs where that means something.

Locust clears its totals when a test starts, just before its event. From then on they hold this run and nothing else,
unless somebody resets them or late results of an earlier run come in. So they belong to the current run as long as they
are the same totals as at its start and not begun anew. Where another run has grown since, or where the next run started
before this one was over, they show what is surely missing, but not that nothing is.

State: touched on the hub only; nothing here yields.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.summaries.totals import Totals
from locust_cw_dist.core.verdict.cross_check import CrossCheck
from locust_cw_dist.live.platform.locust_internals import RunLink
from locust_cw_dist.live.runs import Run, Runs

NOT_OWN = "the test was started by another master"
NOT_STARTED = "no test was started here since the plugin was installed"
NEXT_RUN = "Locust cleared its totals when the next test started"
RESET_OPTION = "--reset-stats"
RESET = "Locust's totals were reset while the test ran"
OTHER_RUN = "results of another run came in after this one had started"
MANY_RUNNERS = "several runners count the same events"
UNREADABLE = "Locust's totals could not be read"


@dataclass(frozen=True, slots=True)
class _Start:
    """How things were when a run started: Locust's totals, when these began, and what others had recorded."""

    total: Any
    began_s: float
    others: Totals


@dataclass(slots=True)
class _SeenRun:
    """What was seen of one run.

    Attributes:
        start: How it started; None if that was elsewhere.
        checked: As it was checked last while it was the current one, if it could be.
        at_stop: Locust's totals when it stopped, if they were the run's.
    """

    start: _Start | None = None
    checked: CrossCheck | None = None
    at_stop: Totals | None = None


class _NotComparableError(Exception):
    """Locust's totals are not those of the run; says why."""


class CrossChecker:
    """Checks the runs of one process."""

    def __init__(self, environment: Any, runs: Runs, collector: Collector, waiting: Callable[[str], int]) -> None:
        """Compare the totals of `environment` with what `collector` was told.

        `waiting` returns how many results of a run have fired in this process that it was not told of yet.
        """
        self._environment = environment
        self._link = RunLink(environment)
        self._runs = runs
        self._collector = collector
        self._waiting = waiting
        self._seen: defaultdict[Run, _SeenRun] = defaultdict(_SeenRun)

    def begin(self, run: Run) -> None:
        """Note that a run starts; call it when Locust has cleared its totals, before anything is recorded for it."""
        # The totals may be whatever a user has put in their place.
        with contextlib.suppress(Exception):
            total = self._environment.stats.total
            others = self._collector.totals_of_others(run.run_id)
            self._seen[run].start = _Start(total, float(total.start_time), others)

    def note_stop(self, run: Run) -> None:
        """Note that a run stops: Locust may clear its totals before all of its results are in."""
        self._seen[run].at_stop = None
        # Where results of another run came in, nothing is sure before all of them have.
        if self._others(run) == Totals():
            with contextlib.suppress(_NotComparableError):
                self._seen[run].at_stop = self._read(run)

    def check(self, run: Run) -> CrossCheck:
        """Compare now, or, of a run that is not the current one any more, with what Locust had while it was."""
        seen, recorded = self._seen[run], self._collector.run(run.run_id).totals
        try:
            if run is self._runs.current:
                seen.checked = None
                seen.checked = self._compare(run, recorded)
                return seen.checked
            return self._recall(run, recorded)
        except _NotComparableError as e:
            return CrossCheck(recorded, why=str(e))

    def _compare(self, run: Run, recorded: Totals) -> CrossCheck:
        check = CrossCheck(recorded, self._read(run), "", self._others(run), self._waiting(run.run_id))
        if check.others != Totals() and not check.finds_missing:
            raise _NotComparableError(OTHER_RUN)
        return check

    def _recall(self, run: Run, recorded: Totals) -> CrossCheck:
        if not run.is_own:
            raise _NotComparableError(NOT_OWN)
        seen = self._seen[run]
        if seen.checked is not None:
            return replace(seen.checked, recorded=recorded, waiting=self._waiting(run.run_id))
        check = CrossCheck(recorded, seen.at_stop, "", waiting=self._waiting(run.run_id))
        if not check.finds_missing:
            raise _NotComparableError(NEXT_RUN)
        return check

    def _others(self, run: Run) -> Totals:
        """Return what came of other runs since this one started."""
        start = self._seen[run].start
        before = start.others if start is not None else Totals()
        now = self._collector.totals_of_others(run.run_id)
        return Totals(max(0, now.requests - before.requests), max(0, now.failures - before.failures))

    def _read(self, run: Run) -> Totals:
        try:
            total = self._environment.stats.total
            why = self._obstacle(run, total)
            totals = Totals(_count(total.num_requests), _count(total.num_failures))
        except Exception as e:
            raise _NotComparableError(UNREADABLE) from e
        if why is not None:
            raise _NotComparableError(why)
        return totals

    def _obstacle(self, run: Run, total: Any) -> str | None:
        start = self._seen[run].start
        if start is None:
            return NOT_STARTED
        if getattr(self._environment, "reset_stats", False):
            return RESET_OPTION
        # Reports of workers can only set the beginning back.
        if total is not start.total or total.start_time > start.began_s:
            return RESET
        return MANY_RUNNERS if self._link.count_runners() > 1 else None


def _count(value: Any) -> int:
    # What a worker reports is whatever a message says.
    if type(value) is not int or value < 0:
        raise ValueError(value)
    return value
