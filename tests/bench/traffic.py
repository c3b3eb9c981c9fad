"""Traffic: the events that Locust's clients fire, and what workers make of them: Locust's reports and our frames."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import locust.stats
from locust.rpc.protocol import Message
from locust.stats import RequestStats

from locust_cw_dist.core.summaries.request_result import RequestResult
from locust_cw_dist.core.wire.frame import Vitals
from locust_cw_dist.core.worker.buffer import WorkerBuffer
from locust_cw_dist.core.worker.outbox import NOTHING, Moment, Outbox

MEDIAN_MS = 50.0
SIGMA = 0.8
"""Response times are log-normal: half of them below 50 ms, one in a hundred above 320 ms."""

RUN_ID = "20261124T010203Z-00c0ffee"
REPORT_S = 3.0


def name_of(endpoint: int) -> str:
    return f"/api/v1/items/{endpoint}"


def response_time_ms(chance: random.Random) -> float:
    return MEDIAN_MS * chance.lognormvariate(0.0, SIGMA)


def events(count: int, endpoints: int, seed: int = 1) -> list[dict[str, Any]]:
    """Return so many events as Locust's HTTP clients fire them, in the order of their fields."""
    chance = random.Random(seed)
    context: dict[str, Any] = {}
    return [
        {
            "request_type": "GET",
            "response_time": response_time_ms(chance),
            "name": name_of(chance.randrange(endpoints)),
            "context": context,
            "response": None,
            "exception": None,
            "start_time": 1_795_000_000.0,
            "url": "http://shop.test/api",
            "response_length": chance.randrange(10_000),
        }
        for _ in range(count)
    ]


@dataclass(frozen=True)
class Report:
    """One report of one worker.

    Attributes:
        worker_id: Locust's id of it.
        data: What Locust puts into a report.
        frames: Our frames: the one in the report, and those that follow what it has no room for. There may be none.
        sent_s: When it was sent.
        results: Results in it.
    """

    worker_id: str
    data: dict[str, Any]
    frames: tuple[bytes, ...]
    sent_s: float
    results: int

    @property
    def frame(self) -> bytes:
        """What is in the report itself: a frame, or what stands for none."""
        return self.frames[0] if self.frames else NOTHING

    def message(self) -> bytes:
        """Return Locust's message without our frame."""
        return Message("stats", self.data, self.worker_id).serialize()


class _StatsTime:
    """The module `time` as Locust's statistics see it. Not a Mock: that took longer than all else here together."""

    at_s = 0.0

    def time(self) -> float:
        return self.at_s


class SimulatedWorker:
    """What a worker would report of results that nobody waits for."""

    def __init__(
        self, number: int, *, endpoints: int, results: int, resolution_s: int = 10, whole_windows: bool = False
    ) -> None:
        """Have `results` results of each endpoint in each report; ship what there is, or windows that have ended."""
        self.worker_id = f"host-{number}_{number:032x}"
        self.epoch = f"{number:032x}"
        self._chance = random.Random(number)
        self._endpoints = endpoints
        self._results = results
        self._stats = RequestStats(use_response_times_cache=False)
        self._buffer = WorkerBuffer(resolution_s=resolution_s)
        self._buffer.begin_run(RUN_ID)
        self._outbox = Outbox(self._buffer, worker_id=self.worker_id, epoch=self.epoch)
        self._outbox.whole_windows = whole_windows
        self._seq = 0

    def report(self, begin_s: float) -> Report:
        """Return a report on the `REPORT_S` seconds from `begin_s` on; all its frames are acknowledged."""
        moments = sorted(
            (begin_s + self._chance.random() * REPORT_S, endpoint)
            for endpoint in range(self._endpoints)
            for _ in range(self._results)
        )
        clock = _StatsTime()
        with mock.patch.object(locust.stats, "time", clock):
            for at_s, endpoint in moments:
                clock.at_s = at_s
                self._record(at_s, endpoint)
            clock.at_s = begin_s + REPORT_S
            data = {
                "stats": self._stats.serialize_stats(),
                "stats_total": self._stats.total.get_stripped_report(),
                "errors": {},
                "user_classes_count": {"Shopper": 10},
                "user_count": 10,
                "current_cpu_usage": 12.5,
                "current_memory_usage": 80_000_000,
            }
        moment = Moment(begin_s + REPORT_S, 0.0, False, Vitals(10, 12.5, 80_000_000))
        return Report(self.worker_id, data, tuple(self._frames(moment)), moment.now_s, len(moments))

    def _frames(self, moment: Moment) -> Iterator[bytes]:
        data = self._outbox.on_report(moment)
        while data:
            yield data
            self._seq += 1
            self._outbox.on_acknowledgement(self._seq)
            data = self._outbox.follow_up(moment)

    def _record(self, at_s: float, endpoint: int) -> None:
        result = RequestResult(
            name_of(endpoint), "GET", response_time_ms(self._chance), self._chance.randrange(10_000), None
        )
        self._stats.log_request(result.method, result.name, result.response_time_ms, result.response_bytes)
        self._buffer.record(result, at_s)


def reports(
    workers: int,
    each: int,
    *,
    endpoints: int,
    results: int,
    begin_s: float,
    resolution_s: int = 10,
    whole_windows: bool = False,
) -> Iterator[Report]:
    """Yield the reports of several workers, each `each` of them, in the order of time."""
    simulated = [
        SimulatedWorker(
            number, endpoints=endpoints, results=results, resolution_s=resolution_s, whole_windows=whole_windows
        )
        for number in range(workers)
    ]
    for turn in range(each):
        for number, worker in enumerate(simulated):
            yield worker.report(begin_s + REPORT_S * (turn + number / workers))
