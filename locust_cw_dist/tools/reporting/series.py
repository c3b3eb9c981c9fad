"""Series: the numbers that a page plots, as its script takes them (`assets/charts.js`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from locust_cw_dist.core.records.points import Point
from locust_cw_dist.core.records.record import Record
from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary

MAX_POINTS = 300
"""Of a plot over time: about as many as a screen has room for."""

MAX_SUBJECTS = 50
"""Endpoints that have plots of their own, the busiest; the table has all."""

MAX_REASONS = 6
"""Failure reasons that have a colour of their own."""

BINS_TOGETHER = 7
"""Bins of the grid that a plot of a distribution draws as one: 7 % wide; three times as many of few results."""

FEW_RESULTS = 500

PERCENTS = (50.0, 95.0, 99.0)

TOGETHER = "All together"
OTHER = "other"


def page_data(runs: Sequence[Record], names: Sequence[str], tick: Callable[[float], None]) -> dict[str, Any]:
    """Return all that the script draws.

    Args:
        runs: One run, or those to be laid over each other; the last one decides which endpoints come first.
        names: What each run is called.
        tick: Told how much of the work is done, from 0 to 1.
    """
    subjects = list(islice(runs[-1].endpoints(), MAX_SUBJECTS))
    drawn = []
    for number, key in enumerate([None, *subjects]):
        drawn.append({"label": TOGETHER if key is None else _label(key), "runs": [_subject(run, key) for run in runs]})
        tick((number + 1) / (len(subjects) + 1))
    return {
        "runs": [{"name": name, "start_s": run.start_s} | _gauges(run) for run, name in zip(runs, names, strict=True)],
        "subjects": drawn,
    }


def _subject(run: Record, key: EndpointKey | None) -> dict[str, Any]:
    over_time = [_point(point, _summary(point, key)) for point in run.points]
    whole = Summary()
    for point in run.points:
        whole.merge(_summary(point, key))
    columns = ("at_s", "rps", "fps", "p50", "p95", "p99")
    return {
        **{name: [row[name] for row in over_time] for name in columns},
        "reasons": _reasons(run, key, whole),
        "successes": _distribution(whole.successes),
        "failures": _distribution(whole.failures or Histogram()),
        "percentiles": [_short(whole.response_times().percentile(p)) for p in PERCENTS] if whole.timed_count else [],
    }


def _summary(point: Point, key: EndpointKey | None) -> Summary:
    if key is not None:
        return point.summaries.get(key) or Summary()
    together = Summary()
    for summary in point.summaries.values():
        together.merge(summary)
    return together


def _point(point: Point, summary: Summary) -> dict[str, float | None]:
    """Return a row of the plots; rates are means over the whole span.

    The test ran in a part only of the first and the last span. How long exactly is not known, and divided by a moment,
    the first requests of all users would be a peak that no second of the run had.
    """
    times = summary.response_times()
    percentiles = {f"p{p:g}": _short(times.percentile(p)) if times.count else None for p in PERCENTS}
    return {
        "at_s": point.start_s,
        "rps": _short(summary.count / point.span_s),
        "fps": _short(summary.failure_count / point.span_s),
        **percentiles,
    }


def _reasons(run: Record, key: EndpointKey | None, whole: Summary) -> list[dict[str, Any]]:
    """Return failures a second over time, by reason; the most frequent first, the others as one."""
    named = [reason for reason, _ in Counter(whole.reasons).most_common(MAX_REASONS)]
    rates: dict[str, list[float]] = {reason: [] for reason in named}
    rest: list[float] = []
    for point in run.points:
        counts, seconds = _summary(point, key).reasons, point.span_s
        for reason in named:
            rates[reason].append(_short(counts.get(reason, 0) / seconds))
        rest.append(_short(sum(count for reason, count in counts.items() if reason not in rates) / seconds))
    if any(rest):
        rates[OTHER] = [a + b for a, b in zip(rates.get(OTHER, [0.0] * len(rest)), rest, strict=True)]
    return [{"reason": reason, "rate": rate} for reason, rate in rates.items()]


def _distribution(histogram: Histogram) -> dict[str, list[float]]:
    """Return the part of results, in per cent, in neighbouring bins of equal width on a log scale."""
    parts: Counter[int] = Counter()
    width = BINS_TOGETHER if histogram.count > FEW_RESULTS else 3 * BINS_TOGETHER
    for index, number in histogram.bins.items():
        parts[max(index, 1) // width] += number
    if not parts:
        return {"ms": [], "percent": []}
    span = range(min(parts), max(parts) + 1)
    middles = [EDGES[min(n * width + width // 2, len(EDGES) - 1)] for n in span]
    return {
        "ms": [_short(middle) for middle in middles],
        "percent": [_short(100 * parts[n] / histogram.count) for n in span],
    }


def _gauges(run: Record) -> dict[str, Any]:
    names = ("users", "workers", "cpu_percent")
    found = {name: [point.gauges.get(name) for point in run.points] for name in names}
    mean = {name: [_short(g.sum / g.count) if g else None for g in gauges] for name, gauges in found.items()}
    return mean | {"cpu_max": [_short(gauge.maximum) if gauge else None for gauge in found["cpu_percent"]]}


def _label(key: EndpointKey) -> str:
    name, method = key
    return f"{method} {name}"


def _short(value: float) -> float:
    return float(f"{value:.4g}")
