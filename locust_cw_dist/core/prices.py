"""Prices: what publishing costs on AWS, as an estimate.

One dated table for us-east-1, from AWS's price list as reported in November 2026. Metrics are billed by the hour in
which data was sent, so a run of ten minutes pays one hour of each series. Free tiers and volume discounts are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

HOURS_PER_MONTH = 730
"""What AWS divides a month's price by."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in US dollars.

    Attributes:
        as_of: When they were read.
        region: Where they hold.
        metric_month: One series for a month.
        put_calls_1000: 1,000 PutMetricData calls.
    """

    as_of: str = "2026-11"
    region: str = "us-east-1"
    metric_month: float = 0.30
    put_calls_1000: float = 0.01


CURRENT_PRICES = Prices()


def run_cost_usd(prices: Prices, *, series_hours: int, calls: int) -> float:
    """Return what so many calls cost and so many metrics, each counted once for every clock hour it was written in."""
    return series_hours * prices.metric_month / HOURS_PER_MONTH + calls * prices.put_calls_1000 / 1000
