"""Shifts: where the level of a figure changes in a row of runs.

A row is cut where the means of both sides differ most, measured by what chance would bring, if that is more than
`THRESHOLD`; then each side is looked at in the same way (binary segmentation; Scott and Knott 1974, Vostrikova 1981).

Two things keep single odd runs from deciding. Noise is measured by the steps from one run to the next without the
largest fifth of them: a shift makes one large step and an odd run two. And a run counts for at most three times the
noise from the middle of its row. Noise is never less than the runs' own errors.

`THRESHOLD` was simulated: of rows without a shift, of 8 to 500 runs, with normal noise, Student's t of 3 degrees of
freedom and log-normal noise, three in a thousand go beyond it. docs/history.md has what is found and what is missed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import fmean, median

MIN_RUNS = 8
"""With fewer nothing is said: noise can't be told from shifts."""

MIN_SIDE = 3
"""Runs before and after a shift: two odd runs in a row are no shift yet."""

MAX_NOISES = 3.0
"""How far from the middle of its row a run counts."""

THRESHOLD = 4.4

STEPS = 0.8
"""Part of the steps that noise is measured by, the smallest."""

MEAN_STEP = 0.7894
"""Their mean, of normal noise of 1."""

LIKELY = 8.0
"""How much less the square of a cut's score may be than the best one's, for the shift to be there instead."""

TINY = 1e-9
"""Noise of a row whose values are all the same and have no errors."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift.

    Attributes:
        at: Number of the first run after it.
        earliest: The first run that may be it in place of `at`.
        latest: The last one.
        before: Mean of the runs from the shift before it on.
        after: Mean of those up to the next one.
        score: By how much of what chance brings they differ.
    """

    at: int
    earliest: int
    latest: int
    before: float
    after: float
    score: float


@dataclass(frozen=True, slots=True)
class _Cut:
    at: int
    score: float
    earliest: int
    latest: int


def shifts_of(values: Sequence[float], errors: Sequence[float], least: float) -> list[Shift]:
    """Return the shifts in a row of runs, in order.

    Args:
        values: The figure in each run, oldest first, on a scale on which changes add up.
        errors: The standard error of each.
        least: The smallest shift that counts.
    """
    if len(values) < MIN_RUNS:
        return []
    noise = max(_noise(values), median(errors), TINY)
    edges = [0, *_cuts(values, 0, len(values), noise), len(values)]
    while True:
        cuts = _refined(values, edges, noise)
        edges = [0, *(cut.at for cut in cuts), len(values)]
        found = [_shift(values, edges[n], cut, edges[n + 2]) for n, cut in enumerate(cuts)]
        kept = [one for one in found if abs(one.after - one.before) >= least]
        if len(kept) == len(found):
            return kept
        edges = [0, *(one.at for one in kept), len(values)]


def _refined(values: Sequence[float], edges: Sequence[int], noise: float) -> list[_Cut]:
    """Return the best cut between each edge's neighbours: the first ones were found before the others were known."""
    found: list[_Cut] = []
    before = 0
    for after in edges[2:]:
        cut = _best_cut(values, before, after, noise)
        if cut is not None:
            found.append(cut)
            before = cut.at
    return found


def _noise(values: Sequence[float]) -> float:
    steps = sorted(abs(after - before) for before, after in pairwise(values))
    return fmean(steps[: math.ceil(STEPS * len(steps))]) / MEAN_STEP


def _cuts(values: Sequence[float], begin: int, end: int, noise: float) -> list[int]:
    cut = _best_cut(values, begin, end, noise)
    if cut is None:
        return []
    return [*_cuts(values, begin, cut.at, noise), cut.at, *_cuts(values, cut.at, end, noise)]


def _best_cut(values: Sequence[float], begin: int, end: int, noise: float) -> _Cut | None:
    """Return where a part of a row is best cut; None where that may be chance."""
    if end - begin < 2 * MIN_SIDE:
        return None
    scores = dict(_scores(values[begin:end], noise))
    at = max(scores, key=scores.__getitem__)
    if scores[at] <= THRESHOLD:
        return None
    likely = [cut for cut, score in scores.items() if score**2 >= scores[at] ** 2 - LIKELY]
    return _Cut(begin + at, scores[at], begin + likely[0], begin + likely[-1])


def _scores(row: Sequence[float], noise: float) -> Iterator[tuple[int, float]]:
    """Yield each place where a row can be cut with its score."""
    middle, n = median(row), len(row)
    reach = MAX_NOISES * noise
    sums = list(accumulate(min(max(value, middle - reach), middle + reach) for value in row))
    for k in range(MIN_SIDE, n - MIN_SIDE + 1):
        left, right = sums[k - 1] / k, (sums[-1] - sums[k - 1]) / (n - k)
        yield k, abs(left - right) / (noise * math.sqrt(1 / k + 1 / (n - k)))


def _shift(values: Sequence[float], before: int, cut: _Cut, after: int) -> Shift:
    left, right = fmean(values[before : cut.at]), fmean(values[cut.at : after])
    return Shift(cut.at, cut.earliest, cut.latest, left, right, cut.score)
