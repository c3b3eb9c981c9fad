"""Single: users and publisher in one process. The same stages; frames go to the collector in memory."""

from __future__ import annotations

import uuid
from typing import Any

import gevent

from locust_cw_dist.core.collector import Collector
from locust_cw_dist.core.frame import Vitals
from locust_cw_dist.core.gauges import GaugeBook
from locust_cw_dist.core.outbox import MAX_SUMMARIES_PER_FRAME, Cutter, Moment
from locust_cw_dist.edge import forks
from locust_cw_dist.edge.clock import Clock
from locust_cw_dist.edge.once import Once
from locust_cw_dist.hosts.health import HealthWatch
from locust_cw_dist.hosts.recorder import Recorder, vitals_of
from locust_cw_dist.hosts.runs import Runs

HAND_OVER_INTERVAL_S = 1.0
"""How often results go to the collector: the finest window."""


class Single:
    """The plugin in a single process, but for publishing.

    Attributes:
        collector: Merges what is handed over.
        without_plugin: Nobody; there are no other processes.
    """

    def __init__(
        self,
        environment: Any,
        collector: Collector,
        gauges: GaugeBook,
        health: HealthWatch,
        runs: Runs,
        clock: Clock,
        once: Once,
        *,
        resolution_s: int,
        with_messages: bool,
    ) -> None:
        """Serve `environment`, whose runner is a LocalRunner, or missing as long as only events are fired."""
        self.collector = collector
        self.without_plugin: set[str] = set()
        self._environment = environment
        self._gauges = gauges
        self._health = health
        self._runs = runs
        self._clock = clock
        self._once = once
        self._recorder = Recorder(clock, once)
        self._recorder.use_reasons(with_messages=with_messages)
        self._recorder.buffer.use_resolution(resolution_s)
        self._recorder.buffer.begin_run(runs.current.run_id)
        self._cutter = Cutter(
            self._recorder.buffer,
            worker_id="local",
            epoch=uuid.uuid4().hex,
            max_summaries=MAX_SUMMARIES_PER_FRAME,
        )
        self._greenlet: gevent.Greenlet | None = None

    def attach(self) -> None:
        """Listen to Locust's events."""
        self._recorder.attach(self._environment)
        self._greenlet = forks.spawn(self._hand_over_forever)

    def detach(self) -> None:
        """Stop listening."""
        self._recorder.detach()
        if self._greenlet is not None:
            self._greenlet.kill()

    def announce(self) -> None:
        """Record for the current run from now on."""
        self._hand_everything_over(final=False)
        self._recorder.buffer.begin_run(self._runs.current.run_id)

    def keep_link(self) -> None:
        """Nothing to look after: there is no connection."""

    def count(self) -> tuple[int, int]:
        """Return the users and the workers of now."""
        runner = self._environment.runner
        return (0 if runner is None else runner.user_count), 1

    def worker_ids(self) -> set[str]:
        """Return nobody: there are no other processes."""
        return set()

    def has_no_worker(self) -> bool:
        """Return False: there should be none."""
        return False

    def drain(self, deadline_s: float, *, quit_runner: bool) -> None:
        """Stop the users if `quit_runner`, and hand everything over."""
        if quit_runner and self._environment.runner is not None:
            self._environment.runner.quit()
        self._hand_everything_over(final=True)

    def _hand_over_forever(self) -> None:
        while True:
            gevent.sleep(HAND_OVER_INTERVAL_S)
            try:
                while self._hand_over(final=False):
                    gevent.sleep(0)
            except Exception:
                self._once.error("hand over", "locust-cw: could not hand results over")

    def _hand_everything_over(self, *, final: bool) -> None:
        while self._hand_over(final=final):
            pass

    def _hand_over(self, *, final: bool) -> bool:
        """Hand over as much as the hub may be held for; return whether there is more."""
        now_s = self._clock.now_s()
        runner = self._environment.runner
        vitals = vitals_of(runner) if runner is not None else Vitals()
        frame = self._cutter.cut(Moment(now_s, 0.0, self._recorder.over, vitals), final=final)
        self.collector.accept(frame, now_s)
        self._cutter.acked = frame.seq
        self._recorder.buffer.forget_runs(frame.counters)
        self._gauges.note_vitals(vitals, now_s)
        self._health.note_vitals(vitals)
        # Only while it gets on: counters that are wrong must not keep the process from ending.
        return bool(frame.sections) and any(counters.held for counters in frame.counters.values())
