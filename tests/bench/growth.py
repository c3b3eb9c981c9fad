"""How the master's CPU for our part grows with workers and with endpoints."""

from __future__ import annotations

from collections.abc import Sequence

from bench.figures import Figure
from bench.swarm import check_bearable, measure
from locust_cw_dist.testing import LocalCloudwatch

WATCHED_S = 10
WORKERS = (100, 300, 1_000)
ENDPOINTS = (10, 100, 1_000)
WORKERS_ENDPOINTS, ENDPOINTS_WORKERS = 10, 20
LEAST_PERCENT = 1.0
"""Of a core: what is less is lost in the noise, and counts as that."""


def figures(*, full: bool) -> list[Figure]:
    """Measure our share of one core, in percent; the worst growth of a step, of what linear growth would be."""
    with LocalCloudwatch() as cloudwatch:

        def share(workers: int, endpoints: int) -> tuple[float, float]:
            ours, plain = (
                measure(cloudwatch, WATCHED_S, ours=with_us, workers=workers, endpoints=endpoints)
                for with_us in (True, False)
            )
            cloudwatch.reset()
            for load in (ours, plain):
                check_bearable(load)
            return 100 * (ours.cpu - plain.cpu), 100 * plain.cpu

        by_workers = [share(workers, WORKERS_ENDPOINTS) for workers in WORKERS]
        by_endpoints = [share(ENDPOINTS_WORKERS, endpoints) for endpoints in ENDPOINTS]
    return [
        _figure("growth_workers", f"workers of {WORKERS_ENDPOINTS} endpoints", WORKERS, by_workers),
        _figure("growth_endpoints", f"endpoints at {ENDPOINTS_WORKERS} workers", ENDPOINTS, by_endpoints),
    ]


def _figure(name: str, what: str, counts: tuple[int, ...], shares: list[tuple[float, float]]) -> Figure:
    ours_percent, locusts_percent = zip(*shares, strict=True)
    steps_of_linear = growth_of_steps(counts, ours_percent)
    details = {
        "counts": counts,
        "ours_percent": ours_percent,
        "locusts_percent": locusts_percent,
        "steps": steps_of_linear,
    }
    steps = ", ".join(f"{ours:.1f} %" for ours, _ in shares)
    listed = ", ".join(map(str, counts))
    what = f"growth of our CPU on the master, of linear growth: {listed} {what} ({steps} of a core), the worst step"
    return Figure(name, what, (max(steps_of_linear),), "", 1.2, details=details)


def growth_of_steps(counts: Sequence[int], percent: Sequence[float]) -> list[float]:
    """Return the growth of each step; 1 is linear growth."""
    shares = [max(share, LEAST_PERCENT) for share in percent]
    return [(shares[step] / shares[step - 1]) / (counts[step] / counts[step - 1]) for step in range(1, len(counts))]
