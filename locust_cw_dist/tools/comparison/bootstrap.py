"""Bootstrap: how far the figures of one run may be off, given that neighbouring requests are not independent.

Requests that run at the same time share the same garbage collection, the same slow query, the same neighbour on the
machine: a million of them are no million observations. So what is drawn, with replacement, are blocks of neighbouring
windows (a block bootstrap; Kuensch 1989, Carlstein 1986), thirty where the run is long enough. What is left of
the dependence between blocks is estimated from the correlation of neighbours, and widens the error as it does for
an autoregressive process of first order.

Few blocks can't tell how they correlate: of four that hang together, the estimate is zero or less on average. So a
short run is taken to have neighbours that correlate by `ASSUMED_CORRELATION`, and what is measured counts only where it
is more. docs/compare.md has the rates of false alarms that this comes to.
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
MIN_BLOCKS = 3
"""With fewer blocks nothing is said of the error: the run is too short, or its windows too long."""

ASSUMED_CORRELATION = 0.5
"""Of neighbouring blocks, in a run of up to `FEW_BLOCKS`; it falls to nothing at `MAX_BLOCKS`, which can tell it."""

FEW_BLOCKS = 10

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
        windows: How many windows it is from.
        seconds: How long they are together.
        inflation: By how much the error's square is larger for windows that hang together.
    """

    value: float
    error: float
    windows: int
    seconds: float
    inflation: float


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
        # What is drawn varies around the blocks' own mean, so by less than new blocks would: by (n - 1) / n.
        unbiased = len(blocks) / (len(blocks) - 1)
        measured = _inflation(_scaled(name, [one[name] for one in single]))
        inflation = max(measured, assumed_inflation(len(blocks)))
        error = stdev(spread) * math.sqrt(unbiased * inflation)
        if name == "failures":
            error = max(error, _least_error_of_failures(blocks))
        found[name] = Estimate(value, error, len(windows), sum(block.seconds for block in blocks), inflation)
    return found


def _least_error_of_failures(blocks: Sequence[Sums]) -> float:
    """Return the error of a failure ratio, in percentage points, if requests were independent.

    One failure more is counted: a hundred requests without any do not make sure that there are none, which draws from
    them would say (Agresti and Coull 1998 add two and their like).
    """
    requests = sum(block.requests for block in blocks) + 2
    ratio = (sum(block.failures for block in blocks) + 1) / requests
    return 100 * math.sqrt(ratio * (1 - ratio) / requests)


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


def assumed_inflation(blocks: int) -> float:
    """Return by how much the variance of a mean is larger, at least, for what so few blocks can't tell."""
    left = min(1.0, max(0.0, (MAX_BLOCKS - blocks) / (MAX_BLOCKS - FEW_BLOCKS)))
    return _of_correlation(ASSUMED_CORRELATION * left)


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
    return _of_correlation(correlation)


def _of_correlation(correlation: float) -> float:
    return (1 + correlation) / (1 - correlation)
