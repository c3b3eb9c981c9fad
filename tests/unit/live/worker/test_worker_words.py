"""What a worker makes of what the master's messages tell: of the times, and of the run."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest
from locust.event import Events

from locust_cw_dist.core.summaries.reason_cap import MAX_REASONS_PER_RUN
from locust_cw_dist.core.wire.frame import decode
from locust_cw_dist.core.wire.messages import HELLO, REPORT_KEY, MasterMessage
from locust_cw_dist.live.platform import at_exit
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.patience import Patience
from locust_cw_dist.live.worker.worker import Worker
from locust_cw_dist.testing import ManualClock
from support.strategies import NOW_S


class Bench:
    """A worker on a runner that goes nowhere, and the time of its own clock."""

    def __init__(self, *, master_ahead_s=0.0):
        self.clock = ManualClock(NOW_S)
        self.master_ahead_s = master_ahead_s
        runner = SimpleNamespace(client_id="worker", client=None, user_count=0)
        self.sent = []
        runner.register_message, runner.send_message = lambda *_: None, lambda kind, _: self.sent.append(kind)
        environment = SimpleNamespace(runner=runner, events=Events())
        self.worker = Worker(environment, LogOnce(), Patience(), self.clock)
        self.worker.attach()
        at_exit.unregister(self.worker._on_exit)

    def report(self):
        """Return the frame of a report, if it brings one."""
        data = {}
        self.worker._on_report("worker", data)
        return data[REPORT_KEY] and decode(data[REPORT_KEY])

    def greet(self, frame=None, *, sent_at_s, with_messages=True):
        """Hear what the master sent when the worker's own clock showed `sent_at_s`."""
        epoch, seq = (frame.epoch, frame.seq) if frame else ("", 0)
        word = MasterMessage(
            sent_at_s + self.master_ahead_s, "run", 1, epoch=epoch, seq=seq, with_messages=with_messages
        )
        self.worker._on_master_message(None, SimpleNamespace(data=word.pack()))

    @property
    def offset_s(self):
        """What the next frame tells the master of the worker's clock."""
        return self.report().clock_offset_s


@pytest.fixture
def bench():
    return Bench()


def test_an_answer_that_waited_is_no_difference_of_clocks(bench):
    """A worker that is busy with its start hears late; its results stay in their windows."""
    bench.clock.advance(4)
    bench.greet(sent_at_s=NOW_S + 0.1)
    assert bench.offset_s == 0


def test_neither_is_an_acknowledgement_that_waited(bench):
    bench.greet(sent_at_s=bench.clock.time_s)
    bench.clock.advance(3)
    frame = bench.report()
    bench.clock.advance(5)
    bench.greet(frame, sent_at_s=NOW_S + 3.1)
    assert bench.offset_s == 0


@pytest.mark.parametrize("ahead_s", [300.0, -300.0])
def test_a_difference_is_known_as_soon_as_an_answer_comes(ahead_s):
    bench = Bench(master_ahead_s=ahead_s)
    bench.clock.advance(0.2)
    bench.greet(sent_at_s=NOW_S + 0.1)
    assert bench.offset_s == pytest.approx(ahead_s, abs=0.1001)


@pytest.mark.parametrize("ahead_s", [0.5, -0.5])
def test_an_acknowledgement_bounds_it_where_the_greeting_did_not(ahead_s):
    bench = Bench(master_ahead_s=ahead_s)
    bench.clock.advance(4)
    bench.greet(sent_at_s=NOW_S + 2)
    bench.clock.advance(3)
    frame = bench.report()
    bench.clock.advance(0.02)
    bench.greet(frame, sent_at_s=NOW_S + 7.01)
    assert bench.offset_s == pytest.approx(ahead_s, abs=0.0101)


def test_a_worker_greets_again_when_its_test_begins_without_word_of_its_run(bench):
    """The master may think that nothing more comes from there."""
    bench.greet(sent_at_s=bench.clock.time_s)
    bench.worker._on_test_start()
    assert bench.sent == [HELLO]
    bench.worker._on_test_start()
    assert bench.sent == [HELLO, HELLO]


def test_a_greeting_that_fails_costs_nothing(bench, caplog):
    bench.greet(sent_at_s=bench.clock.time_s)
    bench.worker._on_test_start()
    del bench.sent
    bench.worker._on_test_start()
    assert "could not send a message to the master" in caplog.text


@pytest.mark.parametrize(
    ("with_messages", "reasons"),
    [
        (True, {"HTTP 500: no gold": 2, "HTTP 500: wrong price": 1, "no class": 1}),
        (False, {"HTTP 500": 3, "str": 1}),
    ],
)
def test_reasons_of_before_the_first_word_are_as_the_master_wants_them(bench, with_messages, reasons):
    def fail(exception, status=500):
        bench.worker._request_listener.on_request(
            "GET", "/a", 1.0, 0, response=SimpleNamespace(status_code=status), exception=exception
        )

    fail(ValueError("no gold"))
    fail(ValueError("wrong price"))
    fail("no class", 200)
    frame = bench.report()
    assert frame.sections == ()
    bench.greet(frame, sent_at_s=bench.clock.time_s, with_messages=with_messages)
    fail(ValueError("no gold"))
    counts = Counter()
    for section in bench.report().sections:
        for summary in section.summaries.values():
            counts.update(summary.reasons)
    assert counts == reasons


def test_reasons_of_before_the_first_word_are_bounded(bench):
    for number in range(1_000):
        name = "".join(chr(ord("a") + int(digit)) for digit in str(number))
        bench.worker._request_listener.on_request("GET", "/a", 1.0, 0, exception=ValueError(f"no {name}"))
    assert len(bench.worker._request_listener._codes) == MAX_REASONS_PER_RUN
    bench.greet(sent_at_s=bench.clock.time_s, with_messages=False)
    bench.worker._request_listener.on_request("GET", "/a", 1.0, 0, exception=ValueError("no gold"))
    (section,) = bench.report().sections
    assert section.summaries["/a", "GET"].reasons.keys() <= {"ValueError", "(other)"}
    assert section.summaries["/a", "GET"].failure_count == 1_001
