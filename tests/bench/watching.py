"""What it takes a master that somebody looks at the run: 500 endpoints, 200 workers, one page that asks every 2 s.

Time of the processor, of our greenlets and of those that answer the page; Locust's own page of statistics, of the same
endpoints, is asked for side by side.
"""

from __future__ import annotations

import itertools
import random
import re
import sys
import time
from collections import Counter
from typing import Any
from unittest import mock

import gevent
from locust.env import Environment

import locust_cw_dist
from bench.figures import Figure
from bench.publisher import aws
from bench.traffic import name_of, response_time_ms
from bench.turns import Turns
from locust_cw_dist.core.summaries.gauges import RunGauges, StatisticSet
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import ClosedWindow
from locust_cw_dist.testing import LocalCloudwatch

ENDPOINTS, WORKERS = 500, 200
WINDOW_S, POLL_S = 10, 2
HOUR = 360
"""Windows that are there before anything is measured: percentiles of the run so far take longer then."""

WINDOWS = 3
"""Windows of a repetition: rows are not made anew with each one."""

RESULTS = 40
"""Of an endpoint in a window: 2,000 requests a second in all."""


class TurnSums(Turns):
    """Sums up how long each greenlet had the processor, and the longest time before it gave the hub back."""

    def __init__(self) -> None:
        """Begin."""
        self.spent_ms: Counter[str] = Counter()
        self.longest_ms: Counter[str] = Counter()
        self._running = ""
        super().__init__()

    def of(self, name: str) -> tuple[float, float]:
        """Return both for the greenlets with a name, in ms."""
        ours = [found for found in self.spent_ms if name in found]
        longest = max((self.longest_ms[found] for found in ours), default=0.0)
        return sum(self.spent_ms[found] for found in ours), longest

    def take(self, held_ms: float, before: Any, after: Any) -> None:
        """Add a turn up."""
        self.spent_ms[self._running] += held_ms
        self.longest_ms[self._running] = max(self.longest_ms[self._running], held_ms)
        # As long as it is alive: of one that has ended nobody knows what it was.
        self._running = repr(after)


def figures(*, full: bool) -> list[Figure]:
    """Measure a page that looks, and nobody who does."""
    repetitions = 5 if full else 2
    # Locust's web UI reads the command line for the options that it shows.
    with LocalCloudwatch() as cloudwatch, aws(cloudwatch), mock.patch.object(sys, "argv", ["locust"]):
        master = _Master()
        first_ms = master.open_page()
        looked = [master.look() for _ in range(repetitions)]
        alone = [master.merge() for _ in range(repetitions)]
        master.plugin.close(timeout_s=5)
    shares = tuple(_share(round_["merge"] + round_["state"]) for round_ in looked)
    locusts = tuple(_share(round_["locust"]) for round_ in looked)
    what = f"{ENDPOINTS} endpoints, {WORKERS} workers"
    return [
        Figure("look_share", f"a page that shows the run, {what}: share of a core", shares, "%", 1.0),
        Figure("look_locust", f"the same for Locust's own statistics of {ENDPOINTS} endpoints", locusts, "%"),
        Figure(
            "look_ratio",
            f"a page that shows the run, as a multiple of Locust's own statistics, {what}",
            tuple(ours / theirs for ours, theirs in zip(shares, locusts, strict=True)),
        ),
        Figure("look_nobody", f"nobody looks, {what}: share of a core", tuple(map(_share, alone)), "%", 0.2),
        # The worst of all rounds: the target is for each of them.
        Figure("look_first", "longest time that the hub is held by the first look at the page", (first_ms,), "ms", 10),
        Figure("look_hold", f"longest time that the hub is held, {what}", (max(r["hold"] for r in looked),), "ms", 10),
    ]


def _share(spent_ms: float) -> float:
    """Return the share of a core, in per cent, of what is done for each window."""
    return spent_ms / (WINDOW_S * 1e3) * 100


