"""SingleProcess: users and publisher in one process. The same stages; frames go to the collector in memory."""

from __future__ import annotations

from typing import Any

from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.master.worker_processes import Seen, WorkerProcess
from locust_cw_dist.core.wire.frame import Vitals
from locust_cw_dist.live.master.own_results import OwnResults
from locust_cw_dist.live.platform.clock import Clock
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.runs import Runs
from locust_cw_dist.live.verdict.health_watch import HealthWatch
from locust_cw_dist.live.worker.request_listener import vitals_of

NAME = "local"
"""Stands for the worker in what is said about this process."""


class SingleProcess:
    """The plugin in a single process, but for publishing.

    Attributes:
        collector: Merges what is handed over.
        own: What its users do.
        without_plugin: Nobody; there are no other processes.
    """

    def __init__(
        self,
        environment: Any,
        collector: Collector,
        health: HealthWatch,
        runs: Runs,
        clock: Clock,
        once: LogOnce,
        *,
        resolution_s: int,
        with_messages: bool,
    ) -> None:
        """Serve `environment`, whose runner is a LocalRunner, or missing as long as only events are fired."""
        self.collector = collector
        self.without_plugin: set[str] = set()
        self._environment = environment
        self._health = health
        self.own = OwnResults(
            environment,
            collector,
            runs,
            clock,
            once,
            name=NAME,
            resolution_s=resolution_s,
            with_messages=with_messages,
            look=self._look,
        )

    def attach(self) -> None:
        """Listen to Locust's events."""
        self.own.attach()

    def detach(self) -> None:
        """Stop listening."""
        self.own.detach()

    def announce(self) -> None:
        """Record for the current run from now on."""
        self.own.begin_run()

    def keep_link(self) -> None:
        """Nothing to look after: there is no connection."""

    def count(self) -> tuple[int, int]:
        """Return the users and the workers of now."""
        runner = self._environment.runner
        return (0 if runner is None else runner.user_count), 1

    def seen(self) -> dict[str, Seen]:
        """Return what Locust knows of this process, the only one."""
        runner = self._environment.runner
        return {} if runner is None else {NAME: Seen(str(runner.state))}

    def processes(self, run_id: str) -> list[WorkerProcess]:
        """Return this process, where it has taken part in a run."""
        return list(self.collector.run(run_id).processes.values())

    def worker_ids(self) -> set[str]:
        """Return nobody: there are no other processes."""
        return set()

    def has_no_worker(self) -> bool:
        """Return False: there should be none."""
        return False

    def quit(self, *, quit_runner: bool) -> None:
        """Stop the users, if `quit_runner`."""
        if quit_runner and self._environment.runner is not None:
            self._environment.runner.quit()

    def drain(self, deadline_s: float) -> None:
        """Hand everything over; there is nobody to wait for until `deadline_s`."""
        self.own.is_final = True
        self.own.hand_over()

    def _look(self, now_s: float) -> Vitals:
        """Note how this process is, and return it."""
        runner = self._environment.runner
        vitals = vitals_of(runner) if runner is not None else Vitals()
        self.collector.gauges.note_vitals(vitals, now_s)
        self._health.note_vitals(vitals)
        return vitals
