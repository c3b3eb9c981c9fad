"""CrossChecker: compares Locust's own totals with what was recorded, for the runs where that means something.

Locust clears its totals when a test starts, just before its event. From then on they hold this run and nothing else,
unless somebody resets them or late results of an earlier run come in. So they belong to the current run as long as they
are the same totals as at its start and not begun anew. Where another run has grown since, or where the next run started
before this one was over, they show what is surely missing, but not that nothing is.

State: touched on the hub only; nothing here yields.
"""

from __future__ import annotations

import contextlib
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

    run_id: str
    total: Any
    began_s: float
    others: Totals


class _NotComparableError(Exception):
    """Locust's totals are not those of the run; says why."""


class CrossChecker:
    """Checks the runs of one process."""

    def __init__(self, environment: Any, runs: Runs, collector: Collector) -> None:
        """Compare the totals of `environment` with what `collector` was told."""
        self._environment = environment
        self._link = RunLink(environment)
        self._runs = runs
        self._collector = collector
        self._start: _Start | None = None
        # As each run was when it was checked last while it was the current one, and Locust's totals when it stopped.
        self._checked: dict[str, CrossCheck] = {}
        self._at_stop: dict[str, Totals] = {}

    def begin(self, run: Run) -> None:
        """Note that a run starts; call it when Locust has cleared its totals, before anything is recorded for it."""
        try:
            total = self._environment.stats.total
            self._start = _Start(
                run.run_id, total, float(total.start_time), self._collector.totals_of_others(run.run_id)
            )
        # Whatever a user has put in its place.
        except Exception:
            self._start = None

    def note_stop(self, run: Run) -> None:
        """Note that a run stops: Locust may clear its totals before all of its results are in."""
        self._at_stop.pop(run.run_id, None)
        # Where results of another run came in, nothing is sure before all of them have.
        if self._others(run) == Totals():
            with contextlib.suppress(_NotComparableError):
                self._at_stop[run.run_id] = self._read(run)

    def check(self, run: Run) -> CrossCheck:
        """Compare now, or, of a run that is not the current one any more, with what Locust had while it was."""
        recorded = self._collector.totals(run.run_id)
        try:
            if run is self._runs.current:
                self._checked.pop(run.run_id, None)
                check = self._checked[run.run_id] = self._compare(run, recorded)
                return check
            return self._recall(run, recorded)
        except _NotComparableError as e:
            return CrossCheck(recorded, why=str(e))

    def _compare(self, run: Run, recorded: Totals) -> CrossCheck:
        check = CrossCheck(recorded, self._read(run), "", self._others(run))
        if check.others != Totals() and not check.finds_missing:
            raise _NotComparableError(OTHER_RUN)
        return check

    def _recall(self, run: Run, recorded: Totals) -> CrossCheck:
        if not run.is_own:
            raise _NotComparableError(NOT_OWN)
        checked = self._checked.get(run.run_id)
        if checked is not None:
            return replace(checked, recorded=recorded)
        check = CrossCheck(recorded, self._at_stop.get(run.run_id), "")
        if not check.finds_missing:
            raise _NotComparableError(NEXT_RUN)
        return check

    def _others(self, run: Run) -> Totals:
        """Return what came of other runs since this one started."""
        before = self._start.others if self._start is not None else Totals()
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
        start = self._start
        if start is None or start.run_id != run.run_id:
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
