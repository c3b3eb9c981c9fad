"""Memory of a worker for each endpoint and window that it holds: of windows that were left, and of the current one.

Results go the way of Locust's own clients, through the request event, so that those of the current window wait to be
folded as they do in a load test.
"""

from __future__ import annotations

import gc
import random
import statistics
import tracemalloc
from types import SimpleNamespace

from locust.event import Events

from bench.figures import Figure
from bench.traffic import name_of
from locust_cw_dist.core.summaries.histogram import MAX_BATCH
from locust_cw_dist.core.summaries.run_counters import MAX_WINDOWS
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.worker.request_listener import RequestListener
from locust_cw_dist.testing import ManualClock

ENDPOINTS, RESULTS = 5, 1_000
MANY_ENDPOINTS = 1_000
RESOLUTION_S = 10
WAITING = MAX_BATCH - 1
"""Results of an endpoint that can wait: with one more they are folded."""


class MeasuredWorker:
    """What records on a worker, and nothing around it."""

    def __init__(self, seed: int) -> None:
        """Have nothing recorded."""
        self._chance = random.Random(seed)
        self._clock = ManualClock()
        self._events = Events()
        recorder = RequestListener(self._clock, LogOnce())
        recorder.buffer.use_resolution(RESOLUTION_S)
        recorder.buffer.begin_run("run")
        recorder.attach(SimpleNamespace(runner=None, events=self._events))

    def record(self, results: int) -> None:
        """Fire so many results of each endpoint, spread over 1 ms to 1 s."""
        for number in range(results * ENDPOINTS):
            self._events.request.fire(
                request_type="GET",
                name=name_of(number % ENDPOINTS),
                response_time=10 ** (3 * self._chance.random()),
                response_length=self._chance.randrange(10_000),
                exception=None,
            )

    def leave_window(self) -> None:
        """Go on to the next window; one result of each endpoint there folds what waits for this one."""
        self._clock.advance(RESOLUTION_S)
        self.record(1)


def figures(*, full: bool) -> list[Figure]:
    """Measure what 1,000 values from 1 ms to 1 s take."""
    what = f"memory on a worker for each endpoint and open window, {RESULTS:,} values from 1 ms to 1 s"
    left = tuple(map(_left_kib, range(3 if full else 1)))
    current = tuple(map(_current_kib, range(5 if full else 3)))
    waiting_mib = tuple((kib - statistics.median(left)) * MANY_ENDPOINTS / 1024 for kib in current)
    waiting = f"results that wait to be folded, {WAITING} of each endpoint, as many as can"
    return [
        Figure("memory", f"{what}: {MAX_WINDOWS} windows, of those that were left", left, "KiB", 2.0),
        Figure(
            "memory_waiting",
            f"memory on a worker with {MANY_ENDPOINTS:,} endpoints: {waiting}",
            waiting_mib,
            "MiB",
            8.0,
            details={"current_kib": current},
        ),
    ]


def _left_kib(seed: int) -> float:
    """All windows that a worker can hold; the few bytes of the current one are counted with those that were left."""
    worker, before = _started(seed)
    for _ in range(MAX_WINDOWS - 1):
        worker.record(RESULTS)
        worker.leave_window()
    return _taken_kib(before) / ((MAX_WINDOWS - 1) * ENDPOINTS)


def _current_kib(seed: int) -> float:
    worker, before = _started(seed)
    worker.record(RESULTS // MAX_BATCH * MAX_BATCH + WAITING)
    return _taken_kib(before) / ENDPOINTS


def _started(seed: int) -> tuple[MeasuredWorker, int]:
    """Return a worker that has recorded nothing yet, and the bytes that are there with it."""
    worker = MeasuredWorker(seed)
    gc.collect()
    tracemalloc.start()
    return worker, tracemalloc.get_traced_memory()[0]


def _taken_kib(before: int) -> float:
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return taken / 1024
