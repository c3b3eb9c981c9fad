"""How long the program holds the hub: a master, a single process and a worker with 1,000 endpoints."""

from __future__ import annotations

import random
import time
from typing import Any

import gevent
from locust.env import Environment

import locust_cw_dist
from bench.figures import Figure
from bench.pair import Pair, held_s
from bench.publisher import aws
from bench.traffic import REPORT_S, SimulatedWorker, name_of, response_time_ms
from bench.turns import Turns
from locust_cw_dist.core.summaries.histogram import MAX_BATCH
from locust_cw_dist.core.wire.messages import MASTER_MESSAGE, REPORT_KEY
from locust_cw_dist.testing import LocalCloudwatch

ENDPOINTS = 1_000
RATE = 4_000
"""Results a second: a worker whose core is full."""

RULES = (
    *(f"p95(.*{digit}) < 1 s, window_s=60" for digit in range(5)),
    *("p99 < 1 s, window_s=600", "failure_ratio < 1 %, abort_after_s=3600", "rps > 1", "mean < 1 s, successful_only"),
)
"""What every window is judged by: each result counts for several of them."""

SETTINGS: dict[str, Any] = {"max_endpoints": ENDPOINTS, "resolution_s": 10, "rule": RULES}


class Watch(Turns):
    """Looks on while greenlets take turns, and remembers how long one of ours computed before it gave the hub back.

    Attributes:
        longest_ms: The longest turn.
        by: Whose it was.
    """

    def __init__(self) -> None:
        """Begin."""
        self.longest_ms, self.by = 0.0, ""
        super().__init__()

    def note(self, milliseconds: float, by: str) -> None:
        """Take a turn of which it is known that it was ours."""
        if milliseconds > self.longest_ms:
            self.longest_ms, self.by = milliseconds, by

    def take(self, held_ms: float, before: Any, after: Any) -> None:
        """Take a turn if it was ours."""
        if held_ms > self.longest_ms and "locust_cw_dist" in (name := repr(before)):
            self.note(held_ms, name)


def figures(*, full: bool) -> list[Figure]:
    """Measure the longest hold in each role."""
    rounds = 3 if full else 1
    found = []
    with LocalCloudwatch() as cloudwatch, aws(cloudwatch):
        for role, measure in ROLES.items():
            watches = [measure(f"bench/{role.split()[0]}/{number}") for number in range(rounds)]
            what = f"longest time that the hub is held, {ENDPOINTS:,} endpoints closing at once: {role}"
            # The worst of all rounds: the target is for each of them.
            longest = max(watch.longest_ms for watch in watches)
            details = {
                "all_ms": [watch.longest_ms for watch in watches],
                "by": [watch.by for watch in watches],
                "garbage_ms": [watch.garbage_ms for watch in watches],
            }
            name = "hold_full_worker" if measure is _full_worker else f"hold_{role.split()[0]}"
            found.append(Figure(name, what, (longest,), "ms", 10, details=details))
    return found


def _master(namespace: str) -> Watch:
    """Two windows close and are published while the hub is watched."""
    workers = [SimulatedWorker(number, endpoints=ENDPOINTS, results=12) for number in range(2)]
    begin_s = time.time() - 30
    made = [worker.report(begin_s + REPORT_S * turn) for turn in range(8) for worker in workers]
    environment = Environment()
    environment.create_master_runner("127.0.0.1", 0)
    plugin = locust_cw_dist.install(environment, locust_cw_dist.Settings(namespace=namespace, **SETTINGS))
    gevent.sleep(1.0)  # the client is made
    watch = Watch()
    for report in made:
        for frame in report.frames:
            environment.events.worker_report.fire(client_id=report.worker_id, data=report.data | {REPORT_KEY: frame})
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
    """A worker's own part of its reports, with 1,000 endpoints and three seconds of results in each."""
    return _watch_worker(int(RATE * REPORT_S) // ENDPOINTS, reports=5)


def _full_worker(_: str) -> Watch:
    """The same where about as many results wait as can."""
    return _watch_worker(MAX_BATCH, reports=2)


def _watch_worker(results_each: int, *, reports: int) -> Watch:
    """Note what a worker's frames take it: the one in a report, and those that follow as each is acknowledged."""
    chance = random.Random(1)
    watch = Watch()
    watch.stop()
    with Pair() as pair:
        messages = pair.worker.runner.custom_messages
        on_word, concurrent = messages[MASTER_MESSAGE]

        def timed(**word: Any) -> None:
            watch.note(held_s(lambda: on_word(**word)) * 1e3, "a frame that follows")

        messages[MASTER_MESSAGE] = timed, concurrent
        for _ in range(reports):
            for number in range(results_each * ENDPOINTS):
                _fire(pair.worker_ours, chance, number % ENDPOINTS)
            data: dict[str, Any] = {}
            spent_s = held_s(lambda: pair.worker_ours.report_to_master.fire(client_id="worker", data=data))  # noqa: B023
            watch.note(spent_s * 1e3, "report")
            pair.master_ours.worker_report.fire(client_id=pair.worker.runner.client_id, data=data)
            gevent.sleep(1.0)  # what the frame had no room for follows
    return watch


def _watch_users(environment: Environment, settings: locust_cw_dist.Settings, for_s: float) -> Watch:
    """Watch while users fire results."""
    plugin = locust_cw_dist.install(environment, settings)
    environment.events.test_start.fire(environment=environment)
    gevent.sleep(1.0)
    chance = random.Random(1)
    watch = Watch()
    end_s = time.monotonic() + for_s
    while time.monotonic() < end_s:
        for _ in range(RATE // 100):
            _fire(environment.events, chance, chance.randrange(ENDPOINTS))
        gevent.sleep(0.01)
    watch.stop()
    plugin.close(timeout_s=20)
    return watch


def _fire(events: Any, chance: random.Random, endpoint: int) -> None:
    events.request.fire(
        request_type="GET",
        name=name_of(endpoint),
        response_time=response_time_ms(chance),
        response_length=100,
        exception=None,
    )


ROLES = {
    "master": _master,
    "single process": _single,
    "worker": _worker,
    f"worker, {MAX_BATCH} results of each waiting": _full_worker,
}
