"""Law 7: memory is bounded by endpoints x windows, never by requests, however long the other side is away."""

from __future__ import annotations

import itertools
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.master import collector as collector_module
from locust_cw_dist.core.master.collector import FORGET_PROCESS_AFTER_S, MAX_REMEMBERED_WINDOWS, Collector
from locust_cw_dist.core.master.gauges import MAX_WINDOWS as MAX_GAUGES
from locust_cw_dist.core.master.gauges import GaugeBook
from locust_cw_dist.core.master.worker_processes import SEQUENCE_SPAN
from locust_cw_dist.core.publish.backlog import Backlog
from locust_cw_dist.core.summaries import window as window_module
from locust_cw_dist.core.summaries.run_counters import MAX_WINDOWS, OTHER, RunCounters
from locust_cw_dist.core.summaries.sections import Section
from locust_cw_dist.core.summaries.summary import MAX_REASONS, Summary
from locust_cw_dist.core.summaries.window import ClosedWindow, OpenWindow
from locust_cw_dist.core.summaries.windows import MAX_FUTURE_S, MAX_PAST_S
from locust_cw_dist.core.wire.frame import NO_ROOM, SEQUENCE, TIME_OUT_OF_RANGE, Frame, FrameError, Vitals, decode
from locust_cw_dist.core.worker.buffer import WorkerBuffer
from locust_cw_dist.core.worker.outbox import NOTHING, Outbox
from support.strategies import NOW_S, a_result, counts_of, moment, results, results_of

MAX_ENDPOINTS = 4


def assert_small(buffer, runs):
    """Assert that a buffer holds no more than endpoints x windows; return its results."""
    assert len(buffer.stored._windows) <= MAX_WINDOWS + runs
    for summaries in buffer.stored._windows.values():
        assert len(summaries) <= MAX_ENDPOINTS + 1
        assert all(len(summary.reasons) <= MAX_REASONS + 1 for summary in summaries.values())
    return sum(summary.count for summaries in buffer.stored._windows.values() for summary in summaries.values())


# The worker.


@given(
    st.lists(st.tuples(results, st.integers(0, 300), st.sampled_from(["run 1", "run 2", ""])), min_size=30, max_size=90)
)
@pytest.mark.slow
def test_a_buffer_that_nobody_empties_stays_small_and_loses_nothing(recordings):
    buffer = WorkerBuffer(max_endpoints=MAX_ENDPOINTS)
    for result, later_s, run_id in recordings:
        if buffer.run_id != run_id:
            buffer.begin_run(run_id)
        buffer.record(result, NOW_S + later_s)
        assert_small(buffer, runs=3)
    assert assert_small(buffer, runs=3) == len(recordings)
    buffer.stored.shift(0.4)
    buffer.name_unknown_run("run 2")
    assert assert_small(buffer, runs=3) == len(recordings)


def test_time_gets_coarser_at_the_far_end():
    buffer = WorkerBuffer()
    buffer.begin_run("run")
    for second in range(2 * MAX_WINDOWS):
        buffer.record(a_result(), NOW_S + second)
    sections = buffer.take()
    assert [section.start_s - int(NOW_S) for section in sections] == [0, *range(MAX_WINDOWS + 1, 2 * MAX_WINDOWS)]
    assert [section.results for section in sections] == [MAX_WINDOWS + 1] + [1] * (MAX_WINDOWS - 1)


def test_a_worker_whose_master_never_answers_keeps_one_frame_and_one_buffer():
    buffer = WorkerBuffer(max_endpoints=MAX_ENDPOINTS)
    buffer.begin_run("run")
    outbox = Outbox(buffer, worker_id="worker", epoch="epoch")
    frames = set()
    for second in range(600):
        for number in range(6):
            buffer.record(a_result(f"/{number}"), NOW_S + second)
        if second % 3 == 0:
            frames.add(outbox.on_report(moment(NOW_S + second, users=1)))
    (frame,) = frames - {NOTHING}
    assert results_of(decode(frame)) + assert_small(buffer, runs=1) == 3_600


