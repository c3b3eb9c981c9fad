"""RuleWatch: finds out whether the rules hold, as the run goes; on the master or in a single process.

Closed windows wait here until one greenlet has judged them, an endpoint at a time so that the hub is held for a few
milliseconds at most. Whether anything is published makes no difference. A rule that is to stop the run has Locust stop
it, in a greenlet of its own.

State: touched on the hub only; files are written by `DiskThread`.
"""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event

from locust_cw_dist.core.rules.evaluation import Evaluation
from locust_cw_dist.core.rules.messages import table
from locust_cw_dist.core.rules.outcome import Outcome, RuleState
from locust_cw_dist.core.rules.rule import Rule, RuleSet
from locust_cw_dist.core.summaries.window import ClosedWindow
from locust_cw_dist.core.verdict.verdict import State
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.clock import WritingClock
from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.live.platform.files import check_writable
from locust_cw_dist.live.platform.hub_slice import HubSlice
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.rules import report_files
from locust_cw_dist.live.rules.report_files import Judged
from locust_cw_dist.live.runs import Run, Runs
from locust_cw_dist.settings.rule_file import gather
from locust_cw_dist.settings.settings import Settings

logger = logging.getLogger("locust_cw_dist")

MAX_OPEN_RUNS = 2
"""Runs that are judged on with what comes late: the current one and the one before. Of older ones the outcome stays."""

LAST_LOOK_S = 20.0
"""How long judging what has come may take at the end of the process."""

LAST_DISK_S = 20.0
"""How long the disk may take for the files at the end of the process."""

REPORTS = ("junit", "rules_json")
"""The settings that name files about the rules."""


@dataclass(slots=True)
class _JudgedRun:
    """What is known of one run.

    Attributes:
        evaluation: Judges it; None before its first window, and when only the outcome is kept.
        outcome: What became of an older run for good.
        said: The outcome that was logged last.
        is_aborted: Whether a rule has stopped it.
    """

    evaluation: Evaluation | None = None
    outcome: Outcome | None = None
    said: Outcome | None = None
    is_aborted: bool = False


