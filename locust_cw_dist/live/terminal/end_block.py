"""EndBlock: writes what became of each run when that is known, and at the end of the process what nobody has read yet.

Where several runs share a process, under a web UI, the block of each is written when it has settled. The last lines of
the process come after everything else, Locust's own tables included, and tell again only of a run that has changed.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from locust_cw_dist.core.progress.console_links import graph_url, is_aws
from locust_cw_dist.core.progress.end_block import ProcessBlock, RunBlock
from locust_cw_dist.core.progress.figures_table import FiguresTable
from locust_cw_dist.core.rules.outcome import Outcome
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.verdict.run_summary import RunSummary
from locust_cw_dist.live.platform.clock import WritingClock
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.patience import Patience
from locust_cw_dist.live.publish.cloudwatch import Cloudwatch
from locust_cw_dist.live.records.record_writer import RecordWriter
from locust_cw_dist.live.rules.rule_watch import RuleWatch
from locust_cw_dist.live.runs import Run, Runs
from locust_cw_dist.live.terminal import stderr
from locust_cw_dist.live.verdict.exit_code import OURS, ExitCode
from locust_cw_dist.live.verdict.summary_log import SummaryLog
from locust_cw_dist.settings.settings import Settings

logger = logging.getLogger("locust_cw_dist")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What is asked.

    Attributes:
        totals_of: Returns what the endpoints of a run did in it.
        sink: What is published to; None if nothing is.
        patience: Knows whether the process ends.
        has_web_ui: Whether a user may start further runs.
    """

    settings: Settings
    runs: Runs
    clock: WritingClock
    summary_log: SummaryLog
    rule_watch: RuleWatch
    record_writer: RecordWriter
    totals_of: Callable[[Run], Mapping[EndpointKey, Summary]]
    exit_code: ExitCode
    sink: Cloudwatch | None
    patience: Patience
    has_web_ui: bool


class EndBlock:
    """Writes the blocks.

    State: what was shown; touched on the hub only.
    """

    def __init__(self, sources: Sources, once: LogOnce) -> None:
        """Tell of what `sources` know."""
        self._sources = sources
        self._once = once
        self._shown: dict[Run, tuple[RunSummary, Outcome | None]] = {}
        self._blocks: dict[Run, RunBlock] = {}
        form = sources.settings.summary or ("text" if stderr.is_terminal() else "both")
        self._is_on = form != "json"
        sources.summary_log.logs_json = form != "text"

    def show_settled(self) -> None:
        """Write the block of each run that has settled; that of the last one waits for Locust's tables where it can."""
        sources = self._sources
        if not self._is_on or sources.patience.has_begun:
            return
        for run in sources.summary_log.summaries:
            is_over = sources.has_web_ui or run is not sources.runs.current
            if is_over and run not in self._shown and sources.rule_watch.is_settled(run):
                stderr.write_lines(self._block(run).lines(stderr.marks()))

    def show_end(self, *, forces: bool | None) -> None:
        """Write the last lines of the process.

        Args:
            forces: Whether `ExitCode.force` follows; None in a script, which goes on.
        """
        try:
            self._show_end(forces)
        except Exception:
            self._once.error("last lines", "locust-cw: could not write the last lines of the process")

    def _show_end(self, forces: bool | None) -> None:
        sources = self._sources
        known = list(sources.summary_log.summaries)
        new = [run for run in known if self._shown.get(run) != self._state(run)]
        earlier = [self._blocks[run] for run in known if run not in new]
        failures = sum(one.evidence.cross_check.recorded.failures for one in sources.summary_log.summaries.values())
        last_word = None
        if forces is not None:
            last_word = sources.exit_code.last_word(failures=failures, forces=forces)
        if not self._is_on:
            if last_word is not None and last_word.code in OURS:
                logger.warning("locust-cw: %s", last_word.line())
            return
        if not known and (last_word is None or last_word.code not in OURS):
            return
        block = ProcessBlock(
            earlier=earlier,
            runs=[self._block(run) for run in new],
            next_commands=self._next(known[-1]) if known else (),
            last_word=last_word,
        )
        stderr.write_lines(block.lines(stderr.marks()))

    def _state(self, run: Run) -> tuple[RunSummary, Outcome | None]:
        rules = self._sources.rule_watch
        outcome = rules.outcome(run) if rules.is_on and run.is_own and run.started_s is not None else None
        return self._sources.summary_log.summaries[run], outcome

    def _block(self, run: Run) -> RunBlock:
        """Return the block of a run, and note that it is shown."""
        sources, now_s = self._sources, self._sources.clock.now_s()
        replaces_earlier = run in self._shown
        summary, outcome = self._shown[run] = self._state(run)
        started_s = run.started_s
        self._blocks[run] = RunBlock(
            summary=summary,
            host=run.host,
            duration_s=None if started_s is None else (run.stopped_s or now_s) - started_s,
            figures=FiguresTable.of(sources.totals_of(run)),
            outcome=outcome,
            graph_url=self._graph_url(run, now_s),
            replaces_earlier=replaces_earlier,
        )
        return self._blocks[run]

    def _graph_url(self, run: Run, now_s: float) -> str | None:
        settings, clock, sink = self._sources.settings, self._sources.clock, self._sources.sink
        if sink is None or settings.dry_run or not is_aws(sink.endpoint_url):
            return None
        if run.started_s is None or not run.ledger.published:
            return None
        return graph_url(
            sink.region,
            settings.resolved_namespace,
            clock.written_s(run.started_s),
            clock.written_s(run.stopped_s or now_s),
            resolution_s=settings.resolution_s,
            dimensions=settings.dimensions,
        )

    def _next(self, run: Run) -> list[str]:
        place = self._sources.record_writer.place_of(run)
        if place is None:
            return [] if self._sources.settings.record else ["--cw-record FOLDER keeps a run for 'locust-cw report'"]
        record = shlex.quote(place)
        compare = f"locust-cw compare BASE {record}"
        return [compare] if self._sources.settings.report else [f"locust-cw report {record}", compare]