@pytest.mark.slow
def test_a_hundred_times_as_many_requests_take_no_more_memory():
    def measure(requests):
        tracemalloc.start()
        buffer = WorkerBuffer()
        buffer.begin_run("run")
        times = itertools.cycle(range(1, 400))
        for number in range(requests):
            buffer.record(a_result(f"/{number % 7}", ms=float(next(times))), NOW_S)
        used, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return used

    # A number that is five times as large takes three binary digits more.
    assert measure(100_000) < 1.2 * measure(20_000)


# The master.


def forged(epoch="epoch", *, run_id="run", start_s=NOW_S, seq=1, acked=0, runs=()):
    summary = Summary()
    summary.record_success(1.0, None)
    counters = {name: RunCounters(1) for name in (run_id, *runs)}
    section = Section.of(run_id, int(start_s), {("/a", "GET"): summary})
    return Frame("worker", epoch, seq, acked, run_id, NOW_S, 0.0, False, False, Vitals(), counters, (section,))


def refusal_of(collector, frame, now_s=NOW_S):
    try:
        collector.accept(frame, now_s)
    except FrameError as e:
        return e.reason
    return None


@pytest.fixture
def small_caps(monkeypatch):
    for name in ("MAX_PROCESSES", "MAX_RUNS_TOLD_OF", "MAX_OPEN_WINDOWS"):
        monkeypatch.setattr(collector_module, name, 20)


@pytest.fixture
def collector(small_caps):
    return Collector(resolution_s=10, grace_s=30.0)


def test_a_crowd_of_forged_workers_is_refused_and_those_at_work_stay(collector):
    assert refusal_of(collector, forged("honest")) is None
    refusals = [refusal_of(collector, forged(f"forged {number}")) for number in range(50)]
    assert refusals == [None] * 19 + [NO_ROOM] * 31
    with pytest.raises(FrameError, match=NO_ROOM):
        collector.greet("worker", "another", NOW_S)
    assert refusal_of(collector, forged("honest", seq=2, acked=1)) is None
    assert len(collector.processes) == 20
    assert collector.run("run").open_results == 21


def test_a_refusal_for_want_of_room_is_made_up_for(collector):
    for number in range(20):
        collector.greet("worker", f"old {number}", NOW_S + number)
    frame = forged("new", start_s=NOW_S + FORGET_PROCESS_AFTER_S)
    assert refusal_of(collector, frame, NOW_S + FORGET_PROCESS_AFTER_S - 1) == NO_ROOM
    assert refusal_of(collector, frame, NOW_S + FORGET_PROCESS_AFTER_S) is None
    assert "old 0" not in collector.processes
    assert "old 1" in collector.processes


def test_what_a_forgotten_worker_told_stays(collector):
    assert refusal_of(collector, forged("old")) is None
    later_s = NOW_S + 2 * FORGET_PROCESS_AFTER_S
    for number in range(20):
        collector.greet("worker", f"new {number}", later_s)
    assert "old" not in collector.processes
    assert (collector.run("run").recorded, collector.run("run").open_results, collector.run("run").unmerged) == (
        1,
        1,
        0,
    )


def test_runs_that_were_made_up_are_refused_and_the_own_ones_have_room(collector):
    frames = [forged(run_id=f"run {number}", seq=number + 1, acked=number) for number in range(40)]
    assert [refusal_of(collector, frame) for frame in frames] == [None] * 20 + [NO_ROOM] * 20
    many = forged("epoch 2", run_id="run 0", runs=[f"more {number}" for number in range(9)])
    assert refusal_of(collector, many) == NO_ROOM
    collector.close(NOW_S, everything=True)
    collector.open_window("own run", NOW_S)
    assert refusal_of(collector, forged("epoch 2", run_id="own run")) is None
    assert len(collector._runs) == 21


