"""Plan: what a run would send and cost, computed from its settings and a made-up load, without any run.

The datums, batches and bodies are those of a real run: the same code makes them. Only the results are made up: each
endpoint gets log-normal response times, the same in every window, so one window stands for all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from locust_cw_dist.core.costs.bill import Cost, Usage, costs
from locust_cw_dist.core.costs.iam_policies import (
    assume_role_policy,
    iam_policy,
    record_policy,
)
from locust_cw_dist.core.costs.made_up_load import (
    _GOLDEN,
    MAX_MADE_UP,
    MAX_MADE_UP_IN_ALL,
    Load,
    made_up_times_ms,
)
from locust_cw_dist.core.costs.prices import Prices
from locust_cw_dist.core.costs.unbounded_dimensions import warnings
from locust_cw_dist.core.publish.batches import batches, body
from locust_cw_dist.core.publish.body_sizes import Payloads
from locust_cw_dist.core.publish.datums import Distribution, MetricPlan
from locust_cw_dist.core.publish.ledger import RunLedger
from locust_cw_dist.core.publish.selection import Selection
from locust_cw_dist.core.publish.window_datums import Entry, window_datums
from locust_cw_dist.core.records.location import S3Location
from locust_cw_dist.core.summaries.endpoint_cap import EndpointCap
from locust_cw_dist.core.summaries.gauges import RunGauges, StatisticSet
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import ClosedWindow

Series = tuple[str, tuple[tuple[str, str], ...]]
"""A metric's name and its dimensions: what CloudWatch bills."""

_FAILED_EVERY = 100
_RESPONSE_BYTES = 2_048
_WORKER = StatisticSet(1, 12.5, 12.5, 12.5)


@dataclass(frozen=True, slots=True)
class PublishingPlan:
    """How a run publishes, as its settings say.

    Attributes:
        namespace: Where its metrics go.
        metrics: What is sent.
        resolution_s: Length of a window.
        max_endpoints: Endpoints with series of their own.
        selection: How request names are grouped, and which are left out.
        role_arn: The role that it assumes, if any.
        record: Where in S3 the run's record goes, if it does.
        region: Its Region, if that is known.
    """

    namespace: str
    metrics: MetricPlan
    resolution_s: int
    max_endpoints: int
    selection: Selection
    role_arn: str | None = None
    record: S3Location | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would send and cost.

    Attributes:
        publishing: How it publishes.
        load: What was made up for it.
        series: All metrics with their dimensions.
        endpoints: Endpoints with series of their own.
        is_capped: Whether more endpoints than that share one as ``(other)``.
        bodies: The bodies of the calls for one window.
        payloads: Their sizes.
        values: The largest number of distinct response times that one endpoint sends for a window.
        usage: What the run writes and reads.
        costs: The parts of the bill.
        prices: What they rest on.
    """

    publishing: PublishingPlan
    load: Load
    series: frozenset[Series]
    endpoints: int
    is_capped: bool
    bodies: tuple[bytes, ...]
    payloads: Payloads
    values: int
    usage: Usage
    costs: tuple[Cost, ...]
    prices: Prices

    @property
    def metrics(self) -> list[tuple[str, tuple[str, ...], int]]:
        """Each metric's name, the names of its dimensions, and how many such series there are; endpoints' first."""
        counts = Counter((metric, tuple(name for name, _ in dimensions)) for metric, dimensions in self.series)
        return sorted(
            ((metric, names, count) for (metric, names), count in counts.items()),
            key=lambda row: (-len(row[1]), row[0]),
        )

    @property
    def run_usd(self) -> float:
        """What one run costs, written and read."""
        return sum(cost.run_usd or 0.0 for cost in self.costs)

    @property
    def month_usd(self) -> float:
        """What it costs if it is kept up all month."""
        return sum(cost.month_usd for cost in self.costs)

    @property
    def warnings(self) -> list[str]:
        """What is likely to be regretted, a line each."""
        lines = warnings(self.publishing.metrics.static_dimensions)
        if self.is_capped:
            lines.append(
                f"there are more endpoints than --cw-max-endpoints allows ({self.publishing.max_endpoints}); the rest "
                "is published as Request=(other): group request names with --cw-group or name=, or raise the limit"
            )
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return the plan for machines; values are numbers, strings, lists and objects."""
        return {
            "namespace": self.publishing.namespace,
            "resolution_s": self.publishing.resolution_s,
            "duration_s": self.usage.duration_s,
            "requests_per_s": self.load.requests_per_s,
            "endpoints": self.endpoints,
            "metrics": [
                {"name": metric, "dimensions": list(names), "count": count} for metric, names, count in self.metrics
            ],
            "metric_count": len(self.series),
            "calls_per_window": len(self.bodies),
            "calls_per_hour": self.usage.calls_per_hour,
            "run_calls": self.usage.run_calls,
            "datums_per_window": self.payloads.datums,
            "window": self.payloads.as_json(),
            "iam_policy": iam_policy(self.publishing.namespace),
            "record_policy": record_policy(self.publishing.record, self.publishing.region),
            "assume_role_policy": assume_role_policy(self.publishing.role_arn),
            "costs": [cost.as_json() for cost in self.costs],
            "run_usd": round(self.run_usd, 6),
            "month_usd": round(self.month_usd, 6),
            "prices": self.prices.as_json(),
            "prices_as_of": self.prices.as_of,
            "own_prices": list(self.prices.own),
            "warnings": self.warnings,
        }


