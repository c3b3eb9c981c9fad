"""Memory of a worker for each endpoint and window that it holds."""

from __future__ import annotations

import gc
import random
import tracemalloc

from bench.figures import Figure
from bench.traffic import name_of
from locust_cw_dist.core.buffer import MAX_WINDOWS, WorkerBuffer
from locust_cw_dist.core.result import RequestResult

ENDPOINTS, RESULTS = 5, 1_000


def figures(*, full: bool) -> list[Figure]:
    """Measure what 1,000 values from 1 ms to 1 s take, in one window and in as many as a worker holds."""
    what = f"memory on a worker for each endpoint and open window, {RESULTS:,} values from 1 ms to 1 s"
    one = tuple(_kib(1, seed) for seed in range(5 if full else 3))
    return [
        Figure("memory", f"{what}: {MAX_WINDOWS} windows", (_kib(MAX_WINDOWS, 1),), "KiB", 2.0),
        Figure("memory_one", f"{what}: the current window alone, with what waits to be folded", one, "KiB"),
    ]


def _kib(windows: int, seed: int) -> float:
    chance = random.Random(seed)
    gc.collect()
    tracemalloc.start()
    buffer = WorkerBuffer(resolution_s=10)
    buffer.begin_run("run")
    before = tracemalloc.get_traced_memory()[0]
    for window in range(windows):
        for endpoint in range(ENDPOINTS):
            for _ in range(RESULTS):
                ms = 10 ** (3 * chance.random())
                buffer.record(RequestResult(name_of(endpoint), "GET", ms, 100, None), 10.0 * window)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return taken / (windows * ENDPOINTS) / 1024
