from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import replace

import pytest

from locust_cw_dist.core.summaries.run_counters import RunCounters
from locust_cw_dist.core.wire import frame as frame_module
from locust_cw_dist.core.wire.frame import MALFORMED, NOT_PACKED, TIME_OUT_OF_RANGE, FrameError, decode
from locust_cw_dist.core.worker.buffer import WorkerBuffer
from locust_cw_dist.core.worker.outbox import (
    GIVE_UP_AFTER_REPORTS,
    GIVE_UP_AFTER_S,
    MAX_SUMMARIES_PER_FRAME,
    NOTHING,
    RESEND_AFTER_REPORTS,
    Cutter,
)
from support.publishing.benches import WorkerSide
from support.strategies import NOW_S, an_untimed_result, counts_of, moment, results_of

AT_WORK = moment(NOW_S + 3, users=1)
OVER = moment(NOW_S + 3, over=True)


class Bench(WorkerSide):
    def report(self, moment=AT_WORK):
        return super().report(moment)

    def reports(self, count):
        return [self.report() for _ in range(count)]

    def acknowledge(self, data):
        return self.outbox.on_acknowledgement(decode(data).seq)

    def final_frames(self, moment=OVER):
        """All that is sent at the end, where each frame is acknowledged at once."""
        frames = []
        while data := self.outbox.final_frame(moment):
            frames.append(decode(data))
            self.acknowledge(data)
            assert len(frames) < 50
        return frames


@pytest.fixture
def bench():
    return Bench()


def test_a_report_takes_what_was_recorded(bench):
    bench.record()
    frame = decode(bench.report())
    assert (frame.worker_id, frame.epoch, frame.seq, frame.acked, frame.run_id) == ("worker", "epoch", 1, 0, "run")
    assert (results_of(frame), frame.counters) == (1, {"run": RunCounters(1)})
    assert (frame.cut_at_s, frame.clock_offset_s, frame.final, frame.idle) == (NOW_S + 3, 0.0, False, False)
    assert bench.buffer.stored.is_empty


def test_a_frame_that_is_refused_for_good_is_lost_and_counted_and_holds_nothing_up(bench):
    bench.record()
    bench.record()
    refused = bench.report()
    bench.record()
    assert bench.outbox.on_refusal(zlib.crc32(refused) ^ 1, TIME_OUT_OF_RANGE) == 0
    assert bench.report() == NOTHING
    assert bench.outbox.on_refusal(zlib.crc32(refused), TIME_OUT_OF_RANGE) == 2
    assert bench.outbox.on_refusal(zlib.crc32(refused), TIME_OUT_OF_RANGE) == 0
    following = bench.report()
    frame = decode(following)
    assert (frame.seq, frame.acked, results_of(frame)) == (2, 1, 1)
    assert frame.counters == {"run": RunCounters(3, lost=Counter({TIME_OUT_OF_RANGE: 2}))}
    assert bench.acknowledge(following)
    assert [results_of(frame) for frame in bench.final_frames()] == [0]
    assert bench.outbox.unacknowledged == 0


def test_a_loss_is_told_also_where_nothing_else_is_left_to_tell(bench):
    bench.record()
    assert bench.acknowledge(bench.report())
    bench.record()
    data = bench.report()
    assert bench.outbox.on_refusal(zlib.crc32(data), MALFORMED) == 1
    (last,) = bench.final_frames()
    assert last.final
    assert last.counters == {"run": RunCounters(2, lost=Counter({MALFORMED: 1}))}
    assert bench.outbox.is_settled