class RuleWatch:
    """Judges the runs of this process by the rules of the settings; without rules it does nothing.

    Attributes:
        rule_set: The rules; empty before `open`.
    """

    def __init__(self, environment: Any, settings: Settings, runs: Runs, clock: WritingClock, once: LogOnce) -> None:
        """Judge `runs`, which `environment` makes."""
        self.rule_set = RuleSet()
        self._environment = environment
        self._settings = settings
        self._runs = runs
        self._clock = clock
        self._once = once
        self._disk_thread = DiskThread()
        self._judged: defaultdict[Run, _JudgedRun] = defaultdict(_JudgedRun)
        self._waiting: deque[ClosedWindow] = deque()
        self._work = Event()
        self._is_busy = False
        self._has_missed = False
        self._slice = HubSlice()
        self._greenlets: list[gevent.Greenlet] = []

    @property
    def is_on(self) -> bool:
        """Whether there are rules."""
        return self._settings.judges

    @property
    def has_seen_all(self) -> bool:
        """Whether everything that came has been judged."""
        return not (self._waiting or self._is_busy or self._has_missed)

    def open(self) -> None:
        """Read the rules, and find out whether the files can be written.

        Raises:
            SettingsError: A rule is wrong, or a file can't be used.
        """
        if not self.is_on:
            return
        chosen = self._settings
        self.rule_set = self._disk_thread.run(gather, chosen.rules, chosen.rule, chosen.resolution_s)
        for flag, path in (("--cw-junit", self._settings.junit), ("--cw-rules-json", self._settings.rules_json)):
            try:
                if path is not None:
                    self._disk_thread.run(check_writable, Path(path))
            except OSError as e:
                raise SettingsError(f"got {path!r}, must be a file that can be written ({e})", setting=flag) from None
        self._greenlets = [forks.spawn(self._judge_forever)]

    def take(self, window: ClosedWindow) -> None:
        """Keep a window; never yields."""
        # Of a run that an earlier process began, nobody knows when it started.
        if self.is_on and self._runs.get(window.run_id).is_own:
            self._waiting.append(window)
            self._work.set()

    def is_settled(self, run: Run) -> bool:
        """Whether the outcome of a run was logged, or there is nothing to judge."""
        return not self.is_on or self._judged[run].said is not None or not (run.is_own and run.started_s is not None)

    def log_settled(self) -> None:
        """Log the outcome of runs whose end was logged, of which nothing more is expected."""
        if self._waiting or self._is_busy:
            return
        for run in self._judged_runs():
            if run.logged is not None and self._judged[run].said is None:
                self._log(run)

    def judge_rest(self) -> None:
        """Judge what waits. It may be cut off; `log_all` must follow, and `write_report`; once more has come, again."""
        with gevent.Timeout(LAST_LOOK_S, False):
            while self.is_on and (self._waiting or self._is_busy):
                self._work.set()
                gevent.sleep(0.01)

    def log_all(self) -> None:
        """Log each outcome that is new."""
        # What was cut off has not been judged.
        self._has_missed |= not self.has_seen_all
        for run in self._judged_runs():
            if self._judged[run].said != self.outcome(run):
                self._log(run)

    def write_report(self, setting: str, fails_if: Callable[[State], bool]) -> None:
        """Write one file of `REPORTS`, if the settings name it. It may be cut off.

        Args:
            setting: Which one.
            fails_if: Whether a run fails for what is thought of the run itself.
        """
        path = getattr(self._settings, setting)
        if path is None or not self.is_on:
            return
        write = report_files.write_junit if setting == "junit" else report_files.write_json
        judged = [self._for_files(run, fails_if) for run in self._judged_runs()]
        try:
            with gevent.Timeout(LAST_DISK_S, TimeoutError("the disk took too long")):
                self._disk_thread.run(write, path, judged)
        except OSError as e:
            logger.warning("locust-cw: %s can't be written (%s)", path, e)

    def close(self) -> None:
        """Judge nothing any more."""
        gevent.killall(self._greenlets)

    def outcomes(self) -> list[tuple[Run, Outcome]]:
        """Return what the rules say of each run of this process that has started."""
        return [(run, self.outcome(run)) for run in self._judged_runs()]

    def outcome(self, run: Run | None = None) -> Outcome:
        """Return what the rules say of a run, as things stand; of the current one by default. May yield."""
        run = self._runs.current if run is None else run
        final = self._judged[run].outcome
        if final is not None:
            return final
        evaluation = self._evaluation_of(run, run.started_s or self._clock.now_s())
        rules = []
        for one in evaluation.outcomes(self._clock.offset_s):
            rules.append(one)
            self._slice.breathe()
        return evaluation.outcome_of(tuple(rules))

    def _judged_runs(self) -> Iterator[Run]:
        return (run for run in self._runs if self.is_on and run.is_own and run.started_s is not None)

    def _evaluation_of(self, run: Run, start_s: float) -> Evaluation:
        judged = self._judged[run]
        if judged.evaluation is None:
            started_s = start_s if run.started_s is None else run.started_s
            judged.evaluation = Evaluation(self.rule_set, started_s, self._settings.resolution_s)
        if run.stopped_s is not None:
            judged.evaluation.stop(run.stopped_s)
        return judged.evaluation

    def _judge_forever(self) -> None:
        while True:
            self._work.wait()
            self._work.clear()
            self._is_busy = True
            try:
                self._judge_waiting()
            except Exception:
                self._has_missed = True
                self._once.error("judge", "locust-cw: could not judge a window by the rules")
            finally:
                self._is_busy = False

    def _judge_waiting(self) -> None:
        runs: set[Run] = set()
        while self._waiting:
            window = self._waiting.popleft()
            run = self._runs.get(window.run_id)
            if self._judged[run].outcome is None:
                runs.add(run)
                self._step(self._evaluation_of(run, window.start_s).observe(window))
        for run in runs:
            judged, evaluation = self._judged[run], self._evaluation_of(run, self._clock.now_s())
            self._step(evaluation.look())
            if evaluation.aborted_by is not None and run.is_running and not judged.is_aborted:
                judged.is_aborted = True
                forks.spawn(self._abort, evaluation.aborted_by)
        self._close_old_runs()

    def _close_old_runs(self) -> None:
        """Keep of older runs the outcome alone: windows take memory."""
        for run in [run for run in self._runs if self._judged[run].evaluation is not None][:-MAX_OPEN_RUNS]:
            self._judged[run].outcome = self.outcome(run)
            self._judged[run].evaluation = None

    def _step(self, steps: Iterator[None]) -> None:
        for _ in steps:
            self._slice.breathe()

    def _abort(self, rule: Rule) -> None:
        """Stop the test: the process too, but for a web UI, which goes on as after its stop button."""
        logger.error("locust-cw: the rule %s was broken for %s s: the test stops", rule.name, rule.abort_after_s)
        environment = self._environment
        web_ui, runner = getattr(environment, "web_ui", None), environment.runner
        options = environment.parsed_options
        try:
            if web_ui is None:
                runner.quit()
                return
            runner.stop()
            autoquit_s = getattr(options, "autoquit", -1) if getattr(options, "autostart", False) else -1
            # As Locust does when the run time is over. A shape's end does the same by itself.
            if autoquit_s != -1 and environment.shape_class is None:
                gevent.sleep(autoquit_s)
                runner.quit()
                web_ui.stop()
        except Exception:
            self._once.error("abort", "locust-cw: could not stop the test")

    def _log(self, run: Run) -> None:
        outcome = self._judged[run].said = self.outcome(run)
        if self._settings.summary != "json":
            # The block at the end of the run has it.
            return
        is_good = all(one.state is RuleState.PASSED for one in outcome.rules)
        for line in table(run.run_id, outcome):
            logger.log(logging.INFO if is_good else logging.WARNING, "locust-cw: %s", line)

    def _for_files(self, run: Run, fails_if: Callable[[State], bool]) -> Judged:
        now_s, verdict = self._clock.now_s(), run.verdict
        return Judged(
            run_id=run.run_id,
            labels=run.labels,
            started_s=None if run.started_s is None else self._clock.written_s(run.started_s),
            duration_s=(run.stopped_s or now_s) - (run.started_s or now_s),
            outcome=self.outcome(run),
            verdict=verdict,
            is_unreliable=verdict is not None and fails_if(verdict.state),
        )
