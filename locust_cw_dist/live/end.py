"""End: what a process that publishes does when it ends: steps in this order, each with its bound.

    receive    end the test; receive what workers still bring; close the windows
    finish     find what earlier processes left; send, and store or book what is not sent; sum up, judge, write the
               reports; write and put the record; note in the spool
    amend      the same again from sending on, if something has fired since
    close      amend; close record and spool, let go of locks and listeners; send or book what has fired meanwhile; have
               the report made

No exception skips a step: an error of ours is logged and the next step is taken; `sys.exit` in a greenlet of the
user's, which is raised where a step waits, has it taken again for what is left of its time. Ctrl-C is not raised here:
it shortens the waiting (`Patience`), and only the third one ends the process. What a later step tells must hold what an
earlier one brought. A run that is not judged yet is unreliable: a process that ends half-way fails a gate.

State: touched by the greenlet that ends the process, under the plugin's lock.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from locust_cw_dist.core.names.plural import counted
from locust_cw_dist.core.verdict.verdict import State
from locust_cw_dist.live.master.master import Master
from locust_cw_dist.live.master.single_process import SingleProcess
from locust_cw_dist.live.platform.clock import Clock
from locust_cw_dist.live.platform.locust_internals import end_users
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.patience import ENDS_AT_ONCE, Bounds, Patience
from locust_cw_dist.live.publish.dry_run import DryRun
from locust_cw_dist.live.publish.machine_lock import MachineLock
from locust_cw_dist.live.publish.publisher import Publisher
from locust_cw_dist.live.records.record_writer import RecordWriter
from locust_cw_dist.live.rules.report_files import rules_of_record
from locust_cw_dist.live.rules.rule_watch import REPORTS, RuleWatch
from locust_cw_dist.live.runs import Runs
from locust_cw_dist.live.spool.spool_keeper import SpoolKeeper
from locust_cw_dist.live.terminal.countdown import countdown
from locust_cw_dist.live.verdict.exit_code import ExitCode
from locust_cw_dist.live.verdict.health_watch import HealthWatch
from locust_cw_dist.live.verdict.summary_log import SummaryLog
from locust_cw_dist.settings.settings import Settings

logger = logging.getLogger("locust_cw_dist")

STOP_MARGIN_S = 10.0
"""How much longer than --stop-timeout the master waits for the workers' last results."""

MAX_STOP_TIMEOUT_S = 24 * 3600.0
"""What is counted of --stop-timeout; a script may set any value."""

USERS_CODE = Bounds(3600.0, 3.0, 1.0)
"""Listeners of the user's as the test ends, which Locust does not bound; tasks have --stop-timeout on top."""

END_USERS_TIMEOUT_S = 2.0
"""How long users may take to end that a ctrl-C has ended."""

HURRIED_WORKERS_S, PRESSED_WORKERS_S = 3.0, 1.0
"""What workers have for their last results, from a ctrl-C on: those that are there need a tenth of a second."""

HURRIED_CALLS_S = 1.0
"""What calls to CloudWatch that are under way have from a ctrl-C on: if it is well, all is sent then."""

HURRIED_S3_S = 3.0
"""The same for S3: what stays here may end with its container."""

HERE = Bounds(20.0, 5.0, 2.0)
"""What waits for nobody else: the processor, and the disk, which may hang."""

SUMMARY = Bounds(20.0, 1.0, 0.0)
"""What nobody misses: `locust-cw history` makes the summary of a record where there is none."""

LAST_UPLOAD_S = 5.0
"""What S3 has for the record at the end of the process where CloudWatch has used up the flush timeout."""

REPORT_S, HURRIED_REPORT_S = 15.0, 3.0
"""What the report has where CloudWatch has used up the flush timeout, and from a ctrl-C on."""

AMEND_S = 5.0
"""What CloudWatch has for results that fire when all others are sent, in `quit` listeners for one."""

MAX_LAST_LOOKS = 2
"""How often results that fire while others are sent are sent too: a greenlet that goes on to fire would never let the
process end."""

