"""ProgressWatch: knows how a run goes, for whoever looks; on the master or in a single process.

    publisher.on_closed --ClosedWindow--> ProgressWatch --Progress--> JSON

A state is made when somebody looks, once a second at most however many do. Of 500 endpoints it takes a few
milliseconds, since their rows are made apart from it, in slices (`RunBooks`).

State: touched on the hub only.
"""

from __future__ import annotations

import itertools
import logging
import uuid
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from typing import Any

from gevent.lock import BoundedSemaphore

from locust_cw_dist.core.progress.console_links import dashboard_url, graph_url, is_aws
from locust_cw_dist.core.progress.endpoint_progress import ALL, LocustFigures, RowKey
from locust_cw_dist.core.progress.progress import MAX_WORKERS, Destination, Progress, RuleProgress, RunProgress, Spent
from locust_cw_dist.core.progress.run_book import Rendered
from locust_cw_dist.core.progress.status import PublishingFacts, Status, status_of
from locust_cw_dist.core.rules.outcome import RuleOutcome, RuleState
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import ClosedWindow
from locust_cw_dist.core.verdict.run_summary import Spending
from locust_cw_dist.live.master.master import Master
from locust_cw_dist.live.master.single_process import SingleProcess
from locust_cw_dist.live.platform.clock import WritingClock, monotonic_s
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.progress.run_books import RunBooks
from locust_cw_dist.live.progress.warning_lines import WarningLines
from locust_cw_dist.live.progress.worker_rows import worker_rows
from locust_cw_dist.live.publish.publisher import Publisher
from locust_cw_dist.live.records.run_facts import without_password
from locust_cw_dist.live.rules.rule_watch import RuleWatch
from locust_cw_dist.live.runs import Run, Runs
from locust_cw_dist.settings.settings import Settings

logger = logging.getLogger("locust_cw_dist")

FRESH_S = 1.0
"""How long a state is good for."""


