"""How long the program holds the hub: a master, a single process and a worker with 1,000 endpoints."""

from __future__ import annotations

import random
import time
from typing import Any

import gevent
from locust.env import Environment

import locust_cw_dist
from bench.figures import Figure
from bench.pair import Nobody
from bench.publisher import aws
from bench.traffic import REPORT_S, SimulatedWorker, name_of, response_time_ms
from locust_cw_dist.core.messages import REPORT_KEY
from locust_cw_dist.testing import LocalCloudwatch

ENDPOINTS = 1_000
RATE = 4_000
"""Results a second: a worker whose core is full."""

SETTINGS: dict[str, Any] = {"max_endpoints": ENDPOINTS, "resolution_s": 10}


class Watch:
    """Looks at the clock each millisecond, and remembers how late it was.

    Attributes:
        busy_ms: The longest time for which this thread computed and nobody else had the hub.
        late_ms: The longest time in all: what the machine did meanwhile is in it.
    """

    def __init__(self) -> None:
        """Begin."""
        self.busy_ms = self.late_ms = 0.0
        self._greenlet = gevent.spawn(self._look_forever)

    def stop(self) -> None:
        """End."""
        self._greenlet.kill()

    def _look_forever(self) -> None:
        while True:
            clock_s, cpu_s = time.perf_counter(), time.thread_time()
            gevent.sleep(0.001)
            self.busy_ms = max(self.busy_ms, (time.thread_time() - cpu_s) * 1e3)
            self.late_ms = max(self.late_ms, (time.perf_counter() - clock_s) * 1e3 - 1)


def figures(*, full: bool) -> list[Figure]:
    """Measure the longest hold in each role."""
    rounds = 3 if full else 1
    found = []
    with LocalCloudwatch() as cloudwatch, aws(cloudwatch):
        for role, measure in (("master", _master), ("single process", _single), ("worker", _worker)):
            watches = [measure(f"bench/{role.split()[0]}/{number}") for number in range(rounds)]
            what = f"longest time that the hub is held, {ENDPOINTS:,} endpoints closing at once: {role}"
            late = [watch.late_ms for watch in watches]
            busy = tuple(watch.busy_ms for watch in watches)
            found.append(Figure(f"hold_{role.split()[0]}", what, busy, "ms", 10, details={"late_ms": late}))
    return found


def _master(namespace: str) -> Watch:
    """Two windows close and are published while the hub is watched."""
    environment = Environment()
    environment.create_master_runner("127.0.0.1", 0)
    plugin = locust_cw_dist.install(environment, locust_cw_dist.Settings(namespace=namespace, **SETTINGS))
    workers = [SimulatedWorker(number, endpoints=ENDPOINTS, results=12) for number in range(2)]
    begin_s = time.time() - 30
    made = [worker.report(begin_s + REPORT_S * turn) for turn in range(8) for worker in workers]
    gevent.sleep(1.0)  # the client is made
    watch = Watch()
    for report in made:
        environment.events.worker_report.fire(client_id=report.worker_id, data=report.data | {REPORT_KEY: report.frame})
        gevent.sleep(0.02)
    gevent.sleep(8.0)
    watch.stop()
    plugin.close(timeout_s=20)
    return watch


def _single(namespace: str) -> Watch:
    environment = Environment()
    environment.create_local_runner()
    return _watch_users(environment, locust_cw_dist.Settings(namespace=namespace, **SETTINGS), 14.0)


def _worker(_: str) -> Watch:
    master = Environment()
    runner = master.create_master_runner("127.0.0.1", 0)
    receiver = locust_cw_dist.install(master, locust_cw_dist.Settings(namespace="bench", **SETTINGS), client=Nobody())
    worker = Environment()
    worker.create_worker_runner("127.0.0.1", runner.server.port)
    # The master is in this process, too: what it does is not the worker's.
    master.events.worker_report.remove_listener(receiver)
    return _watch_users(worker, None, 11.0)


def _watch_users(environment: Environment, settings: locust_cw_dist.Settings | None, for_s: float) -> Watch:
    """Watch while users fire results."""
    plugin = locust_cw_dist.install(environment, settings)
    environment.events.test_start.fire(environment=environment)
    gevent.sleep(1.0)
    chance = random.Random(1)
    watch = Watch()
    end_s = time.monotonic() + for_s
    while time.monotonic() < end_s:
        for _ in range(RATE // 100):
            environment.events.request.fire(
                request_type="GET",
                name=name_of(chance.randrange(ENDPOINTS)),
                response_time=response_time_ms(chance),
                response_length=100,
                exception=None,
            )
        gevent.sleep(0.01)
    watch.stop()
    plugin.close(timeout_s=20)
    return watch