MAX_CUTS = 10
"""How often `sys.exit` in greenlets of the user's may cut one step of the end short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What has a step to take.

    Attributes:
        look_no_more: Ends what looks after the runs as they go; must not yield.
        let_go: Ends whatever else listens.
    """

    settings: Settings
    source: Master | SingleProcess
    publisher: Publisher
    spool_keeper: SpoolKeeper
    record_writer: RecordWriter
    rule_watch: RuleWatch
    summary_log: SummaryLog
    health: HealthWatch
    exit_code: ExitCode
    machine_lock: MachineLock
    dry_run: DryRun | None
    runs: Runs
    clock: Clock
    once: LogOnce
    add_up: Callable[[], object]
    look_no_more: Callable[[], object]
    let_go: Callable[[], object]


class End:
    """Takes the steps."""

    def __init__(self, environment: Any, parts: Parts, patience: Patience) -> None:
        """Take them for `parts`, within `patience`."""
        self._environment = environment
        self._parts = parts
        self._patience = patience
        self._send_end_s = 0.0

    def receive(self, timeout_s: float | None, *, quit_runner: bool) -> None:
        """Receive what is left: the first part of the end; `finish` is the second.

        Args:
            timeout_s: How long sending may take; by default what the settings say.
            quit_runner: Whether the process ends, and a test that still goes on with it.
        """
        parts = self._parts
        # Until all is judged: a gate must not pass because something here went wrong.
        parts.exit_code.note(is_ending=True)
        if quit_runner:
            self._patience.on_interrupt.append(self._end_users)
            self._step("note the end", HERE, parts.health.note_process_end)
        stop_timeout_s = _seconds(getattr(self._environment, "stop_timeout", None))
        workers_s = max(self._flush_timeout_s(timeout_s), stop_timeout_s + STOP_MARGIN_S)
        bounds = USERS_CODE._replace(calm_s=stop_timeout_s + USERS_CODE.calm_s)
        self._step("end the test", bounds, lambda: parts.source.quit(quit_runner=quit_runner))
        # Not before the test has ended: listeners and tasks of the user's may have taken all of it.
        end_s = parts.clock.now_s() + workers_s
        bounds = Bounds(workers_s, HURRIED_WORKERS_S, PRESSED_WORKERS_S)
        with countdown(self._unreceived, workers_s):
            self._step("receive", bounds, lambda: parts.source.drain(end_s))
        # It goes out while listeners of the user's have their turn, however long that takes.
        self._step("close windows", HERE, lambda: parts.publisher.tick(everything=True))

    def finish(self, timeout_s: float | None) -> None:
        """Send what is left, say what became of it and judge it. What fires from now on is for `amend`.

        Args:
            timeout_s: How long sending may take; by default what the settings say.
        """
        parts, flush_timeout_s = self._parts, self._flush_timeout_s(timeout_s)
        self._send_end_s = parts.clock.now_s() + flush_timeout_s
        # A disk that hangs must not take all the time that there is.
        recover_s = flush_timeout_s / 2
        self._step("recover", Bounds(recover_s, 0.0, 0.0), lambda: parts.spool_keeper.settle(recover_s))
        self._send()
        # Nothing yields from here on to the summary: what fired meanwhile would be in Locust's totals alone.
        self._step("look no more", HERE, parts.look_no_more)
        self._tell()
        self._step("keep", HERE, lambda: parts.spool_keeper.finish(parts.publisher))

    def amend(self) -> None:
        """Send what has fired since `finish`, and say anew what became of it all, if that or Locust's totals differ."""
        if self._has_new_results():
            self._send_end_s = max(self._send_end_s, self._parts.clock.now_s() + AMEND_S)
            self._send()
            self._tell()
        elif self._has_new_verdict():
            self._tell()

    def close(self) -> None:
        """Stop, after `finish`. What fires meanwhile is sent too, or counted; what fires after it is not recorded."""
        parts = self._parts
        self.amend()
        self._step("close rules", HERE, parts.rule_watch.close)
        self._keep_records()
        self._step("close record", HERE, parts.record_writer.close_files)
        self._step("sum up record", SUMMARY, parts.record_writer.sum_up_here)
        self._step("keep", HERE, lambda: parts.spool_keeper.close(parts.publisher))
        for let_go in (parts.machine_lock.release, parts.let_go, parts.exit_code.detach):
            self._step("let go", HERE, let_go)
        # All of this lets others have the hub, so what comes last is to send; to stop takes no time where all is sent.
        for _ in range(MAX_LAST_LOOKS):
            self._send_rest(self._send)
        self._stop_sending()
        self._step("detach", HERE, parts.source.detach)
        self._send_rest(partial(self._step, "leave out", HERE, parts.publisher.leave_out))
        if parts.dry_run is not None:
            self._step("rehearse", HERE, parts.dry_run.close)
        # Last of all: whoever kills this process now has lost a page and nothing else.
        self._make_report()

    def _make_report(self) -> None:
        """Have the report made, if there is to be one; whatever becomes of it is in no exit code."""
        writer, report_s = self._parts.record_writer, max(REPORT_S, self._left_s())
        bounds = Bounds(report_s + HERE.calm_s, HURRIED_REPORT_S, 0.0)
        self._step("report", bounds, lambda: writer.make_report(report_s))
        self._step("remove", HERE, writer.remove_temporary)

    def _send_rest(self, send: Callable[[], None]) -> None:
        """Send what has fired since the records were closed, and say anew what became of it all; if anything has."""
        if self._has_new_results():
            send()
            self._step("sum up", HERE, self._parts.summary_log.log_all)
            self._step("conclude", HERE, self._conclude)

    def _end_users(self, _: int) -> None:
        """Have no task of this process waited for any more, as --stop-timeout may ask."""
        try:
            end_users(self._environment.runner, END_USERS_TIMEOUT_S)
        # A user's own code.
        except Exception:
            self._parts.once.error("users", "locust-cw: could not end the users that still run")

    def _flush_timeout_s(self, timeout_s: float | None) -> float:
        return self._parts.settings.flush_timeout_s if timeout_s is None else timeout_s

    def _left_s(self) -> float:
        return max(0.0, self._send_end_s - self._parts.clock.now_s())

    def _step(self, name: str, bounds: Bounds, step: Callable[[], object]) -> None:
        """Take one step of the end; what goes wrong in it keeps no later one from being taken."""
        limit = self._patience.limit(bounds)
        for _ in range(MAX_CUTS):
            try:
                with limit:
                    step()
            except Exception:
                self._parts.exit_code.note(has_failed=True)
                self._parts.once.error(
                    f"end: {name}", f"locust-cw: at the end of the process, an error in the step '{name}'"
                )
            except BaseException as e:
                self._note_cut(e)
                limit.shorten()
                continue
            if limit.is_over and bounds.pressed_s:
                self._parts.once.warning(
                    f"given up: {name}", "locust-cw: at the end of the process, the step '%s' was given up", name
                )
            return
        self._parts.exit_code.note(has_failed=True)

    def _note_cut(self, raised: BaseException) -> None:
        """Note what was raised into a step, by `sys.exit` or, in library use, by ctrl-C: the third one is raised on."""
        exit_code = self._parts.exit_code
        if exit_code.cut is None or isinstance(raised, KeyboardInterrupt):
            exit_code.cut = raised
        if isinstance(raised, KeyboardInterrupt):
            self._patience.note_interrupt()
            self._patience.shorten()
            if self._patience.interrupts >= ENDS_AT_ONCE:
                raise raised

    def _has_new_results(self) -> bool:
        """Hand over what has fired in this process; return whether there was anything."""
        try:
            return self._parts.source.own.hand_over()
        except Exception:
            self._parts.once.error("hand over", "locust-cw: could not hand results over")
            return False

    def _has_new_verdict(self) -> bool:
        try:
            return self._parts.summary_log.has_new_verdict
        except Exception:
            self._parts.once.error("look again", "locust-cw: could not update a run that was summed up")
            return False

    def _send(self) -> None:
        """Send everything, and what fires meanwhile as long as there is time; the rest is booked as too late."""
        publisher = self._parts.publisher
        for _ in range(MAX_LAST_LOOKS):
            self._has_new_results()
            left_s = self._left_s()
            # The publisher keeps to its time by itself, once it has closed its windows.
            bounds = Bounds(left_s + HERE.calm_s, HURRIED_CALLS_S, 0.0)
            with countdown(self._unsent, left_s):
                self._step("send", bounds, partial(publisher.bring_out, left_s))
            if not publisher.is_all_sent:
                # With a spool, what has fired meanwhile is safe there.
                self._has_new_results()
                self._stop_sending()
                self._has_new_results()
                self._step("leave out", HERE, publisher.leave_out)
                return

    def _unreceived(self) -> str:
        """Return what is waited for from the workers, in words."""
        parts = self._parts
        received = parts.source.collector.run(parts.runs.current.run_id)
        workers = sum(1 for process in received.waiting_for(0.0) if process.worker_id != parts.source.own.epoch)
        return f"the last results of {counted(workers, 'worker')}" if workers else ""

    def _unsent(self) -> str:
        """Return what is waited for from CloudWatch, in words."""
        waiting = sum(run.ledger.waiting for run in self._parts.runs)
        return f"CloudWatch to accept {counted(waiting, 'result')}" if waiting else "CloudWatch"

    def _stop_sending(self) -> None:
        """Have what is not sent on disk, or booked as dropped; takes no time where all is sent."""
        publisher = self._parts.publisher
        self._step("stop sending", HERE, publisher.stop_sending)
        self._step("store", HERE, publisher.store_rest)
        self._step("book", HERE, publisher.book_rest)

    def _tell(self) -> None:
        """Say what became of the runs, judge them and keep that."""
        rule_watch = self._parts.rule_watch
        self._step("sum up", HERE, self._parts.summary_log.log_all)
        self._step("judge", HERE, rule_watch.judge_rest)
        self._step("log rules", HERE, rule_watch.log_all)
        self._step("conclude", HERE, self._conclude)
        self._step("add up", HERE, self._parts.add_up)
        for setting in REPORTS:
            write = partial(rule_watch.write_report, setting, self._parts.exit_code.fails_if)
            self._step(f"write {setting}", HERE, write)
        self._keep_records()

    def _keep_records(self) -> None:
        writer, upload_s = self._parts.record_writer, max(LAST_UPLOAD_S, self._left_s())
        self._step("record", HERE, writer.write_rest)
        self._step("note outcomes", HERE, self._note_outcomes)
        self._step("end record", HERE, writer.write_end)
        self._step("sum up record", SUMMARY, writer.sum_up_for_upload)
        # The disk, which is asked too, has its time on top.
        bounds = Bounds(upload_s + HERE.calm_s, HURRIED_S3_S, 0.0)
        self._step("put record", bounds, lambda: writer.upload(upload_s))
        self._parts.exit_code.note(is_recorded=writer.is_recorded)

    def _note_outcomes(self) -> None:
        """Keep in the records what became of the runs, and the exit code: as late as a record allows."""
        parts = self._parts
        outcomes = dict(parts.rule_watch.outcomes())
        for run, summary in parts.summary_log.summaries.items():
            if run.verdict is None or not run.is_own:
                continue
            outcome, failures = outcomes.get(run), summary.evidence.cross_check.recorded.failures
            word = parts.exit_code.foresee(run.verdict.state, outcome, failures)
            document = {
                "verdict": run.verdict.as_json() | {"words": run.verdict.words},
                "rules": rules_of_record(outcome) if outcome is not None else [],
                "exit": None if word is None else {"code": word.code, "reason": word.why()},
            }
            parts.record_writer.note_outcome(run, document)

    def _conclude(self) -> None:
        """Have rules and verdicts decide on the exit code."""
        parts = self._parts
        outcomes = dict(parts.rule_watch.outcomes())
        if parts.health.never_began and parts.exit_code.fails_if(State.INVALID):
            logger.warning("locust-cw: the process was told to end before its test had begun")
        if not parts.rule_watch.has_seen_all:
            logger.warning("locust-cw: not all results could be judged by the rules")
        parts.exit_code.note(
            is_judged=True,
            never_began=parts.health.never_began,
            has_seen_all=parts.rule_watch.has_seen_all,
            states=tuple(run.verdict.state for run in parts.runs if run.verdict is not None and run.is_own),
            outcomes=tuple(outcomes.values()),
        )


def _seconds(stop_timeout: Any) -> float:
    """Return a stop timeout in seconds; whatever is none, is 0."""
    try:
        # A value that is not a number compares as neither.
        return min(max(0.0, float(stop_timeout or 0)), MAX_STOP_TIMEOUT_S)
    except (TypeError, ValueError, OverflowError):
        return 0.0
