"""Series: the numbers that a page plots, as its script takes them (`assets/charts.js`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from locust_cw_dist.core.names.name_pattern import TooSlowError
from locust_cw_dist.core.records.points import Point
from locust_cw_dist.core.records.record import Record
from locust_cw_dist.core.rules.rule import Figure, Rule
from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.tools.comparison.words import label
from locust_cw_dist.tools.reporting.rule_rows import RuleRow

MAX_POINTS = 300
"""Of a plot over time: about as many as a screen has room for."""

MAX_SUBJECTS = 50
"""Endpoints that have plots of their own, the busiest; the table has all."""

MAX_REASONS = 6
"""Failure reasons that have a colour of their own."""

BINS_TOGETHER = 7
"""Bins of the grid that a plot of a distribution draws as one: 7 % wide; three times as many of few results."""

FEW_RESULTS = 500

HEAT_BINS = 20
"""Bins of the grid that are one row of a heat map: 22 % wide, 12 rows from 10 to 100 ms."""

MAX_HEAT_COLUMNS = 100

PERCENTS = (50.0, 95.0, 99.0)

SPECTRUM = (10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 97.5, 99.0, 99.5, 99.75, 99.9, 99.95, 99.975, 99.99)
"""Percentiles of the spectrum; a run has those that results lie beyond."""

PARTIAL_FROM = 0.02
"""A window of which at least this part lies before the start or after the end of the test is a partial one."""

TOGETHER = "All together"
OTHER = "other"


def page_data(
    runs: Sequence[Record],
    names: Sequence[str],
    tick: Callable[[float], None] = lambda _: None,
    rules: Sequence[RuleRow] = (),
) -> dict[str, Any]:
    """Return all that the script draws.

    Args:
        runs: One run, or those to be laid over each other; the last one decides which endpoints come first.
        names: What each run is called.
        tick: Told how much of the work is done, from 0 to 1.
        rules: Those whose limits are drawn.
    """
    subjects = [None, *islice(runs[-1].endpoints(), MAX_SUBJECTS)]
    drawn = []
    for number, key in enumerate(subjects):
        drawn.append(
            {
                "label": TOGETHER if key is None else label(key),
                "runs": [_subject(run, key, has_heat=len(runs) == 1) for run in runs],
                "limits": [limit for row in rules if (limit := _limit(row, key)) is not None],
            }
        )
        tick((number + 1) / len(subjects))
    return {
        "runs": [{"name": name} | _run(run) for run, name in zip(runs, names, strict=True)],
        "subjects": drawn,
        "spectrum": SPECTRUM,
        "bins": {"first_ms": 0.001, "ratio": 1.0099, "heat": HEAT_BINS},
    }


def _run(run: Record) -> dict[str, Any]:
    """Return what is the run's whatever endpoint is shown: its times and its gauges."""
    points, slack_s = run.points, PARTIAL_FROM * run.span_s
    return {
        "start_s": run.start_s,
        "span_s": run.span_s,
        "at_s": [point.start_s for point in points],
        "is_first_partial": bool(points) and run.start_s - points[0].start_s > slack_s,
        "is_last_partial": bool(points) and points[-1].start_s + run.span_s - run.end_s > slack_s,
    } | _gauges(run)


def _subject(run: Record, key: EndpointKey | None, *, has_heat: bool) -> dict[str, Any]:
    summaries = [_summary(point, key) for point in run.points]
    whole = Summary()
    for summary in summaries:
        whole.merge(summary)
    times = [summary.response_times() for summary in summaries]
    percentiles = [one.percentiles(PERCENTS) if one.count else [None] * len(PERCENTS) for one in times]
    together = whole.response_times()
    return {
        "requests": [summary.count for summary in summaries],
        "failures": [summary.failure_count for summary in summaries],
        **{f"p{p:g}": [_short(row[at]) for row in percentiles] for at, p in enumerate(PERCENTS)},
        "reasons": _reasons(run, key, whole),
        "successes": _distribution(whole.successes),
        "failed": _distribution(whole.failures or Histogram()),
        "percentiles": [_short(value) for value in together.percentiles(PERCENTS)] if together.count else [],
        "spectrum": _spectrum(together),
        "heat": _heat(times) if has_heat else None,
    }


