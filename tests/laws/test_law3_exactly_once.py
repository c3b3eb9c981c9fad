"""Law 3: a frame delivered any number of times, in any order, is merged exactly once."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.summaries.run_counters import UNKNOWN_RUN
from locust_cw_dist.core.wire.frame import decode, encode
from locust_cw_dist.core.worker.buffer import WorkerBuffer
from locust_cw_dist.core.worker.outbox import Cutter, Outbox
from locust_cw_dist.core.worker.run_naming import RunNaming
from support.strategies import (
    NOW_S,
    a_result,
    an_untimed_result,
    counts_of,
    few_endpoints,
    moment,
    results_of_few_endpoints,
)


@st.composite
def cut_frames(draw):
    """Frames of several epochs, as bytes, and how many there are; nothing is ever acknowledged."""
    frames = []
    for number in range(draw(st.integers(1, 3))):
        buffer = WorkerBuffer()
        cutter = Cutter(buffer, worker_id=f"worker {number}", epoch=f"epoch {number}")
        for run_id in draw(st.lists(st.sampled_from(["run 1", "run 2"]), min_size=1, max_size=3)):
            buffer.begin_run(run_id)
            for result in draw(st.lists(results_of_few_endpoints, max_size=5)):
                buffer.record(result, NOW_S + draw(st.integers(0, 20)))
            frames.append(encode(cutter.cut(moment(NOW_S + 20), final=False)))
    return frames


@given(cut_frames(), st.data())
def test_frames_in_any_order_and_number_are_merged_once(frames, data):
    extra = data.draw(st.lists(st.sampled_from(frames), max_size=10))
    deliveries = data.draw(st.permutations(frames + extra))
    collector = Collector(resolution_s=1, grace_s=10.0)
    merged = [collector.accept(decode(frame), NOW_S + 21) for frame in deliveries]
    assert merged.count(True) == len(frames)
    assert collector.duplicates == len(extra)
    sections = [section for frame in frames for section in decode(frame).sections]
    assert counts_of(collector.close(NOW_S, everything=True)) == counts_of(sections)
    assert collector.run("run 1").unmerged == collector.run("run 2").unmerged == 0


class ModelWorker:
    """A worker as its host drives it, with a link that holds frames and acknowledgements until a rule moves them."""

    def __init__(self, number):
        self.buffer = WorkerBuffer()
        self.epoch = f"epoch {number}"
        self.outbox = Outbox(self.buffer, worker_id=f"worker {number}", epoch=self.epoch)
        self.frames = []
        self.acknowledgements = []
        self.naming = RunNaming(self.buffer, self.outbox)
        self.over = True
        self.is_ending = False
        self.recorded = Counter()
        self.nameless = Counter()

    def moment(self, now_s):
        return moment(now_s, over=self.over, users=0 if self.over or self.is_ending else 1)

    def record(self, result, now_s):
        self.buffer.record(result, now_s)
        counts = self.nameless if self.buffer.run_id == UNKNOWN_RUN else self.recorded
        counts[self.buffer.run_id, int(now_s), (result.name, result.method)] += 1

    def start_test(self):
        self.over = False
        self.naming.begin()

    def hear_of(self, run_id, answered_seq=None):
        """Hear the master's word of its current run, with the answer to a frame or without one."""
        was_unknown = self.buffer.run_id == UNKNOWN_RUN
        on_its_way = answered_seq if answered_seq == self.outbox.waiting_seq else None
        self.naming.learn(run_id, on_its_way, clock_moved_s=0.0, is_running=not self.over)
        if was_unknown and self.buffer.run_id != UNKNOWN_RUN:
            for (_, start_s, key), count in self.nameless.items():
                self.recorded[self.buffer.run_id, start_s, key] += count
            self.nameless = Counter()
        if answered_seq is not None:
            self.outbox.on_acknowledgement(answered_seq)


indices = st.integers(0, 20)


def pick(items, index):
    assume(items)
    return index % len(items)


