"""What parts of the program lie on in tests: a master's side and a worker's, on a clock that the test moves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from locust.event import Events

from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.wire.frame import Frame, decode
from locust_cw_dist.core.worker.buffer import WorkerBuffer
from locust_cw_dist.core.worker.outbox import Outbox
from locust_cw_dist.live.master.master import Master
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.runs import Runs
from locust_cw_dist.testing import ManualClock
from support.strategies import NOW_S, a_result, moment

AT_WORK = moment(NOW_S, users=1)


class MasterSide:
    """What all parts of a process that publishes share: a clock, runs, a collector of windows, and Locust's events."""

    def __init__(self, *, clock: Any = None, resolution_s: int = 1) -> None:
        """Let it be NOW_S, unless another clock is given."""
        self.clock = clock or ManualClock(NOW_S)
        self.once = LogOnce()
        self.runs = Runs(self.clock.now_s(), "-")
        self.collector = Collector(resolution_s=resolution_s, grace_s=15.0)
        self.events = Events()

    def master(self, send_message: Any, **runner: Any) -> Master:
        """Return what listens to workers, attached to a runner without any."""
        environment = SimpleNamespace(
            runner=SimpleNamespace(clients={}, send_message=send_message, **runner), events=self.events
        )
        watch = SimpleNamespace(note_sign=lambda _: None, note_frame=lambda _: None)
        made = Master(
            environment,
            self.collector,
            watch,
            self.runs,
            self.clock,
            self.once,
            resolution_s=1,
            with_messages=True,
        )
        made.attach()
        return made


class WorkerSide:
    """A worker's buffer and outbox."""

    def __init__(self, run_id: str = "run", buffer: WorkerBuffer | None = None) -> None:
        """Begin this run, unless it has no name."""
        self.buffer = buffer or WorkerBuffer()
        if run_id:
            self.buffer.begin_run(run_id)
        self.outbox = Outbox(self.buffer, worker_id="worker", epoch="epoch")

    def record(self, name: str = "/a", at_s: float = NOW_S, *, times: int = 1) -> None:
        """Record results of one endpoint."""
        for _ in range(times):
            self.buffer.record(a_result(name), at_s)

    def report(self, moment: Any = AT_WORK) -> Any:
        """Return what goes with a report."""
        return self.outbox.on_report(moment)

    def frame(self) -> Frame:
        """Return a report's frame."""
        return decode(self.report(moment(NOW_S)))
