"""Law 4: what is sent has the count, sum, minimum, maximum and percentiles of the results.

Everything is compared with the raw response times, sorted, by arithmetic of its own; the code under test
computes only what is sent.
"""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_cw_dist.core.publish.datums import MetricPlan, endpoint_datums, total_datums
from locust_cw_dist.core.publish.metric_names import METRIC_NAMES
from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.core.summaries.summary import Summary

SHORTEST_MS, LONGEST_MS = 0.01, 3_600_000.0
PERCENTILES = [(percent, 100) for percent in range(1, 100)] + [(999, 1_000), (9_999, 10_000)]
PERCENT_NUMBERS = (1.0, 50.0, 95.0, 99.0, 99.9, 99.99)
PLAN = MetricPlan(frozenset(METRIC_NAMES), PERCENT_NUMBERS, PERCENT_NUMBERS)
ENDPOINT = ("/checkout", "POST", "https://shop.example")


def within_range(value_ms):
    return min(max(value_ms, SHORTEST_MS), LONGEST_MS)


def uniform(rng):
    return rng.uniform(SHORTEST_MS, LONGEST_MS)


def log_normal(rng):
    return within_range(rng.lognormvariate(3.5, 0.6))


def wide_log_normal(rng):
    return within_range(rng.lognormvariate(3.5, 4))


def bimodal(rng):
    return within_range(rng.gauss(12, 0.5) if rng.random() < 0.9 else rng.gauss(900, 60))


def heavy_tailed(rng):
    return within_range(5 * rng.paretovariate(0.8))


def two_far_clusters(rng):
    return within_range(rng.choice((SHORTEST_MS, LONGEST_MS)) * rng.uniform(0.98, 1.02))


def constant(_rng):
    return 123.456789


def whole_milliseconds(rng):
    return float(rng.randrange(1, 300))


def some_zeros(rng):
    return 0.0 if rng.random() < 0.3 else log_normal(rng)


def nearly_constant_with_outlier(rng):
    return LONGEST_MS if rng.random() < 1e-4 else 7.0


def on_edges(rng):
    return rng.choice(REAL_EDGES)


def beside_edges(rng):
    return math.nextafter(rng.choice(REAL_EDGES), rng.choice((0.0, math.inf)))


REAL_EDGES = [edge for edge in EDGES if 0.011 < edge < LONGEST_MS / 1.01]
SHAPES = (
    uniform,
    log_normal,
    wide_log_normal,
    bimodal,
    heavy_tailed,
    two_far_clusters,
    constant,
    whole_milliseconds,
    some_zeros,
    nearly_constant_with_outlier,
    on_edges,
    beside_edges,
)


class Sent:
    """The response times that CloudWatch is sent, as (value, count) pairs."""

    def __init__(self, datums):
        counts = {}
        for entry in (datum.to_api() for datum in datums if datum.metric == "ResponseTime_ms"):
            assert 1 <= len(entry["Values"]) == len(entry["Counts"]) <= 150
            assert len(set(entry["Values"])) == len(entry["Values"])
            for value, count in zip(entry["Values"], entry["Counts"], strict=True):
                counts[value] = counts.get(value, 0) + count
        self.pairs = sorted(counts.items())
        self.count = sum(count for _, count in self.pairs)
        self.sum = math.fsum(value * count for value, count in self.pairs)

    def values_at(self, ranks):
        """Return the value at each of the ascending ranks, which begin with 1."""
        values, below, pairs = [], 0, iter(self.pairs)
        for rank in ranks:
            while below < rank:
                value, count = next(pairs)
                below += count
            values.append(value)
        return values


