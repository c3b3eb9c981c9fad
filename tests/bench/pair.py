"""Pair: a master and a worker of Locust in this process, connected over loopback, our listeners apart from Locust's.

Locust attaches its own listeners when an environment and its runner are made; the environment gets fresh events before
the plugin is installed. So `locusts` fires what is Locust's, and `ours` what is ours.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any, Self

import gevent
import locust.runners
from locust.env import Environment
from locust.event import EventHook, Events

import locust_cw_dist


class Nobody:
    """A CloudWatch client that takes everything and does nothing."""

    def put_metric_data(self, **_: Any) -> None:
        pass


class Pair:
    """See the module's docstring; a context.

    Attributes:
        master: The master's environment, with its events `master_locusts` (Locust's listeners) and `master_ours`.
        worker: The worker's, with `worker_locusts` and `worker_ours`.
    """

    def __enter__(self) -> Self:
        # Reports are sent when the measurement says so.
        self._interval = locust.runners.WORKER_REPORT_INTERVAL
        locust.runners.WORKER_REPORT_INTERVAL = 1e6
        self.master = Environment()
        self.master.create_master_runner("127.0.0.1", 0)
        self.master_locusts = self.master.events
        self.master_ours = self.master.events = Events()
        settings = locust_cw_dist.Settings(namespace="bench")
        self._plugins = [locust_cw_dist.install(self.master, settings, client=Nobody())]
        self.worker = Environment()
        self.worker.create_worker_runner("127.0.0.1", self.master.runner.server.port)
        self.worker_locusts = self.worker.events
        self.worker_ours = self.worker.events = Events()
        self._plugins.append(locust_cw_dist.install(self.worker))
        self.master_ours.test_start.fire(environment=self.master)
        self.worker_ours.test_start.fire(environment=self.worker)
        gevent.sleep(0.5)
        _check_each_once(self.master_locusts.worker_report, "on_worker_report")
        _check_each_once(self.worker_locusts.report_to_master, "on_report_to_master")
        _check_each_once(self.worker_locusts.request, "on_request")
        return self

    def __exit__(self, *_: object) -> None:
        for plugin in self._plugins:
            plugin.close(timeout_s=1)
        self.worker.runner.quit()
        locust.runners.WORKER_REPORT_INTERVAL = self._interval


def _check_each_once(hook: EventHook, locusts: str) -> None:
    """See that Locust's own listener is there, and no listener twice: what Locust takes would be counted twice."""
    names = [handler.__qualname__ for handler in hook._handlers]
    assert any(name.endswith(f".{locusts}") for name in names), names
    assert len(names) == len(set(names)), names


def cpu_s(work: Callable[[], object]) -> float:
    """Return the CPU time that `work` takes this process; it must not yield to other greenlets."""
    begin_s = time.process_time()
    work()
    return time.process_time() - begin_s


def held_s(work: Callable[[], object]) -> float:
    """Return the CPU time that `work` takes this thread, but for Python's search through all old objects for garbage.

    That looks at everything in the process, Locust's and the benchmark's too.
    """
    searches_s: list[float] = []

    def on_collection(phase: str, info: dict[str, int]) -> None:
        if info["generation"] == 2:
            searches_s.append(time.thread_time() * (-1 if phase == "start" else 1))

    gc.callbacks.append(on_collection)
    try:
        begin_s = time.thread_time()
        work()
        return time.thread_time() - begin_s - sum(searches_s)
    finally:
        gc.callbacks.remove(on_collection)
