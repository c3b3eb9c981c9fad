"""Summarizer: logs what became of each run, once it is over; on the master or in a single process.

Everything goes through logging and never to stdout, where Locust's `--json` prints.
"""

from __future__ import annotations

import json
import logging
from typing import Protocol

from locust_cw_dist.core.collector import Collector
from locust_cw_dist.core.epochs import Epoch
from locust_cw_dist.core.run_summary import RunSummary, Spending
from locust_cw_dist.hosts.publisher import Publisher
from locust_cw_dist.hosts.runs import Run, Runs

logger = logging.getLogger("locust_cw_dist")
json_logger = logging.getLogger("locust_cw_dist.summary")


class Source(Protocol):
    """What is asked of the master or the single process."""

    collector: Collector
    without_plugin: set[str]

    def unfinished_workers(self) -> list[Epoch]:
        """Return the workers that never said that they were done."""
        ...


class Summarizer:
    """Logs each run's end once."""

    def __init__(self, source: Source, publisher: Publisher, runs: Runs) -> None:
        """Summarize what `source` received and `publisher` sent."""
        self._source = source
        self._publisher = publisher
        self._runs = runs
        self._spent = Spending(0, 0, 0, 0, 0, 0)

    def log_settled(self, silent_since_s: float) -> None:
        """Log the runs that have stopped, of which nothing is on the way and no worker has more."""
        for run in self._runs:
            if run.is_summarized or run.stopped_s is None:
                continue
            waiting = any(self._source.collector.waiting_for(run.run_id, silent_since_s))
            is_current = run is self._runs.current
            if not (waiting and is_current) and not self._publisher.balance(run).pending:
                self._log(run, at_end=False)

    def log_all(self) -> bool:
        """Log the runs that were not logged yet, at the end of the process; return whether all were complete."""
        summaries = [
            self._log(run, at_end=True)
            for run in self._runs
            if not run.is_summarized and (run.started_s is not None or self._publisher.balance(run).recorded)
        ]
        return all(summary.is_complete for summary in summaries)

    def _log(self, run: Run, *, at_end: bool) -> RunSummary:
        run.is_summarized = True
        unheard = self._source.unfinished_workers() if at_end and run is self._runs.current else []
        summary = RunSummary(
            run_id=run.run_id,
            labels=run.labels,
            balance=self._publisher.balance(run),
            spending=self._spending(),
            refused_frames=dict(self._source.collector.refusals),
            unheard=tuple((epoch.worker_id, epoch.cut_at_s) for epoch in unheard),
            without_plugin=tuple(sorted(self._source.without_plugin)),
        )
        for line in summary.lines():
            logger.log(logging.INFO if summary.is_complete else logging.WARNING, "locust-cw: %s", line)
        json_logger.info("%s", json.dumps(summary.as_json(), separators=(",", ":")))
        return summary

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
