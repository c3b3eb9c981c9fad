"""Evidence: what an interval rests on, and how wide it would be with longer runs or more of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from locust_cw_dist.tools.comparison.bootstrap import MAX_BLOCKS, Estimate, assumed_inflation
from locust_cw_dist.tools.comparison.student import quantile

BETWEEN_FREEDOM = 4
"""Degrees of freedom of the variance between runs, for each base run but the first: it is pooled over endpoints, which
know it from each other but not independently."""

Part = tuple[float, float]
"""A variance and its degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the interval of one row rests on.

    Attributes:
        bases: The figure in each base run that has the endpoint.
        candidate: The same in the candidate.
        between: Variance of what differs between any two runs; 0 with one base run, which can't tell it.
        base_runs: Base runs that tell it.
        probability: That the interval's upper end is not exceeded.
    """

    bases: tuple[Estimate, ...]
    candidate: Estimate
    between: float
    base_runs: int
    probability: float

    def half_width(self, more_s: float = 0.0, more_bases: int = 0) -> float:
        """Return half of the interval, on the scale on which changes add up (Satterthwaite 1946).

        Args:
            more_s: How much longer each run is than it was.
            more_bases: How many more base runs there are, each like those that there are.
        """
        parts = list(self._parts(more_s, more_bases))
        total = math.fsum(part for part, _ in parts)
        if total <= 0:
            return 0.0
        freedom = total**2 / math.fsum(part**2 / freedom for part, freedom in parts if part)
        # Rounded, so that few quantiles are computed.
        return quantile(self.probability, round(freedom, 1)) * math.sqrt(total)

    def _parts(self, more_s: float, more_bases: int) -> Iterator[Part]:
        runs = len(self.bases) + more_bases
        share = len(self.bases) / runs
        for one in self.bases:
            variance, freedom = _longer(one, more_s)
            yield variance * share / len(self.bases) ** 2, freedom / share
        yield _longer(self.candidate, more_s)
        if self.base_runs + more_bases > 1:
            yield self.between * (1 + 1 / runs), float(BETWEEN_FREEDOM * (self.base_runs + more_bases - 1))


def _longer(estimate: Estimate, more_s: float) -> Part:
    """Return the variance of a run's figure if the run were longer: of more windows, which tell more of themselves."""
    factor = 1 + more_s / estimate.seconds
    blocks = min(MAX_BLOCKS, round(factor * estimate.windows))
    now = assumed_inflation(min(MAX_BLOCKS, estimate.windows))
    # What was measured of the correlation stays; what was only assumed is assumed of fewer windows alone.
    assumed = assumed_inflation(blocks) / now if estimate.inflation <= now else 1.0
    return estimate.error**2 * assumed / factor, float(blocks - 1)
