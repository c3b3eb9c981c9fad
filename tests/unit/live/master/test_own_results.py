"""What fires in the process that publishes, until the collector is told of it."""

from __future__ import annotations

import pytest
from locust import User
from locust.env import Environment

from locust_cw_dist.live.master.own_results import OwnResults
from support.publishing.benches import MasterSide


class Bench(MasterSide):
    def __init__(self):
        super().__init__()
        self.environment = Environment(user_classes=[User])
        self.own = OwnResults(
            self.environment,
            self.collector,
            self.runs,
            self.clock,
            self.once,
            name="local",
            resolution_s=1,
            with_messages=True,
        )

    def fire(self, count):
        for number in range(count):
            self.environment.events.request.fire(
                request_type="GET", name=f"/{number}", response_time=1, response_length=1, exception=None, context={}
            )

    @property
    def waiting(self):
        return self.own.waiting(self.runs.current.run_id)

    @property
    def recorded(self):
        return self.collector.run(self.runs.current.run_id).recorded


@pytest.fixture
def bench():
    bench = Bench()
    bench.own.attach()
    yield bench
    bench.own.detach()


def test_each_result_is_waiting_until_the_collector_was_told_of_it(bench):
    assert bench.waiting == 0
    for told in (3, 5):
        bench.fire(told)
        assert (bench.waiting, bench.recorded) == (told, 0 if told == 3 else 3)
        bench.own.hand_over()
        assert bench.waiting == 0
    assert bench.recorded == 8


def test_what_a_frame_has_no_room_for_was_told_of_all_the_same(bench, monkeypatch):
    monkeypatch.setattr(bench.own._cutter, "_max_summaries", 2)
    bench.fire(5)
    bench.own._hand_over_some()
    assert (bench.waiting, bench.recorded) == (0, 5)


def test_each_run_has_its_own(bench):
    first = bench.runs.current.run_id
    bench.runs.start(bench.clock.now_s(), "-", ())
    bench.runs.start(bench.clock.now_s(), "-", ())
    bench.own.begin_run()
    bench.fire(2)
    assert (bench.own.waiting(first), bench.waiting) == (0, 2)
    assert bench.own.waiting("unknown") == 0
