"""A frame is merged before anything yields: Locust kills the greenlet that takes it wherever that greenlet waits."""

from __future__ import annotations

from types import SimpleNamespace

import gevent
import greenlet
import pytest

from locust_cw_dist.core.wire.frame import encode
from locust_cw_dist.core.wire.messages import FRAME, REPORT_KEY
from locust_cw_dist.live.master import master
from locust_cw_dist.testing import ManualClock
from support.publishing.benches import MasterSide
from support.records.wire import sample_frame

SAMPLE = sample_frame()
DATA = encode(SAMPLE)
NOW_S = SAMPLE.cut_at_s + 1


class Bench(MasterSide):
    """A master whose messages take a turn of gevent's hub to be sent, and what it has merged whenever that turns."""

    def __init__(self):
        super().__init__(clock=ManualClock(NOW_S))
        self.has_merged = False
        self.merged_at_switches = []
        self.listener = self.master(lambda *_: gevent.sleep(0))
        accept = self.collector.accept

        def accept_and_note(*args):
            self.has_merged = accept(*args)

        self.collector.accept = accept_and_note

    def take(self, way):
        """Hand the frame to the master in the greenlet of now, and note each switch to another one."""
        before = greenlet.settrace(lambda *_: self.merged_at_switches.append(self.has_merged))
        try:
            if way == "report":
                self.events.worker_report.fire(client_id=SAMPLE.worker_id, data={REPORT_KEY: DATA})
            else:
                message = SimpleNamespace(type=FRAME, node_id=SAMPLE.worker_id, data={"frame": DATA})
                self.listener.on_message(message)
        finally:
            greenlet.settrace(before)


@pytest.fixture
def bench():
    return Bench()


@pytest.mark.parametrize("way", ["report", "message"])
def test_a_frame_is_merged_before_anything_yields(bench, way):
    bench.take(way)
    assert bench.has_merged
    assert bench.merged_at_switches, "the acknowledgement did not even yield"
    assert all(bench.merged_at_switches)


@pytest.mark.parametrize("way", ["report", "message"])
def test_a_merge_that_yields_would_be_noticed(bench, way, monkeypatch):
    def decode_slowly(data, decode=master.decode):
        gevent.sleep(0)
        return decode(data)

    monkeypatch.setattr(master, "decode", decode_slowly)
    bench.take(way)
    assert bench.has_merged
    assert not all(bench.merged_at_switches)


def test_a_report_from_before_a_workers_init_harms_nothing():
    """A worker that is told to quit while it still connects sends one without what Locust's master reads."""
    side, read = MasterSide(), []
    side.events.worker_report.add_listener(lambda client_id, data: read.append((client_id, data["user_classes_count"])))
    listener = side.master(lambda *_: None)
    side.events.worker_report.fire(client_id="early", data={"stats": []})
    side.events.worker_report.fire(client_id="bare", data={"stats": [], "user_classes_count": {"Shopper": 1}})
    assert read == [("early", {}), ("bare", {"Shopper": 1})]
    listener._missing.note_end(set())
    assert listener.without_plugin == {"bare"}, "the other one had no time to install it, and no user"
