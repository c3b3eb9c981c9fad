"""The sender where two things go wrong at once: a disk that fails in an outage, an end in the middle of a batch."""

from __future__ import annotations

import math
import os

import gevent
import pytest

from locust_cw_dist.core.publish import retry
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.publish import sender
from locust_cw_dist.live.spool import folder
from locust_cw_dist.testing import ScriptedSink
from support.publishing.publisher import NOW_S, Bench, spool_files, wait_until_gevent


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(retry, "backoff_s", lambda *_: 0.01)


def requests_of(batch):
    return [dict(datum.dimensions).get("Request") for datum in batch]


class Away(ScriptedSink):
    """Is not reached until it is back."""

    is_back = False

    def send(self, namespace, batch):
        if not self.is_back:
            raise SendError(Failure.UNREACHABLE, "no")
        super().send(namespace, batch)


def test_a_disk_that_fills_up_in_an_outage_leaves_what_it_holds_to_be_sent(tmp_path, monkeypatch, caplog):
    bench = Bench(Away(), spool_dir=str(tmp_path))
    bench.start()
    bench.deliver("/a", count=3)
    bench.publisher.tick(everything=True)
    wait_until_gevent(lambda: bench.balance.spooled == 3)

    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(folder, "write_whole", fail)
    calls = bench.publisher.datum_ledger.calls
    wait_until_gevent(lambda: bench.publisher.datum_ledger.calls > calls + 3)
    bench.sink.is_back = True
    bench.flush()
    assert " is lost: " not in caplog.text
    assert (bench.balance.published, bench.balance.spooled, bench.balance.difference) == (3, 0, 0)
    assert spool_files(tmp_path) == []


def test_a_batch_that_shrank_and_cannot_be_written_again_is_sent_from_memory(tmp_path, monkeypatch, caplog):
    class Picky(Away):
        """Refuses /0 by itself once the disk is full."""

        is_full = False

        def send(self, namespace, batch):
            if self.is_full and "/0" in requests_of(batch):
                raise SendError(Failure.REFUSED, "bad name")
            super().send(namespace, batch)

    def fail(*_):
        raise OSError("no space left on device")

    bench = Bench(Picky(), spool_dir=str(tmp_path), metrics=["RequestCount"])
    bench.start()
    bench.deliver("/0", "/1", count=3)
    bench.publisher.tick(everything=True)
    wait_until_gevent(lambda: bench.balance.spooled == 6)
    monkeypatch.setattr(folder, "write_whole", fail)
    bench.sink.is_full = True
    wait_until_gevent(lambda: bench.balance.dropped)
    calls = bench.publisher.datum_ledger.calls
    wait_until_gevent(lambda: bench.publisher.datum_ledger.calls > calls + 3)
    bench.sink.is_back = True
    bench.flush()
    assert " is lost: " not in caplog.text
    assert bench.balance.dropped == {Failure.REFUSED.value: 3}
    assert (bench.balance.published, bench.balance.spooled, bench.balance.difference) == (3, 0, 0)


class HangsAfterRefusing(ScriptedSink):
    """Refuses the first batch, and never answers again."""

    def send(self, namespace, batch):
        if not self.threads:
            self.threads.add(1)
            raise SendError(Failure.REFUSED, "bad")
        gevent.sleep(60)


@pytest.mark.parametrize("has_spool", [False, True])
def test_no_call_begins_after_the_end_and_what_it_would_have_sent_is_booked(tmp_path, monkeypatch, has_spool):
    monkeypatch.setattr(retry, "MIN_INTERVAL_S", 2.0)
    monkeypatch.setattr(sender, "LAST_DISK_S", 10.0)
    settings = {"spool_dir": str(tmp_path)} if has_spool else {}
    bench = Bench(HangsAfterRefusing(), **settings)
    bench.deliver("/a", "/b", count=3)
    bench.start()
    bench.publisher.tick(everything=True)
    wait_until_gevent(lambda: bench.publisher.datum_ledger.calls)
    with gevent.Timeout(30):
        # The end comes while the second call waits for its turn.
        bench.flush(timeout_s=0.3)
    assert bench.publisher.datum_ledger.calls == 1
    assert (bench.balance.pending, bench.balance.difference) == (0, 0)
    assert bench.balance.spooled + sum(bench.balance.dropped.values()) == 6
    assert bench.balance.spooled == (6 if has_spool else 0)


def test_of_a_halved_batch_only_the_piece_without_an_answer_is_dropped():
    class Picky(ScriptedSink):
        """Refuses what has /0 in it beside others; the answer to the first half never comes."""

        has_lost_an_answer = False

        def send(self, namespace, batch):
            names = set(requests_of(batch))
            if {"/0", "/3"} <= names:
                raise SendError(Failure.REFUSED, "bad")
            if "/0" in names and not self.has_lost_an_answer:
                self.has_lost_an_answer = True
                raise SendError(Failure.AMBIGUOUS, "no answer")
            super().send(namespace, batch)

    bench = Bench(Picky(), ambiguous="drop", metrics=["RequestCount"])
    bench.deliver("/0", "/1", "/2", "/3", count=2)
    bench.flush()
    assert bench.balance.dropped == {Failure.AMBIGUOUS.value: 4}
    assert (bench.balance.published, bench.balance.difference) == (4, 0)


