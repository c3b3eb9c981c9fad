"""The order of steps at the end of a process, where what happens in them goes wrong."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from locust_cw_dist.live.end import MAX_STOP_TIMEOUT_S, STOP_MARGIN_S, End, Parts
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.patience import Patience
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.testing import ManualClock

FLUSH_TIMEOUT_S = 15.0


class Ending:
    """An end whose source takes its time, and notes until when it may receive."""

    def __init__(self, **environment):
        self.taken = []
        self.clock = ManualClock()
        self.quit_takes_s = 0.0
        parts = {field.name: MagicMock() for field in fields(Parts)} | {
            "settings": Settings(service="shop", flush_timeout_s=FLUSH_TIMEOUT_S),
            "clock": self.clock,
            "once": LogOnce(),
            "source": SimpleNamespace(quit=self._quit, drain=self._drain),
        }
        self.parts = Parts(**parts)
        self.patience = Patience()
        self.patience.begin()
        self.end = End(SimpleNamespace(runner=None, **environment), self.parts, self.patience)

    def _quit(self, *, quit_runner):
        self.taken.append("quit")
        self.clock.advance(self.quit_takes_s)

    def _drain(self, end_s):
        self.taken.append("drain")
        self.may_take_s = end_s - self.clock.now_s()

    def receive(self):
        self.end.receive(None, quit_runner=True)
        assert self.taken == ["quit", "drain"]
        self.parts.publisher.tick.assert_called_once_with(everything=True)


def test_workers_have_their_time_however_long_the_test_took_to_end():
    ending = Ending(stop_timeout=None)
    ending.quit_takes_s = 500.0
    ending.receive()
    assert ending.may_take_s == FLUSH_TIMEOUT_S


@pytest.mark.parametrize("raised", [RuntimeError("a bug"), SystemExit(7)])
def test_what_goes_wrong_in_noting_the_end_skips_nothing(raised):
    ending = Ending(stop_timeout=None)
    ending.parts.health.note_process_end.side_effect = [raised, None]
    ending.receive()
    assert ending.parts.health.note_process_end.called


def test_an_interrupt_as_the_end_is_noted_shortens_and_skips_nothing():
    ending = Ending(stop_timeout=None)
    ending.parts.health.note_process_end.side_effect = [KeyboardInterrupt, None]
    ending.receive()
    assert ending.patience.interrupts == 1


@pytest.mark.parametrize(
    ("stop_timeout", "counted_s"),
    [
        (None, 0.0),
        (30, 30.0),
        ("30", 30.0),
        ("soon", 0.0),
        (-500, 0.0),
        (float("nan"), 0.0),
        (float("inf"), MAX_STOP_TIMEOUT_S),
        (10**400, 0.0),
        ([1], 0.0),
    ],
)
def test_no_stop_timeout_breaks_the_end(stop_timeout, counted_s):
    ending = Ending(stop_timeout=stop_timeout)
    ending.receive()
    assert ending.may_take_s == max(FLUSH_TIMEOUT_S, counted_s + STOP_MARGIN_S)
