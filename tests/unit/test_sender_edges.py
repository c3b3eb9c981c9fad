"""The sender where two things go wrong at once: a disk that fails in an outage, an end in the middle of a batch."""

from __future__ import annotations

import gevent
import pytest

from locust_cw_dist.core import retry
from locust_cw_dist.core.retry import Failure
from locust_cw_dist.edge import spool
from locust_cw_dist.edge.sink import SendError
from locust_cw_dist.hosts import sender
from support.publisher import Bench, ScriptedSink, spool_files


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(retry, "backoff_s", lambda *_: 0.01)


def wait_until_gevent(condition):
    with gevent.Timeout(10):
        while not condition():
            gevent.sleep(0.01)


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

    monkeypatch.setattr(spool, "_write", fail)
    calls = bench.publisher.datum_ledger.calls
    wait_until_gevent(lambda: bench.publisher.datum_ledger.calls > calls + 3)
    bench.sink.is_back = True
    bench.flush()
    assert "is lost: " not in caplog.text
    assert (bench.balance.published, bench.balance.spooled, bench.balance.difference) == (3, 0, 0)
    assert spool_files(tmp_path) == ["lock"]


class HangsAfterRefusing(ScriptedSink):
    """Refuses the first batch, and never answers again."""

    def send(self, namespace, batch):
        if not self.threads:
            self.threads.add(1)
            raise SendError(Failure.REFUSED, "bad")
        gevent.sleep(60)


@pytest.mark.parametrize("has_spool", [False, True])
def test_no_call_begins_after_the_end_and_what_it_would_have_sent_is_booked(tmp_path, monkeypatch, has_spool):
    monkeypatch.setattr(retry, "MIN_INTERVAL_S", 0.5)
    monkeypatch.setattr(sender, "LAST_DISK_S", 2.0)
    settings = {"spool_dir": str(tmp_path)} if has_spool else {}
    bench = Bench(HangsAfterRefusing(), **settings)
    bench.deliver("/a", "/b", count=3)
    with gevent.Timeout(10):
        # The end comes while the second call waits for its turn.
        bench.flush(timeout_s=0.3)
    assert bench.publisher.datum_ledger.calls == 1
    assert (bench.balance.pending, bench.balance.difference) == (0, 0)
    assert bench.balance.spooled + sum(bench.balance.dropped.values()) == 6
    assert bench.balance.spooled == (6 if has_spool else 0)
