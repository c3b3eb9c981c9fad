"""The sender with a spool on a real disk: what is where at each moment, and what the next process makes of it."""

from __future__ import annotations

import json
import os
import re
import time

import gevent
import pytest

from locust_cw_dist.core.publish import retry
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.publish import sender
from locust_cw_dist.testing import ScriptedSink
from support.publishing.publisher import NOW_S, Bench, spool_files, wait_until_gevent


def away(count=10_000, failure=Failure.UNREACHABLE):
    return [SendError(failure, "no") for _ in range(count)]


class Watching(ScriptedSink):
    """Notes, at each send, which files the spool holds."""

    def __init__(self, folder, *script):
        super().__init__(*script)
        self.folder = folder
        self.seen = []

    def send(self, namespace, batch):
        self.seen.append([name for name in spool_files(self.folder) if "." in name and name != "state.json"])
        super().send(namespace, batch)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(retry, "backoff_s", lambda *_: 0.01)


def counted(*benches):
    """What CloudWatch would count for each request name, over several processes."""
    counts = {}
    for bench in benches:
        for datum in bench.sent("RequestCount"):
            name = dict(datum.dimensions).get("Request")
            if name:
                counts[name] = counts.get(name, 0) + sum(datum.value.counts)
    return counts


def test_a_batch_is_on_disk_before_its_second_try_and_marked_at_each(tmp_path):
    sink = Watching(tmp_path, *away(2))
    bench = Bench(sink, spool_dir=str(tmp_path))
    bench.deliver("/a", count=3)
    bench.flush()
    marked = ["00000001.batch", "00000001.trying"]
    assert sink.seen == [[], marked, marked]
    assert (bench.balance.published, bench.balance.spooled, bench.balance.difference) == (3, 0, 0)
    assert spool_files(tmp_path) == []


def test_while_calls_fail_new_batches_go_to_disk_untried(tmp_path):
    sink = Watching(tmp_path, *away())
    bench = Bench(sink, spool_dir=str(tmp_path))
    bench.start()
    for number in range(3):
        at_s = NOW_S + 10 * number
        bench.clock.time_s = at_s + 1
        bench.deliver(f"/{number}", at_s=at_s)
        bench.publisher.tick(everything=True)
        wait_until_gevent(lambda n=number: bench.balance.spooled == n + 1)
    assert bench.publisher.safe_until_s == bench.clock.now_s()
    wait_until_gevent(lambda: any(len(batch) > 1 for batch in sink.seen))  # tried, with others on disk untried
    sink.script.clear()
    bench.flush()
    assert counted(bench) == {"/0": 1, "/1": 1, "/2": 1}
    assert (bench.balance.published, bench.balance.spooled) == (3, 0)


def test_what_is_not_taken_by_the_deadline_is_on_disk_and_the_next_process_sends_it_once(tmp_path, caplog):
    first = Bench(ScriptedSink(*away()), spool_dir=str(tmp_path))
    first.deliver("/a", "/b", count=5)
    first.flush(timeout_s=0.2)
    assert (first.balance.spooled, first.balance.dropped, first.balance.difference) == (10, {}, 0)
    assert [name for name in spool_files(tmp_path) if name.endswith("batch")] == ["00000001.batch"]

    second = Bench(ScriptedSink(), spool_dir=str(tmp_path))
    second.start()
    wait_until_gevent(lambda: first.run.run_id in second.recovered)
    second.flush()
    assert counted(first, second) == {"/a": 5, "/b": 5}
    recovered = second.recovered[first.run.run_id]
    assert (recovered.ledger.taken, recovered.ledger.published, recovered.doubtful) == (10, 10, 0)
    assert second.balance.recorded == 0
    assert "10 of 10 results found on disk published" in caplog.text
    assert spool_files(tmp_path) == []

    third = Bench(ScriptedSink(), spool_dir=str(tmp_path))
    third.flush()
    assert (counted(third), third.recovered) == ({}, {})


