"""Publishing: joins clock, runs, collector, publisher, and master or single, in a process that publishes."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import Any

import gevent
from locust.runners import DistributedRunner, MasterRunner

from locust_cw_dist.client import CloudwatchClient
from locust_cw_dist.core.costs.unbounded_dimensions import warnings
from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.core.verdict.verdict import State
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.live.master.master import SILENCE_S, Master
from locust_cw_dist.live.master.single_process import SingleProcess
from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.clock import SystemClock
from locust_cw_dist.live.platform.listeners import Listeners
from locust_cw_dist.live.platform.locust_internals import RunLink
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.timeline import Timeline
from locust_cw_dist.live.publish import other_publishers
from locust_cw_dist.live.publish.cloudwatch import Cloudwatch
from locust_cw_dist.live.publish.dry_run import DryRun
from locust_cw_dist.live.publish.machine_lock import MachineLock
from locust_cw_dist.live.publish.publisher import Publisher
from locust_cw_dist.live.publish.sink import NullSink
from locust_cw_dist.live.records.record_writer import RecordWriter
from locust_cw_dist.live.records.run_facts import begin_document, status_document
from locust_cw_dist.live.rules.rule_watch import RuleWatch
from locust_cw_dist.live.runs import Run, Runs
from locust_cw_dist.live.spool.spool_keeper import SpoolKeeper
from locust_cw_dist.live.verdict.cross_checker import CrossChecker
from locust_cw_dist.live.verdict.exit_code import ExitCode
from locust_cw_dist.live.verdict.health_watch import HealthWatch
from locust_cw_dist.live.verdict.summary_log import SummaryLog
from locust_cw_dist.settings.checks import refuse_impossible_region
from locust_cw_dist.settings.options import labels_from_options
from locust_cw_dist.settings.settings import Settings

logger = logging.getLogger("locust_cw_dist")

CHECK_TIMEOUT_S = 10.0
"""How long fetching credentials may take at the start; the instance's metadata service is asked once, for a second."""

STOP_MARGIN_S = 10.0
"""How much longer than --stop-timeout the master waits for the workers' last results."""

LAST_UPLOAD_S = 5.0
"""What S3 has for the record at the end of the process where CloudWatch has used up the flush timeout."""

AMEND_S = 5.0
"""What CloudWatch has for results that fire when all others are sent, in `quit` listeners for one."""

MAX_LAST_LOOKS = 2
"""How often results that fire while others are sent are sent too: a greenlet that goes on to fire would never let the
process end."""

MAX_CUTS = 10
"""How often `sys.exit` in greenlets of the user's may cut one step of the end short."""

WATCH_INTERVAL_S = 1.0

NO_HOST = "-"


