"""How long a master waits at the end, by a clock that only waiting moves."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from locust_cw_dist.core.wire.messages import FRAME, HELLO, REPORT_KEY, pack_hello
from locust_cw_dist.core.worker.buffer import WorkerBuffer
from locust_cw_dist.core.worker.outbox import NOTHING, Outbox
from locust_cw_dist.live.master.master import MANY_WORKERS, SILENCE_S
from support.publishing.benches import MasterSide
from support.strategies import NOW_S, a_result, moment

DRAIN_S = 60


class Link:
    """Has messages at their times."""

    def __init__(self, bench):
        self.lesser_modes = []
        self._bench = bench

    def keep_handover(self):
        pass

    def receive(self, timeout_s):
        bench = self._bench
        until_s = bench.clock.time_s + timeout_s
        if bench.messages and bench.messages[0][0] <= until_s:
            at_s, message = bench.messages.pop(0)
            bench.clock.time_s = max(bench.clock.time_s, at_s)
            return message
        bench.clock.time_s = until_s
        return None


class Bench(MasterSide):
    """A master that knows one worker, which it has heard now, and its link."""

    def __init__(self):
        super().__init__()
        self.messages, self.said, self.data = [], [], []
        self.listener = self.master(self.say, quit=self.quit)
        self.listener._link = Link(self)
        self.collector.begin(self.runs.current.run_id, (), NOW_S)
        self.collector.greet("worker", "epoch", NOW_S)

    def quit(self):
        pass

    def say(self, kind, data=None, client_id=None):
        self.said.append((self.clock.time_s - NOW_S, kind, client_id))
        self.data.append(data)

    def send_beat(self, at_s, worker="worker"):
        self.messages.append((at_s, SimpleNamespace(type="heartbeat", node_id=worker, data={})))

    def beat(self):
        self.events.heartbeat_sent.fire(client_id="worker", timestamp=self.clock.time_s)

    def send_final_frame(self, at_s):
        outbox = Outbox(WorkerBuffer(), worker_id="worker", epoch="epoch")
        self._send_frame(outbox.final_frame(moment(NOW_S, over=True)), at_s)

    def send_two_frames(self, *times_s):
        """Send one that says that the worker is done with the current run, and a last one."""
        outbox = Outbox(buffer := WorkerBuffer(), worker_id="worker", epoch="epoch")
        buffer.begin_run(self.runs.current.run_id)
        self._send_frame(outbox.on_report(moment(NOW_S, over=True)), times_s[0])
        outbox.on_acknowledgement(1)
        buffer.record(a_result(), NOW_S)
        self._send_frame(outbox.final_frame(moment(NOW_S, over=True)), times_s[1])

    def _send_frame(self, data, at_s):
        self.messages.append((at_s, SimpleNamespace(type=FRAME, node_id="worker", data={"frame": data})))

    def drain(self):
        """Drain, and return how long it took."""
        began_s = self.clock.time_s
        self.listener.quit(quit_runner=True)
        self.listener.drain(began_s + DRAIN_S)
        return self.clock.time_s - began_s

    @property
    def has_everything(self):
        return not self.messages and self.collector.processes["epoch"].final


@pytest.fixture
def bench():
    return Bench()


def test_a_worker_is_waited_for_until_its_last_frame(bench):
    bench.send_final_frame(NOW_S + 5)
    assert bench.drain() == 5
    assert bench.has_everything


@pytest.mark.parametrize(("greets", "takes_s"), [(True, 5), (False, 0)])
def test_a_worker_that_was_done_and_goes_on_is_waited_for(bench, greets, takes_s):
    """Locust's master had users spawned after it had stopped the test; the worker greets then."""
    bench.send_two_frames(NOW_S, NOW_S + 5)
    bench.listener.on_message(bench.messages.pop(0)[1])
    if greets:
        bench.listener.on_message(SimpleNamespace(type=HELLO, node_id="worker", data=pack_hello("epoch")))
    assert bench.drain() == takes_s
    assert bench.has_everything == greets


def test_a_worker_that_stays_silent_is_given_up(bench):
    assert bench.drain() == pytest.approx(SILENCE_S, abs=0.5)


def test_a_worker_that_has_long_been_silent_costs_nothing(bench):
    bench.clock.advance(SILENCE_S + 1)
    assert bench.drain() == 0


def test_a_worker_that_beats_is_not_silent(bench):
    bench.clock.advance(SILENCE_S + 5)
    bench.beat()
    bench.send_final_frame(bench.clock.time_s + 5)
    assert bench.drain() == 5
    assert bench.has_everything


def test_what_waits_in_the_socket_is_read_though_its_sender_has_long_been_silent(bench):
    bench.clock.advance(SILENCE_S + 1)
    bench.send_final_frame(bench.clock.time_s)
    assert bench.drain() == 0
    assert bench.has_everything


def test_a_worker_that_beats_while_it_is_waited_for_is_not_silent(bench):
    for second in range(2, 24, 2):
        bench.send_beat(NOW_S + second)
    bench.send_final_frame(NOW_S + 30)
    assert bench.drain() == 30
    assert bench.has_everything