@pytest.mark.parametrize(("choice", "sent"), [("resend", {"/a": 5}), ("drop", {})])
def test_a_call_that_the_end_cuts_off_is_doubtful_for_the_next_process(tmp_path, choice, sent):
    class Hanging(ScriptedSink):
        def send(self, namespace, batch):
            self.threads.add(1)
            gevent.sleep(60)

    first = Bench(Hanging(), spool_dir=str(tmp_path))
    first.deliver("/a", count=5)
    first.start()
    first.publisher.tick(everything=True)
    wait_until_gevent(lambda: first.sink.threads)
    first.flush(timeout_s=0.2)
    assert first.publisher.datum_ledger.ambiguous == 1
    assert (first.balance.spooled, first.balance.difference) == (5, 0)
    assert "00000001.trying" in spool_files(tmp_path)

    second = Bench(ScriptedSink(), spool_dir=str(tmp_path), ambiguous=choice)
    second.start()
    wait_until_gevent(lambda: first.run.run_id in second.recovered)
    second.flush()
    assert counted(second) == sent
    recovered = second.recovered[first.run.run_id]
    assert recovered.doubtful == 1
    assert second.publisher.datum_ledger.ambiguous == 0, "its own calls all got an answer"
    assert recovered.ledger.published == sum(sent.values())
    assert sum(recovered.ledger.dropped.values()) == 5 - sum(sent.values())
    assert spool_files(tmp_path) == []


@pytest.mark.parametrize(("choice", "published"), [("resend", 3), ("drop", 0)])
def test_a_batch_without_an_answer_is_treated_as_the_user_chose(tmp_path, choice, published):
    bench = Bench(ScriptedSink(*away(1, Failure.AMBIGUOUS)), spool_dir=str(tmp_path), ambiguous=choice)
    bench.deliver("/a", count=3)
    bench.flush()
    assert bench.balance.published == published
    assert bench.balance.dropped == ({} if published else {Failure.AMBIGUOUS.value: 3})
    assert bench.publisher.datum_ledger.ambiguous == 1
    assert spool_files(tmp_path) == []


def test_of_a_batch_that_is_halved_only_the_rest_waits_on_disk(tmp_path):
    class Picky(ScriptedSink):
        """Refuses /1; takes /0, and is away when it comes to /2."""

        def send(self, namespace, batch):
            names = {dict(datum.dimensions).get("Request") for datum in batch}
            if "/1" in names:
                raise SendError(Failure.REFUSED, "bad name")
            super().send(namespace, batch)

    first = Bench(Picky(None, *away()), spool_dir=str(tmp_path), metrics=["RequestCount"])
    first.deliver("/0", "/1", "/2", count=2)
    first.start()
    first.publisher.tick(everything=True)
    wait_until_gevent(lambda: first.balance.dropped)
    first.flush(timeout_s=0.3)
    balance = first.balance
    assert balance.dropped.get(Failure.REFUSED.value, 0) == 2
    assert (balance.published + balance.spooled, balance.difference) == (4, 0)
    refused = [json.loads(line) for line in (tmp_path / "refused.jsonl").read_text().splitlines()]
    assert [(line["reason"], line["datum"]["MetricName"]) for line in refused] == [("bad name", "RequestCount")]

    second = Bench(ScriptedSink(), spool_dir=str(tmp_path))
    second.start()
    wait_until_gevent(lambda: first.run.run_id in second.recovered)
    second.flush()
    assert counted(first, second) == {"/0": 2, "/2": 2}


def test_files_that_cannot_be_used_are_said_and_left_and_the_rest_is_sent(tmp_path, caplog):
    first = Bench(ScriptedSink(*away()), spool_dir=str(tmp_path))
    first.deliver("/a", count=5)
    first.flush(timeout_s=0.2)
    (good,) = tmp_path.rglob("*.batch")
    torn, foreign = good.with_name("00000002.batch"), good.with_name("notes.txt")
    torn.write_bytes(good.read_bytes()[:-5])
    foreign.write_text("somebody's")

    second = Bench(ScriptedSink(), spool_dir=str(tmp_path))
    second.start()
    wait_until_gevent(lambda: first.run.run_id in second.recovered)
    second.flush()
    assert counted(second) == {"/a": 5}
    assert re.search(r"00000002.batch: it is damaged", caplog.text)
    assert re.search(r"skipped .*notes.txt: it is not a file of a spool", caplog.text)
    assert torn.exists()
    assert foreign.exists()


