"""Which run a worker's results belong to, when its test starts without word of one."""

from __future__ import annotations

import pytest

from locust_cw_dist.core.summaries.run_counters import UNKNOWN_RUN
from locust_cw_dist.core.worker.buffer import WorkerBuffer
from locust_cw_dist.core.worker.outbox import Outbox
from locust_cw_dist.core.worker.run_naming import RunNaming
from support.publishing.benches import WorkerSide


class Bench(WorkerSide):
    """A worker that knows run 1, has begun it, and has told of three results."""

    def __init__(self):
        super().__init__(run_id="")
        self.naming = RunNaming(self.buffer, self.outbox)
        self.is_running = False
        self.learn("run 1")
        self.is_running = True
        assert self.naming.begin()
        self.record(times=3)
        self.learn("run 1", self.frame())

    def learn(self, run_id, frame=None):
        """Hear what the master says, in answer to a frame or of itself."""
        seq = None if frame is None else frame.seq
        answered = seq if seq == self.outbox.waiting_seq else None
        self.naming.learn(run_id, answered, clock_moved_s=0.0, is_running=self.is_running)
        if seq is not None:
            self.outbox.on_acknowledgement(seq)


@pytest.fixture
def bench():
    return Bench()


@pytest.mark.parametrize("run_id", ["run 1", "run 2"])
def test_the_answer_to_the_next_frame_tells_the_run(bench, run_id):
    assert not bench.naming.begin()
    bench.record(times=2)
    asking = bench.frame()
    assert (asking.run_id, asking.sections) == (UNKNOWN_RUN, ())
    bench.learn(run_id, asking)
    telling = bench.frame()
    assert [(section.run_id, section.results) for section in telling.sections] == [(run_id, 2)]
    assert telling.run_id == run_id
    assert telling.counters[run_id].recorded == (5 if run_id == "run 1" else 2)


def test_the_answer_to_a_frame_from_before_the_start_does_not(bench):
    """The master may have given it before the new run began."""
    earlier = bench.frame()
    bench.naming.begin()
    bench.record(times=2)
    bench.learn("run 1", earlier)
    assert bench.buffer.run_id == UNKNOWN_RUN
    bench.learn("run 2", bench.frame())
    assert bench.buffer.run_id == "run 2"


def test_neither_does_word_of_the_run_before(bench):
    bench.naming.begin()
    bench.learn("run 1")
    assert bench.buffer.run_id == UNKNOWN_RUN
    bench.learn("run 2")
    assert bench.buffer.run_id == "run 2"


def test_a_start_after_word_of_its_run_asks_for_nothing(bench):
    bench.learn("run 2")
    assert bench.naming.begin()
    assert bench.buffer.run_id == "run 2"


def test_a_first_start_without_word_waits_for_any():
    buffer = WorkerBuffer()
    naming = RunNaming(buffer, Outbox(buffer, worker_id="worker", epoch="epoch"))
    assert naming.begin()
    assert buffer.run_id == UNKNOWN_RUN
    naming.learn("run 1", None, clock_moved_s=0.0, is_running=True)
    assert buffer.run_id == "run 1"