def test_a_worker_that_goes_on_is_told_again_to_quit(bench):
    """What it was told first went into a connection that was reset."""
    for tenth in range(1, 50):
        bench.send_beat(NOW_S + tenth / 10)
    bench.send_final_frame(NOW_S + 6)
    bench.drain()
    told = [at_s for at_s, kind, worker in bench.said if (kind, worker) == ("quit", "worker")]
    assert told == [0, pytest.approx(2), pytest.approx(4)]


def test_nobody_else_is_told_to_quit(bench):
    bench.send_final_frame(NOW_S + 1)
    for worker in ("worker", "stranger", None, ["worker"], b"worker"):
        bench.send_beat(NOW_S + 5, worker)
    bench.drain()
    assert [worker for _, kind, worker in bench.said if kind == "quit"] == ["worker"]


@pytest.mark.parametrize("kind", [None, 1, ["stats"], {"stats": 1}, b"stats", "stats"])
def test_a_message_that_is_none_does_not_end_the_waiting(bench, kind):
    bench.messages.append((NOW_S + 1, SimpleNamespace(type=kind, node_id=["worker"], data=None)))
    bench.send_final_frame(NOW_S + 5)
    assert bench.drain() == 5
    assert bench.has_everything


def test_a_runner_that_can_not_quit_and_a_worker_that_can_not_be_told_cost_nothing(bench, monkeypatch, caplog):
    def fail(*_, **__):
        raise RuntimeError("no")

    monkeypatch.setattr(bench.listener._runner, "quit", fail)
    monkeypatch.setattr(bench.listener._runner, "send_message", fail)
    bench.send_final_frame(NOW_S + 5)
    assert bench.drain() == 5
    assert bench.has_everything
    assert "could not quit" in caplog.text


def test_a_frame_that_comes_again_is_answered_and_tells_nothing_new(bench):
    noted = []
    bench.listener._health = SimpleNamespace(note_sign=noted.append, note_frame=noted.append)
    bench.send_final_frame(NOW_S + 1)
    (_, message) = bench.messages[0]
    for _ in range(3):
        bench.listener.on_message(message)
    assert [kind for _, kind, _ in bench.said] == ["locust_cw_dist:word"] * 3
    assert len(noted) == 1
    assert bench.collector.duplicates == 2


def test_a_report_that_brings_nothing_is_a_sign_of_life(bench):
    bench.clock.advance(14)
    bench.events.worker_report.fire(client_id="worker", data={REPORT_KEY: NOTHING})
    assert bench.collector.processes["epoch"].heard_at_s == bench.clock.time_s
    assert not bench.collector.refusals


def test_whole_windows_are_asked_for_where_there_are_many_workers(bench):
    bench.send_final_frame(NOW_S + 1)
    (_, message) = bench.messages[0]
    for count in (MANY_WORKERS, MANY_WORKERS + 1):
        bench.listener._runner.clients = dict.fromkeys(range(count))
        bench.listener.on_message(message)
    assert [data["whole_windows"] for data in bench.data] == [False, True]


def test_heartbeats_are_forgotten(bench):
    bench.beat()
    bench.listener.keep_link()
    assert bench.listener._heartbeats_s
    bench.clock.advance(SILENCE_S + 1)
    bench.listener.keep_link()
    assert not bench.listener._heartbeats_s


def test_a_master_that_fires_nothing_is_unknown_to_its_collector(bench):
    bench.send_final_frame(NOW_S + 5)
    bench.drain()
    bench.listener.own.hand_over()
    assert bench.collector.processes.keys() == {"epoch"}


def test_what_fires_on_a_master_is_its_runs_and_nobody_waits_for_more_of_it(bench):
    collector, run_id = bench.collector, bench.listener._runs.current.run_id
    bench.events.request.fire(request_type="KPI", name="/stock", response_time=1.0, response_length=0)
    assert bench.listener.own.hand_over()
    assert collector.run(run_id).recorded == 1
    # It has nothing more a moment later: no window of the workers waits for it.
    bench.clock.advance(10)
    collector.note_heartbeat("worker", bench.clock.time_s)
    bench.listener.own.hand_over()
    assert collector.processes[bench.listener.own.epoch].cut_at_s == bench.clock.time_s
    bench.send_final_frame(bench.clock.time_s + 5)
    assert bench.drain() == 5
    assert collector.run(run_id).unheard() == []
    bench.events.request.fire(request_type="KPI", name="/late", response_time=1.0, response_length=0)
    assert bench.listener.own.hand_over()
    assert (collector.run(run_id).recorded, collector.run(run_id).unmerged, collector.run(run_id).unheard()) == (
        2,
        0,
        [],
    )


def test_a_master_tells_itself_nothing(bench):
    bench.events.request.fire(request_type="KPI", name="/stock", response_time=1.0, response_length=0)
    bench.listener.announce()
    assert {worker for _, _, worker in bench.said} == {"worker"}
