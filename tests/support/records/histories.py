"""Summaries of made-up runs, as files beside records that nobody reads."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable
from pathlib import Path

from locust_cw_dist.core.records.location import SUFFIX, SUMMARY_SUFFIX
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.tools.comparison.compare import TOGETHER
from locust_cw_dist.tools.history.summary import Level, RunSummary, pack

CHECKOUT: EndpointKey = ("/checkout", "POST")
START_S, HOUR_S = 1_800_000_000.0, 3600.0
TIMES = {"p50": 100.0, "p95": 300.0, "p99": 600.0, "mean": 120.0}


def row(seed: int, runs: int, at: int = 0, size: float = 0.0, noise: float = 0.05) -> list[float]:
    """Return logs of a figure over runs, which is larger by `size` from run `at` on."""
    chance = random.Random(seed)
    return [chance.gauss(0, noise) + (math.log1p(size) if number >= at else 0) for number in range(runs)]


def commit(number: int) -> str:
    """Return the commit of a run."""
    return hashlib.sha1(f"{number}".encode()).hexdigest()


def write(
    folder: Path,
    runs: int,
    *,
    slower_from: int,
    pages: int = 2,
    labels: Callable[[int], dict[str, str]] = lambda _: {"branch": "main"},
) -> None:
    """Write runs with 5 % noise between them whose checkout is slower by 20 % from one of them on."""
    chance = random.Random(3)
    endpoints = [TOGETHER, CHECKOUT, *((f"/page/{n}", "GET") for n in range(pages))]
    for number in range(runs):
        levels: dict[tuple[EndpointKey, str], Level] = {}
        for key in endpoints:
            factor = 1.2 if key == CHECKOUT and number >= slower_from else 1.0
            for name, value in TIMES.items():
                levels[key, name] = Level(value * factor * math.exp(chance.gauss(0, 0.05)), 0.02)
            levels[key, "failures"] = Level(max(0.0, chance.gauss(0.5, 0.1)), 0.1)
            levels[key, "rps"] = Level(50 * math.exp(chance.gauss(0, 0.01)), 0.01)
        run_id = f"20270115T{number:06d}Z-{number:08x}"
        summary = RunSummary(
            run_id,
            labels(number),
            START_S + HOUR_S * number,
            600.0,
            is_whole=True,
            verdict="valid",
            has_failed=False,
            revision=commit(number),
            about={},
            requests=30_000,
            levels=levels,
        )
        (folder / f"{run_id}{SUFFIX}").write_bytes(b"x")
        (folder / f"{run_id}{SUMMARY_SUFFIX}").write_bytes(pack(summary, 1))
