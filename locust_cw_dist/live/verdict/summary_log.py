"""SummaryLog: sums up what became of each run, once it is over; on the master or in a single process.

For machines it is one line of JSON, through logging and never to stdout, where Locust's `--json` prints. For people the
block at the end (`live/terminal`) has it.
"""

from __future__ import annotations

import json
import logging

from locust_cw_dist.core.costs.bill import Usage
from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.publish.ledger import Balance, lost_of
from locust_cw_dist.core.verdict.run_summary import Rehearsal, RunSummary, Spending
from locust_cw_dist.core.verdict.verdict import Delivery, Evidence, judge
from locust_cw_dist.live.platform.clock import WritingClock
from locust_cw_dist.live.publish.dry_run import DryRun
from locust_cw_dist.live.publish.publisher import Publisher
from locust_cw_dist.live.runs import Run, Runs
from locust_cw_dist.live.verdict.cross_checker import CrossChecker
from locust_cw_dist.live.verdict.health_watch import HealthWatch
from locust_cw_dist.settings.settings import Settings

json_logger = logging.getLogger("locust_cw_dist.summary")


class SummaryLog:
    """Logs each run's end once, and keeps in `Run` what it said.

    Attributes:
        logs_json: Whether there is a line of JSON.
        summaries: What was said last of each run.
    """

    def __init__(
        self,
        collector: Collector,
        without_plugin: set[str],
        publisher: Publisher,
        health: HealthWatch,
        cross_checker: CrossChecker,
        runs: Runs,
        clock: WritingClock,
        settings: Settings,
        dry_run: DryRun | None = None,
    ) -> None:
        """Summarize what `collector` received and `publisher` sent, or would have sent, to `dry_run`.

        Whoever finds a worker without the plugin adds it to `without_plugin`.
        """
        self.logs_json = True
        self.summaries: dict[Run, RunSummary] = {}
        self._health = health
        self._cross_checker = cross_checker
        self._collector = collector
        self._without_plugin = without_plugin
        self._publisher = publisher
        self._runs = runs
        self._clock = clock
        self._settings = settings
        self._dry_run = dry_run
        self._spent = Spending(0, 0, 0, 0, 0, 0)

    @property
    def has_new_verdict(self) -> bool:
        """Whether the verdict on a run that was logged is another one by now."""
        return any(run.logged is not None and self._has_new_verdict(run, run.logged) for run in self._runs)

    def log_settled(self, silent_since_s: float) -> None:
        """Log the runs that have stopped, of which nothing is on the way or on disk and no worker has more."""
        for run in self._runs:
            if run.logged is not None or run.stopped_s is None:
                continue
            waiting = any(self._collector.run(run.run_id).waiting_for(silent_since_s))
            balance = self._publisher.balance(run)
            if not (waiting or balance.pending or balance.spooled or self._may_catch_up(run, silent_since_s)):
                self._log(run)

    def log_all(self) -> None:
        """Log the runs that were not logged yet, or have changed since, when the process ends."""
        for run in self._runs:
            balance = self._publisher.balance(run)
            if (balance != run.logged or self._has_new_verdict(run, balance)) and (
                run.started_s is not None or balance.recorded
            ):
                self._log(run)

    def _may_catch_up(self, run: Run, silent_since_s: float) -> bool:
        """Whether Locust has more results of a run that stopped lately: it may know of them before the plugin does."""
        check = self._cross_checker.check(run)
        is_recent = run is self._runs.current and (run.stopped_s or 0.0) >= silent_since_s
        return (check.finds_missing or check.waiting > 0) and is_recent

    def _log(self, run: Run) -> None:
        balance = run.logged = self._publisher.balance(run)
        spending = self._spending()
        if run in self.summaries:
            # Told again: what was told before is part of it.
            spending = spending.after(self.summaries[run].spending)
        summary = RunSummary(
            run_id=run.run_id,
            labels=run.labels,
            balance=balance,
            spending=spending,
            refused_frames=dict(self._collector.refusals),
            duplicate_frames=self._collector.duplicates,
            spool_dir=self._settings.spool_dir,
            prices=self._settings.price_table,
            rehearsal=self._rehearsal(spending.series),
            publishes=self._settings.publishes,
            resends_ambiguous=self._settings.ambiguous == "resend",
            evidence=self._evidence(run, balance),
        )
        run.verdict = summary.verdict
        self.summaries[run] = summary
        if self.logs_json:
            json_logger.info("%s", json.dumps(summary.as_json(), separators=(",", ":")))

    def _has_new_verdict(self, run: Run, balance: Balance) -> bool:
        # Of the last run only: a worker without the plugin that came now was not there before.
        if run is not self._runs.current:
            return False
        return judge(self._evidence(run, balance)) != run.verdict

    def _evidence(self, run: Run, balance: Balance) -> Evidence:
        return Evidence(
            delivery=self._delivery(run, balance),
            health=self._health.health(run),
            cut_short=self._health.cut_short(run),
            cross_check=self._cross_checker.check(run),
        )

    def _delivery(self, run: Run, balance: Balance) -> Delivery:
        received = self._collector.run(run.run_id)
        unreceived = max(0, received.unmerged)
        return Delivery(
            unheard=tuple(
                (process.worker_id, self._clock.written_s(process.cut_at_s)) for process in received.unheard()
            ),
            without_plugin=tuple(sorted(self._without_plugin)),
            unreceived=unreceived,
            unpublished=balance.pending - unreceived + balance.spooled + lost_of(balance.dropped),
            doubtful=balance.doubtful,
            has_doubtful_figures=balance.has_doubtful_figures,
            difference=balance.difference,
            required=self._settings.required,
        )

    def _rehearsal(self, series: int) -> Rehearsal | None:
        if self._dry_run is None:
            return None
        payloads = self._dry_run.take()
        resolution_s = self._settings.resolution_s
        usage = Usage(series, payloads.calls_per_hour(resolution_s), payloads.span_s(resolution_s))
        return Rehearsal(payloads, usage, self._settings.payloads)

    def _spending(self) -> Spending:
        """Return what was spent since the last run was logged."""
        datums, series = self._publisher.datum_ledger, self._publisher.series
        now = Spending(
            datums.calls, datums.retries, datums.ambiguous, datums.accepted, len(series.last_hour), series.series_hours
        )
        before, self._spent = self._spent, now
        return Spending(
            now.calls - before.calls,
            now.retries - before.retries,
            now.ambiguous - before.ambiguous,
            now.datums - before.datums,
            # Series are billed by the hour, whichever run writes them.
            now.series,
            now.series_hours - before.series_hours,
        )