def test_what_is_too_old_for_cloudwatch_is_said_and_left(tmp_path, caplog):
    first = Bench(ScriptedSink(*away()), spool_dir=str(tmp_path))
    first.deliver("/a", count=5)
    first.flush(timeout_s=0.2)
    second = Bench(ScriptedSink(), spool_dir=str(tmp_path))
    second.clock.time_s = NOW_S + 14 * 86400
    second.start()
    wait_until_gevent(lambda: second.keeper.recovery.skipped)
    second.flush()
    assert counted(second) == {}
    assert "is 14.0 days old, and CloudWatch accepts nothing older than two weeks" in caplog.text
    assert list(tmp_path.rglob("*.batch"))


def test_a_spool_without_room_leaves_batches_in_memory_and_nothing_is_lost(tmp_path, monkeypatch, caplog):
    sink = ScriptedSink(*away(3))
    bench = Bench(sink, spool_dir=str(tmp_path))
    bench.keeper._spool._max_bytes = 10
    bench.deliver("/a", count=3)
    bench.flush()
    assert bench.balance.published == 3
    assert caplog.text.count("full: unsent batches stay in memory") == 1


def test_a_disk_that_fails_leaves_batches_in_memory_and_nothing_is_lost(tmp_path, monkeypatch, caplog):
    def fail(*_):
        raise OSError("no space left on device")

    bench = Bench(ScriptedSink(*away(3)), spool_dir=str(tmp_path))
    bench.deliver("/a", count=3)
    bench.start()
    monkeypatch.setattr("locust_cw_dist.live.spool.folder.write_whole", fail)
    bench.flush()
    assert bench.balance.published == 3
    assert caplog.text.count("no space left on device") == 1


def test_without_a_spool_windows_wait_merge_and_are_sent_with_their_own_timestamps(monkeypatch):
    sink = ScriptedSink(*away())
    bench = Bench(sink, max_endpoints=1000)
    bench.publisher._backlog._max_windows = 20
    bench.start()
    for number in range(120):
        at_s = NOW_S + 10 * number
        bench.clock.time_s = at_s + 1
        bench.deliver("/a", count=2, at_s=at_s)
        bench.publisher.tick(everything=True)
        gevent.sleep(0)
    assert len(bench.publisher._backlog) <= 20
    assert bench.balance.pending == 240
    sink.script.clear()
    bench.flush(timeout_s=20)
    assert counted(bench) == {"/a": 240}
    assert (bench.balance.published, bench.balance.difference) == (240, 0)
    stamps = {datum.timestamp_s for datum in bench.sent("RequestCount")}
    assert min(stamps) == NOW_S
    assert 20 < len(stamps) < 120


def test_while_all_is_well_a_few_calls_are_made_at_once_and_while_they_fail_one():
    class Slow(ScriptedSink):
        def __init__(self, *script):
            super().__init__(*script)
            self.takes_s = 0.05
            self.now = self.most = 0

        def send(self, namespace, batch):
            self.now += 1
            self.most = max(self.most, self.now)
            try:
                gevent.sleep(self.takes_s)
                super().send(namespace, batch)
            finally:
                self.now -= 1

    names = [f"/{number}" for number in range(300)]
    well = Bench(Slow(), max_endpoints=1000)
    well.sink.takes_s = 0.3  # longer than it takes to make three batches
    well.deliver(*names)
    well.flush()
    assert well.sink.most == sender.MAX_CALLS_AT_ONCE
    assert well.balance.published == 300

    failing = Bench(Slow(*away(30)), max_endpoints=1000)
    failing.publisher.sender._gate.failures = 1
    failing.deliver(*names)
    failing.flush(timeout_s=20)
    assert failing.balance.published == 300


def test_calls_are_paced(monkeypatch):
    monkeypatch.setattr(retry, "MIN_INTERVAL_S", 0.1)
    bench = Bench(ScriptedSink(), max_endpoints=1000)
    bench.deliver(*[f"/{number}" for number in range(300)])
    begun_s = time.monotonic()
    bench.flush(timeout_s=20)
    calls = bench.publisher.datum_ledger.calls
    assert calls > 5
    assert time.monotonic() - begun_s >= (calls - 1) * 0.1


