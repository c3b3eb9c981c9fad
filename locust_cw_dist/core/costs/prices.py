"""Prices: what publishing and reading cost on AWS, as an estimate.

One dated table for us-east-1, from AWS's price list as reported in November 2026; a user can put own prices in its
place (`--cw-price`). Metrics are billed by the hour in which data was sent, so a run of ten minutes pays one hour of
each series. Free tiers and volume discounts are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

HOURS_PER_MONTH = 730
"""What AWS divides a month's price by."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in US dollars.

    Attributes:
        metric_month: One series for a month.
        put_calls_1000: 1,000 PutMetricData calls.
        get_metric_data_1000: 1,000 metrics that GetMetricData is asked for; the console and Grafana read that way.
        alarm_month: One alarm with periods of a minute or longer, for a month.
        high_resolution_alarm_month: One alarm with periods of 10 or 30 s, for a month.
        composite_alarm_month: One composite alarm for a month.
        dashboard_month: One CloudWatch dashboard for a month.
        as_of: When they were read.
        region: Where they hold.
        own: Names of those that the user has put in.
    """

    metric_month: float = 0.30
    put_calls_1000: float = 0.01
    get_metric_data_1000: float = 0.01
    alarm_month: float = 0.10
    high_resolution_alarm_month: float = 0.30
    composite_alarm_month: float = 0.50
    dashboard_month: float = 3.00
    as_of: str = "2026-11"
    region: str = "us-east-1"
    own: tuple[str, ...] = ()

    def with_own(self, prices: Iterable[tuple[str, float]]) -> Prices:
        """Return the table with (name, US dollars) in the place of some."""
        changes: dict[str, Any] = dict(prices)
        return replace(self, **changes, own=tuple(changes)) if changes else self

    @property
    def source(self) -> str:
        """Where they come from, for people."""
        source = f"{self.region}, prices of {self.as_of}"
        return f"{source}, your own for {', '.join(self.own)}" if self.own else source

    def as_json(self) -> dict[str, float]:
        """Return the prices by name."""
        return {name: getattr(self, name) for name in PRICE_NAMES}


PRICE_NAMES = tuple(field.name for field in fields(Prices) if field.name not in {"as_of", "region", "own"})
"""What a user can put an own price in for."""

CURRENT_PRICES = Prices()


def run_cost_usd(prices: Prices, *, series_hours: int, calls: int) -> float:
    """Return what so many calls cost and so many metrics, each counted once for every clock hour it was written in."""
    return series_hours * prices.metric_month / HOURS_PER_MONTH + calls * prices.put_calls_1000 / 1000
