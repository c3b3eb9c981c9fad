"""How the master's CPU for our part grows with workers and with endpoints."""

from __future__ import annotations

from bench.figures import Figure
from bench.swarm import measure
from locust_cw_dist.testing import LocalCloudwatch

SECONDS = 16
WORKERS = (100, 300, 1_000)
ENDPOINTS = (10, 100, 1_000)
WORKERS_ENDPOINTS, ENDPOINTS_WORKERS = 10, 20


def figures(*, full: bool) -> list[Figure]:
    """Measure our share of one core, in percent; the growth of each step, of what linear growth would be."""
    with LocalCloudwatch() as cloudwatch:

        def share(workers: int, endpoints: int) -> tuple[float, float]:
            ours, plain = (
                measure(cloudwatch, SECONDS, ours=with_us, workers=workers, endpoints=endpoints)
                for with_us in (True, False)
            )
            cloudwatch.reset()
            return 100 * (ours.cpu - plain.cpu), 100 * plain.cpu

        by_workers = [share(workers, WORKERS_ENDPOINTS) for workers in WORKERS]
        by_endpoints = [share(ENDPOINTS_WORKERS, endpoints) for endpoints in ENDPOINTS]
    return [
        _figure("growth_workers", f"workers of {WORKERS_ENDPOINTS} endpoints", WORKERS, by_workers),
        _figure("growth_endpoints", f"endpoints at {ENDPOINTS_WORKERS} workers", ENDPOINTS, by_endpoints),
    ]


def _figure(name: str, what: str, counts: tuple[int, ...], shares: list[tuple[float, float]]) -> Figure:
    first, last = max(shares[0][0], 0.1), shares[-1][0]
    # 1 is linear growth; what is there with the first workers makes it less.
    linear = (last / first) / (counts[-1] / counts[0])
    ours_percent, locusts_percent = zip(*shares, strict=True)
    details = {"counts": counts, "ours_percent": ours_percent, "locusts_percent": locusts_percent}
    steps = ", ".join(f"{ours:.1f} %" for ours, _ in shares)
    what = (
        f"growth of our CPU on the master, of linear growth: {', '.join(map(str, counts))} {what} ({steps} of a core)"
    )
    return Figure(name, what, (linear,), "", 1.2, details=details)
