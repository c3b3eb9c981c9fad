"""Windows, watermark and grace; that frames are merged once is law 3, that all of it stays small is law 7."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.summaries import window as window_module
from locust_cw_dist.core.summaries.gauges import RunGauges
from locust_cw_dist.core.summaries.request_result import MISSING
from locust_cw_dist.core.summaries.run_counters import OTHER, RunCounters
from locust_cw_dist.core.summaries.sections import Section
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import OpenWindow
from locust_cw_dist.core.summaries.windows import MAX_FUTURE_S
from locust_cw_dist.core.wire.frame import REFUSALS, TIME_OUT_OF_RANGE, Frame, FrameError, Vitals, decode, encode
from locust_cw_dist.core.worker.clock_offset import MEMORY, ClockSync
from support.strategies import NOW_S, counts_of, few_endpoints, summaries

RESOLUTION_S, GRACE_S = 10, 15.0
START_S = int(NOW_S)


def one_summary(count=1):
    summary = Summary()
    for _ in range(count):
        summary.record_success(12.5, None)
    return summary


class Bench:
    """A collector and workers whose frames carry so many results of a window; seconds count from NOW_S."""

    def __init__(self):
        self.collector = Collector(resolution_s=RESOLUTION_S, grace_s=GRACE_S)
        self.recorded = Counter()
        self.seqs = Counter()

    def hello(self, worker, at_s=0.0):
        self.collector.greet(worker, worker, NOW_S + at_s)

    def frame(self, worker, cut_at_s, *starts_s, run_id="run", count=1, **changes):
        self.seqs[worker] += 1
        self.recorded[worker, run_id] += count * len(starts_s)
        sections = tuple(
            Section.of(run_id, START_S + start_s, {("/a", "GET"): one_summary(count)}) for start_s in starts_s
        )
        frame = Frame(
            worker_id=worker,
            epoch=worker,
            seq=self.seqs[worker],
            acked=self.seqs[worker] - 1,
            run_id=run_id,
            cut_at_s=NOW_S + cut_at_s,
            clock_offset_s=0.0,
            final=False,
            idle=False,
            vitals=Vitals(),
            counters={run_id: RunCounters(self.recorded[worker, run_id])},
            sections=sections,
        )
        return replace(frame, **changes)

    def deliver(self, worker, cut_at_s, *starts_s, at_s=None, **changes):
        at_s = cut_at_s if at_s is None else at_s
        assert self.collector.accept(self.frame(worker, cut_at_s, *starts_s, **changes), NOW_S + at_s)

    def close(self, at_s, **how):
        """Return (start, results, is_first) of what closes."""
        return [
            (window.start_s - START_S, window.results, window.gauges is not None)
            for window in self.collector.close(NOW_S + at_s, **how)
        ]

    def watermark(self, at_s):
        return self.collector.watermark_s(NOW_S + at_s) - NOW_S


@pytest.fixture
def bench():
    return Bench()


def test_a_window_closes_when_every_worker_has_reported_beyond_it(bench):
    for worker in "ab":
        bench.hello(worker)
    bench.deliver("a", 9.0, 0, 3, 9)
    bench.deliver("b", 9.5, 5)
    assert bench.close(9.9) == []
    bench.deliver("a", 12.0)
    assert bench.close(12.0) == []
    bench.deliver("b", 12.5)
    assert bench.close(12.5) == [(0, 4, True)]
    assert bench.close(60.0) == []


def test_a_frame_that_is_refused_for_good_is_not_merged_when_a_copy_comes_late(bench):
    bench.hello("a")
    far = bench.frame("a", 1.0, MAX_FUTURE_S + 60)
    with pytest.raises(FrameError, match="time out of range"):
        bench.collector.accept(far, NOW_S + 1.0)
    later_s = NOW_S + MAX_FUTURE_S
    assert not bench.collector.accept(far, later_s)
    bench.deliver("a", 4.0, 3, acked=1, counters={"run": RunCounters(2, lost=Counter({TIME_OUT_OF_RANGE: 1}))})
    collector = bench.collector
    assert collector.run("run").recorded == 2
    assert collector.run("run").lost_in_frames == {"a worker's frame: time out of range": 1}
    assert (collector.run("run").unmerged, collector.run("run").open_results) == (0, 1)
    # Each of the lost ones may have been a failure.
    assert collector.run("run").totals.failures == 1


def test_another_master_does_not_take_a_loss_for_what_the_first_one_merged(bench):
    bench.deliver("a", 4.0, 3, seq=3, acked=2, counters={"run": RunCounters(7, lost=Counter({TIME_OUT_OF_RANGE: 4}))})
    # Two were merged elsewhere, one is here, four are lost.
    assert bench.collector.run("run").recorded == 5
    assert bench.collector.run("run").unmerged == 0


def test_a_worker_that_says_it_has_nothing_to_send_is_waited_for(bench):
    bench.deliver("a", 0.0)
    for second in range(3, 19, 3):
        bench.collector.note_heartbeat("a", NOW_S + second)
    bench.collector.note_heartbeat("stranger", NOW_S)
    assert bench.watermark(18.0) == 0.0
    bench.deliver("a", 18.5, 5)
    assert bench.close(18.6) == [(0, 1, True)]


@pytest.mark.parametrize(
    ("reports", "at_s", "watermark_s"),
    [
        ({}, 7.0, 7.0),  # nobody is there to be waited for
        ({"a": 3.0}, 7.0, 3.0),
        ({"a": 3.0, "b": 5.0}, 7.0, 3.0),
        ({"a": 3.0, "b": 5.0}, 18.0, 3.0),  # silent for as long as the grace time
        ({"a": 3.0, "b": 5.0}, 18.5, 5.0),  # longer: no more waited for
        ({"a": 3.0, "b": 5.0}, 21.0, 21.0),
    ],
)
def test_the_watermark_is_the_time_up_to_which_every_live_worker_has_reported(bench, reports, at_s, watermark_s):
    for worker, cut_at_s in reports.items():
        bench.hello(worker)
        bench.deliver(worker, cut_at_s)
    assert bench.watermark(at_s) == watermark_s


@pytest.mark.parametrize(
    ("chatters", "closing"),
    [
        # A worker that is not heard of is dropped when it has been silent for the grace time: at 16 s.
        (False, {16: [(0, 1, True)], 20: [(10, 1, True)]}),
        # One that gives signs of life, and no report, holds each window for the grace time after its end.
        (True, {25: [(0, 1, True)], 35: [(10, 1, True)]}),
    ],
)
def test_a_silent_worker_holds_a_window_for_the_grace_time_at_most(bench, chatters, closing):
    bench.hello("silent")
    bench.hello("working")
    bench.deliver("working", 11.0, 0, 10)
    for second in range(12, 40):
        bench.deliver("working", float(second))
        if chatters:
            bench.hello("silent", second)
        assert bench.close(float(second)) == closing.get(second, [])


def test_a_final_frame_ends_the_waiting_for_its_worker(bench):
    bench.hello("a")
    bench.hello("b")
    bench.deliver("a", 4.0, 0, final=True)
    bench.deliver("b", 10.0, 0)
    assert bench.close(10.0) == [(0, 2, True)]


def test_an_idle_worker_is_waited_for_as_any_other(bench):
    bench.hello("a")
    bench.deliver("a", 4.0, 0, idle=True)
    assert bench.close(10.0) == []
    bench.deliver("a", 10.0, idle=True)
    assert bench.close(10.0) == [(0, 1, True)]


def test_a_worker_can_not_vouch_for_a_time_that_has_not_come(bench):
    bench.hello("a")
    bench.deliver("a", 500.0, 0, at_s=5.0)
    assert bench.watermark(6.0) == 5.0
    assert bench.close(6.0) == []


def test_what_was_vouched_for_stays_so(bench):
    bench.hello("a")
    bench.deliver("a", 12.0)
    bench.deliver("a", 3.0, at_s=13.0)
    assert bench.watermark(13.0) == 12.0


def test_an_old_frame_that_comes_late_is_merged_and_its_news_are_stale(bench):
    bench.hello("a")
    first = bench.frame("a", 3.0, 0, acked=0)
    bench.deliver("a", 12.0, 10, acked=0, vitals=Vitals(users=5))
    assert bench.collector.run("run").unmerged == 1
    assert bench.collector.accept(first, NOW_S + 13)
    assert (bench.watermark(13.0), bench.collector.processes["a"].vitals.users) == (12.0, 5)
    assert (bench.collector.run("run").recorded, bench.collector.run("run").unmerged) == (2, 0)


def test_a_worker_that_joins_in_the_middle_holds_the_window_that_it_joined_in(bench):
    bench.hello("a")
    bench.hello("b", at_s=8.0)
    bench.deliver("a", 12.0, 0)
    assert bench.watermark(12.0) == 8.0
    assert bench.close(12.0) == []
    bench.deliver("b", 13.0, 0, 10)
    assert bench.close(13.0) == [(0, 2, True)]


def test_of_a_worker_that_has_not_greeted_nothing_is_in_yet(bench):
    bench.deliver("a", 9.0, 0, at_s=12.0)
    assert bench.watermark(12.0) == 9.0
    assert bench.close(12.0) == []


def test_late_results_are_counted_and_handed_out_as_a_supplement(bench):
    bench.hello("a")
    bench.deliver("a", 12.0, 0, count=5)
    assert bench.close(12.0) == [(0, 5, True)]
    bench.deliver("a", 13.0, 3, count=2)
    assert bench.close(13.0) == [(0, 2, False)]
    bench.deliver("a", 14.0, 3)
    assert bench.close(14.0) == [(0, 1, False)]
    assert bench.collector.run("run").late == 3
    assert bench.collector.run("run").recorded == 8


def test_late_results_of_a_window_that_was_never_handed_out_come_as_its_first_part(bench):
    bench.hello("a")
    bench.deliver("a", 22.0, 10)
    assert bench.close(22.0) == [(10, 1, True)]
    bench.deliver("a", 23.0, 0, count=4)
    assert bench.close(23.0) == [(0, 4, True)]
    assert bench.collector.run("run").late == 4


def test_the_next_window_is_not_late(bench):
    bench.hello("a")
    bench.deliver("a", 12.0, 0)
    bench.close(12.0)
    bench.deliver("a", 22.0, 10)
    assert bench.close(22.0) == [(10, 1, True)]


def test_a_window_is_late_for_its_own_run_only(bench):
    bench.hello("a")
    bench.deliver("a", 12.0, 0)
    bench.close(12.0)
    bench.deliver("a", 13.0, 0, run_id="run 2")
    assert bench.close(13.0) == [(0, 1, True)]
    assert bench.collector.run("run").late == bench.collector.run("run 2").late == 0


def test_everything_closes_at_the_end_oldest_first(bench):
    bench.hello("a")
    bench.deliver("a", 25.0, 20, 0, 10)
    bench.hello("b", 25.0)
    assert bench.close(5.0, everything=True) == [(0, 1, True), (10, 1, True), (20, 1, True)]
    assert bench.close(5.0, everything=True) == []
    bench.deliver("a", 26.0, 20)
    assert bench.close(26.0) == []  # its time has not come, though a part of it is out
    assert bench.close(30.0, everything=True) == [(20, 1, False)]


def test_what_follows_a_window_that_was_handed_out_early_is_late_only_after_its_time(bench):
    bench.hello("a")
    bench.deliver("a", 12.0, 10)
    assert bench.close(12.0, everything=True) == [(10, 1, True)]
    bench.deliver("a", 20.0, 10)
    assert bench.close(20.0) == [(10, 1, False)]
    assert bench.collector.run("run").late == 0
    bench.deliver("a", 21.0, 10)
    assert bench.close(21.0) == [(10, 1, False)]
    assert bench.collector.run("run").late == 1


def test_finer_windows_of_workers_fall_into_those_of_the_master(bench):
    bench.hello("a")
    bench.deliver("a", 30.0, 0, 4, 9, 10, 19)
    assert bench.close(30.0) == [(0, 3, True), (10, 2, True)]


def test_a_window_takes_the_gauges_of_its_time_along_once(bench):
    bench.collector.gauges.note_counts(5, 2, NOW_S + 3)
    bench.collector.gauges.note_counts(6, 2, NOW_S + 13)
    bench.deliver("a", 20.0, 0, 10)
    assert [window.gauges for window in bench.collector.close(NOW_S + 20)] == [RunGauges(5, 2), RunGauges(6, 2)]
    bench.deliver("a", 21.0, 0, 20)
    supplement, first = bench.collector.close(NOW_S + 30, everything=True)
    assert (supplement.gauges, first.gauges) == (None, RunGauges())


def test_two_runs_that_share_a_time_share_its_gauges(bench):
    bench.collector.gauges.note_counts(5, 2, NOW_S + 3)
    bench.deliver("a", 10.0, 0)
    bench.deliver("b", 10.0, 0, run_id="run 2")
    assert [window.gauges for window in bench.collector.close(NOW_S + 10)] == [RunGauges(5, 2), RunGauges(5, 2)]


def test_a_window_without_results_closes_too(bench):
    bench.collector.open_window("run", NOW_S + 3.9)
    assert bench.collector.run("run").open_results == 0
    assert bench.close(9.9) == []
    assert bench.close(10.0) == [(0, 0, True)]


@pytest.mark.parametrize("seconds", [-86_400, 302])
def test_a_frame_with_one_window_of_another_time_is_refused_whole(bench, seconds):
    with pytest.raises(FrameError) as refused:
        bench.deliver("a", 1.0, 0, seconds)
    bench.collector.refuse(refused.value.reason)
    assert bench.collector.refusals == {"time out of range": 1}
    assert set(bench.collector.refusals) <= set(REFUSALS)
    assert bench.collector.run("run").open_results == bench.collector.run("run").recorded == 0


def test_a_duplicate_is_a_sign_of_life_and_nothing_else(bench):
    frame = bench.frame("a", 5.0, 0)
    assert bench.collector.accept(frame, NOW_S + 5)
    assert not bench.collector.accept(frame, NOW_S + 9)
    assert bench.collector.duplicates == 1
    assert bench.collector.processes["a"].heard_at_s == NOW_S + 9
    assert bench.collector.run("run").open_results == 1


# What a run has recorded, as its workers tell it.


def test_untimed_results_of_all_workers_add_up(bench):
    bench.deliver("a", 1.0, counters={"run": RunCounters(3, Counter({MISSING: 3}), 3)})
    bench.deliver("a", 2.0, counters={"run": RunCounters(5, Counter({MISSING: 4}), 5)})
    bench.deliver("b", 1.0, counters={"run": RunCounters(2, Counter({MISSING: 2}), 2)})
    assert +bench.collector.run("run").untimed == {MISSING: 6}
    assert (bench.collector.run("run").recorded, bench.collector.run("run").unmerged) == (7, 7)
    assert +bench.collector.run("another").untimed == {}


def test_what_a_worker_told_of_a_run_stays_when_it_tells_of_it_no_more(bench):
    bench.deliver("a", 1.0, 0)
    bench.deliver("a", 2.0, 0, run_id="run 2")
    assert set(bench.collector.processes["a"].counters) == {"run 2"}
    assert (bench.collector.run("run").recorded, bench.collector.run("run 2").recorded) == (1, 1)


def test_what_an_earlier_master_has_merged_is_not_this_ones(bench):
    bench.seqs["a"], bench.recorded["a", "run"] = 7, 100
    frame = bench.frame("a", 5.0, 0)
    held = replace(frame, counters={"run": RunCounters(104, Counter({MISSING: 2}), 3)})
    assert bench.collector.accept(held, NOW_S + 5)
    # 100 of before, 1 that came, 3 that the worker holds back.
    assert bench.collector.run("run").recorded == 4
    assert bench.collector.run("run").unmerged == 3
    bench.deliver("a", 6.0, 0, count=3, counters={"run": RunCounters(104, Counter({MISSING: 2}))})
    assert (bench.collector.run("run").recorded, bench.collector.run("run").unmerged) == (4, 0)


# Who is waited for at the end of a run.


def waited_for(bench, run_id="run", silent_since_s=0.0):
    return sorted(epoch.worker_id for epoch in bench.collector.run(run_id).waiting_for(NOW_S + silent_since_s))


@pytest.mark.parametrize(
    ("changes", "waits"),
    [({}, ["a"]), ({"idle": True}, []), ({"final": True}, []), ({"run_id": "run 2"}, ["a"])],
)
def test_a_worker_is_waited_for_until_it_says_that_it_is_done(bench, changes, waits):
    bench.collector.begin("run", (), NOW_S)
    bench.hello("a")
    assert waited_for(bench) == ["a"]
    bench.deliver("a", 1.0, **changes)
    assert waited_for(bench) == waits
    assert waited_for(bench, silent_since_s=2.0) == []


def test_a_worker_that_went_on_to_the_next_run_has_nothing_more_of_the_last(bench):
    bench.deliver("a", 1.0, 0)
    bench.deliver("a", 2.0, 0, run_id="run 2")
    bench.deliver("a", 3.0, 0, run_id="run 3")
    assert [waited_for(bench, run_id) for run_id in ("run", "run 2", "run 3")] == [[], [], ["a"]]


def test_a_worker_that_takes_its_idleness_back_is_waited_for_again(bench):
    bench.deliver("a", 1.0, 0, idle=True)
    bench.deliver("a", 2.0)
    assert waited_for(bench) == ["a"]


def test_workers_that_took_part_and_never_said_that_they_were_done_are_named(bench):
    for early in ("gone before", "lost before its first frame"):
        bench.hello(early)
    bench.collector.begin("run", {"lost before its first frame"}, NOW_S)
    bench.hello("lost right after its greeting")
    bench.deliver("done", 1.0, final=True)
    bench.deliver("lost", 2.0)
    bench.collector.end()
    bench.hello("came later")
    bench.deliver("elsewhere", 2.0, run_id="run 2")
    assert {epoch.worker_id for epoch in bench.collector.run("run").unheard()} == {
        "lost before its first frame",
        "lost right after its greeting",
        "lost",
    }


events = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["hello", "frame", "final"]),
        st.floats(0, 5),  # time that passes before
        st.floats(-2, 1),  # how far the report's cut is from then
        st.lists(st.integers(-25, 3), max_size=3, unique=True),  # starts of its windows, from then
    ),
    max_size=25,
)


@given(events)
def test_windows_close_once_complete_and_in_time_whoever_reports_what(events):
    bench, now_s, true, closed = Bench(), 100.0, Counter(), []
    for worker, what, passed_s, ahead_s, starts_s in events:
        now_s += passed_s
        if what == "hello":
            bench.hello(worker, now_s)
        else:
            starts = [int(now_s) + start_s for start_s in starts_s]
            bench.deliver(worker, now_s + ahead_s, *starts, at_s=now_s, final=what == "final")
            true.update(START_S + start_s // 10 * 10 for start_s in starts)
        assert bench.collector.watermark_s(NOW_S + now_s) <= NOW_S + now_s
        for window in bench.collector.close(NOW_S + now_s):
            # No part of a window comes out before its end, and none is held for longer than the grace time.
            assert window.start_s + RESOLUTION_S <= NOW_S + now_s
            closed.append(window)
        open_starts_s = [window.start_s for window in bench.collector.open_windows()]
        assert all(start_s + RESOLUTION_S > NOW_S + now_s - GRACE_S for start_s in open_starts_s)
    closed += bench.collector.close(NOW_S + now_s, everything=True)
    by_start = Counter()
    for (_, start_s, _), count in counts_of(closed).items():
        by_start[start_s] += count
    assert by_start == true
    supplements = [window.results for window in closed if window.gauges is None]
    assert sum(supplements) <= bench.collector.run("run").late <= len(list(true.elements()))
    firsts = [window.start_s for window in closed if window.gauges is not None]
    assert len(firsts) == len(set(firsts)) == len({window.start_s for window in closed})


# How far a worker's clock is off.


@pytest.mark.parametrize(
    ("measurements", "offset_s"),
    [
        ([], None),
        ([(100.0, 105.1, 100.2)], 4.9),  # the master's clock is 5 s ahead, each way takes 0.1 s
        ([(100.0, 95.1, 100.2)], -4.9),
        ([(100.0, 100.1, 103.0)], 0.0),  # it waited here for 3 s
        ([(100.0, 103.1, 103.2)], 0.0),  # or there
        ([(100.0, 100.1, 107.0), (110.0, 105.1, 110.2)], -4.9),
        ([(100.0, 100.1, 100.2)] + [(200.0, 205.1, 200.2)] * MEMORY, 4.9),  # a clock that moved
    ],
)
def test_the_smallest_offset_that_explains_all_is_taken(measurements, offset_s):
    sync = ClockSync()
    for asked_s, sent_s, received_s in measurements:
        sync.note(asked_s, sent_s, received_s)
    assert sync.offset_s == (None if offset_s is None else pytest.approx(offset_s))


@given(st.floats(-1e6, 1e6), st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), min_size=1, max_size=40))
def test_the_estimate_is_off_by_the_shortest_ways_at_most_and_never_farther_than_the_truth(true_offset_s, delays_s):
    sync = ClockSync()
    for number, (there_s, back_s) in enumerate(delays_s):
        sent_s = NOW_S + number
        sync.note(sent_s - there_s - true_offset_s, sent_s, sent_s + back_s - true_offset_s)
    there_s, back_s = (min(delays) for delays in zip(*delays_s[-MEMORY:], strict=True))
    assert -back_s - 1e-5 <= sync.offset_s - true_offset_s <= there_s + 1e-5
    assert abs(sync.offset_s) <= abs(true_offset_s) + 1e-5


@given(st.lists(st.dictionaries(few_endpoints, summaries(), min_size=1), min_size=1, max_size=5))
def test_rows_of_frames_are_merged_as_the_summaries_that_they_stand_for(parts):
    whole, rows = OpenWindow("run", START_S), OpenWindow("run", START_S)
    for part in parts:
        section = Section.of("run", START_S, part)
        for key, summary in part.items():
            whole.summaries.setdefault(key, Summary()).merge(summary)
        counters = {"run": RunCounters(section.results)}
        frame = Frame("w", "e", 1, 0, "run", NOW_S, 0.0, False, False, Vitals(), counters, (section,))
        (packed,) = decode(encode(frame)).sections
        assert packed == section
        assert packed.summaries == part
        rows.merge(packed)
    assert rows.summaries == whole.summaries


def test_rows_of_endpoints_beyond_the_cap_go_together(monkeypatch):
    monkeypatch.setattr(window_module, "MAX_ENDPOINTS_PER_WINDOW", 2)
    window = OpenWindow("run", START_S)
    section = Section.of("run", START_S, {(name, "GET"): one_summary(2) for name in ("/a", "/b", "/c", "/d")})
    counters = {"run": RunCounters(8)}
    for _ in range(2):
        frame = Frame("w", "e", 1, 0, "run", NOW_S, 0.0, False, False, Vitals(), counters, (section,))
        (packed,) = decode(encode(frame)).sections
        window.merge(packed)
    assert {key: summary.count for key, summary in window.summaries.items()} == {
        ("/a", "GET"): 4, ("/b", "GET"): 4, OTHER: 8
    }  # fmt: skip