def test_a_pause_that_cloudwatch_asks_for_is_kept():
    bench = Bench(ScriptedSink(SendError(Failure.THROTTLED, "Rate exceeded", retry_after_s=0.5)))
    bench.deliver("/a")
    bench.start()
    begun_s = time.monotonic()
    bench.publisher.tick(everything=True)
    wait_until_gevent(lambda: bench.balance.published == 1)
    assert time.monotonic() - begun_s > 0.4
    bench.flush()


def test_at_the_end_of_the_process_no_long_pause_is_waited_for(monkeypatch):
    monkeypatch.setattr(retry, "backoff_s", lambda *_: 100.0)
    monkeypatch.setattr(retry, "HURRIED_PAUSE_S", 0.05)
    bench = Bench(ScriptedSink(*away(4)))
    bench.deliver("/a", count=2)
    bench.start()
    bench.publisher.tick(everything=True)
    wait_until_gevent(lambda: bench.publisher.datum_ledger.calls == 1)
    bench.flush(timeout_s=5)
    assert (bench.balance.published, bench.publisher.datum_ledger.calls) == (2, 5)


def test_an_answer_that_trickles_in_is_given_up(monkeypatch, caplog):
    monkeypatch.setattr(sender, "CALL_TIMEOUT_S", 0.2)

    class Trickling(ScriptedSink):
        def send(self, namespace, batch):
            if not self.threads:
                self.threads.add(1)
                gevent.sleep(60)
            super().send(namespace, batch)

    bench = Bench(Trickling())
    bench.deliver("/a", count=2)
    bench.flush()
    assert (bench.balance.published, bench.publisher.datum_ledger.ambiguous) == (2, 1)
    assert "no whole answer within 0.2 s" in caplog.text


def test_an_error_in_the_sender_is_booked_and_does_not_end_it(monkeypatch, caplog):
    bench = Bench(ScriptedSink(*away(1)))
    monkeypatch.setattr(bench.keeper.batch_store, "begin_try", broken_once())
    bench.deliver("/a", count=2)
    bench.publisher.tick(everything=True)
    bench.start()
    wait_until_gevent(lambda: bench.balance.dropped)
    bench.deliver("/b", count=3, at_s=NOW_S + 10)
    bench.clock.time_s += 20
    bench.flush()
    assert bench.balance.dropped == {sender.BUG: 2}
    assert (bench.balance.published, bench.balance.difference) == (3, 0)
    assert caplog.text.count("could not send a batch") == 1


def broken_once():
    calls = []

    def begin_try(stored):
        calls.append(stored)
        if len(calls) == 1:
            raise RuntimeError("a bug")

    return begin_try


def test_a_cut_off_process_is_said_with_what_it_had(tmp_path, caplog):
    first = Bench(ScriptedSink(), spool_dir=str(tmp_path))
    first.start()
    first.deliver("/a", count=5)
    first.keeper._note(first.publisher, ended=False)
    folder = first.keeper._spool._own
    # What the kernel does when it is killed.
    os.close(first.keeper._spool._locks[folder])
    gevent.killall(first.publisher._greenlets + first.keeper._greenlets)

    second = Bench(ScriptedSink(), spool_dir=str(tmp_path))
    second.start()
    wait_until_gevent(lambda: first.run.run_id in second.recovered)
    second.flush()
    assert re.search(
        r"run \S+ was killed: of at least 5 results, 0 had been published and 0 were on disk; 5, and all recorded "
        r"after 08:00:00Z, may be lost",
        caplog.text,
    )
    assert not folder.exists()


def test_what_became_of_what_was_found_is_said_again_only_if_that_has_changed(tmp_path, caplog):
    first = Bench(ScriptedSink(*away()), spool_dir=str(tmp_path))
    first.deliver("/a", count=5)
    first.flush(timeout_s=0.2)
    second = Bench(ScriptedSink(*away()), spool_dir=str(tmp_path))
    second.start()
    wait_until_gevent(lambda: first.run.run_id in second.recovered)
    for _ in range(2):
        second.keeper.finish(second.publisher)
    assert caplog.text.count("0 of 5 results found on disk published") == 1
    second.sink.script.clear()
    second.flush()
    assert caplog.text.count("5 of 5 results found on disk published") == 1