class PublishingProcess:
    """Receives and publishes, on a master or in a single process.

    Attributes:
        leaving: Sets the exit code.
    """

    def __init__(self, environment: Any, settings: Settings, client: CloudwatchClient | None, once: LogOnce) -> None:
        """Join the parts for `environment`; `client` is the user's CloudWatch client, if there is one."""
        if settings.dry_run:
            # What would have been sent is not kept for another time.
            settings = dataclasses.replace(settings, spool_dir=None)
        self.exit_code = ExitCode(environment, once, required=settings.required)
        self._environment = environment
        self._settings = settings
        self._once = once
        self._clock = Timeline(SystemClock())
        self._runs = Runs(self._clock.now_s(), self._host())
        collector = Collector(resolution_s=settings.resolution_s, grace_s=settings.grace_s)
        self._spool_keeper = SpoolKeeper(settings, self._runs, self._clock, once)
        self._dry_run = DryRun(settings.payloads, once) if settings.dry_run and settings.publishes else None
        sink = Cloudwatch(settings, client, self._clock) if settings.publishes else NullSink()
        self._publisher = Publisher(
            settings,
            self._dry_run or sink,
            self._spool_keeper.batch_store,
            collector,
            self._runs,
            self._clock,
            once,
        )
        kind = Master if isinstance(environment.runner, MasterRunner) else SingleProcess
        self._health = HealthWatch(environment, self._runs, self._clock, once)
        self._source: Master | SingleProcess = kind(
            environment,
            collector,
            self._health,
            self._runs,
            self._clock,
            once,
            resolution_s=settings.resolution_s,
            with_messages=settings.reasons == "message",
        )
        self._cross_checker = CrossChecker(environment, self._runs, collector)
        self._summary_log = SummaryLog(
            collector,
            self._source.without_plugin,
            self._publisher,
            self._health,
            self._cross_checker,
            self._runs,
            self._clock,
            settings,
            self._dry_run,
        )
        self._machine_lock = MachineLock(other_publishers.identity(settings))
        self._record_writer = RecordWriter(
            settings, self._runs, self._clock, once, begin=self._begin_of_record, status=self._status_of_record
        )
        self._rule_watch = RuleWatch(environment, settings, self._runs, self._clock, once)
        self._publisher.on_closed += [self._record_writer.take, self._rule_watch.take]
        self._listeners = Listeners(environment)
        self._watch: gevent.Greenlet | None = None
        self._flush_end_s = 0.0

    def on_message(self, msg: Any) -> None:
        """Take a worker's message, on a master."""
        if isinstance(self._source, Master):
            self._source.on_message(msg)

    def start(self) -> SendError | None:
        """Listen, check the credentials and begin to publish; return what is in the way, if it was waited for.

        Raises:
            SettingsError: The folder of the spool or of the records, or the file of a dry run, can't be used, or a rule
            is wrong.
        """
        refuse_impossible_region(self._settings.region)
        self._rule_watch.open()
        if self._rule_watch.is_on:
            self.exit_code.note(verdict_rule=self._rule_watch.rule_set.verdict)
        self._spool_keeper.open()
        self._record_writer.open()
        if self._dry_run is not None:
            self._dry_run.open()
            logger.info("locust-cw: dry run: nothing is sent to CloudWatch")
            for line in warnings(self._settings.dimensions):
                logger.warning("locust-cw: %s", line)
        elif self._settings.publishes and not self._machine_lock.claim():
            other_publishers.warn(self._once, self._settings, "on this machine")
        for mode in RunLink(self._environment).lesser_modes:
            logger.warning("locust-cw: with this version of Locust %s", mode)
        # Listeners first: whatever yields here must not miss a message.
        self._source.attach()
        self._health.start(self._source)
        self._listeners.add("test_start", self._on_test_start)
        self._listeners.add("test_stop", self._on_test_stop)
        self._publisher.start(self._source.count)
        self._spool_keeper.start(self._publisher)
        self._watch = forks.spawn(self._watch_forever)
        if self._settings.required:
            return self._publisher.check(CHECK_TIMEOUT_S)
        forks.spawn(self._check)
        return None

    # The end: `receive` (what workers still bring), `finish` (send, sum up, judge), `amend` (again, if anything has
    # fired since), `close`. What a later step tells must hold what an earlier one brought. Neither an exception nor
    # ctrl-C skips a step (`_step`), and a run that is not judged yet is unreliable: a process that ends half-way fails
    # a gate.

    def receive(self, timeout_s: float | None, *, quit_runner: bool) -> None:
        """Receive what is left: the first part of the end; `finish` is the second.

        Args:
            timeout_s: How long sending may take; by default what the settings say.
            quit_runner: Whether the process ends, and a test that still goes on with it.
        """
        # Until all is judged: a gate must not pass because something here went wrong.
        self.exit_code.note(is_ending=True)
        if quit_runner:
            self._health.note_process_end()
        stop_timeout_s = float(getattr(self._environment, "stop_timeout", 0) or 0)
        drain_timeout_s = max(self._flush_timeout_s(timeout_s), stop_timeout_s + STOP_MARGIN_S)
        end_s = self._clock.now_s() + drain_timeout_s
        self._step("receive", lambda: self._source.drain(self._until(end_s), quit_runner=quit_runner))
        # It goes out while listeners of the user's have their turn, however long that takes.
        self._step("close windows", lambda: self._publisher.tick(everything=True))

    def finish(self, timeout_s: float | None) -> None:
        """Send what is left, say what became of it and judge it. What fires from now on is for `amend`.

        Args:
            timeout_s: How long sending may take; by default what the settings say.
        """
        flush_timeout_s = self._flush_timeout_s(timeout_s)
        self._flush_end_s = self._clock.now_s() + flush_timeout_s
        # A disk that hangs must not take all the time that there is.
        recover_end_s = self._flush_end_s - flush_timeout_s / 2
        self._step("recover", lambda: self._spool_keeper.settle(self._left_s(recover_end_s)))
        self._step("send", self._send)
        # Nothing yields from here on to the summary: what fired meanwhile would be in Locust's totals alone.
        if self._watch is not None:
            self._watch.kill(block=False)
        self._health.close()
        self._tell()
        self._step("keep", lambda: self._spool_keeper.finish(self._publisher))

    def amend(self) -> None:
        """Send what has fired since `finish`, and say anew what became of it all, if that or Locust's totals differ."""
        if self._has_new_results():
            self._flush_end_s = max(self._flush_end_s, self._clock.now_s() + AMEND_S)
            self._step("send", self._send)
            self._tell()
        elif self._summary_log.has_new_verdict:
            self._tell()

    def close(self) -> None:
        """Stop, after `finish`. What fires meanwhile is sent too, or counted; what fires after it is not recorded."""
        self.amend()
        self._rule_watch.close()
        self._step("record", self._record_writer.close)
        self._step("keep", lambda: self._spool_keeper.close(self._publisher))
        self._machine_lock.release()
        self._listeners.close()
        self.exit_code.detach()
        # All of this lets others have the hub, so what comes last is to send; `stop` takes no time where all is sent.
        for _ in range(MAX_LAST_LOOKS):
            self._send_rest(self._send)
        self._step("stop", self._publisher.stop)
        self._source.detach()
        self._send_rest(self._publisher.leave_out)
        if self._dry_run is not None:
            self._step("rehearse", self._dry_run.close)

    def _send_rest(self, send: Callable[[], None]) -> None:
        """Send what has fired since the records were closed, and say anew what became of it all; if anything has."""
        if self._has_new_results():
            self._step("send", send)
            self._step("sum up", self._summary_log.log_all)
            self._step("judge", self._conclude)

    def _flush_timeout_s(self, timeout_s: float | None) -> float:
        return self._settings.flush_timeout_s if timeout_s is None else timeout_s

    def _until(self, end_s: float) -> float:
        """Return when to stop waiting: at that time, or now if the user is in a hurry."""
        return self._clock.now_s() if isinstance(self.exit_code.cut, KeyboardInterrupt) else end_s

    def _left_s(self, end_s: float) -> float:
        return max(0.0, self._until(end_s) - self._clock.now_s())

    def _step(self, name: str, step: Callable[[], object]) -> None:
        """Take one step of the end; what goes wrong in it keeps no later one from being taken.

        `sys.exit` in a greenlet of the user's, and ctrl-C, are raised where this waits: the step is taken again then,
        after ctrl-C without waiting. Only one that comes after that ends everything.
        """
        for _ in range(MAX_CUTS):
            try:
                step()
            except Exception:
                self.exit_code.note(has_failed=True)
                self._once.error(f"end: {name}", f"locust-cw: at the end of the process, an error in the step '{name}'")
            except BaseException as e:
                if isinstance(e, KeyboardInterrupt) and isinstance(self.exit_code.cut, KeyboardInterrupt):
                    raise
                if self.exit_code.cut is None or isinstance(e, KeyboardInterrupt):
                    self.exit_code.cut = e
                continue
            return
        self.exit_code.note(has_failed=True)

    def _has_new_results(self) -> bool:
        """Hand over what has fired in this process; return whether there was anything."""
        try:
            return self._source.own.hand_over()
        except Exception:
            self._once.error("hand over", "locust-cw: could not hand results over")
            return False

    def _send(self) -> None:
        """Send everything, and what fires meanwhile as long as there is time; the rest is booked as too late."""
        for _ in range(MAX_LAST_LOOKS):
            self._has_new_results()
            if not self._publisher.bring_out(self._left_s(self._flush_end_s)):
                # With a spool, what has fired meanwhile is safe there.
                self._has_new_results()
                self._publisher.stop()
                self._has_new_results()
                self._publisher.leave_out()
                return

    def _tell(self) -> None:
        """Say what became of the runs, judge them and keep that."""
        self._step("sum up", self._summary_log.log_all)
        self._step("judge", self._judge_all)
        self._step("record", self._keep_records)

    def _judge_all(self) -> None:
        self._rule_watch.finish(self.exit_code.fails_if)
        self._conclude()

    def _keep_records(self) -> None:
        is_recorded = self._record_writer.finish(max(LAST_UPLOAD_S, self._left_s(self._flush_end_s)))
        self.exit_code.note(is_recorded=is_recorded)

    def _conclude(self) -> None:
        """Keep rules and verdicts in the records, and have them decide on the exit code."""
        outcomes = dict(self._rule_watch.outcomes())
        if self._health.never_began and self.exit_code.fails_if(State.INVALID):
            logger.warning("locust-cw: the process was told to end before its test had begun")
        if not self._rule_watch.has_seen_all:
            logger.warning("locust-cw: not all results could be judged by the rules")
        states = []
        for run in self._runs:
            if run.verdict is not None and run.is_own:
                rules = self._rule_watch.rules_of_record(run) if run in outcomes else []
                self._record_writer.note_outcome(run, {"verdict": run.verdict.as_json(), "rules": rules})
                states.append(run.verdict.state)
        self.exit_code.note(
            is_judged=True,
            never_began=self._health.never_began,
            has_seen_all=self._rule_watch.has_seen_all,
            states=tuple(states),
            outcomes=tuple(outcomes.values()),
        )

    def _host(self) -> str:
        return self._settings.host or getattr(self._environment, "host", None) or NO_HOST

    def _labels(self) -> tuple[tuple[str, str], ...]:
        # The web form can change labels between runs; nothing else is read again.
        try:
            return labels_from_options(self._environment.parsed_options) or self._settings.labels
        except SettingsError as e:
            logger.warning("locust-cw: %s; the labels of the start are used", e)
            return self._settings.labels

    def _begin_of_record(self, run: Run) -> dict[str, Any]:
        is_distributed = isinstance(self._source, Master)
        return begin_document(self._environment, self._settings, run, self._clock, is_distributed=is_distributed)

    def _status_of_record(self, run: Run, ended: bool) -> dict[str, Any]:
        processes = self._source.collector.run(run.run_id).processes
        return status_document(run, self._publisher.balance(run), processes, self._clock, ended=ended)

    def _on_test_start(self, **_: Any) -> None:
        if isinstance(self._source, SingleProcess) and isinstance(self._environment.runner, DistributedRunner):
            logger.error("locust-cw: install() must be called after the runner is created: no results arrive")
        run = self._runs.start(self._clock.now_s(), self._host(), self._labels(), self._clock.offset_s)
        self._cross_checker.begin(run)
        self._health.begin(run, self._source.worker_ids())
        self._source.collector.begin(run.run_id, self._source.worker_ids(), self._clock.now_s())
        self._source.announce()

    def _on_test_stop(self, **_: Any) -> None:
        self._cross_checker.note_stop(self._runs.current)
        self._runs.stop(self._clock.now_s())
        self._source.collector.end()
        if isinstance(self._source, SingleProcess):
            # When all listeners have had their turn, and fired what they have to tell.
            forks.spawn(self._send_stopped)

    def _send_stopped(self) -> None:
        """Send what has stopped, without waiting for the end of its last window: nothing more comes from elsewhere."""
        try:
            self._source.own.hand_over()
            self._publisher.tick(everything=True)
        except Exception:
            self._once.error("stop", "locust-cw: could not send at once what has stopped")

    def _check(self) -> None:
        if error := self._publisher.check(CHECK_TIMEOUT_S):
            self._publisher.sender.failures.tell(error)

    def _watch_forever(self) -> None:
        while True:
            gevent.sleep(WATCH_INTERVAL_S)
            try:
                self._source.keep_link()
                slack_s = self._source.collector.slack_s
                self._clock.look()
                self._summary_log.log_settled(self._clock.now_s() - SILENCE_S - slack_s)
                self._rule_watch.log_settled()
            except Exception:
                self._once.error("watch", "locust-cw: could not look after a run")
