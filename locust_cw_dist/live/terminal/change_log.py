"""ChangeLog: one line when something changes while a test runs, and silence otherwise.

Told of here: the first window that CloudWatch has accepted, a rule that is broken, workers that went missing or came
back. That calls fail, and succeed again, is told where it is noticed (`live/publish/failure_log`).

State: touched by the greenlet that looks after the runs, once a second.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from locust_cw_dist.core.names.plural import counted
from locust_cw_dist.core.progress.plain_text import span
from locust_cw_dist.core.rules.messages import label_of
from locust_cw_dist.core.rules.outcome import RuleOutcome, RuleState
from locust_cw_dist.live.platform.clock import Clock
from locust_cw_dist.live.rules.rule_watch import RuleWatch
from locust_cw_dist.live.runs import Run, Runs
from locust_cw_dist.live.verdict.health_watch import HealthWatch

logger = logging.getLogger("locust_cw_dist")

MAX_NAMED = 5
"""Workers that one line names."""


class ChangeLog:
    """Logs changes of the current run."""

    def __init__(self, runs: Runs, rule_watch: RuleWatch, health: HealthWatch, clock: Clock, *, sends: bool) -> None:
        """Look at these; `sends` is whether anything is sent to CloudWatch."""
        self._runs = runs
        self._rule_watch = rule_watch
        self._health = health
        self._clock = clock
        self._sends = sends
        self._run: Run | None = None
        self._has_accepted = False
        self._broken: set[str] = set()
        self._missing_s: dict[str, float] = {}

    def look(self) -> None:
        """Log what has changed since the last look. May yield."""
        run = self._runs.current
        if run is not self._run:
            self._run, self._has_accepted, self._broken, self._missing_s = run, False, set(), {}
        if run.started_s is None:
            return
        if self._sends and not self._has_accepted and run.ledger.published:
            self._has_accepted = True
            logger.info(
                "locust-cw: CloudWatch has accepted the first window: %s", counted(run.ledger.published, "result")
            )
        if run.is_running:
            self._look_at_workers()
            self._look_at_rules(run)

    def _look_at_workers(self) -> None:
        now_s, silent_s = self._clock.now_s(), self._health.silent_since_s()
        gone = [worker for worker in silent_s if worker not in self._missing_s]
        back = [worker for worker in self._missing_s if worker not in silent_s]
        if gone:
            lasted_s = max(now_s - silent_s[worker] for worker in gone)
            logger.warning(
                "locust-cw: %s sent nothing for %s; all that came before counts",
                _named(gone, "has", "have"),
                span(lasted_s),
            )
        if back:
            there = [worker for worker in back if self._health.is_there(worker)]
            lasted_s = max((now_s - self._missing_s[worker] for worker in there), default=0.0)
            if there:
                logger.info(
                    "locust-cw: %s back after %s, with all results recorded meanwhile",
                    _named(there, "is", "are"),
                    span(lasted_s),
                )
        self._missing_s = silent_s

    def _look_at_rules(self, run: Run) -> None:
        if not self._rule_watch.is_on:
            return
        for one in self._rule_watch.outcome(run).rules:
            if one.state is RuleState.BROKEN and one.rule.name not in self._broken and _is_final_enough(one):
                self._broken.add(one.rule.name)
                logger.warning("locust-cw: rule broken so far: %s: %s", label_of(one.rule), one.message)


def _is_final_enough(one: RuleOutcome) -> bool:
    """Whether it means anything before the end: of a whole run, what adds up is too little until it is enough."""
    return one.rule.is_upper_limit or one.rule.window_s is not None or not one.rule.figure.adds_up


def _named(workers: Sequence[str], one: str, many: str) -> str:
    named = ", ".join(workers[:MAX_NAMED])
    more = f" and {len(workers) - MAX_NAMED} more" if len(workers) > MAX_NAMED else ""
    return f"worker {named} {one}" if len(workers) == 1 else f"workers {named}{more} {many}"
