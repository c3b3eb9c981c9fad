"""Costs against figures worked out by hand from the price list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.costs.bill import Usage, costs
from locust_cw_dist.core.costs.prices import CURRENT_PRICES, PRICE_NAMES, Prices

pytestmark = pytest.mark.once


def bill(usage, prices=CURRENT_PRICES):
    return {cost.key: cost for cost in costs(usage, prices)}


def test_a_run_of_an_hour():
    parts = bill(Usage(series=730, calls_per_hour=360, duration_s=3600, refresh_s=10))
    assert list(parts) == ["metrics", "put_calls", "reading"]
    # 730 metrics for one of 730 hours: what one costs for a month.
    assert parts["metrics"].run_usd == pytest.approx(0.30)
    assert parts["metrics"].month_usd == pytest.approx(730 * 0.30)
    assert parts["put_calls"].run_usd == pytest.approx(0.0036)
    assert parts["put_calls"].month_usd == pytest.approx(360 * 730 / 1000 * 0.01)
    # 730 metrics 360 times an hour: 262,800.
    assert parts["reading"].run_usd == pytest.approx(2.628)
    assert parts["reading"].month_usd == pytest.approx(2.628 * 730)


@pytest.mark.parametrize(("duration_s", "hours"), [(1, 1), (3600, 1), (3601, 2), (7200, 2), (7201, 3)])
def test_metrics_are_billed_by_the_hour_that_has_begun(duration_s, hours):
    parts = bill(Usage(series=1, calls_per_hour=1, duration_s=duration_s))
    assert parts["metrics"].run_usd == pytest.approx(hours * 0.30 / 730)


def test_what_stands_all_month_has_no_price_for_a_run():
    parts = bill(Usage(1, 1, alarms=2, high_resolution_alarms=3, composite_alarms=4, dashboards=5))
    standing = {key: cost.month_usd for key, cost in parts.items() if cost.run_usd is None}
    assert standing == pytest.approx(
        {"alarms": 0.2, "high_resolution_alarms": 0.9, "composite_alarms": 2.0, "dashboards": 15.0}
    )


@given(
    st.dictionaries(st.sampled_from(PRICE_NAMES), st.floats(0, 1000), min_size=1),
    st.integers(1, 10_000),
    st.floats(0, 10_000),
)
def test_the_bill_grows_with_each_price_and_an_own_price_replaces_only_its_own(own, series, calls_per_hour):
    prices = Prices().with_own(own.items())
    for name in PRICE_NAMES:
        assert getattr(prices, name) == own.get(name, getattr(Prices(), name))
    usage = Usage(series, calls_per_hour, alarms=1, high_resolution_alarms=1, composite_alarms=1, dashboards=1)
    free = Prices().with_own(dict.fromkeys(PRICE_NAMES, 0.0).items())
    assert sum(cost.month_usd for cost in costs(usage, free)) == 0
    higher = prices.with_own((name, getattr(prices, name) + 1) for name in PRICE_NAMES)
    for cheap, dear in zip(costs(usage, prices), costs(usage, higher), strict=True):
        assert cheap.month_usd <= dear.month_usd


def test_where_the_prices_come_from():
    assert Prices().source == "us-east-1, prices of 2026-11"
    own = Prices().with_own([("metric_month", 0.1), ("alarm_month", 0.2)])
    assert own.source == "us-east-1, prices of 2026-11, your own for metric_month, alarm_month"
    assert Prices().with_own([]) == Prices()