def make_plan(publishing: PublishingPlan, load: Load, usage: Usage, prices: Prices, *, start_s: int) -> Plan:
    """Return the plan of a run.

    Args:
        publishing: How it publishes.
        load: What it is like.
        usage: Its length and how it is read; series and calls are computed here.
        prices: What estimates rest on.
        start_s: Start of the window that stands for all.
    """
    window, cap = _window(publishing, load, start_s)
    entries = list(window_datums(publishing.metrics, window, load.host, RunLedger()))
    payloads, bodies = Payloads(), []
    for batch in batches(entries):
        datums = [entry.datum for entry in batch]
        bodies.append(body(publishing.namespace, datums))
        payloads.note(bodies[-1], datums)
    series = frozenset((entry.datum.metric, entry.datum.dimensions) for entry in entries)
    calls_per_hour = len(bodies) * 3600 / publishing.resolution_s
    usage = usage.of(len(series), calls_per_hour)
    return Plan(
        publishing=publishing,
        load=load,
        series=series,
        endpoints=len(window.summaries) - cap.is_exceeded,
        is_capped=cap.is_exceeded,
        bodies=tuple(bodies),
        payloads=payloads,
        values=_most_values(entries),
        usage=usage,
        costs=costs(usage, prices),
        prices=prices,
    )


def _window(publishing: PublishingPlan, load: Load, start_s: int) -> tuple[ClosedWindow, EndpointCap]:
    summaries = {key: _summary(publishing.resolution_s, load, number) for number, key in enumerate(load.endpoints)}
    selected, _ = publishing.selection.apply(summaries)
    cap = EndpointCap(publishing.max_endpoints)
    gauges = RunGauges(100, 4, _WORKER, _WORKER, 0, 1.25)
    return ClosedWindow("plan", start_s, cap.apply(selected), gauges), cap


def _summary(resolution_s: int, load: Load, number: int) -> Summary:
    each = round(load.requests_per_s * resolution_s / len(load.endpoints))
    count = max(1, min(each, MAX_MADE_UP, MAX_MADE_UP_IN_ALL // len(load.endpoints)))
    spot = number * _GOLDEN % 1
    factor = 4**spot / 2
    times_ms = made_up_times_ms(count, load.p50_ms * factor, load.p99_ms * factor, spot)
    summary = Summary()
    for turn, time_ms in enumerate(times_ms, 1):
        if turn % _FAILED_EVERY:
            summary.record_success(time_ms, _RESPONSE_BYTES)
        else:
            summary.record_failure(time_ms, "500")
    return summary


def _most_values(entries: list[Entry]) -> int:
    values: Counter[Series] = Counter()
    for entry in entries:
        datum = entry.datum
        if datum.metric == "ResponseTime_ms" and isinstance(datum.value, Distribution):
            values[datum.metric, datum.dimensions] += len(datum.value.values)
    return max(values.values(), default=0)
