"""Law 8: no computation holds the hub for long at 1,000 endpoints; here, by the work that each call does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.core.summaries.histogram import MAX_BATCH, Histogram
from locust_cw_dist.core.summaries.run_counters import MAX_ENDPOINTS_PER_WORKER, MAX_WINDOWS, UNKNOWN_RUN
from locust_cw_dist.core.summaries.sections import Section
from locust_cw_dist.core.wire.frame import decode
from locust_cw_dist.core.worker.outbox import MAX_SUMMARIES_PER_FRAME, MAX_WAITING_PER_FRAME
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.worker.request_listener import RequestListener
from locust_cw_dist.testing import ManualClock
from support.publishing.benches import WorkerSide
from support.strategies import NOW_S, moment, results_of

MOST_RESULTS = MAX_WAITING_PER_FRAME + MAX_BATCH - 1
"""What a frame may have to fold: the last summary may go beyond the limit, by less than a batch."""


class Bench(WorkerSide):
    """A recorder and its outbox, on a clock that the test moves; notes how many results each call folds."""

    def __init__(self, monkeypatch):
        self.clock = ManualClock(NOW_S)
        self.recorder = RequestListener(self.clock, LogOnce())
        self.recorder.buffer.use_resolution(10)
        super().__init__(buffer=self.recorder.buffer)
        self.folds = []
        self.fired = 0
        fold = Histogram.fold

        def note(histogram, values_ms):
            self.folds.append(len(values_ms))
            fold(histogram, values_ms)

        monkeypatch.setattr(Histogram, "fold", note)

    def fire(self, results_each, endpoints=MAX_ENDPOINTS_PER_WORKER):
        for _ in range(results_each):
            for number in range(endpoints):
                self.recorder.on_request("GET", f"/{number}", 12.5, 100)
        self.fired += results_each * endpoints

    def folded_by(self, call, *args):
        """Call, and return what it folded: how many batches, how many results."""
        before = len(self.folds)
        self.answer = call(*args)
        return len(self.folds) - before, sum(self.folds[before:])

    def waiting(self):
        return sum(intake.waiting for intake in self.buffer.current._latest.values())

    def send_all(self):
        """Send everything, and return the frames; none of them takes more than its share of work."""
        frames, call = [], self.outbox.on_report
        while True:
            batches, results = self.folded_by(call, moment(self.clock.now_s(), users=1))
            assert batches <= MAX_SUMMARIES_PER_FRAME
            assert results <= MOST_RESULTS
            if not self.answer:
                return frames
            frames.append(decode(self.answer))
            assert self.outbox.on_acknowledgement(frames[-1].seq)
            call = self.outbox.follow_up


@pytest.fixture
def bench(monkeypatch):
    return Bench(monkeypatch)


@pytest.mark.parametrize("results_each", [2, 134, MAX_BATCH])
def test_a_frame_folds_what_it_carries_and_no_more(bench, results_each):
    bench.fire(results_each)
    assert (
        bench.waiting() == bench.fired - MAX_ENDPOINTS_PER_WORKER
    )  # the first result of each goes straight to its summary
    frames = bench.send_all()
    summaries = min(MAX_SUMMARIES_PER_FRAME, -(-MAX_WAITING_PER_FRAME // (results_each - 1)))
    assert len(frames) == -(-MAX_ENDPOINTS_PER_WORKER // summaries)
    assert sum(results_of(frame) for frame in frames) == bench.fired
    assert frames[-1].counters["run"].recorded == bench.fired
    # Each frame tells of all results, and of those that it leaves behind.
    left = bench.fired
    for frame in frames:
        left -= results_of(frame)
        assert (frame.counters["run"].recorded, frame.counters["run"].held) == (bench.fired, left)


def test_a_request_folds_nothing_but_its_own_endpoint(bench):
    bench.fire(100)
    bench.folds.clear()
    bench.clock.time_s = NOW_S + 10  # another window
    for number in range(MAX_ENDPOINTS_PER_WORKER):
        assert bench.folded_by(bench.recorder.on_request, "GET", f"/{number}", 12.5, 100) == (1, 99)
    bench.fired += MAX_ENDPOINTS_PER_WORKER
    frames = bench.send_all()
    assert [section.start_s - int(NOW_S) for frame in frames for section in frame.sections] == [0] * 10 + [10] * 10
    assert sum(results_of(frame) for frame in frames) == bench.fired


def test_nothing_is_folded_while_it_only_waits(bench):
    bench.fire(100)
    for call, *args in (
        (bench.buffer.copy_counters,),
        (bench.buffer.begin_run, "run 2"),
        (bench.buffer.stored.shift, 3.0),
        (bench.buffer.use_resolution, 5),
        (bench.buffer.has_told, {}),
        (bench.buffer.forget_runs, {}),
    ):
        assert bench.folded_by(call, *args) == (0, 0)
    assert sum(results_of(frame) for frame in bench.send_all()) == bench.fired


def test_windows_that_merge_fold_nothing(bench):
    """Those that meet after a shift, and those that pile up."""
    bench.fire(100)
    bench.buffer.use_resolution(1)
    for second in range(1, 2 * MAX_WINDOWS):
        bench.clock.time_s = NOW_S + second
        # An endpoint that goes on; the others have been silent since the first window.
        assert bench.folded_by(bench.recorder.on_request, "GET", "/0", 12.5, 100)[0] <= 1
        bench.fired += 1
    assert bench.folded_by(bench.buffer.stored.shift, 0.0) == (0, 0)
    assert sum(results_of(frame) for frame in bench.send_all()) == bench.fired


def test_what_is_discarded_is_not_folded(bench):
    bench.fire(100)
    assert bench.folded_by(bench.buffer.discard) == (0, 0)
    assert bench.buffer.counters["run"].recorded == 0
    assert results_of(bench.send_all()[0]) == 0


steps = st.lists(
    st.one_of(
        st.tuples(st.just("fire"), st.integers(0, 4), st.integers(1, 9)),
        st.tuples(st.just("later"), st.sampled_from([0.3, 1.0, -1.0, 40.0])),
        st.tuples(st.just("send"), st.integers(1, 5), st.integers(1, 12)),
        st.tuples(st.just("put_back")),
        st.tuples(st.just("shift"), st.sampled_from([-1.0, 1.0, 2.0])),
        st.tuples(st.just("use_resolution"), st.sampled_from([1, 5])),
        st.tuples(st.just("begin_run"), st.sampled_from(["", "run", "run 2"])),
        st.tuples(st.just("name_unknown_run"), st.sampled_from(["run", "run 2"])),
    ),
    min_size=5,
    max_size=40,
)


class Play:
    """A recorder to which things happen, and how many results were fired."""

    def __init__(self):
        self.clock = ManualClock(NOW_S)
        self.recorder = RequestListener(self.clock, LogOnce())
        self.buffer = self.recorder.buffer
        self.fired = 0
        self.sent = []

    def fire(self, endpoint, times):
        for _ in range(times):
            self.recorder.on_request("GET", f"/{endpoint}", 1.0 + self.fired, 1)
            self.fired += 1

    def later(self, seconds):
        self.clock.advance(seconds)
        self.recorder.look_at_clock()

    def send(self, max_summaries, max_waiting):
        self.sent += self.buffer.take(max_summaries, max_waiting)

    def put_back(self):
        if self.sent:
            self.buffer.put_back([self.sent.pop()])

    def shift(self, seconds):
        self.buffer.stored.shift(seconds)

    def step(self, kind, *args):
        if hasattr(self, kind):
            getattr(self, kind)(*args)
        else:
            getattr(self.buffer, kind)(*args)


@given(steps)
def test_whatever_is_taken_when_each_result_comes_once(steps):
    """What waits for its summary goes with it, wherever the summary goes, and the counters tell of it all the while."""
    play = Play()
    buffer = play.buffer
    for step in steps:
        play.step(*step)
        told = buffer.copy_counters().values()
        unknown = buffer.counters[UNKNOWN_RUN].recorded if UNKNOWN_RUN in buffer.counters else 0
        assert sum(counters.recorded for counters in told) + unknown == play.fired
        assert sum(counters.held for counters in told) + unknown == play.fired - results_in(play.sent)
    buffer.name_unknown_run("run")
    sent = play.sent + buffer.take()
    assert buffer.stored.is_empty
    assert sorted(times_of(sent)) == pytest.approx([float(n) for n in range(1, play.fired + 1)], rel=0.01)
    assert all(summary.bytes_sum == summary.count for s in sent for summary in s.summaries.values())


def results_in(sections: list[Section]) -> int:
    return sum(section.results for section in sections)


def times_of(sections):
    for section in sections:
        for summary in section.summaries.values():
            for index, count in summary.successes.bins.items():
                yield from [EDGES[index]] * count