class _Master:
    """A master an hour after the start of a run, with Locust's statistics of the same endpoints."""

    def __init__(self) -> None:
        self._chance = random.Random(1)
        self.environment = Environment()
        self.environment.create_master_runner("127.0.0.1", 0)
        web_ui = self.environment.create_web_ui("127.0.0.1", 0, delayed_start=True)
        settings = locust_cw_dist.Settings(namespace="bench/watching", resolution_s=WINDOW_S, max_endpoints=1_000)
        self.plugin = locust_cw_dist.install(self.environment, settings)
        self._ours = web_ui.app.test_client()
        self._locusts = _locusts_client(self.environment, self._chance)
        self._publishing: Any = self.plugin._publishing
        self.environment.events.test_start.fire(environment=self.environment)
        now_s = time.time()
        for number in range(WORKERS):
            self._publishing._collector.greet(f"worker-{number}", f"{number:032x}", now_s)
        first_s = int(now_s) // WINDOW_S * WINDOW_S
        self._made = [self._window(first_s) for _ in range(6)]
        self._starts_s = itertools.count(first_s, WINDOW_S)
        for _ in range(HOUR):
            self._take()
        while self._publishing._progress_watch._books._waiting:
            gevent.sleep(0.1)
        self._ask_for_state()

    def open_page(self) -> float:
        """Open the page for the first time, with all that it loads; return its longest hold in ms."""
        turns = TurnSums()
        gevent.spawn(self._ask_for_page).join()
        turns.stop()
        return turns.of("_ask_for_page")[1]

    def look(self) -> dict[str, float]:
        """Windows close, and a page asks all the while; return the CPU time of each part in ms for a window."""
        turns = TurnSums()
        for _ in range(WINDOWS):
            self._take()
            for _ in range(WINDOW_S // POLL_S):
                gevent.spawn(self._ask_for_state).join()
                gevent.spawn(self._ask_locust).join()
                gevent.sleep(POLL_S)
        turns.stop()
        (merge, merge_hold), (state, state_hold) = turns.of("_merge_forever"), turns.of("_ask_for_state")
        return {
            "merge": merge / WINDOWS,
            "state": state / WINDOWS,
            "locust": turns.of("_ask_locust")[0] / WINDOWS,
            "hold": max(merge_hold, state_hold),
        }

    def merge(self) -> float:
        """A window closes while nobody looks; return the CPU time in ms."""
        turns = TurnSums()
        self._take()
        gevent.sleep(0.5)
        turns.stop()
        return turns.of("_merge_forever")[0]

    def _take(self) -> None:
        start_s = next(self._starts_s)
        made = self._made[start_s // WINDOW_S % len(self._made)]
        run_id = self._publishing._runs.current.run_id
        self._publishing._progress_watch.take(ClosedWindow(run_id, start_s, made.summaries, made.gauges))

    def _ask_for_page(self) -> None:
        page = self._ours.get("/cloudwatch").get_data(as_text=True)
        for address in re.findall(r'(?:href|src)="(cloudwatch/[^"]+)"', page):
            assert self._ours.get(f"/{address}", headers={"Accept-Encoding": "gzip"}).status_code == 200

    def _ask_for_state(self) -> None:
        assert self._ours.get("/cloudwatch/state.json").status_code == 200

    def _ask_locust(self) -> None:
        assert self._locusts.get("/stats/requests").status_code == 200

    def _window(self, start_s: int) -> ClosedWindow:
        summaries = {}
        for number in range(ENDPOINTS):
            summary = summaries[name_of(number), "GET"] = Summary()
            for _ in range(RESULTS):
                summary.record_success(response_time_ms(self._chance), 1000)
            if number % 10 == 0:
                summary.record_failure(response_time_ms(self._chance), "HTTP 500")
        cpu_percent = StatisticSet.of([50.0] * WORKERS)
        return ClosedWindow("", start_s, summaries, RunGauges(2000, WORKERS, cpu_percent))


def _locusts_client(environment: Environment, chance: random.Random) -> Any:
    """Return a client of Locust's web UI alone, which shows the statistics of `environment`."""
    for number in range(ENDPOINTS):
        for _ in range(RESULTS * 10):
            environment.stats.log_request("GET", name_of(number), response_time_ms(chance), 1000)
    alone = Environment()
    alone.runner = environment.runner
    return alone.create_web_ui("127.0.0.1", 0, delayed_start=True).app.test_client()