class ProgressWatch:
    """Makes states of the current run."""

    def __init__(
        self,
        environment: Any,
        settings: Settings,
        publisher: Publisher,
        source: Master | SingleProcess,
        rule_watch: RuleWatch,
        runs: Runs,
        clock: WritingClock,
        once: LogOnce,
        *,
        is_open: bool,
    ) -> None:
        """Watch `runs`.

        Args:
            environment: Locust's.
            settings: What is published where.
            publisher: Tells what became of results, and what was sent.
            source: Tells of workers and users.
            rule_watch: Tells whether the rules hold.
            runs: The runs of this process.
            clock: Tells the time, and what others are told of it.
            once: Logs.
            is_open: Whether whoever reaches the web UI sees what is made here.
        """
        self._environment = environment
        self._settings = settings
        self._publisher = publisher
        self._source = source
        self._rule_watch = rule_watch
        self._runs = runs
        self._clock = clock
        self._is_open = is_open
        self._books = RunBooks(runs, clock, once, settings.resolution_s)
        self._warnings = WarningLines(clock)
        self._versions = tuple(map(_version_of, ("locust", "locust-cw-dist")))
        self._spent_before = self._spending()
        self._making = BoundedSemaphore(1)
        self._made: Progress | None = None
        self._made_s = 0.0
        self._numbers = itertools.count()
        self._tag = ""

    def start(self) -> None:
        """Begin to merge, and to remember warnings."""
        logger.addHandler(self._warnings)
        self._books.start()

    def close(self) -> None:
        """Do neither any more."""
        logger.removeHandler(self._warnings)
        self._books.close()

    def begin(self) -> None:
        """Note that a run begins: what is spent is counted from now on."""
        self._spent_before = self._spending()
        self._made = None

    def take(self, window: ClosedWindow) -> None:
        """Keep a closed window; never yields."""
        self._books.take(window)

    def finish(self) -> None:
        """Merge all that waits. It may be cut off."""
        self._books.finish()

    def totals_of(self, run: Run) -> Mapping[EndpointKey, Summary]:
        """Return what the endpoints of a run did so far; nothing of a run that is long over."""
        return self._books.totals_of(run)

    @property
    def status(self) -> Status:
        """How publishing is doing; costs next to nothing."""
        failures = self._publisher.sender.failures
        status = status_of(
            PublishingFacts(
                publishes=self._settings.publishes,
                is_dry_run=self._settings.dry_run,
                trouble=failures.trouble,
                has_accepted=self._publisher.datum_ledger.accepted > 0,
                results_on_disk=sum(run.ledger.spooled for run in self._runs),
                well_since_s=failures.well_since_s,
            )
        )
        return replace(status, since_s=self._clock.written_s(status.since_s))

    def progress(self) -> Progress:
        """Return the state, at most a second old; may yield."""
        with self._making:
            if self._made is None or monotonic_s() - self._made_s > FRESH_S:
                made = self._make()
                self._made, self._made_s = made, monotonic_s()
                self._tag = f"{uuid.uuid4().hex[:8]}-{next(self._numbers)}"
            return self._made

    def text(self, key: RowKey = ALL) -> tuple[str, str]:
        """Return the state as JSON, with the series of an endpoint or of all together, and a tag that changes with it.

        May yield.
        """
        progress, tag = self.progress(), self._tag
        if key != ALL:
            progress = replace(progress, series=self._books.series(key))
        return progress.text(), tag

    def rules(self) -> tuple[RuleProgress, ...]:
        """Return how things stand with each rule of the current run; may yield."""
        run = self._runs.current
        if run.started_s is None:
            # Before the start there is nothing to ask `RuleWatch` for: it would take now for it.
            return tuple(RuleProgress(_unknown(rule), is_waiting=True) for rule in self._rule_watch.rule_set.rules)
        outcomes = self._rule_watch.outcome(run).rules if self._rule_watch.is_on else ()
        return tuple(
            RuleProgress(one, is_waiting=run.is_running and one.state is RuleState.NO_DATA) for one in outcomes
        )

    def _make(self) -> Progress:
        run = self._runs.current
        rendered = self._books.rendered(self._locust_figures)
        workers = worker_rows(
            self._source.seen(),
            self._source.processes(run.run_id),
            self._source.without_plugin,
            self._clock,
        )
        return Progress(
            now_s=self._clock.written_s(self._clock.now_s()),
            locust_version=self._versions[0],
            plugin_version=self._versions[1],
            status=self.status,
            destination=self._destination(run),
            is_open=self._is_open,
            run=self._run(run),
            ledger=self._publisher.balance(run),
            spent=self._spent(),
            **_fields(rendered),
            workers=tuple(workers[:MAX_WORKERS]),
            workers_left_out=max(0, len(workers) - MAX_WORKERS),
            rules=self.rules(),
            warnings=self._warnings.lines,
        )

    def _run(self, run: Run) -> RunProgress | None:
        if run.started_s is None:
            return None
        return RunProgress(
            run_id=run.run_id,
            labels=run.labels,
            host=without_password(run.host_at(self._clock.now_s())),
            is_running=run.is_running,
            started_s=self._clock.written_s(run.started_s),
            stopped_s=None if run.stopped_s is None else self._clock.written_s(run.stopped_s),
            users=self._source.count()[0],
        )

    def _destination(self, run: Run) -> Destination:
        settings = self._settings
        namespace, region = settings.resolved_namespace, self._publisher.region
        links: tuple[str | None, str | None] = (None, None)
        if run.started_s is not None and not settings.dry_run and is_aws(self._publisher.endpoint_url):
            start_s = self._clock.written_s(run.started_s)
            end_s = self._clock.written_s(run.stopped_s or self._clock.now_s())
            graph = graph_url(
                region,
                namespace,
                start_s,
                end_s,
                resolution_s=settings.resolution_s,
                dimensions=settings.dimensions,
            )
            links = (graph, dashboard_url(region, namespace, start_s, end_s))
        # A role names an account: that is not for everybody.
        identity = None if self._is_open else settings.role_arn
        return Destination(namespace, region, settings.resolution_s, identity, *links)

    def _spending(self) -> Spending:
        datums, series = self._publisher.datum_ledger, self._publisher.series
        return Spending(
            datums.calls, datums.retries, datums.ambiguous, datums.accepted, len(series.last_hour), series.series_hours
        )

    def _spent(self) -> Spent:
        before, now = self._spent_before, self._spending()
        spent = replace(
            now,
            calls=now.calls - before.calls,
            retries=now.retries - before.retries,
            ambiguous=now.ambiguous - before.ambiguous,
            datums=now.datums - before.datums,
            series_hours=now.series_hours - before.series_hours,
        )
        cost_usd = spent.cost_usd(self._settings.price_table)
        return Spent(spent.calls, spent.retries, spent.ambiguous, spent.datums, spent.series, cost_usd)

    def _locust_figures(self, key: RowKey) -> LocustFigures | None:
        """Return what Locust says of an endpoint. Its totals may be whatever a user has put in their place."""
        try:
            stats = self._environment.stats
            entry = stats.total if key == ALL else stats.entries.get((key.name, key.method))
            return None if entry is None else _figures_of(entry)
        except Exception:
            return None


def _version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        # In a bundle that leaves out what packages say of themselves.
        return "unknown"


def _figures_of(entry: Any) -> LocustFigures:
    return LocustFigures(
        entry.num_requests,
        entry.num_failures,
        entry.median_response_time,
        entry.get_response_time_percentile(0.95),
        entry.get_response_time_percentile(0.99),
    )


def _unknown(rule: Any) -> RuleOutcome:
    return RuleOutcome(rule=rule, state=RuleState.NO_DATA, observed=None, requests=0, message="", failed=False)


def _fields(rendered: Rendered) -> dict[str, Any]:
    return {name: getattr(rendered, name) for name in Rendered.__slots__}
