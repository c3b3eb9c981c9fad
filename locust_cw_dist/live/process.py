"""Process: joins clock, runs, collector, publisher, and master or single, in a process that publishes."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any

import gevent
from locust.runners import DistributedRunner, MasterRunner

from locust_cw_dist.client import CloudwatchClient
from locust_cw_dist.core.costs.unbounded_dimensions import warnings
from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.publish.dimension_text import NO_HOST
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.live.end import End, Parts
from locust_cw_dist.live.master.master import SILENCE_S, Master
from locust_cw_dist.live.master.single_process import SingleProcess
from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.clock import SystemClock
from locust_cw_dist.live.platform.listeners import Listeners
from locust_cw_dist.live.platform.locust_internals import RunLink
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.patience import Patience
from locust_cw_dist.live.platform.timeline import Timeline
from locust_cw_dist.live.platform.web_link import WebLink
from locust_cw_dist.live.progress.progress_watch import ProgressWatch
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
from locust_cw_dist.live.terminal.change_log import ChangeLog
from locust_cw_dist.live.terminal.end_block import EndBlock, Sources
from locust_cw_dist.live.terminal.start_block import log_start
from locust_cw_dist.live.verdict.cross_checker import CrossChecker
from locust_cw_dist.live.verdict.exit_code import ExitCode
from locust_cw_dist.live.verdict.health_watch import HealthWatch
from locust_cw_dist.live.verdict.summary_log import SummaryLog
from locust_cw_dist.settings.checks import refuse_impossible_region
from locust_cw_dist.settings.options import labels_from_options
from locust_cw_dist.settings.settings import Settings

if TYPE_CHECKING:
    from locust_cw_dist.live.web.web_pages import WebPages

logger = logging.getLogger("locust_cw_dist")

CHECK_TIMEOUT_S = 10.0
"""How long fetching credentials may take at the start; the instance's metadata service is asked once, for a second."""

WATCH_INTERVAL_S = 1.0


