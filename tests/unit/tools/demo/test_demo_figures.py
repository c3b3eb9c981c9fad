"""The demo's comparison: what counts as equal to the truth, and what does not."""

from __future__ import annotations

import dataclasses
import io
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from locust_cw_dist.core.costs.prices import Prices
from locust_cw_dist.tools.cli.console import PIPED_COLUMNS
from locust_cw_dist.tools.cli.demo import report
from locust_cw_dist.tools.demo.costs import costs
from locust_cw_dist.tools.demo.figures import (
    ALL,
    PERCENTS,
    Endpoint,
    Figures,
    compare,
    locust_percentile,
    nearest_rank,
    read_locust,
    read_raw_times,
)
from locust_cw_dist.tools.demo.play import Outcome
from locust_cw_dist.tools.demo.processes import DemoError

pytestmark = pytest.mark.once

PRODUCT = Endpoint("GET", "/product")
SEARCH = Endpoint("GET", "/search")
RAW_MS = {PRODUCT: [10.0, 11.0, 12.0], SEARCH: [40.0]}
SERVED = {PRODUCT: (3, 1), SEARCH: (1, 0)}
CLOUDWATCH = {
    PRODUCT: Figures(3, 1, (11.05, 12.0, 12.0)),
    SEARCH: Figures(1, 0, (40.0, 40.0, 40.0)),
    ALL: Figures(4, 1, (11.0, 40.0, 40.0)),
}
SUMMARY = {"complete": True, "put_metric_data_calls": 3, "datums": 90, "metrics": 20, "cost_usd": 0.01}


def outcome(cloudwatch=None, served=None, raw_ms=None, **summary):
    compared = compare(CLOUDWATCH | (cloudwatch or {}), CLOUDWATCH, served or SERVED, raw_ms or RAW_MS)
    return Outcome(compared, SUMMARY | summary)


def shown(outcome, width=PIPED_COLUMNS):
    text = io.StringIO()
    report(Console(file=text, width=width, highlight=False), outcome)
    return text.getvalue()


def test_what_agrees_is_no_problem():
    assert outcome().problems() == []


@pytest.mark.parametrize(
    ("product", "clauses"),
    [
        (Figures(2, 1, (11.0, 12.0, 12.0)), ["2 requests in CloudWatch, 3 at the target"]),
        (Figures(4, 1, (11.0, 12.0, 12.0)), ["4 requests in CloudWatch, 3 at the target"]),
        (Figures(3, 0, (11.0, 12.0, 12.0)), ["0 failures in CloudWatch, 1 at the target"]),
        (Figures(3, 1, (11.12, 12.0, 12.0)), ["p50 is 11.12 ms in CloudWatch, 11.00 ms in truth"]),
        (Figures(3, 1, (11.0, 12.0, 11.87)), ["p99 is 11.87 ms in CloudWatch, 12.00 ms in truth"]),
        (Figures(3, 1, (11.0, None, 12.0)), ["p95 is nothing in CloudWatch, 12.00 ms in truth"]),
        (Figures(3, 1, (11.109, 11.881, 12.119)), []),
    ],
)
def test_what_differs_is_named_with_both_figures(product, clauses):
    problems = outcome({PRODUCT: product}).problems()
    assert problems == [f"GET /product: {clause}" for clause in clauses]


def test_an_endpoint_that_cloudwatch_lacks_is_a_problem():
    compared = compare({}, {}, SERVED, RAW_MS)
    assert "GET /search: 0 requests in CloudWatch, 1 at the target" in compared[1].problems()


def test_a_yardstick_with_a_gap_is_a_problem():
    problems = outcome(raw_ms={PRODUCT: [10.0, 11.0], SEARCH: [40.0]}).problems()
    assert "GET /product: 2 raw times, 3 requests at the target" in problems


def test_a_request_by_another_name_spoils_the_total():
    problems = outcome(raw_ms=RAW_MS | {Endpoint("GET", "/else"): [5.0]}).problems()
    assert "all together: 5 raw times, 4 requests at the target" in problems


def test_endpoints_without_any_request_agree():
    nothing = Figures(0, 0, (None, None, None))
    compared = compare({SEARCH: nothing, ALL: nothing}, {}, {SEARCH: (0, 0)}, {})
    assert [problem for comparison in compared for problem in comparison.problems()] == []


