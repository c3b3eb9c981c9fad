"""The publisher against scripted sinks: what it sends, when it tries again, and how it books what it can't send."""

from __future__ import annotations

import threading

import gevent
import pytest

from locust_cw_dist.core.publish import window_datums
from locust_cw_dist.core.publish.batches import body, weight_pairs
from locust_cw_dist.core.publish.ledger import LEFT_OUT, TOO_LATE
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.publish import sender
from locust_cw_dist.live.publish.sender import MAX_REFUSALS
from locust_cw_dist.testing import ScriptedSink
from support.publishing.endings import stop
from support.publishing.publisher import NOW_S, Bench


def test_everything_is_sent_and_booked_as_published():
    bench = Bench(ScriptedSink())
    bench.deliver("/a", "/b", count=7)
    bench.flush()
    counts = [datum.value.counts for datum in bench.sent("RequestCount") if len(datum.dimensions) == 3]
    assert counts == [(7,), (7,)]
    assert (bench.balance.recorded, bench.balance.published, bench.balance.difference) == (14, 14, 0)


@pytest.mark.parametrize(("limit", "value"), [("max_pairs", 40), ("max_bytes", 900)])
def test_batches_are_as_large_as_the_sink_takes(limit, value):
    sink = ScriptedSink()
    setattr(sink, limit, value)
    bench = Bench(sink)
    bench.deliver("/a", "/b", count=7)
    bench.flush()
    assert (bench.balance.published, bench.balance.difference) == (14, 0)
    sizes = [(sum(map(weight_pairs, batch)), len(body("perf/shop/loadtests", batch))) for batch in sink.batches]
    assert len(sizes) > 3
    assert max(size[limit == "max_bytes"] for size in sizes) <= value


def test_all_calls_come_from_the_thread_of_the_hub():
    bench = Bench(ScriptedSink(SendError(Failure.TRANSIENT, "500")))
    bench.publisher.check()
    bench.deliver("/a")
    bench.flush()
    assert bench.sink.threads == {threading.get_native_id()}


@pytest.mark.parametrize(
    "failure", [failure for failure in Failure if not failure.is_permanent], ids=lambda failure: failure.name
)
def test_what_may_pass_is_tried_again_and_nothing_is_lost(failure):
    bench = Bench(ScriptedSink(SendError(failure, "no"), SendError(failure, "no")))
    bench.deliver("/a", count=3)
    bench.flush()
    assert bench.balance.published == 3
    assert (bench.publisher.datum_ledger.calls, bench.publisher.datum_ledger.retries) == (3, 2)
    assert bench.publisher.datum_ledger.ambiguous == (2 if failure is Failure.AMBIGUOUS else 0)


def test_a_bad_datum_is_found_in_its_batch_and_the_rest_is_sent(caplog):
    class Picky(ScriptedSink):
        def send(self, namespace, batch):
            if any(dict(d.dimensions).get("Request") == "/17" and d.metric == "RequestCount" for d in batch):
                raise SendError(Failure.REFUSED, "bad value")
            self.batches.append(batch)

    bench = Bench(Picky(), max_endpoints=1000)
    bench.deliver(*[f"/{number}" for number in range(60)], count=2)
    bench.flush()
    assert (bench.balance.published, bench.balance.dropped) == (118, {Failure.REFUSED.value: 2})
    assert bench.publisher.datum_ledger.dropped == {Failure.REFUSED.value: 1}
    assert bench.balance.difference == 0
    assert caplog.text.count("Request=/17, Method=GET") == 1
    assert sorted(dict(d.dimensions)["Request"] for d in bench.sent("ResponseTime_ms") if d.dimensions) == sorted(
        f"/{number}" for number in range(60)
    )


def losses(bench):
    return [datum.value for datum in bench.sent("ResultsLost")]


def test_what_is_refused_in_the_last_batch_is_told_of_as_lost():
    class Picky(ScriptedSink):
        def send(self, namespace, batch):
            if any(datum.metric == "RequestCount" for datum in batch):
                raise SendError(Failure.REFUSED, "bad value")
            self.batches.append(batch)

    bench = Bench(Picky())
    bench.publisher.start(lambda: (3, 1))
    bench.run.started_s = NOW_S
    bench.deliver("/a", "/b", count=2)
    bench.flush()
    assert (bench.balance.published, bench.balance.dropped) == (0, {Failure.REFUSED.value: 4})
    assert sum(losses(bench)) == 4


