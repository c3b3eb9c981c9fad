"""What becomes of batches that nobody, or somebody else, has taken, and what is said of it."""

from __future__ import annotations

import time

import gevent
import pytest

from locust_cw_dist.core.publish import retry
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.aws.call import Stage, reach
from locust_cw_dist.live.publish import sender
from locust_cw_dist.testing import ScriptedSink
from support.publishing.publisher import Bench, spool_files, wait_until_gevent


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(retry, "backoff_s", lambda *_: 0.01)


class Failing(ScriptedSink):
    """Fails each call, as far as it has come, until it is told otherwise."""

    def __init__(self, error, stage=Stage.LEFT):
        super().__init__()
        self.error = error
        self.stage = stage
        self.calls = 0

    def send(self, namespace, batch):
        self.calls += 1
        reach(self.stage)
        if self.error is not None:
            raise self.error
        super().send(namespace, batch)


def flush(bench, timeout_s=15.0):
    bench.deliver("/a", count=3)
    bench.flush(timeout_s)


@pytest.mark.parametrize("has_spool", [False, True])
def test_what_can_never_be_sent_is_tried_by_nobody_twice_and_waited_for_by_nobody(tmp_path, caplog, has_spool):
    sink = Failing(SendError(Failure.UNREACHABLE, "junk: correct it", is_final=True), Stage.SETTINGS)
    bench = Bench(sink, **({"spool_dir": str(tmp_path)} if has_spool else {}))
    begun_s = time.monotonic()
    flush(bench, timeout_s=600.0)
    assert time.monotonic() - begun_s < 300
    assert sink.calls <= sender.MAX_CALLS_AT_ONCE
    assert (bench.balance.published, bench.balance.difference) == (0, 0)
    assert bench.balance.spooled == (3 if has_spool else 0)
    assert bench.balance.dropped == ({} if has_spool else {Failure.UNREACHABLE.value: 3})
    assert bench.publisher.datum_ledger.calls == 0
    assert bool(spool_files(tmp_path)) is has_spool
    assert caplog.text.count("CloudWatch not reached (junk: correct it); the load test runs, and nothing") == 1
    assert "retrying" not in caplog.text


@pytest.mark.parametrize(
    ("stage", "is_billed"), [(Stage.CREDENTIALS, False), (Stage.CONNECTING, False), (Stage.LEFT, True)]
)
def test_a_call_that_never_left_is_not_billed(stage, is_billed):
    sink = Failing(SendError(Failure.TRANSIENT, "no"), stage)
    bench = Bench(sink)
    flush(bench, timeout_s=0.5)
    assert sink.calls >= 1
    ledger = bench.publisher.datum_ledger
    assert (ledger.calls, ledger.retries) == ((sink.calls, sink.calls - 1) if is_billed else (0, 0))


def test_a_first_call_repeats_none_that_never_left():
    sink = Failing(SendError(Failure.UNREACHABLE, "no"), Stage.CONNECTING)
    bench = Bench(sink)
    bench.deliver("/a", count=3)
    bench.start()
    bench.publisher.tick(everything=True)
    wait_until_gevent(lambda: sink.calls > 2)
    sink.error, sink.stage = None, Stage.LEFT
    bench.flush()
    ledger = bench.publisher.datum_ledger
    assert (ledger.calls, ledger.retries, bench.balance.published) == (1, 0, 3)


class Hanging(ScriptedSink):
    """Takes a while too long, in a stage."""

    def __init__(self, stage):
        super().__init__()
        self.stage = stage
        self.has_hung = False

    def send(self, namespace, batch):
        if not self.has_hung:
            reach(self.stage)
            self.has_hung = True
            gevent.sleep(3600)
        super().send(namespace, batch)


@pytest.mark.parametrize("stage", [Stage.CREDENTIALS, Stage.CONNECTING, Stage.LEFT])
def test_what_hangs_before_it_has_left_is_sent_again_and_not_dropped(monkeypatch, caplog, stage):
    monkeypatch.setattr(sender, "CALL_TIMEOUT_S", 0.1)
    bench = Bench(Hanging(stage), ambiguous="drop")
    flush(bench)
    is_lost = stage is Stage.LEFT
    assert bench.balance.published == (0 if is_lost else 3)
    assert bench.publisher.datum_ledger.ambiguous == is_lost
    assert ("nothing is lost yet" in caplog.text) is not is_lost
    assert ("dropped, as --cw-ambiguous drop asks" in caplog.text) is is_lost


def test_what_a_stranger_answers_keeps_everything_until_cloudwatch_answers(caplog):
    sink = Failing(SendError(Failure.FOREIGN, "HTTP 400, text/html"))
    bench = Bench(sink, ambiguous="drop")
    bench.deliver("/a", count=3)
    bench.start()
    bench.publisher.tick(everything=True)
    wait_until_gevent(lambda: sink.calls > 5)
    sink.error = None
    bench.flush()
    assert (bench.balance.published, bench.balance.dropped) == (3, {})
    assert caplog.text.count("something other than CloudWatch answered (HTTP 400, text/html)") == 1


class Gateway(ScriptedSink):
    """A stranger on the way that lets only small calls through."""

    def __init__(self, most):
        super().__init__()
        self.most = most

    def send(self, namespace, batch):
        if len(batch) > self.most:
            raise SendError(Failure.FOREIGN, "HTTP 413, text/html", is_too_large=True)
        super().send(namespace, batch)


def test_a_gateway_that_takes_less_at_a_time_gets_less_at_a_time():
    bench = Bench(Gateway(most=2))
    flush(bench)
    assert (bench.balance.published, bench.balance.dropped) == (3, {})


def test_what_a_gateway_finds_too_large_alone_is_kept_and_not_refused(caplog):
    bench = Bench(Gateway(most=0))
    flush(bench, timeout_s=0.5)
    assert bench.balance.dropped == {Failure.FOREIGN.value: 3}
    assert "set aside" not in caplog.text


def test_what_does_no_harm_is_said_and_no_more(caplog):
    bench = Bench(ScriptedSink())
    bench.publisher.sender.failures.tell(SendError(Failure.UNREACHABLE, "AWS_MAX_ATTEMPTS", is_harmless=True))
    flush(bench)
    assert bench.balance.published == 3
    assert "locust-cw: AWS_MAX_ATTEMPTS; the load test runs, and its results are sent" in caplog.text
