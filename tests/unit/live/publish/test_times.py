"""What is published has the right time, whatever the clock of the process said when it began."""

from __future__ import annotations

import pytest

from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.testing import ScriptedSink
from support.publishing.publisher import NOW_S, Bench, spool_files, wait_until_gevent

HOUR_S = 3600


class AwsClock(ScriptedSink):
    """Refuses what is not of its own time, and tells that time, as AWS's answers do."""

    def __init__(self, ahead_s, failure=Failure.REFUSED):
        super().__init__()
        self.ahead_s = ahead_s
        self.failure = failure
        self.bench = None

    def send(self, namespace, batch):
        self.bench.clock.offset_s = self.ahead_s
        for datum in batch:
            if abs(datum.timestamp_s - self.ahead_s - NOW_S) > HOUR_S:
                raise SendError(self.failure, "the time is out of range")
        super().send(namespace, batch)


def batches_of(sink):
    return [{datum.timestamp_s for datum in batch} for batch in sink.batches]


def close(bench, *, at_s=NOW_S):
    """Have results of a window wait to be sent, which nobody does yet."""
    bench.deliver("/a", at_s=at_s)
    bench.publisher.tick(everything=True)


def starts_of(sink):
    return {datum.timestamp_s for datum in sink.sent("RequestCount")}


def test_a_window_is_written_with_the_offset_of_when_it_closed():
    bench = Bench(ScriptedSink())
    bench.start()
    bench.deliver("/a")
    bench.clock.offset_s = -3 * HOUR_S
    bench.clock.advance(60)
    bench.publisher.tick()
    wait_until_gevent(lambda: starts_of(bench.sink))
    bench.deliver("/a", at_s=NOW_S + 60)
    bench.clock.offset_s = 0
    bench.flush()
    assert starts_of(bench.sink) == {NOW_S - 3 * HOUR_S, NOW_S + 60}


@pytest.mark.parametrize("failure", [Failure.REFUSED, Failure.CREDENTIALS])
@pytest.mark.parametrize("with_spool", [False, True])
@pytest.mark.parametrize("ahead_s", [-3 * HOUR_S, 31 * 365 * 24 * HOUR_S])
def test_what_is_refused_for_a_wrong_clock_is_sent_again_with_the_right_time(ahead_s, with_spool, failure, tmp_path):
    sink = AwsClock(ahead_s, failure)
    bench = sink.bench = Bench(sink, **({"spool_dir": str(tmp_path)} if with_spool else {}))
    bench.deliver("/a", "/b", count=5)
    bench.flush()
    assert starts_of(sink) == {NOW_S + ahead_s}
    assert (bench.balance.published, bench.balance.dropped) == (10, {})
    assert not with_spool or spool_files(tmp_path) == []


@pytest.mark.parametrize("with_spool", [False, True])
def test_what_waited_while_the_clock_was_put_right_is_moved_from_its_own_offset(with_spool, tmp_path):
    sink = AwsClock(-3 * HOUR_S)
    bench = sink.bench = Bench(sink, **({"spool_dir": str(tmp_path)} if with_spool else {}))
    close(bench)
    # The step comes before the first batch is made.
    bench.clock.offset_s = -3 * HOUR_S
    close(bench, at_s=NOW_S + 60)
    bench.flush()
    assert starts_of(sink) == {NOW_S - 3 * HOUR_S, NOW_S + 60 - 3 * HOUR_S}
    assert (bench.balance.published, bench.balance.dropped) == (2, {})


def test_windows_of_different_offsets_share_no_batch():
    bench = Bench(ScriptedSink())
    for number, offset_s in enumerate((0, 0, -3 * HOUR_S, -3 * HOUR_S, 0)):
        bench.clock.offset_s = offset_s
        close(bench, at_s=NOW_S + 60 * number)
    bench.flush()
    shared = [
        {NOW_S, NOW_S + 60},
        {NOW_S + 120 - 3 * HOUR_S, NOW_S + 180 - 3 * HOUR_S},
        {NOW_S + 240},
    ]
    assert sorted(map(sorted, batches_of(bench.sink))) == sorted(map(sorted, shared))


def test_what_is_noted_as_safe_has_the_time_that_is_published():
    bench = Bench(ScriptedSink())
    close(bench)
    bench.clock.offset_s = 3 * HOUR_S
    assert bench.publisher.safe_until_s == NOW_S
    # One that is still open will be published with the offset of when it closes.
    bench.deliver("/b", at_s=NOW_S - 10)
    assert bench.publisher.safe_until_s == NOW_S
    bench.clock.offset_s = -3 * HOUR_S
    assert bench.publisher.safe_until_s == NOW_S - 10 - 3 * HOUR_S
    bench.flush()


def test_what_a_right_clock_refuses_is_set_aside():
    sink = ScriptedSink(*[SendError(Failure.REFUSED, "a bad value")] * 500)
    bench = Bench(sink)
    bench.deliver("/a")
    bench.flush()
    assert bench.balance.published == 0
    assert sum(bench.balance.dropped.values()) == 1