def rank_of(numerator, denominator, count):
    return max(1, -(-numerator * count // denominator))


def assert_close(sent, exact, tolerance):
    assert abs(sent - exact) <= tolerance * exact, (sent, exact)


def check(raw_ms, datums):
    raw_ms = sorted(raw_ms)
    sent = Sent(datums)
    assert sent.count == len(raw_ms)
    assert_close(sent.sum, math.fsum(raw_ms), 1e-6)
    assert_close(sent.pairs[0][0], raw_ms[0], 1e-6)
    assert_close(sent.pairs[-1][0], raw_ms[-1], 1e-6)
    assert all(count > 0 for _, count in sent.pairs)
    ranks = [rank_of(numerator, denominator, len(raw_ms)) for numerator, denominator in PERCENTILES]
    for value, rank in zip(sent.values_at(ranks), ranks, strict=True):
        assert_close(value, raw_ms[rank - 1], 0.01)
    check_plain_percentiles(raw_ms, datums)


def check_plain_percentiles(raw_ms, datums):
    plain = {datum.metric: datum.value for datum in datums}
    for name, percent in (
        ("p1", (1, 100)),
        ("p95", (95, 100)),
        ("p99.9", (999, 1_000)),
        ("p99.99", (9_999, 10_000)),
    ):
        exact = raw_ms[rank_of(*percent, len(raw_ms)) - 1]
        assert_close(plain[f"ResponseTime_{name}_ms"], exact, 0.01)


def summary_of(raw_ms):
    summary = Summary()
    for position, value in enumerate(raw_ms):
        if position % 7 == 3:
            summary.record_failure(value, "HTTP 503")
        else:
            summary.record_success(value, 100)
    return summary


def datums_of(summary):
    return endpoint_datums(PLAN, ENDPOINT, 1_760_000_000, summary, late=False)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 10, 101, 1_000, 20_000])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_and_size(shape, count):
    rng = random.Random(f"{shape.__name__} {count}")
    for _ in range(5 if count <= 1_000 else 1):
        raw_ms = [shape(rng) for _ in range(count)]
        check(raw_ms, datums_of(summary_of(raw_ms)))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [log_normal, heavy_tailed, some_zeros])
def test_a_million_results(shape):
    rng = random.Random(shape.__name__)
    few = [shape(rng) for _ in range(100_000)]
    raw_ms = [value * factor for value in few for factor in (1, 1.1, 1.21, 1.3, 1.44, 1.5, 1.6, 1.7, 1.83, 2)]
    raw_ms = [min(value, LONGEST_MS) for value in raw_ms]
    check(raw_ms, datums_of(summary_of(raw_ms)))


@pytest.mark.parametrize("shape", [log_normal, bimodal, some_zeros, beside_edges])
def test_many_merged_parts(shape):
    rng = random.Random(shape.__name__)
    parts = [[shape(rng) for _ in range(rng.randrange(60))] for _ in range(200)]
    total = Summary()
    for part in parts:
        total.merge(summary_of(part))
    raw_ms = [value for part in parts for value in part]
    check(raw_ms, datums_of(total))
    check(raw_ms, total_datums(PLAN, 1_760_000_000, total, late=False))


edges_ms = st.sampled_from(REAL_EDGES)
adversarial_ms = st.one_of(
    st.just(0.0),
    edges_ms,
    edges_ms.map(lambda edge: math.nextafter(edge, math.inf)),
    edges_ms.map(lambda edge: math.nextafter(edge, 0)),
    st.floats(SHORTEST_MS, LONGEST_MS),
    st.integers(1, int(LONGEST_MS)),
)
repeated_ms = st.tuples(adversarial_ms, st.integers(1, 300)).map(lambda pair: [pair[0]] * pair[1])


@settings(max_examples=300, deadline=None)
@given(st.lists(repeated_ms, min_size=1, max_size=25))
def test_adversarial_results(groups):
    raw_ms = [value for group in groups for value in group]
    check(raw_ms, datums_of(summary_of(raw_ms)))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(REAL_EDGES) - 12), st.lists(st.integers(0, 11), min_size=1, max_size=60), st.data())
def test_neighbouring_bins(start, offsets, data):
    shares = data.draw(st.lists(st.floats(0, 1), min_size=len(offsets), max_size=len(offsets)))
    ladder = list(pairwise(REAL_EDGES[start : start + 13]))
    raw_ms = [
        ladder[offset % len(ladder)][0] * (1 - share) + ladder[offset % len(ladder)][1] * share
        for offset, share in zip(offsets, shares, strict=True)
    ]
    check(raw_ms, datums_of(summary_of(raw_ms)))
