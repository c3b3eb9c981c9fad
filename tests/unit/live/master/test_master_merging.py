"""A frame is merged before anything yields: Locust kills the greenlet that takes it wherever that greenlet waits."""

from __future__ import annotations

from types import SimpleNamespace

import gevent
import greenlet
import pytest
from locust.event import Events

from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.wire.frame import encode
from locust_cw_dist.core.wire.messages import FRAME, REPORT_KEY
from locust_cw_dist.live.master import master
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.runs import Runs
from locust_cw_dist.testing import ManualClock
from support.wire import sample_frame

SAMPLE = sample_frame()
DATA = encode(SAMPLE)
NOW_S = SAMPLE.cut_at_s + 1


class Bench:
    """A master whose messages take a turn of gevent's hub to be sent, and what it has merged whenever that turns."""

    def __init__(self):
        self.has_merged = False
        self.merged_at_switches = []
        self.events = Events()
        runner = SimpleNamespace(clients={}, send_message=lambda *_: gevent.sleep(0))
        self.master = master.Master(
            SimpleNamespace(runner=runner, events=self.events),
            Collector(resolution_s=1, grace_s=15),
            SimpleNamespace(note_frame=lambda _: None),
            Runs(NOW_S, "-"),
            ManualClock(NOW_S),
            LogOnce(),
            resolution_s=1,
            with_messages=True,
        )
        self.master.attach()
        accept = self.master.collector.accept

        def accept_and_note(*args):
            self.has_merged = accept(*args)

        self.master.collector.accept = accept_and_note

    def take(self, way):
        """Hand the frame to the master in the greenlet of now, and note each switch to another one."""
        before = greenlet.settrace(lambda *_: self.merged_at_switches.append(self.has_merged))
        try:
            if way == "report":
                self.events.worker_report.fire(client_id=SAMPLE.worker_id, data={REPORT_KEY: DATA})
            else:
                message = SimpleNamespace(type=FRAME, node_id=SAMPLE.worker_id, data={"frame": DATA})
                self.master.on_message(message)
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
