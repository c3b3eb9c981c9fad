"""RunSummary: what became of a run, for people as a short block and for machines as one line of JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from locust_cw_dist.core.costs.bill import Usage, reading_cost, writing_costs
from locust_cw_dist.core.costs.prices import CURRENT_PRICES, Prices, run_cost_usd
from locust_cw_dist.core.names.plural import plural
from locust_cw_dist.core.publish.body_sizes import Payloads
from locust_cw_dist.core.publish.ledger import Balance
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.summaries.windows import time_of_day
from locust_cw_dist.core.verdict.verdict import Evidence, Verdict, judge

MAX_NAMED = 20
"""Workers that the block for people names; the JSON line has them all."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What was written to CloudWatch.

    Attributes:
        calls: PutMetricData calls, retries included.
        retries: Of those, the ones that repeated a call.
        ambiguous: Calls whose answer never came.
        datums: Datums accepted.
        series: Metrics (name and dimensions) written.
        series_hours: Sum over all series of the clock hours in which they were written.
    """

    calls: int
    retries: int
    ambiguous: int
    datums: int
    series: int
    series_hours: int

    def after(self, earlier: Spending) -> Spending:
        """Return this and what was written before it."""
        return Spending(
            self.calls + earlier.calls,
            self.retries + earlier.retries,
            self.ambiguous + earlier.ambiguous,
            self.datums + earlier.datums,
            # All there are, each counted once.
            self.series,
            self.series_hours + earlier.series_hours,
        )

    def cost_usd(self, prices: Prices) -> float:
        """Return what AWS would charge, as an estimate."""
        return run_cost_usd(prices, series_hours=self.series_hours, calls=self.calls)

    def line(self, prices: Prices) -> str:
        """Return it for people; without a price where nothing left this process."""
        if not self.calls:
            return "  no PutMetricData call left this process, so AWS bills nothing"
        what = (
            f"{self.calls} PutMetricData {plural(self.calls, 'call')}, {self.datums} {plural(self.datums, 'datum')}, "
            f"{self.series} {plural(self.series, 'metric')}"
        )
        return f"  {what}: about ${self.cost_usd(prices):.4f} ({prices.source})"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a dry run would have sent.

    Attributes:
        payloads: The calls.
        usage: What that would be per hour.
        path: The file that holds the bodies of the calls, if there is one.
    """

    payloads: Payloads
    usage: Usage
    path: str | None = None

    def lines(self, prices: Prices) -> list[str]:
        """Return the part of the block for people."""
        month_usd = sum(cost.month_usd for cost in writing_costs(self.usage, prices))
        reading = reading_cost(self.usage, prices)
        lines = [
            f"  {self.payloads.line()}",
            f"  kept up all month, {self.usage.calls_per_hour:,.0f} calls per hour: about ${month_usd:.2f}",
            f"  a dashboard that reads all metrics every {self.usage.refresh_s:g} s: ${reading.month_usd:.2f} a month",
        ]
        return lines if self.path is None else [*lines, f"  the bodies of the calls are in {self.path}"]

    def as_json(self, prices: Prices) -> dict[str, Any]:
        """Return the same for machines."""
        return self.payloads.as_json() | {
            "calls_per_hour": round(self.usage.calls_per_hour, 3),
            "writing_month_usd": round(sum(cost.month_usd for cost in writing_costs(self.usage, prices)), 6),
            "reading_month_usd": round(reading_cost(self.usage, prices).month_usd, 6),
            "payloads": self.path,
        }


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What became of one run.

    Attributes:
        run_id: The run.
        labels: The user's labels.
        balance: Its ledger at the end.
        spending: What was written for it.
        refused_frames: Frames that were refused, by reason.
        duplicate_frames: Frames that came again and were not merged again.
        spool_dir: Where results wait that were not sent.
        prices: What the estimate of costs rests on.
        rehearsal: In a dry run, what would have been sent; what is published then was counted only.
        publishes: Whether anything was to be published; otherwise results are received for the record alone.
        resends_ambiguous: Whether what got no answer was sent again.
        evidence: What its verdict rests on: how its results were delivered, how its load generators were.
    """

    run_id: str
    labels: tuple[tuple[str, str], ...]
    balance: Balance
    spending: Spending
    refused_frames: dict[str, int]
    duplicate_frames: int = 0
    spool_dir: str | None = None
    prices: Prices = CURRENT_PRICES
    rehearsal: Rehearsal | None = None
    publishes: bool = True
    resends_ambiguous: bool = True
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def verdict(self) -> Verdict:
        """Whether the run itself can be relied on; it has lines of its own."""
        return judge(self.evidence)

    @property
    def is_complete(self) -> bool:
        """Whether every result is published or left out by the user, no worker may have more, and Locust has not."""
        usable_lost = self.balance.pending + self.balance.spooled
        delivery = self.evidence.delivery
        unseen = delivery.unheard or delivery.without_plugin or self.evidence.cross_check.finds_missing
        return not (usable_lost or self.balance.difference or self._lost() or unseen)

    def lines(self) -> list[str]:
        """Return the block for people."""
        balance, delivery = self.balance, self.evidence.delivery
        state = "complete" if self.is_complete else "INCOMPLETE"
        lines = [
            f"run {self.run_id}: {state}: {balance.published} of {balance.recorded} "
            f"{plural(balance.recorded, 'result')} {self._done}"
            + (f", {balance.late} of them late" if balance.late else "")
        ]
        lines += [
            f"  {count} counted without a response time: {reason}" for reason, count in sorted(balance.untimed.items())
        ]
        lines += [f"  {count} dropped: {reason}" for reason, count in sorted(balance.dropped.items())]
        if balance.pending:
            lines.append(f"  {balance.pending} not received or not sent when the process ended")
        if balance.spooled:
            lines.append(f"  {balance.spooled} on disk: 'locust-cw resend {self.spool_dir}' publishes them")
        if balance.difference:
            lines.append(f"  {balance.difference} unaccounted for: please report this as a bug")
        lines += _first(
            [f"what worker {worker} recorded after {time_of_day(until_s)}" for worker, until_s in delivery.unheard]
        )
        lines += _first([f"everything of worker {worker}, which has no plugin" for worker in delivery.without_plugin])
        lines += self.evidence.cross_check.lines(self._likely_causes())
        lines += [
            f"  {count} {plural(count, 'frame')} refused: {reason}"
            for reason, count in sorted(self.refused_frames.items())
        ]
        if self.publishes:
            lines.append(self.spending.line(self.prices))
        if self.rehearsal is not None:
            lines += self.rehearsal.lines(self.prices)
        return [*lines, *self._unanswered()]

    def _unanswered(self) -> list[str]:
        """Say what became of calls without an answer."""
        balance, calls = self.balance, self.spending.ambiguous
        if not (calls or balance.doubtful or balance.has_doubtful_figures):
            return []
        lead = f"  {calls} {plural(calls, 'call')} got no answer" if calls else "  calls got no answer"
        dropped = balance.dropped.get(Failure.AMBIGUOUS.value, 0)
        may_be_there = f"{dropped} dropped {plural(dropped, 'result')} may be in CloudWatch"
        if not self.resends_ambiguous:
            return [f"{lead} and {plural(calls, 'was', 'were')} not sent again; {may_be_there}"]
        lines = [f"{lead} and {plural(calls, 'was', 'were')} sent again{balance.may_count_twice}"]
        if balance.spooled:
            lines.append("  results on disk that were in such a call may count twice when they are sent")
        if dropped:
            lines.append(f"  {may_be_there}")
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return the same for machines; values are numbers, strings, lists and objects."""
        balance, spending, delivery = self.balance, self.spending, self.evidence.delivery
        check = self.evidence.cross_check
        return {
            "event": "locust_cw_run_summary",
            "run_id": self.run_id,
            "labels": dict(self.labels),
            "complete": self.is_complete,
            "verdict": self.verdict.as_json(),
            "recorded": balance.recorded,
            "recorded_failures": check.recorded.failures,
            "locust_totals": check.as_json(self._likely_causes()),
            "publishing": self.publishes,
            "published": balance.published if self.publishes else 0,
            "pending": balance.pending,
            "spooled": balance.spooled,
            "late": balance.late,
            "dropped": balance.dropped,
            "untimed": balance.untimed,
            "unheard_workers": [
                {"worker": worker, "complete_until_s": until_s} for worker, until_s in delivery.unheard
            ],
            "workers_without_plugin": list(delivery.without_plugin),
            "refused_frames": self.refused_frames,
            "duplicate_frames": self.duplicate_frames,
            "put_metric_data_calls": spending.calls,
            "retried_calls": spending.retries,
            "ambiguous_calls": spending.ambiguous,
            "doubtful": balance.doubtful,
            "datums": spending.datums,
            "metrics": spending.series,
            "cost_usd": round(spending.cost_usd(self.prices), 6),
            "prices_as_of": self.prices.as_of,
            "own_prices": {name: getattr(self.prices, name) for name in self.prices.own},
            "dry_run": None if self.rehearsal is None else self.rehearsal.as_json(self.prices),
        }

    @property
    def _done(self) -> str:
        if not self.publishes:
            return "received; nothing is published without --cw-service"
        return "published" if self.rehearsal is None else "would be published: DRY RUN, nothing was sent"

    def _likely_causes(self) -> list[str]:
        delivery = self.evidence.delivery
        return self.evidence.cross_check.likely_causes(
            without_plugin=bool(delivery.without_plugin), lost_workers=bool(delivery.unheard)
        )

    def _lost(self) -> int:
        return self.balance.recorded - self.balance.published - self.balance.not_lost


def _first(losses: list[str]) -> list[str]:
    lines = [f"  lost: {loss}" for loss in losses[:MAX_NAMED]]
    more = len(losses) - MAX_NAMED
    return lines if more <= 0 else [*lines, f"  lost: the same for {more} more {plural(more, 'worker')}"]