def test_open_windows_are_bounded_until_they_close(collector):
    frames = [forged(start_s=NOW_S - 10 * number, seq=number + 1, acked=number) for number in range(40)]
    assert [refusal_of(collector, frame) for frame in frames] == [None] * 20 + [NO_ROOM] * 20
    assert sum(window.results for window in collector.close(NOW_S + 60)) == 20
    assert [refusal_of(collector, frame) for frame in frames[20:]] == [None] * 20
    assert collector.run("run").recorded == 1  # what the frames tell, however many came
    assert collector.run("run").open_results == 20


def test_an_epoch_remembers_few_numbers(collector):
    frames = [forged(seq=seq) for seq in range(2, SEQUENCE_SPAN + 10)]
    refusals = [refusal_of(collector, frame) for frame in frames]
    assert refusals == [None] * (SEQUENCE_SPAN - 1) + [SEQUENCE] * 9
    assert len(collector.processes["epoch"]._above) == SEQUENCE_SPAN - 1
    assert refusal_of(collector, forged("another", seq=10**15)) == SEQUENCE
    assert "another" not in collector.processes


@pytest.mark.parametrize("start_s", [NOW_S - MAX_PAST_S - 1, NOW_S + MAX_FUTURE_S + 1, 0, 10**11])
def test_windows_of_another_time_are_refused_whole(collector, start_s):
    assert refusal_of(collector, forged(start_s=start_s)) == TIME_OUT_OF_RANGE
    assert not collector.processes
    assert collector.run("run").recorded == 0
    assert collector.close(NOW_S, everything=True) == []


@pytest.mark.parametrize("start_s", [NOW_S - MAX_PAST_S, NOW_S + MAX_FUTURE_S])
def test_windows_at_the_ends_of_the_range_are_taken(collector, start_s):
    assert refusal_of(collector, forged(start_s=start_s)) is None


def test_endpoints_of_a_window_are_capped_on_the_master_too(monkeypatch):
    monkeypatch.setattr(window_module, "MAX_ENDPOINTS_PER_WINDOW", 3)
    window = OpenWindow("run", 0)
    for number in range(50):
        summary = Summary()
        summary.record_success(1.0, None)
        window.merge(Section.of("run", 0, {(f"/{number % 10}", "GET"): summary}))
    assert {key: summary.count for key, summary in window.summaries.items()} == {
        ("/0", "GET"): 5,
        ("/1", "GET"): 5,
        ("/2", "GET"): 5,
        OTHER: 35,
    }


def test_windows_that_were_handed_out_are_remembered_up_to_a_number():
    collector = Collector(resolution_s=1, grace_s=0.0)
    for second in range(MAX_REMEMBERED_WINDOWS + 100):
        collector.open_window("run", NOW_S + second)
        collector.close(NOW_S + second, everything=True)
    assert len(collector._handed_out) == MAX_REMEMBERED_WINDOWS


@given(st.lists(st.tuples(st.sampled_from(["run 1", "run 2", "run 3"]), st.integers(0, 30)), max_size=60))
def test_a_backlog_that_nobody_takes_from_stays_small_and_loses_nothing(windows):
    backlog = Backlog(max_windows=5)
    expected = []
    for run_id, start_s in windows:
        summary = Summary()
        summary.record_success(1.0, None)
        window = ClosedWindow(run_id, start_s, {("/a", "GET"): summary}, None)
        expected.append(Section.of(run_id, 0, {("/a", "GET"): summary}))
        backlog.add(window)
        assert len(backlog) <= 5
    waiting = list(iter(backlog.take, None))
    by_run = counts_of(Section.of(window.run_id, 0, window.summaries) for window in waiting)
    assert by_run.total() == len(windows)
    assert set(by_run) == set(counts_of(expected))


def test_gauges_of_windows_that_nobody_takes_are_dropped():
    gauges = GaugeBook(1)
    for second in range(MAX_GAUGES + 50):
        gauges.note_counts(1, 1, NOW_S + second)
    assert len(gauges._samples) == MAX_GAUGES
    gauges.note_counts(2, 2, NOW_S - 1_000)  # a clock that went back
    assert len(gauges._samples) == MAX_GAUGES