def test_what_workers_told_of_and_never_sent_is_told_of_as_lost():
    bench = Bench(ScriptedSink())
    bench.recorded = 7
    bench.deliver("/a", count=3)
    bench.flush()
    assert (bench.balance.recorded, bench.balance.published, bench.balance.pending) == (10, 3, 7)
    assert sum(losses(bench)) == 7


def test_what_is_no_result_or_left_out_is_not_told_of_as_lost():
    bench = Bench(ScriptedSink(), exclude=("/health",))
    bench.deliver("/health", "/a", count=3)
    bench.flush()
    assert bench.balance.dropped == {LEFT_OUT: 3}
    assert sum(losses(bench)) == 0


@pytest.mark.slow
def test_a_batch_that_is_refused_whatever_is_in_it_costs_a_bounded_number_of_calls():
    class Closed(ScriptedSink):
        def send(self, namespace, batch):
            raise SendError(Failure.REFUSED, "bad namespace")

    bench = Bench(Closed(), max_endpoints=1000)
    bench.deliver(*[f"/{number}" for number in range(200)], count=2)
    bench.flush(timeout_s=60)
    assert bench.balance.dropped == {Failure.REFUSED.value: 400}
    assert bench.publisher.datum_ledger.calls < 20 * 2 * MAX_REFUSALS
    assert bench.balance.difference == 0


def test_a_sink_that_never_takes_anything_costs_the_flush_timeout_and_the_loss_is_booked():
    bench = Bench(ScriptedSink(*[SendError(Failure.UNREACHABLE, "refused")] * 1000))
    bench.deliver("/a", count=5)
    with gevent.Timeout(30):
        bench.flush(timeout_s=0.5)
    assert bench.balance.dropped == {Failure.UNREACHABLE.value: 5}
    assert (bench.balance.pending, bench.balance.difference) == (0, 0)


def test_a_sink_that_hangs_does_not_hold_the_hub():
    class Hanging(ScriptedSink):
        def send(self, namespace, batch):
            gevent.sleep(60)

    bench = Bench(Hanging())
    bench.deliver("/a", count=5)
    with gevent.Timeout(30):
        bench.flush(timeout_s=0.5)
    assert sum(bench.balance.dropped.values()) == 5


def test_late_results_are_sent_with_the_timestamp_of_their_window_and_without_percentiles():
    bench = Bench(ScriptedSink())
    bench.deliver("/a", count=2)
    bench.clock.time_s = NOW_S + 60
    bench.publisher.tick()
    bench.deliver("/a", count=3)
    bench.flush()
    counts = [(d.timestamp_s, d.value.counts) for d in bench.sent("RequestCount") if len(d.dimensions) == 3]
    assert counts == [(int(NOW_S), (2,)), (int(NOW_S), (3,))]
    assert len([d for d in bench.sent("ResponseTime_p95_ms") if len(d.dimensions) == 3]) == 1
    assert bench.balance.late == 3


def test_endpoints_beyond_the_cap_add_up_in_other_and_it_is_said_once(caplog):
    bench = Bench(ScriptedSink(), max_endpoints=2)
    bench.deliver("/busy", "/busy2", count=9)
    bench.publisher.tick(everything=True)
    bench.deliver("/c", "/d", count=4, at_s=NOW_S + 10)
    bench.clock.time_s += 20
    bench.flush()
    other = [d for d in bench.sent("RequestCount") if ("Request", "(other)") in d.dimensions]
    assert [d.value.counts for d in other] == [(8,)]
    assert [("Method", "ALL") in d.dimensions for d in other] == [True]
    assert caplog.text.count("more endpoints than --cw-max-endpoints allows (2)") == 1


def test_a_round_that_breaks_in_the_middle_leaves_nothing_pending(monkeypatch, caplog):
    made = []

    def break_at_the_third(*args, **kwargs):
        made.append(args)
        if len(made) == 3:
            raise RuntimeError("a bug")
        return endpoint_datums(*args, **kwargs)

    endpoint_datums = window_datums.endpoint_datums
    monkeypatch.setattr(window_datums, "endpoint_datums", break_at_the_third)
    bench = Bench(ScriptedSink())
    bench.deliver("/a", "/b", "/c", "/d", count=2)
    bench.flush()
    assert caplog.text.count("could not make datums") == 1
    assert (bench.balance.pending, bench.balance.difference) == (0, 0)
    assert sum(bench.balance.dropped.values()) == 8