class PublishingProcess:
    """Receives and publishes, on a master or in a single process.

    Attributes:
        exit_code: Sets the exit code.
        end: What is to be done at the end.
        end_block: Writes the last lines.
    """

    def __init__(
        self,
        environment: Any,
        settings: Settings,
        client: CloudwatchClient | None,
        once: LogOnce,
        patience: Patience,
    ) -> None:
        """Join the parts for Locust's `environment`; the end takes as long as `patience` allows.

        A `client` of the user's is sent through, if there is one.
        """
        if settings.dry_run:
            # What would have been sent is not kept for another time.
            settings = dataclasses.replace(settings, spool_dir=None)
        self.exit_code = ExitCode(environment, once, patience, required=settings.required)
        self._environment = environment
        self._settings = settings
        self._once = once
        self._clock = Timeline(SystemClock())
        self._runs = Runs(self._clock.now_s(), self._host())
        self._collector = Collector(resolution_s=settings.resolution_s, grace_s=settings.grace_s)
        self._spool_keeper = SpoolKeeper(settings, self._runs, self._clock, once)
        self._dry_run = DryRun(settings.payloads, once) if settings.dry_run and settings.publishes else None
        self._sink = Cloudwatch(settings, client, self._clock) if settings.publishes else None
        self._publisher = self._make_publisher()
        self._health = HealthWatch(environment, self._runs, self._clock, once)
        self._source = self._make_source()
        self._cross_checker = CrossChecker(environment, self._runs, self._collector, self._source.own.waiting)
        self._summary_log = self._make_summary_log()
        self._machine_lock = MachineLock(other_publishers.identity(settings))
        self._record_writer = RecordWriter(
            settings, self._runs, self._clock, once, begin=self._begin_of_record, status=self._status_of_record
        )
        self._rule_watch = RuleWatch(environment, settings, self._runs, self._clock, once)
        self._web_link = WebLink(environment)
        self._progress_watch = self._make_progress_watch()
        self._web_pages: WebPages | None = None
        self._publisher.on_closed += [self._record_writer.take, self._rule_watch.take, self._progress_watch.take]
        self._change_log = self._make_change_log()
        self.end_block = EndBlock(self._sources_of_block(patience), once)
        self._listeners = Listeners(environment)
        self._watch: gevent.Greenlet | None = None
        self._is_stopping = False
        self.end = End(environment, self._parts(), patience)

    def _make_publisher(self) -> Publisher:
        return Publisher(
            self._settings,
            self._dry_run or self._sink or NullSink(),
            self._spool_keeper.batch_store,
            self._collector,
            self._runs,
            self._clock,
            self._once,
        )

    def _make_source(self) -> Master | SingleProcess:
        kind = Master if isinstance(self._environment.runner, MasterRunner) else SingleProcess
        return kind(
            self._environment,
            self._collector,
            self._health,
            self._runs,
            self._clock,
            self._once,
            resolution_s=self._settings.resolution_s,
            with_messages=self._settings.reasons == "message",
        )

    def _make_summary_log(self) -> SummaryLog:
        return SummaryLog(
            self._collector,
            self._source.without_plugin,
            self._publisher,
            self._health,
            self._cross_checker,
            self._runs,
            self._clock,
            self._settings,
            self._dry_run,
        )

    def _make_progress_watch(self) -> ProgressWatch:
        return ProgressWatch(
            self._environment,
            self._settings,
            self._publisher,
            self._source,
            self._rule_watch,
            self._runs,
            self._clock,
            self._once,
            is_open=not self._web_link.has_login,
        )

    def _make_change_log(self) -> ChangeLog:
        sends = self._settings.publishes and self._dry_run is None
        return ChangeLog(self._runs, self._rule_watch, self._health, self._clock, sends=sends)

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
        self._listeners.add("test_stopping", self._on_test_stopping)
        self._listeners.add("test_stop", self._on_test_stop)
        self._show()
        self._publisher.start(self._source.count)
        self._spool_keeper.start(self._publisher)
        self._watch = forks.spawn(self._watch_forever)
        if self._settings.required:
            error = self._publisher.check(CHECK_TIMEOUT_S)
            self._log_start()
            return error
        forks.spawn(self._check)
        return None

    def _show(self) -> None:
        """Begin to show how the run goes."""
        self._progress_watch.start()
        if self._web_link.is_there:
            # A process without a web UI has no use for what answers requests.
            from locust_cw_dist.live.web.web_pages import WebPages

            self._web_pages = WebPages(self._web_link, self._progress_watch, self._once)
            self._web_pages.attach()

    def _let_go(self) -> None:
        self._listeners.close()
        self._progress_watch.close()
        if self._web_pages is not None:
            self._web_pages.detach()

    def _log_start(self) -> None:
        try:
            record = self._record_writer.planned_place(self._runs.current)
            log_start(self._environment, self._settings, self._sink, self._rule_watch.rule_set, record)
        except Exception:
            self._once.error("start", "locust-cw: could not log where results go")

    def _parts(self) -> Parts:
        return Parts(
            settings=self._settings,
            source=self._source,
            publisher=self._publisher,
            spool_keeper=self._spool_keeper,
            record_writer=self._record_writer,
            rule_watch=self._rule_watch,
            summary_log=self._summary_log,
            health=self._health,
            exit_code=self.exit_code,
            machine_lock=self._machine_lock,
            dry_run=self._dry_run,
            runs=self._runs,
            clock=self._clock,
            once=self._once,
            add_up=self._progress_watch.finish,
            look_no_more=self._look_no_more,
            let_go=self._let_go,
        )

    def _sources_of_block(self, patience: Patience) -> Sources:
        return Sources(
            settings=self._settings,
            runs=self._runs,
            clock=self._clock,
            summary_log=self._summary_log,
            rule_watch=self._rule_watch,
            record_writer=self._record_writer,
            totals_of=self._progress_watch.totals_of,
            exit_code=self.exit_code,
            sink=self._sink,
            patience=patience,
            has_web_ui=getattr(self._environment, "web_ui", None) is not None,
        )

    def _look_no_more(self) -> None:
        if self._watch is not None:
            self._watch.kill(block=False)
        self._health.close()

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
        return begin_document(
            self._environment, self._settings, run, self._clock, self._health.run_time_s, is_distributed=is_distributed
        )

    def _status_of_record(self, run: Run, ended: bool) -> dict[str, Any]:
        processes = self._source.collector.run(run.run_id).processes
        return status_document(run, self._publisher.balance(run), processes, self._clock, ended=ended)

    def _on_test_start(self, **_: Any) -> None:
        if isinstance(self._source, SingleProcess) and isinstance(self._environment.runner, DistributedRunner):
            logger.error("locust-cw: install() must be called after the runner is created: no results arrive")
        if self._runs.current.is_running and not self._is_stopping:
            # A second tab starts a shape: Locust's event says that a test starts, and this one's users go on.
            logger.warning(
                "locust-cw: run %s continues: Locust has started a test within it", self._runs.current.run_id
            )
            return
        self._is_stopping = False
        run = self._runs.start(self._clock.now_s(), self._host(), self._labels(), self._clock.offset_s)
        self._cross_checker.begin(run)
        self._progress_watch.begin()
        self._health.begin(run, self._source.worker_ids())
        self._source.collector.begin(run.run_id, self._source.worker_ids(), self._clock.now_s())
        self._source.announce()

    def _on_test_stopping(self, **_: Any) -> None:
        self._is_stopping = True

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
            self._once.error("stop", "locust-cw: could not flush a test that has stopped")

    def _check(self) -> None:
        # Whose credentials they are is known only then.
        error = self._publisher.check(CHECK_TIMEOUT_S)
        self._log_start()
        if error is not None:
            failures = self._publisher.sender.failures
            failures.note(error, self._clock.now_s())
            failures.tell(error)

    def _watch_forever(self) -> None:
        while True:
            gevent.sleep(WATCH_INTERVAL_S)
            try:
                self._source.keep_link()
                if self._runs.current.is_running:
                    self._runs.current.note_host(self._host(), self._clock.now_s())
                slack_s = self._source.collector.slack_s
                self._clock.look()
                self._summary_log.log_settled(self._clock.now_s() - SILENCE_S - slack_s)
                self._rule_watch.log_settled()
                self._change_log.look()
                self.end_block.show_settled()
            except Exception:
                self._once.error("watch", "locust-cw: could not update a run")
