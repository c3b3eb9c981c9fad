"""Bootstrap: how far the figures of one run may be off, given that neighbouring requests are not independent.

Requests that run at the same time share the same garbage collection, the same slow query, the same neighbour on the
machine: a million of them are no million observations. So what is drawn, with replacement, are blocks of neighbouring
windows (a block bootstrap; Kuensch 1989, Carlstein 1986), thirty where the run is long enough. What is left of
the dependence between blocks is estimated from the correlation of neighbours, and widens the error as it does for
an autoregressive process of first order.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev

from locust_cw_dist.tools.comparison.figures import BY_NAME, Sums, scaled

MAX_BLOCKS = 30
MIN_BLOCKS = 5
"""With fewer blocks nothing is said of the error: the run is too short, or its windows too long."""

DRAWS = 200
"""The error of a standard error from 200 draws is 5 %."""

MAX_CORRELATION = 0.9
"""Of neighbouring blocks; above this the run is a trend, and no interval is honest; this one is four times wider."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of one run.

    Attributes:
        value: The figure, in its unit.
        error: Standard error of its scaled value (`figures.scaled`).
        freedom: Degrees of freedom of that error.
    """

    value: float
    error: float
    freedom: int


def estimates(windows: Sequence[Sums], seed: str) -> dict[str, Estimate]:
    """Return the figures of one endpoint and run that can be told with an error.

    Args:
        windows: The endpoint's windows, in order.
        seed: Decides what is drawn, so that the result is the same each time.
    """
    blocks = _blocks(windows)
    whole = Sums.over(blocks, [1] * len(blocks)).values()
    if len(blocks) < MIN_BLOCKS:
        return {}
    drawn = _draws(blocks, seed)
    single = [block.values() for block in (Sums.over([block], [1]) for block in blocks)]
    found = {}
    for name, value in whole.items():
        if value is None or (name == "rps" and value <= 0):
            continue
        spread = _scaled(name, [one[name] for one in drawn])
        if len(spread) < DRAWS // 2:
            continue
        error = stdev(spread) * math.sqrt(_inflation(_scaled(name, [one[name] for one in single])))
        found[name] = Estimate(value, error, len(blocks) - 1)
    return found


def _blocks(windows: Sequence[Sums]) -> list[Sums]:
    """Return blocks of equally many neighbours; what is left over at the end joins the last."""
    number = min(MAX_BLOCKS, len(windows))
    edges = [round(n * len(windows) / number) for n in range(number + 1)] if number else []
    return [Sums.over(windows[low:high], [1] * (high - low)) for low, high in pairwise(edges)]


def _draws(blocks: Sequence[Sums], seed: str) -> list[dict[str, float | None]]:
    chance = random.Random(seed)  # noqa: S311 - chance that is the same each time, not a secret
    drawn = []
    for _ in range(DRAWS):
        times = [0] * len(blocks)
        for number in chance.choices(range(len(blocks)), k=len(blocks)):
            times[number] += 1
        drawn.append(Sums.over(blocks, times).values())
    return drawn


def _scaled(name: str, values: Sequence[float | None]) -> list[float]:
    figure = BY_NAME[name]
    return [scaled(figure, value) for value in values if value is not None]


def _inflation(values: Sequence[float]) -> float:
    """Return by how much the variance of a mean is larger for the correlation of neighbours."""
    n = len(values)
    if n < MIN_BLOCKS:
        return 1.0
    mean = fmean(values)
    deviations = [value - mean for value in values]
    total = math.fsum([d * d for d in deviations])
    if not total:
        return 1.0
    correlation = math.fsum([a * b for a, b in pairwise(deviations)]) / total
    # It is estimated too low from few values, by (1 + 4 r) / n (Kendall 1954).
    correlation = min(MAX_CORRELATION, max(0.0, correlation + (1 + 4 * correlation) / n))
    return (1 + correlation) / (1 - correlation)
