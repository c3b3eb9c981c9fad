"""Costs: what a way to publish and to read costs, for one run and if it is kept up all month; an estimate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from locust_cw_dist.core.costs.prices import HOURS_PER_MONTH, Prices, run_cost_usd

_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Usage:
    """What is written and read.

    Attributes:
        series: Metrics, each a name with its dimensions.
        calls_per_hour: PutMetricData calls.
        duration_s: How long a run takes.
        refresh_s: How often a dashboard asks for the latest value of every metric.
        alarms: Alarms with periods of a minute or longer.
        high_resolution_alarms: Alarms with periods of 10 or 30 s.
        composite_alarms: Composite alarms.
        dashboards: CloudWatch dashboards.
    """

    series: int = 0
    calls_per_hour: float = 0.0
    duration_s: float = 3600.0
    refresh_s: float = 60.0
    alarms: int = 0
    high_resolution_alarms: int = 0
    composite_alarms: int = 0
    dashboards: int = 0

    @property
    def run_hours(self) -> int:
        """Clock hours in which a run that begins with one is billed."""
        return max(1, -(-int(self.duration_s) // _HOUR_S))

    @property
    def run_calls(self) -> int:
        """PutMetricData calls of one run."""
        return max(1, round(self.calls_per_hour * self.duration_s / _HOUR_S))

    @property
    def month_calls(self) -> int:
        """PutMetricData calls of a month without end."""
        return round(self.calls_per_hour * HOURS_PER_MONTH)

    def of(self, series: int, calls_per_hour: float) -> Usage:
        """Return the same for so many metrics and calls."""
        return replace(self, series=series, calls_per_hour=calls_per_hour)

    def metrics_read(self, hours: float) -> float:
        """Return for how many metrics a dashboard asks in so many hours."""
        return self.series * hours * _HOUR_S / self.refresh_s


@dataclass(frozen=True, slots=True)
class Cost:
    """One part of the bill.

    Attributes:
        key: Its name for machines.
        what: What it is for, in words.
        run_usd: For one run; None for what is paid by the month alone.
        month_usd: If it is kept up all month.
    """

    key: str
    what: str
    run_usd: float | None
    month_usd: float

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        run_usd = None if self.run_usd is None else round(self.run_usd, 6)
        return {"what": self.key, "run_usd": run_usd, "month_usd": round(self.month_usd, 6)}


def costs(usage: Usage, prices: Prices) -> tuple[Cost, ...]:
    """Return the parts of the bill; those for nothing are left out."""
    return (*writing_costs(usage, prices), reading_cost(usage, prices), *_standing_costs(usage, prices))


def writing_costs(usage: Usage, prices: Prices) -> tuple[Cost, Cost]:
    """Return what the metrics cost and what the calls that send them cost."""
    month_hours = usage.series * HOURS_PER_MONTH
    return (
        Cost(
            "metrics",
            f"metrics: {usage.series:,}",
            run_cost_usd(prices, series_hours=usage.series * usage.run_hours, calls=0),
            run_cost_usd(prices, series_hours=month_hours, calls=0),
        ),
        Cost(
            "put_calls",
            f"PutMetricData calls: {usage.calls_per_hour:,.0f} per hour",
            run_cost_usd(prices, series_hours=0, calls=usage.run_calls),
            run_cost_usd(prices, series_hours=0, calls=usage.month_calls),
        ),
    )


def reading_cost(usage: Usage, prices: Prices) -> Cost:
    """Return what a dashboard costs that shows one statistic of every metric, by GetMetricData."""
    per_metric = prices.get_metric_data_1000 / 1000
    return Cost(
        "reading",
        f"a dashboard that reads all metrics every {usage.refresh_s:g} s",
        usage.metrics_read(usage.duration_s / _HOUR_S) * per_metric,
        usage.metrics_read(HOURS_PER_MONTH) * per_metric,
    )


def _standing_costs(usage: Usage, prices: Prices) -> list[Cost]:
    standing = (
        ("alarms", usage.alarms, "alarms", prices.alarm_month),
        (
            "high_resolution_alarms",
            usage.high_resolution_alarms,
            "high-resolution alarms",
            prices.high_resolution_alarm_month,
        ),
        ("composite_alarms", usage.composite_alarms, "composite alarms", prices.composite_alarm_month),
        ("dashboards", usage.dashboards, "CloudWatch dashboards", prices.dashboard_month),
    )
    return [Cost(key, f"{what}: {number:,}", None, number * usd) for key, number, what, usd in standing if number]
