"""Plan: what a run would send and cost, computed from its settings and a made-up load, without any run.

The datums, batches and bodies are those of a real run: the same code makes them. Only the results are made up: each
endpoint gets log-normal response times, the same in every window, so one window stands for all.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from locust_cw_dist.core.costs.bill import Cost, Usage, costs
from locust_cw_dist.core.costs.prices import Prices
from locust_cw_dist.core.costs.unbounded_dimensions import warnings
from locust_cw_dist.core.master.collector import Window
from locust_cw_dist.core.publish.batches import batches, body
from locust_cw_dist.core.publish.body_sizes import Payloads
from locust_cw_dist.core.publish.datums import Distribution, MetricPlan, RunGauges, StatisticSet
from locust_cw_dist.core.publish.endpoint_budget import EndpointBudget
from locust_cw_dist.core.publish.ledger import RunLedger
from locust_cw_dist.core.publish.limits import MAX_PAIRS_PER_BODY
from locust_cw_dist.core.publish.selection import Selection
from locust_cw_dist.core.publish.window_datums import Closed, Entry, publication
from locust_cw_dist.core.records.location import S3Location
from locust_cw_dist.core.summaries.histogram import CEILING_MS
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary

Series = tuple[str, tuple[tuple[str, str], ...]]
"""A metric's name and its dimensions: what CloudWatch bills."""

MAX_MADE_UP = 5_000
"""Results of one endpoint and window that are made up; more fill hardly any more bins."""

MAX_MADE_UP_IN_ALL = 500_000
"""The same for all endpoints: this takes a second."""

_P99_SIGMAS = 2.3263478740408408
"""How far the 99th percentile of a normal distribution is from its middle."""

_GOLDEN = (math.sqrt(5) - 1) / 2
_FAILED_EVERY = 100
_RESPONSE_BYTES = 2_048
_WORKER = StatisticSet(1, 12.5, 12.5, 12.5)


@dataclass(frozen=True, slots=True)
class Load:
    """A load that is made up.

    Attributes:
        endpoints: (request name, method) of each; they share the requests evenly.
        host: Their Host dimension.
        requests_per_s: All together.
        p50_ms: Median of the response times; that of an endpoint is between half of it and twice as much.
        p99_ms: Their 99th percentile, likewise.
    """

    endpoints: tuple[EndpointKey, ...]
    host: str
    requests_per_s: float
    p50_ms: float
    p99_ms: float


_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eusc-", "aws-eusc"),
)
"""What the names of Regions begin with that are not in the partition `aws`."""


@dataclass(frozen=True, slots=True)
class Publishing:
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

    publishing: Publishing
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
                f"there are more than {self.publishing.max_endpoints} endpoints; the rest is published as "
                "Request=(other): group request names with --cw-group or name=, or raise --cw-max-endpoints"
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


def make_plan(publishing: Publishing, load: Load, usage: Usage, prices: Prices, *, start_s: int) -> Plan:
    """Return the plan of a run.

    Args:
        publishing: How it publishes.
        load: What it is like.
        usage: Its length and how it is read; series and calls are computed here.
        prices: What estimates rest on.
        start_s: Start of the window that stands for all.
    """
    closed, budget = _closed(publishing, load, start_s)
    entries = list(publication(publishing.metrics, closed, RunLedger()))
    payloads, bodies = Payloads(), []
    for batch in batches(entries, max_pairs=MAX_PAIRS_PER_BODY):
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
        endpoints=len(closed.summaries) - budget.is_exceeded,
        is_capped=budget.is_exceeded,
        bodies=tuple(bodies),
        payloads=payloads,
        values=_most_values(entries),
        usage=usage,
        costs=costs(usage, prices),
        prices=prices,
    )


def iam_policy(namespace: str) -> dict[str, Any]:
    """Return the policy that the publishing process needs, and no more.

    PutMetricData has no resources; the namespace is a condition key: see "Using condition keys to limit access to
    CloudWatch namespaces" in the user guide of CloudWatch.
    """
    return _policy(
        {
            "Sid": "PublishLoadTestMetrics",
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": namespace}},
        }
    )


def record_policy(place: S3Location | None, region: str | None) -> dict[str, Any] | None:
    """Return the policy that the process needs where it puts run records to S3, and no more; None if it does not."""
    if place is None:
        return None
    resource = f"arn:{partition_of(region)}:s3:::{place.bucket}/{place.prefix}*"
    return _policy({"Sid": "PutLoadTestRecords", "Effect": "Allow", "Action": "s3:PutObject", "Resource": resource})


def partition_of(region: str | None) -> str:
    """Return the partition of a Region, as ARNs name it; see "partition" in the AWS General Reference."""
    return next((name for start, name in _PARTITIONS if (region or "").startswith(start)), "aws")


def assume_role_policy(role_arn: str | None) -> dict[str, Any] | None:
    """Return the policy of the process's own identity, where it assumes a role for publishing."""
    if role_arn is None:
        return None
    return _policy({"Sid": "AssumePublishingRole", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role_arn})


def _policy(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}


def made_up_times_ms(count: int, p50_ms: float, p99_ms: float, start: float = 0.0) -> list[float]:
    """Return log-normal response times, always the same for the same arguments.

    Instead of chance, two even sequences go into the transformation of Box and Muller; `start`, from 0 to 1, is where
    the second one begins.
    """
    sigma = math.log(p99_ms / p50_ms) / _P99_SIGMAS
    times = []
    for number in range(count):
        radius = math.sqrt(-2 * math.log((number + 0.5) / count))
        normal = radius * math.cos(2 * math.pi * ((start + number * _GOLDEN) % 1))
        times.append(min(CEILING_MS, p50_ms * math.exp(sigma * normal)))
    return times


def _closed(publishing: Publishing, load: Load, start_s: int) -> tuple[Closed, EndpointBudget]:
    summaries = {key: _summary(publishing.resolution_s, load, number) for number, key in enumerate(load.endpoints)}
    selected, _ = publishing.selection.apply(summaries)
    budget = EndpointBudget(publishing.max_endpoints)
    gauges = RunGauges(100, 4, _WORKER, _WORKER, 0, 1.25)
    return Closed(Window("plan", start_s), budget.apply(selected), load.host, gauges), budget


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