def test_a_run_that_the_master_calls_incomplete_is_no_success():
    assert outcome(complete=False).problems() == ["the master says that the run is incomplete"]


def test_the_report_of_a_difference_is_the_table_and_one_line():
    text = io.StringIO()
    with pytest.raises(DemoError) as raised:
        report(Console(file=text, width=100), outcome({PRODUCT: Figures(2, 1, (11.0, 12.0, 12.0))}))
    assert str(raised.value) == (
        "CloudWatch differs from the truth: GET /product: 2 requests in CloudWatch, 3 at the target"
    )
    assert "POST" not in text.getvalue()
    assert "GET /product" in text.getvalue()
    assert "holds all" not in text.getvalue()


def test_the_report_of_a_success_ends_with_costs_and_the_next_command():
    text = shown(outcome())
    assert "CloudWatch holds all 4 requests and 1 failure" in text
    assert "No percentile is more than 0.45 % off." in text
    assert text.index("on AWS") < text.index("locust-cw run -f locustfile.py")
    assert "\x1b" not in text


def test_the_report_fits_into_80_columns_with_many_requests():
    slow = Figures(1_234_567, 123_456, (345.67, 345.67, 1000.00))
    many = Outcome(
        [
            dataclasses.replace(comparison, cloudwatch=slow, locust=slow, exact=slow, raw_times=1_234_567)
            for comparison in outcome().comparisons
        ],
        SUMMARY | {"datums": 123_456},
    )
    wide, narrow = shown(many, width=200), shown(many, width=80)
    assert max(len(line.rstrip()) for line in wide.splitlines()) <= PIPED_COLUMNS
    assert narrow.count("1,234,567") == 10  # nine cells and the verdict, none cut off


def test_nearest_rank():
    assert nearest_rank([], 50) is None
    assert [nearest_rank([7.0], percent) for percent in PERCENTS] == [7.0] * 3
    hundred = [float(value) for value in range(1, 101)]
    assert [nearest_rank(hundred, percent) for percent in PERCENTS] == [50.0, 95.0, 99.0]
    assert nearest_rank(hundred[:3], 50) == 2.0


@given(st.dictionaries(st.integers(0, 5000), st.integers(1, 50), min_size=1), st.sampled_from(PERCENTS))
def test_locusts_percentiles_are_locusts_own(times, percent):
    from locust.stats import calculate_response_time_percentile

    requests = sum(times.values())
    expected = calculate_response_time_percentile(times, requests, percent / 100)
    assert locust_percentile(times, requests, percent) == expected


def test_reads_what_locust_prints_with_json():
    def entry(method, name, times, failures):
        count = sum(times.values())
        return {
            "method": method,
            "name": name,
            "num_requests": count,
            "num_failures": failures,
            "response_times": times,
        }

    # 2.32 writes rounded times as floats, 2.47 as integers.
    found = read_locust([entry("GET", "/product", {"10": 9, "120.0": 1}, 2), entry("GET", "/search", {"40": 10}, 0)])
    assert found[PRODUCT] == Figures(10, 2, (10, 120, 120))
    assert found[ALL] == Figures(20, 2, (40, 120, 120))
    assert read_locust([])[ALL] == Figures(0, 0, (None, None, None))


def test_reads_raw_times():
    lines = [json.dumps(["GET", "/product", 10.5, False]), json.dumps(["GET", "/product", 0.25, True])]
    assert read_raw_times(lines) == {PRODUCT: [10.5, 0.25]}


def test_costs_of_the_other_way_are_two_calls_for_ten_requests():
    served = {PRODUCT: (996, 5), SEARCH: (5, 0)}
    own, listener = costs(SUMMARY, compare({}, {}, served, {}), Prices(metric_month=730.0, put_calls_1000=1.0))
    assert (own.calls, own.datums, own.metrics, own.run_usd) == (3, 90, 20, 0.01)
    assert math.isclose(own.million_usd, 20 + 0.36)
    assert (listener.calls, listener.datums, listener.metrics) == (201, 3003, 7)
    assert math.isclose(listener.run_usd, 7 + 0.201)
    assert math.isclose(listener.million_usd, 7 + 200)