def test_what_can_not_be_packed_is_lost_and_counted(bench, monkeypatch):
    bench.record()
    with monkeypatch.context() as patch:
        patch.setattr("locust_cw_dist.core.worker.outbox.encode", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            bench.report()
    bench.record()
    frame = decode(bench.report())
    assert (results_of(frame), frame.counters) == (1, {"run": RunCounters(2, lost=Counter({NOT_PACKED: 1}))})


def test_the_next_frame_waits_for_the_acknowledgement(bench):
    bench.record()
    first = bench.report()
    bench.record()
    assert bench.report() == NOTHING
    assert bench.outbox.is_waiting
    assert bench.acknowledge(first)
    assert not bench.outbox.is_waiting
    second = decode(bench.report())
    assert (second.seq, second.acked, results_of(second), second.counters["run"].recorded) == (2, 1, 1, 2)


def test_a_frame_without_acknowledgement_is_sent_again_as_it_was(bench):
    bench.record()
    first = bench.report()
    bench.record()
    sent = bench.reports(3 * RESEND_AFTER_REPORTS)
    assert sent == ([NOTHING] * (RESEND_AFTER_REPORTS - 1) + [first]) * 3


def test_after_a_reconnect_it_is_sent_again_at_once(bench):
    first = bench.report()
    bench.outbox.on_reconnect()
    assert bench.reports(2) == [first, NOTHING]


def test_a_reconnect_without_a_frame_on_its_way_is_no_matter(bench):
    bench.outbox.on_reconnect()
    assert decode(bench.report()).seq == 1
    assert bench.report() == NOTHING


@pytest.mark.parametrize("seq", [0, 1, 3, 2**53])
def test_an_acknowledgement_of_another_frame_changes_nothing(bench, seq):
    bench.acknowledge(bench.report())
    bench.record()
    second = bench.report()
    assert not bench.outbox.on_acknowledgement(seq)
    assert bench.reports(RESEND_AFTER_REPORTS)[-1] == second
    assert bench.acknowledge(second)
    assert not bench.acknowledge(second)


def test_as_long_as_the_clock_is_not_put_right_nothing_is_vouched_for(bench):
    assert decode(bench.report(moment(NOW_S, offset_s=None))).cut_at_s == 0.0


def test_what_waits_for_its_run_is_not_vouched_for():
    bench = Bench(run_id=None)
    bench.record(at_s=NOW_S + 1.5)
    frame = decode(bench.report())
    assert (frame.run_id, results_of(frame), frame.cut_at_s) == ("", 0, NOW_S + 1)


@pytest.mark.parametrize(
    ("moment", "idle"),
    [(OVER, True), (AT_WORK, False), (moment(over=True, users=1), False), (moment(over=False, users=0), False)],
)
def test_a_worker_is_idle_when_its_test_is_over_and_its_users_are_gone(bench, moment, idle):
    assert decode(bench.report(moment)).idle is idle


def test_at_the_end_all_that_is_left_goes_and_the_last_frame_says_so(bench):
    bench.record()
    bench.report()
    bench.record("/b")
    frames = bench.final_frames()
    assert [(frame.seq, results_of(frame), frame.final) for frame in frames] == [(1, 1, False), (2, 1, True)]
    assert bench.outbox.is_settled


def test_a_worker_that_was_idle_and_is_acknowledged_has_no_last_word(bench):
    bench.record()
    bench.acknowledge(bench.report(OVER))
    assert bench.outbox.is_settled
    assert bench.outbox.final_frame(OVER) == NOTHING


def test_a_report_that_tells_nothing_more_holds_nobody(bench):
    """Locust's last report comes when a master that has all may be gone."""
    bench.record()
    bench.acknowledge(bench.report(OVER))
    assert bench.report(OVER) != NOTHING
    assert bench.outbox.final_frame(OVER) == NOTHING


def test_a_report_that_tells_more_is_waited_for(bench):
    bench.record()
    bench.acknowledge(bench.report(OVER))
    bench.record()
    last = bench.report(OVER)
    assert bench.outbox.final_frame(OVER) == last


@pytest.mark.parametrize("news", ["result", "untimed result", "run"])
def test_news_after_it_was_idle_are_told(bench, news):
    bench.acknowledge(bench.report(OVER))
    if news == "run":
        bench.buffer.begin_run("run 2")
    elif news == "result":
        bench.record()
    else:
        bench.buffer.record(an_untimed_result(), NOW_S)
    (frame,) = bench.final_frames()
    assert frame.final
    assert frame.counters == bench.buffer.copy_counters()


def test_that_it_was_idle_before_any_run_was_known_is_not_the_last_word_of_a_later_one(bench):
    bench.buffer.begin_run("")
    first = bench.report(OVER)
    bench.buffer.begin_run("run 1")
    bench.buffer.begin_run("")
    bench.acknowledge(first)
    (frame,) = bench.final_frames()
    assert frame.final


def test_a_process_that_ends_in_the_middle_of_its_test_says_its_last_word_once(bench):
    bench.record()
    frames = bench.final_frames(AT_WORK)
    assert [(results_of(frame), frame.final, frame.idle) for frame in frames] == [(1, True, False)]


def test_results_that_come_after_the_last_word_go_in_another(bench):
    bench.record()
    first = bench.outbox.final_frame(AT_WORK)
    bench.record("/b")
    bench.acknowledge(first)
    (second,) = bench.final_frames()
    assert (results_of(second), second.final) == (1, True)


def test_the_run_may_be_learnt_from_the_answer_to_the_last_word():
    bench = Bench(run_id=None)
    bench.record()
    first = bench.outbox.final_frame(OVER)
    assert (results_of(decode(first)), decode(first).final) == (0, False)
    bench.buffer.name_unknown_run("run")
    bench.acknowledge(first)
    (second,) = bench.final_frames()
    assert (results_of(second), second.final) == (1, True)


def test_what_never_gets_a_run_does_not_hold_the_process():
    bench = Bench(run_id=None)
    bench.record()
    assert [frame.final for frame in bench.final_frames()] == [False, True]


def test_results_of_the_old_run_go_while_the_new_one_has_no_name(bench):
    bench.record()
    bench.buffer.begin_run("")
    bench.record("/b")
    frames = bench.final_frames()
    assert [(frame.run_id, results_of(frame), frame.final) for frame in frames] == [("", 1, False), ("", 0, True)]


def test_nobody_is_there_after_many_reports_without_an_answer(bench):
    bench.reports(GIVE_UP_AFTER_REPORTS)
    assert not bench.outbox.is_abandoned
    bench.report(replace(AT_WORK, now_s=AT_WORK.now_s + GIVE_UP_AFTER_S))
    assert bench.outbox.is_abandoned


def test_nobody_is_given_up_for_reporting_often_or_rarely(bench):
    """A locustfile may make workers report each 0.1 s, or each minute."""
    for number in range(10 * GIVE_UP_AFTER_REPORTS):
        bench.report(replace(AT_WORK, now_s=AT_WORK.now_s + number / 10))
    assert not bench.outbox.is_abandoned
    rare = Bench()
    for number in range(GIVE_UP_AFTER_REPORTS):
        rare.report(replace(AT_WORK, now_s=AT_WORK.now_s + 60 * number))
    assert not rare.outbox.is_abandoned


def test_a_master_that_answered_once_is_not_given_up(bench):
    bench.acknowledge(bench.report())
    bench.reports(5 * GIVE_UP_AFTER_REPORTS)
    assert not bench.outbox.is_abandoned


def test_a_worker_that_has_stopped_sends_nothing_and_keeps_no_results(bench):
    bench.record()
    bench.report()
    bench.record()
    bench.outbox.stop()
    assert bench.buffer.stored.is_empty
    assert bench.reports(3) == [NOTHING] * 3
    assert bench.outbox.final_frame(OVER) == NOTHING


def test_after_a_stop_the_frame_on_its_way_goes_on_and_what_was_dropped_was_not_recorded(bench):
    bench.record()
    first = bench.report()
    bench.record()
    bench.outbox.stop()
    bench.outbox.resume()
    assert not bench.outbox.has_stopped
    assert not bench.outbox.is_abandoned
    bench.record("/b")
    frames = bench.final_frames()
    assert frames[0] == decode(first)
    assert [(frame.seq, results_of(frame)) for frame in frames] == [(1, 1), (2, 1)]
    assert frames[1].counters == {"run": RunCounters(2)}


@pytest.fixture
def small_frames(monkeypatch):
    monkeypatch.setattr(frame_module, "MAX_INFLATED_BYTES", 1_000)


@pytest.mark.usefixtures("small_frames")
def test_the_oldest_windows_go_first_where_not_all_fit(bench):
    for second in range(20):
        for name in ("/a", "/b"):
            bench.record(name, NOW_S + second)
    frames = bench.final_frames(moment(NOW_S + 20, over=True))
    assert len(frames) > 2
    starts = [section.start_s for frame in frames for section in frame.sections]
    assert starts == sorted(starts)
    assert counts_of(section for frame in frames for section in frame.sections).total() == 40
    assert [frame.final for frame in frames] == [frame.idle for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert [frame.counters["run"].held for frame in frames] == [
        40 - sum(results_of(frame) for frame in frames[: index + 1]) for index in range(len(frames))
    ]
    assert frames[0].cut_at_s == frames[1].sections[0].start_s
    assert frames[-1].cut_at_s == NOW_S + 20


@pytest.mark.usefixtures("small_frames")
def test_a_window_that_does_not_fit_goes_in_parts(bench):
    for number in range(60):
        bench.record(f"/{number}")
    frames = bench.final_frames()
    assert len(frames) > 2
    counts = counts_of(section for frame in frames for section in frame.sections)
    assert len(counts) == counts.total() == 60


def test_one_summary_that_does_not_fit_is_a_mistake(bench, monkeypatch):
    monkeypatch.setattr(frame_module, "MAX_INFLATED_BYTES", 20)
    bench.record()
    with pytest.raises(FrameError):
        bench.report()


def test_the_bytes_of_an_acknowledged_frame_are_not_kept(bench):
    bench.record()
    bench.acknowledge(bench.report())
    assert bench.outbox._answered.data == NOTHING


def test_a_cutter_alone_numbers_its_frames():
    buffer = WorkerBuffer()
    buffer.begin_run("run")
    cutter = Cutter(buffer, worker_id="local", epoch="epoch")
    frames = []
    for _ in range(3):
        frames.append(cutter.cut(AT_WORK, final=False))
        cutter.acked = frames[-1].seq
    assert [(frame.seq, frame.acked) for frame in frames] == [(1, 0), (2, 1), (3, 2)]


def test_a_frame_on_its_way_is_compressed(bench):
    for number in range(200):
        bench.record(f"/some/long/path/{number}")
    data = bench.report()
    head = zlib.decompressobj()
    size = len(head.decompress(data[8:])) + len(zlib.decompress(head.unused_data))
    assert len(data) < size / 4


def test_what_is_beyond_a_frame_follows_when_that_is_acknowledged(bench):
    names = [f"/{number}" for number in range(MAX_SUMMARIES_PER_FRAME + 1)]
    for at_s in (NOW_S, NOW_S + 1):
        for name in names:
            bench.record(name, at_s)
    sent = [decode(bench.report())]
    assert bench.outbox.follow_up(AT_WORK) == NOTHING  # not before
    while bench.outbox.on_acknowledgement(sent[-1].seq) and (data := bench.outbox.follow_up(AT_WORK)):
        sent.append(decode(data))
    assert [sum(len(section.summaries) for section in frame.sections) for frame in sent] == [100, 100, 2]
    assert counts_of(section for frame in sent for section in frame.sections) == {
        ("run", int(at_s), (name, "GET")): 1 for at_s in (NOW_S, NOW_S + 1) for name in names
    }
    assert [frame.cut_at_s for frame in sent] == [NOW_S, NOW_S + 1, AT_WORK.now_s]


class WholeWindows(Bench):
    """A worker whose master asks for whole windows, of 10 s."""

    def __init__(self, resolution_s=10):
        super().__init__()
        self.buffer.use_resolution(resolution_s)
        self.outbox.whole_windows = True

    def report_at(self, at_s, **state):
        """The frame of a report, acknowledged at once, or None."""
        data = self.outbox.on_report(moment(at_s, users=1, **state))
        if not data:
            return None
        frame = decode(data)
        assert self.outbox.on_acknowledgement(frame.seq)
        return frame


def shipped(frames):
    """For each report with a frame: its number, the starts of its windows, results, and up to when it vouches."""
    return [
        (number, [section.start_s - NOW_S for section in frame.sections], results_of(frame), frame.cut_at_s - NOW_S)
        for number, frame in enumerate(frames)
        if frame is not None
    ]


def test_whole_windows_are_shipped_when_they_have_ended():
    bench, frames = WholeWindows(), []
    for second in range(0, 33, 3):
        bench.record(at_s=NOW_S + second)
        frames.append(bench.report_at(NOW_S + second + 1))
    assert NOW_S % 10 == 0
    assert shipped(frames) == [(0, [], 0, 0), (3, [0], 4, 12 - 2), (7, [10], 3, 20), (10, [20], 3, 30)]


def test_a_worker_without_results_vouches_for_each_window_too():
    bench = WholeWindows()
    frames = [bench.report_at(NOW_S + second) for second in range(1, 34, 3)]
    assert shipped(frames) == [(0, [], 0, 1), (3, [], 0, 10), (7, [], 0, 22), (10, [], 0, 31)]


def test_parts_of_windows_longer_than_ten_seconds_are_shipped():
    bench, frames = WholeWindows(resolution_s=60), []
    for second in range(0, 24, 3):
        bench.record(at_s=NOW_S - NOW_S % 60 + second)
        frames.append(bench.report_at(NOW_S - NOW_S % 60 + second + 1))
    assert [results_of(frame) for frame in frames if frame is not None] == [1, 3, 4]
    assert [number for number, frame in enumerate(frames) if frame is not None] == [0, 3, 7]


def test_windows_of_a_second_are_shipped_with_each_report():
    bench, frames = WholeWindows(resolution_s=1), []
    for second in range(0, 12, 3):
        bench.record(at_s=NOW_S + second)
        frames.append(bench.report_at(NOW_S + second + 1.5))
    assert [results_of(frame) for frame in frames] == [1, 1, 1, 1]


def test_whole_windows_or_not_all_is_shipped_when_the_test_is_over():
    bench = WholeWindows()
    bench.record()
    assert results_of(bench.report_at(NOW_S + 1)) == 0
    bench.record()
    assert bench.report_at(NOW_S + 4) is None
    data = bench.outbox.on_report(moment(NOW_S + 4, over=True))
    assert (results_of(decode(data)), decode(data).idle) == (2, True)


def test_whole_windows_or_not_all_is_shipped_at_the_end_of_the_process():
    bench = WholeWindows()
    bench.record()
    assert results_of(bench.report_at(NOW_S + 1)) == 0
    assert [(results_of(frame), frame.final) for frame in bench.final_frames(AT_WORK)] == [(1, True)]


def test_a_window_that_has_not_ended_does_not_follow_one_that_has():
    bench, names = WholeWindows(), [f"/{number}" for number in range(MAX_SUMMARIES_PER_FRAME + 1)]
    assert results_of(bench.report_at(NOW_S + 1)) == 0
    for name in names:
        bench.record(name, NOW_S + 9)
        bench.record(name, NOW_S + 10)
    frames, at_s = [decode(bench.outbox.on_report(moment(NOW_S + 11, users=1)))], moment(NOW_S + 11, users=1)
    while bench.outbox.on_acknowledgement(frames[-1].seq) and (data := bench.outbox.follow_up(at_s)):
        frames.append(decode(data))
    assert [(results_of(frame), frame.cut_at_s - NOW_S) for frame in frames] == [(100, 0), (1, 10)]
    assert bench.buffer.stored.count_summaries() == len(names)


def test_a_clock_that_goes_back_holds_no_frame_up():
    bench = WholeWindows()
    assert bench.report_at(NOW_S + 1000) is not None
    bench.record(at_s=NOW_S - 15)
    assert results_of(bench.report_at(NOW_S)) == 1
    assert bench.report_at(NOW_S + 3) is None


def test_results_are_owed_until_they_are_acknowledged(bench):
    assert not bench.outbox.owes_results
    bench.record()
    data = bench.report()
    assert bench.outbox.owes_results
    bench.acknowledge(data)
    assert not bench.outbox.owes_results
    bench.record()
    assert bench.outbox.owes_results


def test_results_of_no_known_run_are_owed():
    bench = Bench(run_id="")
    bench.record()
    assert bench.outbox.owes_results


def test_what_is_recorded_meanwhile_does_not_follow(bench):
    names = [f"/{number}" for number in range(2 * MAX_SUMMARIES_PER_FRAME + 1)]
    frames = 0
    for name in names:
        bench.record(name)
    data = bench.report()
    while data:
        frames += 1
        for name in names:
            bench.record(name)
        bench.acknowledge(data)
        data = bench.outbox.follow_up(AT_WORK)
        assert frames < 50
    assert frames == 3
    assert bench.buffer.stored.count_summaries() == len(names)


def test_the_example_of_the_module_is_true(bench):
    bench.record()
    first = bench.report()
    bench.record()
    assert [decode(first).seq, bench.report(), bench.report()] == [1, NOTHING, first]
    bench.acknowledge(first)
    second = decode(bench.report())
    assert (second.seq, results_of(second)) == (2, 1)