def _summary(point: Point, key: EndpointKey | None) -> Summary:
    if key is not None:
        return point.summaries.get(key) or Summary()
    together = Summary()
    for summary in point.summaries.values():
        together.merge(summary)
    return together


def _limit(row: RuleRow, key: EndpointKey | None) -> dict[str, Any] | None:
    """Return the limit of a rule that is drawn with an endpoint, or with all together; None if it is not."""
    rule = row.rule
    if rule is None or not (rule.figure.is_time or rule.figure is Figure.RPS) or not _is_about(rule, key):
        return None
    plot = "throughput" if rule.figure is Figure.RPS else "percentiles"
    name = row.name if row.name == row.text else f"{row.name}: {row.limit}"
    return {"plot": plot, "name": name, "limit": rule.limit, "has_failed": row.has_failed}


def _is_about(rule: Rule, key: EndpointKey | None) -> bool:
    if key is None or (rule.request is None and rule.method is None):
        return key is None and rule.request is None and rule.method is None
    try:
        return rule.matches(*key)
    except TooSlowError:
        return False


def _reasons(run: Record, key: EndpointKey | None, whole: Summary) -> list[dict[str, Any]]:
    """Return failures over time, by reason; the most frequent first, the others as one."""
    named = [reason for reason, _ in Counter(whole.reasons).most_common(MAX_REASONS)]
    counts: dict[str, list[int]] = {reason: [] for reason in named}
    rest: list[int] = []
    for point in run.points:
        found = _summary(point, key).reasons
        for reason in named:
            counts[reason].append(found.get(reason, 0))
        rest.append(sum(count for reason, count in found.items() if reason not in counts))
    if any(rest):
        counts[OTHER] = [a + b for a, b in zip(counts.get(OTHER, [0] * len(rest)), rest, strict=True)]
    return [{"reason": reason, "counts": number} for reason, number in counts.items()]


def _distribution(histogram: Histogram) -> dict[str, Any]:
    """Return the part of results, in per cent, in neighbouring bins of equal width on a log scale.

    `first` is the number of the first of them: number n has the bins of the grid from n * width on.
    """
    width = BINS_TOGETHER if histogram.count > FEW_RESULTS else 3 * BINS_TOGETHER
    first, numbers = _together(histogram, width)
    return {"first": first, "width": width, "percent": [_short(100 * number / histogram.count) for number in numbers]}


def _together(histogram: Histogram, width: int) -> tuple[int, list[int]]:
    """Return how many values each `width` neighbouring bins have, from the first that has any."""
    parts: Counter[int] = Counter()
    for index, number in histogram.bins.items():
        parts[max(index, 1) // width] += number
    if not parts:
        return 0, []
    first = min(parts)
    return first, [parts[n] for n in range(first, max(parts) + 1)]


def _heat(times: Sequence[Histogram]) -> dict[str, Any]:
    """Return how many results each column has in rows of equal width on a log scale, to three digits.

    `windows` is how many points are one column; a column is the number of its first row, then how many results its
    rows have.
    """
    windows = max(1, -(-len(times) // MAX_HEAT_COLUMNS))
    columns = []
    for at in range(0, len(times), windows):
        together = Histogram()
        for one in times[at : at + windows]:
            together.merge(one)
        first, numbers = _together(together, HEAT_BINS)
        columns.append([first, *map(_short, numbers)])
    return {"windows": windows, "columns": columns}


def _spectrum(times: Histogram) -> list[float | None]:
    """Return the percentiles of `SPECTRUM`, as far as results lie beyond them."""
    known = [percent for percent in SPECTRUM if times.count * (100 - percent) >= 100]
    return [_short(value) for value in times.percentiles(known)] if known else []


def _gauges(run: Record) -> dict[str, Any]:
    names = ("users", "workers", "cpu_percent")
    found = {name: [point.gauges.get(name) for point in run.points] for name in names}
    mean = {name: [_short(g.sum / g.count) if g else None for g in gauges] for name, gauges in found.items()}
    return mean | {"cpu_max": [_short(gauge.maximum) if gauge else None for gauge in found["cpu_percent"]]}


def _short(value: float | None) -> float | int | None:
    """Return a number with three digits: figures are within 1 %."""
    if value is None:
        return None
    short = float(f"{value:.3g}")
    return int(short) if short.is_integer() else short
