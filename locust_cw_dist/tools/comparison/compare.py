"""Compare: what changed between base runs and a candidate, endpoint by endpoint and figure by figure.

A change counts if its whole interval lies beyond the smallest change that counts (`WORSE`, `BETTER`), is none if the
whole interval lies within (`SAME`), and is `UNCLEAR` otherwise. The intervals of all rows hold together with the chosen
confidence (Bonferroni), so that of a hundred rows none is a false alarm.

Where there are several base runs, how much they differ among themselves, beyond what their own errors explain, is taken
for how much any two runs differ. With one base run nobody knows that, and the intervals tell of the two runs alone.
An endpoint that only some of the base runs have is compared with those.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean, variance

from locust_cw_dist.core.records.record import Record
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.tools.comparison.bootstrap import Estimate, estimates
from locust_cw_dist.tools.comparison.evidence import Evidence
from locust_cw_dist.tools.comparison.figures import FIGURES, Figure, Sums, change_percent, scaled, sums_of
from locust_cw_dist.tools.comparison.spans import spans_of

TOGETHER: EndpointKey = ("(all together)", "")
"""Stands for all endpoints."""


class State(Enum):
    """What is said of a change; in the order in which it matters."""

    WORSE = "worse"
    BETTER = "better"
    UNCLEAR = "unclear"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose.

    Attributes:
        min_change_percent: Smallest relative change that counts.
        min_failure_points: Smallest change of the failure ratio that counts, in percentage points.
        confidence_percent: With which all intervals hold together.
        warm_up_s: How much of each run's beginning is left out.
        successes_only: Whether response times of failed requests are left out.
    """

    min_change_percent: float = 5.0
    min_failure_points: float = 0.5
    confidence_percent: float = 95.0
    warm_up_s: float = 0.0
    successes_only: bool = False

    def counts_from(self, figure: Figure) -> float:
        """Return the smallest change of a figure that counts, in per cent or points."""
        return self.min_change_percent if figure.is_ratio else self.min_failure_points


@dataclass(frozen=True, slots=True)
class Change:
    """How one figure of one endpoint changed.

    Attributes:
        endpoint: (name, method).
        figure: The figure.
        base: Its value in the base run, or the mean of several.
        candidate: Its value in the candidate.
        change: In per cent, or in percentage points.
        low: Lower end of the interval.
        high: Upper end.
        state: What is said of it.
        requests: Requests of the candidate to this endpoint.
        evidence: What the interval rests on.
    """

    endpoint: EndpointKey
    figure: Figure
    base: float
    candidate: float
    change: float
    low: float
    high: float
    state: State
    requests: int
    evidence: Evidence

    @property
    def surely_worse_by(self) -> float:
        """By how much it got worse at least; negative if it may be better."""
        return self.low if self.figure.more_is_worse else -self.high


@dataclass(frozen=True, slots=True)
class _Pair:
    """One row on its way: values and errors on the scale on which changes add up."""

    endpoint: EndpointKey
    figure: Figure
    bases: tuple[Estimate, ...]
    candidate: Estimate
    requests: int

    @property
    def scaled_bases(self) -> list[float]:
        return [scaled(self.figure, base.value) for base in self.bases]

    @property
    def between(self) -> float:
        """By how much the base runs vary more than their own errors explain; squared, and negative by chance.

        It takes two base runs.
        """
        return variance(self.scaled_bases) - fmean(base.error**2 for base in self.bases)