def test_what_the_user_left_out_is_neither_published_nor_lost():
    bench = Bench(ScriptedSink(), exclude=("/health",), groups=((r"/item/\d+", "/item"),))
    bench.deliver("/health", "/item/1", "/item/2", count=3)
    bench.flush()
    counts = {dict(d.dimensions).get("Request"): d.value.counts for d in bench.sent("RequestCount")}
    assert counts == {"/item": (6,), None: (6,)}
    assert (bench.balance.published, bench.balance.dropped) == (6, {LEFT_OUT: 3})
    assert (bench.balance.not_lost, bench.balance.difference) == (3, 0)


def test_a_window_that_breaks_before_its_first_datum_leaves_nothing_pending(monkeypatch, caplog):
    bench = Bench(ScriptedSink())
    monkeypatch.setattr(bench.publisher._cap, "apply", lambda _: 1 / 0)
    bench.deliver("/a", count=2)
    bench.flush()
    assert bench.balance.dropped == {sender.BUG: 2}
    assert (bench.balance.pending, bench.balance.difference) == (0, 0)
    assert caplog.text.count("could not make datums") == 1


def test_others_have_the_hub_between_windows_that_close_at_once(monkeypatch):
    """A minute's windows at once: what each costs (groups, a record, rules) adds up to no long hold of the hub."""
    monkeypatch.setattr("locust_cw_dist.live.platform.hub_slice.MAX_HOLD_S", 0.0)
    bench = Bench(ScriptedSink())
    for number in range(6):
        bench.deliver("/a", "/b", count=2, at_s=NOW_S + 10 * number)
    seen, closed = [], []
    bench.publisher.on_closed.append(lambda window: closed.append(window.start_s))

    def watch():
        while len(closed) < 6:
            seen.append((len(closed), bench.balance.difference, bench.balance.pending, bench.publisher.safe_until_s))
            gevent.sleep(0)

    watcher = gevent.spawn(watch)
    gevent.sleep(0)
    bench.publisher.tick(everything=True)
    watcher.join(timeout=5)
    assert {number for number, *_ in seen} == {0, 1, 2, 3, 4, 5}
    # None is out of sight while it waits for its turn.
    assert {tuple(rest) for _, *rest in seen} == {(0, 24, float(NOW_S // 10 * 10))}
    bench.flush()
    assert (bench.balance.published, bench.balance.difference) == (24, 0)


def test_what_is_brought_out_early_leaves_room_for_more_until_it_stops():
    bench = Bench(ScriptedSink())
    bench.start()
    for count in (3, 2):
        bench.deliver("/a", count=count)
        assert bench.publisher.bring_out(15.0)
        assert bench.balance.pending == 0
    assert (bench.balance.published, bench.balance.late) == (5, 0)
    assert len([d for d in bench.sent("ResponseTime_p95_ms") if len(d.dimensions) == 3]) == 1
    stop(bench.publisher)
    bench.deliver("/a", count=4)
    assert not bench.publisher.bring_out(15.0)
    bench.publisher.leave_out()
    assert (bench.balance.published, bench.balance.dropped) == (5, {TOO_LATE: 4})
    assert (bench.balance.pending, bench.balance.difference, bench.balance.not_lost) == (0, 0, 0)


@pytest.mark.parametrize("with_spool", [False, True])
def test_a_call_without_an_answer_leaves_doubts_whatever_was_in_it(with_spool, tmp_path):
    class LosesTheTotals(ScriptedSink):
        """Takes one datum a call; the answer to the first one of all endpoints together is lost."""

        max_pairs = 1
        has_lost_an_answer = False

        def send(self, namespace, batch):
            super().send(namespace, batch)
            if not (batch[0].dimensions or self.has_lost_an_answer):
                self.has_lost_an_answer = True
                raise SendError(Failure.AMBIGUOUS, "no answer")

    bench = Bench(LosesTheTotals(), **({"spool_dir": str(tmp_path)} if with_spool else {}))
    bench.deliver("/a", count=3)
    bench.flush()
    assert bench.sink.has_lost_an_answer
    assert (bench.balance.published, bench.balance.doubtful, bench.balance.has_doubtful_figures) == (3, 0, True)


def test_what_has_never_come_is_told_once():
    bench = Bench(ScriptedSink())
    bench.start()
    bench.recorded = 5
    bench.deliver("/a", count=2)
    bench.publisher.bring_out(15.0)
    bench.publisher.bring_out(15.0)
    assert sum(datum.value for datum in bench.sent("ResultsLost")) == 5
    bench.flush()
