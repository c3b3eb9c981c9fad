"""OwnResults: what fires in the process that publishes: the users of a single process, a canary or a KPI of a master.

The same stages as on a worker, in memory: a recorder folds, frames are cut, and the same collector merges them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import gevent

from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.wire.frame import FrameError, Vitals
from locust_cw_dist.core.worker.outbox import MAX_SUMMARIES_PER_FRAME, Cutter, Moment
from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.clock import Clock
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.runs import Runs
from locust_cw_dist.live.worker.request_listener import RequestListener

HAND_OVER_INTERVAL_S = 1.0
"""How often results go to the collector: the finest window."""


class OwnResults:
    """Records in this process, and hands over to its collector.

    State: touched on the hub only.

    Attributes:
        epoch: The name under which the collector knows this process, if it does.
        is_final: Whether frames tell from now on that nothing is to be waited for; what fires still comes.
    """

    def __init__(
        self,
        environment: Any,
        collector: Collector,
        runs: Runs,
        clock: Clock,
        once: LogOnce,
        *,
        name: str,
        resolution_s: int,
        with_messages: bool,
        look: Callable[[float], Vitals] | None = None,
    ) -> None:
        """Record what fires in `environment`.

        Args:
            environment: Locust's.
            collector: Merges what is handed over.
            runs: The runs of this process.
            clock: Tells the time of results, and when they are handed over.
            once: Logs.
            name: Stands for the worker in what is said about this process.
            resolution_s: Length of the windows.
            with_messages: Whether the reasons of failures have the exceptions' messages.
            look: Returns how this process is at a time, if it has users: then there is a frame for each second. Without
                it there is none, and the collector does not know of this process, until something fires.
        """
        self.epoch = uuid.uuid4().hex
        self.is_final = False
        self._environment = environment
        self._collector = collector
        self._runs = runs
        self._clock = clock
        self._once = once
        self._look = look
        self._request_listener = RequestListener(clock, once)
        self._request_listener.use_reasons(with_messages=with_messages)
        self._request_listener.buffer.use_resolution(resolution_s)
        self._request_listener.buffer.begin_run(runs.current.run_id)
        self._cutter = Cutter(
            self._request_listener.buffer, worker_id=name, epoch=self.epoch, max_summaries=MAX_SUMMARIES_PER_FRAME
        )
        self._told: dict[str, int] = {}
        self._greenlet: gevent.Greenlet | None = None

    def attach(self) -> None:
        """Listen to Locust's events."""
        self._request_listener.attach(self._environment)
        self._greenlet = forks.spawn(self._hand_over_forever)

    def detach(self) -> None:
        """Stop listening."""
        self._request_listener.detach()
        if self._greenlet is not None:
            self._greenlet.kill()

    def begin_run(self) -> None:
        """Record for the current run from now on."""
        self.hand_over()
        self._request_listener.buffer.begin_run(self._runs.current.run_id)

    def hand_over(self) -> bool:
        """Hand over all that has fired; return whether there was anything."""
        is_new = not self._request_listener.buffer.stored.is_empty
        while self._hand_over_some():
            pass
        return is_new

    def waiting(self, run_id: str) -> int:
        """Return how many results of a run have fired that the collector was not told of yet."""
        counters = self._request_listener.buffer.counters.get(run_id)
        return 0 if counters is None else counters.recorded - self._told.get(run_id, 0)

    def _hand_over_forever(self) -> None:
        while True:
            gevent.sleep(HAND_OVER_INTERVAL_S)
            try:
                self._request_listener.keep_place()
                while self._hand_over_some():
                    gevent.sleep(0)
            except Exception:
                self._once.error("hand over", "locust-cw: could not hand results over")

    def _hand_over_some(self) -> bool:
        """Hand over as much as the hub may be held for; return whether there is more."""
        is_known = self._look is not None or self.epoch in self._collector.processes
        if not is_known and self._request_listener.buffer.stored.is_empty:
            return False
        now_s = self._clock.now_s()
        vitals = Vitals() if self._look is None else self._look(now_s)
        frame = self._cutter.cut(Moment(now_s, 0.0, self._request_listener.over, vitals), final=self.is_final)
        try:
            self._collector.accept(frame, now_s)
        except FrameError as e:
            # No bad frame holds up what follows: it is counted as lost.
            self._request_listener.buffer.lose(frame.results, e.reason)
            self._collector.refuse(e.reason)
        self._told = {run_id: counters.recorded for run_id, counters in frame.counters.items()}
        self._cutter.acked = frame.seq
        self._request_listener.buffer.forget_runs(frame.counters)
        # Only while it gets on: counters that are wrong must not keep the process from ending.
        return bool(frame.sections) and any(counters.held for counters in frame.counters.values())
