"""Run records of simulated tests, written by the program's own writer."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from locust_cw_dist.core.records.blocks import Kind
from locust_cw_dist.core.records.location import SUFFIX
from locust_cw_dist.core.records.points import Point
from locust_cw_dist.core.summaries.gauges import StatisticSet
from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.live.records.record_file import RecordFile

START_S = 1_800_000_000
RESOLUTION_S = 10


@dataclass(frozen=True)
class Traffic:
    """What one simulated endpoint does.

    Attributes:
        median_ms: Median response time.
        sigma: Width of the log-normal distribution.
        rate: Requests a second.
        failure_ratio: Part that fails, evenly.
        untimed_ratio: Part without a response time, evenly.
        drift: How much the log of the median wanders between windows.
        memory: How much of its deviation a window takes over from the one before: 0 is independent, 0.9 is sticky.
    """

    median_ms: float = 100.0
    sigma: float = 0.4
    rate: float = 10.0
    failure_ratio: float = 0.0
    untimed_ratio: float = 0.0
    drift: float = 0.05
    memory: float = 0.0


SHOP = {
    ("/", "GET"): Traffic(18, 0.4, 24),
    ("/items/{id}", "GET"): Traffic(42, 0.5, 16, 0.002),
    ("/search", "GET"): Traffic(120, 0.7, 8, 0.01),
    ("/cart", "POST"): Traffic(65, 0.45, 6),
    ("/checkout", "POST"): Traffic(210, 0.5, 3, 0.03),
}
REASONS = ("HTTPError: 500", "ReadTimeout", "HTTPError: 503")


@dataclass
class Simulation:
    """A run to be written as a record.

    Attributes:
        traffic: What each endpoint does.
        windows: How many windows it has, of `RESOLUTION_S`.
        seed: What chance does.
        begin: Fields of its first block that differ from the usual.
        ramp_windows: In how many windows the users come.
        ends: Whether the process ended in order.
        outcome: Rules and verdict, if any.
    """

    traffic: Mapping[tuple[str, str], Traffic] = field(default_factory=lambda: dict(SHOP))
    windows: int = 60
    seed: int = 1
    begin: dict = field(default_factory=dict)
    ramp_windows: int = 0
    ends: bool = True
    outcome: dict | None = None
    users: int = 50
    run_id: str = ""
    workers: int = 3
    reasons: tuple[str, ...] = REASONS

    def points(self):
        """Yield its windows."""
        chance = random.Random(self.seed)
        deviations = dict.fromkeys(self.traffic, 0.0)
        for number in range(self.windows):
            share = min(1.0, (number + 1) / self.ramp_windows) if self.ramp_windows else 1.0
            start_s = START_S + number * RESOLUTION_S
            yield Point(start_s, RESOLUTION_S, self._summaries(chance, deviations, share), self._gauges(chance, share))

    def write(self, folder: Path) -> Path:
        """Write the record and return its file."""
        run_id = self.run_id or f"20270115T080000Z-{self.seed:08x}"
        file = RecordFile(folder / f"{run_id}{SUFFIX}", RESOLUTION_S)
        file.begin(_json(self._begin(run_id)))
        for point in self.points():
            for _ in file.packer.pack(point):
                pass
            file.packer.flush()
            file.append(Kind.POINTS, file.packer.take(), (point.start_s,))
        if self.ends:
            file.append(Kind.STATUS, [_json(self._status())])
        if self.outcome is not None:
            file.append(Kind.OUTCOME, [_json(self.outcome)])
        file.close()
        return file.path

    def _begin(self, run_id):
        return {
            "run_id": run_id,
            "labels": {"branch": "main"},
            "started_s": float(START_S),
            "resolution_s": RESOLUTION_S,
            "is_distributed": True,
            "publishes": True,
            "options": {"num_users": self.users, "spawn_rate": 5.0, "host": "https://shop.test", "cw_service": "shop"},
            "git_revision": "1f2e3d4c5b6a79880123456789abcdef01234567",
            "versions": {"python": "3.11.7", "locust": "2.47.0", "locust-cw-dist": "0.1.0"},
            "edges_ms": EDGES,
        } | self.begin

    def _status(self):
        end_s = START_S + self.windows * RESOLUTION_S
        worker = {"cpu_percent": 41.5, "memory_bytes": 120_000_000, "clock_offset_s": 0.002, "done": True}
        return {
            "at_s": end_s + 1.0,
            "stopped_s": float(end_s),
            "ended": True,
            "ledger": {"recorded": 0, "published": 0, "pending": 0, "spooled": 0, "late": 0, "dropped": {}},
            "workers": [
                worker | {"worker": f"locust-worker-{n}", "epoch": f"{n:032x}", "complete_until_s": float(end_s)}
                for n in range(self.workers)
            ],
            "left_out": 0,
        }

    def _summaries(self, chance, deviations, share):
        summaries = {}
        for key, traffic in self.traffic.items():
            step = traffic.drift * math.sqrt(1 - traffic.memory**2)
            deviations[key] = traffic.memory * deviations[key] + chance.gauss(0, step)
            mean = math.log(traffic.median_ms) + deviations[key]
            summary = Summary()
            for _ in range(max(1, round(chance.gauss(1, 0.03) * share * traffic.rate * RESOLUTION_S))):
                time_ms = chance.lognormvariate(mean, traffic.sigma)
                if traffic.untimed_ratio and chance.random() < traffic.untimed_ratio:
                    time_ms = None
                if chance.random() < traffic.failure_ratio:
                    summary.record_failure(time_ms, chance.choice(self.reasons))
                else:
                    summary.record_success(time_ms, chance.randint(200, 2_000))
            summaries[key] = summary
        return summaries

    def _gauges(self, chance, share):
        users, cpu = float(round(self.users * share)), 35 + 10 * share + chance.gauss(0, 2)
        return {
            "users": StatisticSet(1, users, users, users),
            "workers": StatisticSet(1, self.workers, self.workers, self.workers),
            "cpu_percent": StatisticSet(self.workers, cpu * self.workers, cpu - 4, cpu + 4),
            "memory_bytes": StatisticSet(self.workers, 120e6 * self.workers, 118e6, 122e6),
        }


class Counted(Simulation):
    """A run in which endpoints have exactly so many requests, spread over its windows, or all in the first one."""

    def __init__(self, requests, *, first=(), windows=12, **fields):
        """Take the number of requests of each endpoint, and which of them are in the first window."""
        super().__init__(traffic=dict.fromkeys(requests, Traffic(rate=0.1)), windows=windows, **fields)
        self.requests, self.first = requests, first

    def points(self):
        left = dict(self.requests)
        for number, point in enumerate(super().points()):
            now = {key: -(-left[key] // (1 if key in self.first else self.windows - number)) for key in left}
            left = {key: left[key] - count for key, count in now.items()}
            yield replace(point, summaries={key: _alike(key, count, number) for key, count in now.items() if count})


def _alike(key, count, seed):
    """Return a Summary of so many results from 100 to 120 ms; all of /broken fail, those of /untimed have no time."""
    summary = Summary()
    for number in range(count):
        time_ms = None if key[0] == "/untimed" else 100.0 + (number * 7 + seed * 3) % 20
        if key[0] == "/broken":
            summary.record_failure(time_ms, "HTTP 500")
        else:
            summary.record_success(time_ms, 100)
    return summary


def _json(document):
    return json.dumps(document).encode()