class Delivery(RuleBasedStateMachine):
    """Workers record, report and end; the link loses, repeats, delays and reorders; runs change in between."""

    @initialize(count=st.integers(1, 3), are_told=st.booleans())
    def begin(self, count, are_told):
        self.now_s = NOW_S
        self.collector = Collector(resolution_s=1, grace_s=10.0)
        self.workers = [ModelWorker(number) for number in range(count)]
        self.runs = 1
        self.handed_out = []
        if are_told:
            for worker in self.workers:
                worker.hear_of(self.run_id)
                worker.start_test()

    @property
    def run_id(self):
        return f"run {self.runs}"

    @rule(worker=indices, key=few_endpoints, failure=st.sampled_from((None, "HTTP 500")))
    def record(self, worker, key, failure):
        name, method = key
        result = a_result(name, method=method, failure=failure)
        self.workers[worker % len(self.workers)].record(result, self.now_s)

    @rule(worker=indices, key=few_endpoints, failure=st.sampled_from((None, "HTTP 500")))
    def record_without_a_time(self, worker, key, failure):
        name, method = key
        result = an_untimed_result(name, method=method, failure=failure)
        self.workers[worker % len(self.workers)].record(result, self.now_s)

    @rule(worker=indices)
    def report(self, worker):
        worker = self.workers[worker % len(self.workers)]
        assume(not worker.is_ending)
        if data := worker.outbox.on_report(worker.moment(self.now_s)):
            worker.frames.append(data)

    @rule(worker=indices, times=st.integers(1, 3))
    def record_and_exchange(self, worker, times):
        """What nearly always happens; copies of frame and acknowledgement may still come."""
        worker = self.workers[worker % len(self.workers)]
        for _ in range(times):
            worker.record(a_result(), self.now_s)
            if data := worker.outbox.on_report(worker.moment(self.now_s)):
                frame = decode(data)
                self.collector.accept(frame, self.now_s)
                worker.hear_of(self.run_id, frame.seq)
                worker.frames.append(data)
                worker.acknowledgements.append((self.run_id, frame.seq))

    @rule(worker=indices)
    def final_frame(self, worker):
        worker = self.workers[worker % len(self.workers)]
        worker.is_ending = True
        if data := worker.outbox.final_frame(worker.moment(self.now_s)):
            worker.frames.append(data)

    @rule(worker=indices, index=indices, keep=st.booleans())
    def deliver(self, worker, index, keep):
        """Bring any frame that is on its way; another copy may still come."""
        worker = self.workers[worker % len(self.workers)]
        index = pick(worker.frames, index)
        frame = decode(worker.frames[index] if keep else worker.frames.pop(index))
        self.collector.accept(frame, self.now_s)
        worker.acknowledgements.append((self.run_id, frame.seq))

    @rule(worker=indices, index=indices, keep=st.booleans())
    def acknowledge(self, worker, index, keep):
        worker = self.workers[worker % len(self.workers)]
        index = pick(worker.acknowledgements, index)
        worker.hear_of(*(worker.acknowledgements[index] if keep else worker.acknowledgements.pop(index)))

    @rule(worker=indices)
    def cut_the_link(self, worker):
        worker = self.workers[worker % len(self.workers)]
        worker.frames.clear()
        worker.acknowledgements.clear()
        worker.outbox.on_reconnect()

    @rule(worker=indices, whole_windows=st.booleans())
    def word_comes(self, worker, whole_windows):
        worker = self.workers[worker % len(self.workers)]
        worker.hear_of(self.run_id)
        worker.outbox.whole_windows = whole_windows

    @rule(worker=indices)
    def test_starts_on_worker(self, worker):
        worker = self.workers[worker % len(self.workers)]
        assume(not worker.is_ending)
        worker.start_test()

    @rule(worker=indices)
    def test_stops_on_worker(self, worker):
        self.workers[worker % len(self.workers)].over = True

    @precondition(lambda self: self.runs < 4)
    @rule()
    def new_run(self):
        self.runs += 1

    @rule(seconds=st.sampled_from((0.3, 1.0, 12.0)))
    def time_passes(self, seconds):
        self.now_s += seconds

    @rule()
    def close(self):
        self.handed_out += self.collector.close(self.now_s)

    @invariant()
    def nothing_is_merged_twice(self):
        for run in range(1, self.runs + 1):
            run_id = f"run {run}"
            recorded = sum((worker.recorded for worker in self.workers), Counter())
            true = sum(count for (of, _, _), count in recorded.items() if of == run_id)
            handed_out = sum(window.results for window in self.handed_out if window.run_id == run_id)
            merged = handed_out + self.collector.run(run_id).open_results
            unmerged = self.collector.run(run_id).unmerged
            assert unmerged >= 0
            assert self.collector.run(run_id).recorded == merged + unmerged
            assert self.collector.run(run_id).untimed.total() <= self.collector.run(run_id).recorded
            assert merged + unmerged <= true

    @invariant()
    def a_window_is_handed_out_first_once(self):
        firsts = Counter((window.run_id, window.start_s) for window in self.handed_out if window.gauges is not None)
        assert not firsts or max(firsts.values()) == 1
        assert set(firsts) == {(window.run_id, window.start_s) for window in self.handed_out}

    def teardown(self):
        """Heal the link, which has lost what was on it: all that was recorded arrives, in its window."""
        self.now_s += 1.0
        for worker in getattr(self, "workers", ()):
            worker.hear_of(self.run_id)
            worker.is_ending = True
            frames = 0
            while data := worker.outbox.final_frame(worker.moment(self.now_s)):
                frame = decode(data)
                self.collector.accept(frame, self.now_s)
                worker.hear_of(self.run_id, frame.seq)
                frames += 1
                assert frames <= 4
            assert not worker.nameless
            assert self.collector.processes[worker.epoch].is_done(worker.buffer.run_id, 0.0)
        if hasattr(self, "workers"):
            self.nothing_is_merged_twice()
            self.handed_out += self.collector.close(self.now_s, everything=True)
            recorded = sum((worker.recorded for worker in self.workers), Counter())
            assert counts_of(self.handed_out) == recorded
            for run in range(1, self.runs + 1):
                run_id = f"run {run}"
                assert self.collector.run(run_id).unmerged == 0
                merged = [window for window in self.handed_out if window.run_id == run_id]
                untimed = sum(summary.untimed_count for window in merged for summary in window.summaries.values())
                assert self.collector.run(run_id).untimed.total() == untimed


Delivery.TestCase.settings = settings(stateful_step_count=50, suppress_health_check=list(HealthCheck))
TestDelivery = Delivery.TestCase
