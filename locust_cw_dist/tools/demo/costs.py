"""What the demo's run would cost on AWS, this way and with a listener that calls CloudWatch for every ten requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from locust_cw_dist.core.costs.prices import Prices, run_cost_usd
from locust_cw_dist.tools.demo.figures import ALL, Comparison

_WINDOWS_PER_HOUR = 360
_MANY_REQUESTS = 1_000_000

_REQUESTS_PER_CALL = 5
_DATUMS_PER_REQUEST = 3


@dataclass(frozen=True, slots=True)
class Costs:
    """One way to publish.

    Attributes:
        way: What it is called.
        calls: PutMetricData calls of the demo's run.
        datums: Datums of it.
        metrics: Series that it writes.
        run_usd: What AWS would charge for it.
        million_usd: What it would charge for a million requests to the same endpoints within an hour.
    """

    way: str
    calls: int
    datums: int
    metrics: int
    run_usd: float
    million_usd: float


def costs(summary: Mapping[str, Any], comparisons: Sequence[Comparison], prices: Prices) -> tuple[Costs, Costs]:
    """Return the costs of this way and those of the other.

    The other way is the CloudWatch listener of locust-plugins: two calls for ten requests, three datums for each
    request. Its series are response time, count and size of each endpoint, and failures where there are any.
    """
    metrics = summary["metrics"]
    own = Costs(
        "locust-cw-dist",
        summary["put_metric_data_calls"],
        summary["datums"],
        metrics,
        summary["cost_usd"],
        # A call for each window of 10 s, however many requests it has.
        run_cost_usd(prices, series_hours=metrics, calls=_WINDOWS_PER_HOUR),
    )
    return own, _listener_costs(comparisons, prices)


def _listener_costs(comparisons: Sequence[Comparison], prices: Prices) -> Costs:
    endpoints = [comparison.exact for comparison in comparisons if comparison.endpoint != ALL]
    requests = int(sum(figures.requests for figures in endpoints))
    metrics = sum(3 + (figures.failures > 0) for figures in endpoints if figures.requests)
    calls = -(-requests // _REQUESTS_PER_CALL)
    return Costs(
        "a listener in each worker",
        calls,
        requests * _DATUMS_PER_REQUEST,
        metrics,
        run_cost_usd(prices, series_hours=metrics, calls=calls),
        run_cost_usd(prices, series_hours=metrics, calls=_MANY_REQUESTS // _REQUESTS_PER_CALL),
    )