def test_while_calls_fail_one_is_made_at_a_time(tmp_path):
    class Failing(ScriptedSink):
        now = most = calls = 0

        def send(self, namespace, batch):
            self.now += 1
            self.calls += 1
            if self.calls > sender.MAX_CALLS_AT_ONCE:
                self.most = max(self.most, self.now)
            gevent.sleep(0.05)
            self.now -= 1
            raise SendError(Failure.UNREACHABLE, "no")

    bench = Bench(Failing(), max_endpoints=1000, spool_dir=str(tmp_path))
    bench.deliver(*[f"/{number}" for number in range(300)])
    bench.start()
    bench.publisher.tick(everything=True)
    wait_until_gevent(lambda: bench.sink.calls > 12)
    bench.flush(timeout_s=0.1)
    assert bench.sink.most == 1


@pytest.mark.parametrize("asked_s", [math.inf, 1e12])
def test_a_pause_that_nobody_means_is_not_kept(monkeypatch, asked_s):
    monkeypatch.setattr(retry, "MAX_RETRY_AFTER_S", 0.2, raising=False)
    bench = Bench(ScriptedSink(SendError(Failure.THROTTLED, "Rate exceeded", retry_after_s=asked_s)))
    bench.deliver("/a")
    bench.start()
    bench.publisher.tick(everything=True)
    wait_until_gevent(lambda: bench.balance.published == 1)
    bench.flush()


def test_results_that_were_dropped_are_not_on_disk_as_well(tmp_path):
    class Picky(Away):
        """Refuses one datum of /a, takes no other for now."""

        def send(self, namespace, batch):
            if any(datum.metric == "ResponseTime_ms" for datum in batch):
                raise SendError(Failure.REFUSED, "bad value")
            super().send(namespace, batch)

    metrics = ["RequestCount", "ResponseTime_ms"]
    first = Bench(Picky(), spool_dir=str(tmp_path), metrics=metrics)
    first.deliver("/a", count=5)
    first.start()
    first.publisher.tick(everything=True)
    wait_until_gevent(lambda: first.balance.dropped)
    first.flush(timeout_s=0.3)
    assert first.balance.dropped == {Failure.REFUSED.value: 5}

    second = Bench(ScriptedSink(), spool_dir=str(tmp_path), metrics=metrics)
    second.start()
    wait_until_gevent(lambda: second.recovered)
    second.flush()
    assert second.sent("RequestCount")
    assert second.recovered[first.run.run_id].ledger.published == 0


def test_a_write_that_the_end_cuts_off_leaves_one_file(tmp_path, monkeypatch):
    """The disk is slow at the end: the batch that waits for it is written once."""
    bench = Bench(Away(), spool_dir=str(tmp_path), metrics=["RequestCount"])
    bench.start()
    bench.deliver("/a", count=3)
    bench.publisher.tick(everything=True)
    wait_until_gevent(lambda: bench.balance.spooled == 3)
    write = folder.write_whole

    def slow(path, content, *_):
        import gevent.monkey

        gevent.monkey.get_original("time", "sleep")(0.5)
        write(path, content)

    monkeypatch.setattr(folder, "write_whole", slow)
    for module in ("publish.sender", "publish.publisher"):
        monkeypatch.setattr(f"locust_cw_dist.live.{module}.LAST_DISK_S", 0.2)
    bench.deliver("/b", count=3, at_s=NOW_S + 10)
    bench.clock.time_s += 20
    bench.flush(timeout_s=0.05)
    assert (bench.balance.pending, bench.balance.difference) == (0, 0)

    monkeypatch.undo()
    second = Bench(ScriptedSink(), spool_dir=str(tmp_path))
    second.start()
    wait_until_gevent(lambda: second.recovered)
    second.flush()
    counted = [datum for datum in second.sent("RequestCount") if datum.dimensions]
    assert sorted(requests_of(counted)) == ["/a", "/b"]


def test_a_disk_that_hangs_does_not_keep_the_process(tmp_path, monkeypatch):
    released, release = os.pipe()
    bench = Bench(Away(), spool_dir=str(tmp_path), metrics=["RequestCount"])
    bench.start()
    monkeypatch.setattr(folder, "write_whole", lambda *_: os.read(released, 1))
    for module in ("publish.sender", "publish.publisher", "spool.spool_keeper"):
        monkeypatch.setattr(f"locust_cw_dist.live.{module}.LAST_DISK_S", 0.2)
    bench.deliver("/a", count=3)
    try:
        with gevent.Timeout(10):
            bench.flush(timeout_s=0.1)
        assert (bench.balance.pending, bench.balance.spooled, bench.balance.difference) == (0, 0, 0)
        assert sum(bench.balance.dropped.values()) == 3
    finally:
        os.write(release, b"12345678")


def test_refused_datums_that_find_no_room_are_said_to_be_counted_only(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(folder, "MAX_REFUSED_BYTES", 10)
    bench = Bench(
        ScriptedSink(*[SendError(Failure.REFUSED, "bad")] * 9), spool_dir=str(tmp_path), metrics=["RequestCount"]
    )
    bench.deliver("/a", count=3)
    bench.flush()
    assert bench.balance.dropped == {Failure.REFUSED.value: 3}
    assert "refused.jsonl is full: further refused datums are only counted" in caplog.text
