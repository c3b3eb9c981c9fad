"""Recorder: takes Locust's request event wherever users run, and folds it into the WorkerBuffer."""

from __future__ import annotations

from typing import Any, Protocol

from locust_cw_dist.core.buffer import WorkerBuffer
from locust_cw_dist.core.frame import Vitals
from locust_cw_dist.core.result import UNREADABLE, parse_result
from locust_cw_dist.edge.clock import Clock
from locust_cw_dist.edge.once import Once


class Runner(Protocol):
    """What is used of any Locust runner that has users."""

    user_count: int
    current_cpu_usage: float
    current_memory_usage: int


class Recorder:
    """Folds what users do.

    State: `on_request` runs in users' greenlets, the rest in the greenlet of Locust's events. None of it yields.

    Attributes:
        buffer: What was folded and not taken yet.
        is_on: Whether anybody wants results; if not, requests pass unseen.
        running: Whether a test runs in this process.
        over: Whether a test has run in this process and stopped, and none has started since.
    """

    def __init__(self, clock: Clock, once: Once) -> None:
        """Fold by the time that `clock` tells."""
        self.buffer = WorkerBuffer()
        self.is_on = True
        self.running = False
        self.over = False
        self._now_s = clock.now_s
        self._once = once

    def attach(self, events: Any) -> None:
        """Listen to the events of an environment."""
        events.request.add_listener(self.on_request)
        events.test_start.add_listener(self._on_test_start)
        events.test_stop.add_listener(self._on_test_stop)

    def detach(self, events: Any) -> None:
        """Stop listening."""
        events.request.remove_listener(self.on_request)
        events.test_start.remove_listener(self._on_test_start)
        events.test_stop.remove_listener(self._on_test_stop)

    def on_request(
        self,
        request_type: Any = None,
        name: Any = None,
        response_time: Any = None,
        response_length: Any = None,
        exception: Any = None,
        response: Any = None,
        **_: Any,
    ) -> None:
        """Fold one request, whatever the client that fired it left out or made up; never raises."""
        if not self.is_on:
            return
        try:
            result = parse_result(request_type, name, response_time, response_length, exception, response)
            if not isinstance(result, str):
                self.buffer.record(result, self._now_s())
                return
        # The objects of a client may do anything when they are looked at.
        except Exception:
            self.buffer.reject(UNREADABLE)
            self._once.error("unreadable", "locust-cw: a result can't be read; it is counted as dropped")
            return
        self.buffer.reject(result)
        self._once.warning(
            f"rejected {result}", "locust-cw: a result can't be used: %s; all such are counted as dropped", result
        )

    def _on_test_start(self, **_: Any) -> None:
        self.running, self.over = True, False

    def _on_test_stop(self, **_: Any) -> None:
        self.running, self.over = False, True


def vitals_of(runner: Any) -> Vitals:
    """Return how the process is, as Locust itself measures it."""
    return Vitals(
        users=runner.user_count,
        cpu_percent=float(getattr(runner, "current_cpu_usage", 0.0) or 0.0),
        memory_bytes=int(getattr(runner, "current_memory_usage", 0) or 0),
    )