def compare(
    bases: Sequence[Record],
    candidate: Record,
    choices: Choices,
    tick: Callable[[float], None] = lambda _: None,
) -> list[Change]:
    """Return all changes of endpoints that the candidate and a base run have, those that matter first.

    Args:
        bases: One run or several.
        candidate: The run that is judged.
        choices: What counts.
        tick: Told how much of the work is done, from 0 to 1.
    """
    runs = [sums_by_endpoint(record, choices) for record in (*bases, candidate)]
    shared = [key for key in runs[-1] if any(key in run for run in runs[:-1])]
    pairs: list[_Pair] = []
    for number, key in enumerate(shared):
        found = [estimates(run[key], seed=f"{at} {key}") for at, run in enumerate(runs) if key in run]
        requests = sum(one.requests for one in runs[-1][key])
        pairs += [
            _Pair(key, figure, tuple(one[figure.name] for one in found[:-1]), found[-1][figure.name], requests)
            for figure in FIGURES
            if all(figure.name in one for one in found)
        ]
        tick((number + 1) / len(shared))
    between = _between(pairs)
    most = max((len(pair.bases) for pair in pairs), default=0)
    probability = 1 - (1 - choices.confidence_percent / 100) / (2 * max(1, len(pairs)))
    changes = [_change(pair, _evidence(pair, between, most, probability), choices) for pair in pairs]
    return sorted(changes, key=_weight)


def sums_by_endpoint(record: Record, choices: Choices) -> dict[EndpointKey, list[Sums]]:
    """Return the windows of each endpoint that are compared."""
    compared = spans_of(record, choices.warm_up_s)
    spans: dict[EndpointKey, list[tuple[Summary, float]]] = {}
    keys = {key for span in compared for key in span.point.summaries}
    nothing = Summary()
    for point, seconds in compared:
        together = Summary()
        for key in keys:
            summary = point.summaries.get(key, nothing)
            together.merge(summary)
            spans.setdefault(key, []).append((summary, seconds))
        spans.setdefault(TOGETHER, []).append((together, seconds))
    return {key: sums_of(entries, successes_only=choices.successes_only) for key, entries in spans.items()}


def _between(pairs: Sequence[_Pair]) -> dict[str, float]:
    """Return the variance between runs of each figure whose changes are relative, pooled over endpoints."""
    pooled = {}
    for figure in FIGURES:
        found = [pair.between for pair in pairs if pair.figure is figure and len(pair.bases) > 1]
        if found and figure.is_ratio:
            pooled[figure.name] = max(0.0, fmean(found))
    return pooled


def _evidence(pair: _Pair, between: dict[str, float], most: int, probability: float) -> Evidence:
    """Return what the interval of a row rests on.

    Args:
        pair: The row; an endpoint that only one of several base runs has takes the variance of the others.
        between: As `_between` returns it.
        most: Base runs of the row that has most of them.
        probability: That the interval's upper end is not exceeded.
    """
    own = max(0.0, pair.between) if len(pair.bases) > 1 else 0.0
    return Evidence(pair.bases, pair.candidate, between.get(pair.figure.name, own), most, probability)


def _change(pair: _Pair, evidence: Evidence, choices: Choices) -> Change:
    figure = pair.figure
    base = fmean(pair.scaled_bases)
    difference = scaled(figure, pair.candidate.value) - base
    half = evidence.half_width()
    low, high = change_percent(figure, difference - half), change_percent(figure, difference + half)
    return Change(
        pair.endpoint,
        figure,
        math.exp(base) if figure.is_ratio else base,
        pair.candidate.value,
        change_percent(figure, difference),
        low,
        high,
        _state(figure, low, high, choices.counts_from(figure)),
        pair.requests,
        evidence,
    )


def _state(figure: Figure, low: float, high: float, counts_from: float) -> State:
    # A fall by a third undoes a rise by half: the bounds are as far apart as ratios are.
    fall = 100 * (1 / (1 + counts_from / 100) - 1) if figure.is_ratio else -counts_from
    if low > counts_from:
        return State.WORSE if figure.more_is_worse else State.BETTER
    if high < fall:
        return State.BETTER if figure.more_is_worse else State.WORSE
    return State.SAME if low >= fall and high <= counts_from else State.UNCLEAR


def _weight(change: Change) -> tuple[int, float, int]:
    order = list(State).index(change.state)
    size = -abs(math.log1p(change.change / 100)) if change.figure.is_ratio else -abs(change.change) / 10
    return order, size, -change.requests
