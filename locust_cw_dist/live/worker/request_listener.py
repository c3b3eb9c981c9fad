"""RequestListener: takes Locust's request event wherever users run, and folds it into the WorkerBuffer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import gevent
from gevent import monkey

from locust_cw_dist.core.summaries.failure_reasons import reason_of
from locust_cw_dist.core.summaries.grid import CEILING_MS
from locust_cw_dist.core.summaries.reason_cap import MAX_REASONS_PER_RUN
from locust_cw_dist.core.summaries.request_result import NOTHING_READABLE, RequestResult, parse_result
from locust_cw_dist.core.wire.frame import Vitals
from locust_cw_dist.core.worker.buffer import WorkerBuffer
from locust_cw_dist.core.worker.current_window import MAX_LISTED
from locust_cw_dist.live.platform.clock import Clock
from locust_cw_dist.live.platform.listeners import Listeners
from locust_cw_dist.live.platform.log_once import LogOnce

_thread_id = monkey.get_original("_thread", "get_ident")
"""The thread that runs this, where what gevent puts in its place tells the greenlet."""


class RequestListener:
    """Folds what users do.

    State: `on_request` runs in users' greenlets, the rest in the greenlet of Locust's events. None of it yields. What a
    native thread fires (a gevent threadpool, a library's own callbacks) is recorded by the hub, as soon as it runs.

    Attributes:
        buffer: What was folded and not taken yet.
        is_on: Whether anybody wants results; if not, requests pass unseen.
        running: Whether a test runs in this process.
        over: Whether a test has run in this process and stopped, and none has started since.
        on_request: Folds one request, whatever the client that fired it left out or made up; never raises. A
            well-formed success of an endpoint that has an intake in the current window goes there, without any call
            into the buffer: that takes 0.5 us in all where it was 2.5 us. All that Locust fires has a name in it, also
            what is not used, for collecting it in `_` would take 0.15 us more.
    """

    def __init__(self, clock: Clock, once: LogOnce) -> None:
        """Fold by the time that `clock` tells."""
        self.buffer = WorkerBuffer()
        self.is_on = True
        self.running = False
        self.over = False
        # None as long as nobody has said. Until then both forms of each reason are kept.
        self._with_messages: bool | None = None
        self._codes: dict[str, str] = {}
        self._now_s = clock.now_s
        self._ticks = clock.ticks
        # The end of the current window; a list, for `on_request` looks at it.
        self._until_ticks = [-math.inf]
        self._once = once
        self._loop = gevent.get_hub().loop
        self._hub_thread = _thread_id()
        self._listeners: Listeners | None = None
        self.on_request = self._make_on_request()

    def attach(self, environment: Any) -> None:
        """Listen to the events of an environment, and to requests before anybody else."""
        self._listeners = Listeners(environment)
        self._listeners.add_first("request", self.on_request)
        self._listeners.add("test_start", self._on_test_start)
        self._listeners.add("test_stop", self._on_test_stop)

    def keep_place(self) -> None:
        """Listen again where code has taken the listener away, with all others perhaps (`_handlers.clear()`)."""
        if self._listeners is not None and self._listeners.retake():
            self._once.warning(
                "taken away",
                "locust-cw: code removed this plugin's listener from events.request; it is back, but "
                "requests in between are not recorded",
            )

    def detach(self) -> None:
        """Stop listening; does nothing the second time."""
        if self._listeners is not None:
            self._listeners.close()

    def use_reasons(self, *, with_messages: bool) -> None:
        """Record failures with or without the exceptions' messages from now on.

        What was recorded before this was said for the first time gets the form that is said.
        """
        if not with_messages:
            self.buffer.stored.rename_reasons(self._codes)
        self._with_messages, self._codes = with_messages, {}

    def look_at_clock(self) -> None:
        """Look at the clock anew at the next request: it was put right."""
        self._until_ticks[0] = -math.inf

    def _make_on_request(self) -> Callable[..., None]:
        """Return `on_request`; a closure, for to look attributes up would take it a tenth longer."""
        intakes, record, ticks, until = self.buffer.current.intakes, self._record, self._ticks, self._until_ticks
        thread_id, hub_thread = _thread_id, self._hub_thread

        def on_request(
            request_type: Any = None,
            name: Any = None,
            response_time: Any = None,
            response_length: Any = None,
            response: Any = None,
            context: Any = None,  # noqa: ARG001 - see the class
            exception: Any = None,
            start_time: Any = None,  # noqa: ARG001
            url: Any = None,  # noqa: ARG001
            **_: Any,
        ) -> None:
            try:
                if (
                    exception is None
                    and type(response_time) is float
                    and 0.0 <= response_time <= CEILING_MS
                    and type(response_length) is int
                    # Other types may be equal to the name of an endpoint and have a text of their own.
                    and type(name) is str
                    and type(request_type) is str
                    and thread_id() == hub_thread
                    and ticks() < until[0]
                ):
                    intake = intakes[request_type][name]
                    times_ms = intake.response_times_ms
                    times_ms.append(response_time)
                    intake.response_bytes.append(response_length)
                    if len(times_ms) >= MAX_LISTED:
                        intake.pack()
                    return
            # A new endpoint, or a name that can't be a key.
            except Exception:  # noqa: S110 - the way below takes all that this one can't
                pass
            record(request_type, name, response_time, response_length, exception, response)

        return on_request

    def _record(
        self, request_type: Any, name: Any, response_time: Any, response_length: Any, exception: Any, response: Any
    ) -> None:
        if not self.is_on:
            return
        if _thread_id() != self._hub_thread:
            event = (request_type, name, response_time, response_length, exception, response)
            self._loop.run_callback_threadsafe(self._record, *event)
            return
        result = NOTHING_READABLE[exception is not None]
        try:
            result = parse_result(
                *(request_type, name, response_time, response_length, exception, response),
                with_message=self._keeps_message(exception, response),
            )
        finally:
            # Also where a user's time-out or end meets an object of its client that switches when it is looked at.
            self._fold(result)

    def _fold(self, result: RequestResult) -> None:
        try:
            # In this order: the window must not seem to be longer than it is.
            ticks, now_s = self._ticks(), self._now_s()
            self.buffer.record(result, now_s)
            self._until_ticks[0] = ticks + (self.buffer.current.until_s - now_s)
            if result.untimed is not None:
                self._once.warning(
                    result.untimed,
                    "locust-cw: a result has no usable response time (%s): it counts as a request%s, but not in "
                    "percentiles and means; further ones are not logged",
                    result.untimed,
                    "" if result.failure is None else " and a failure",
                )
        except Exception:
            self._once.error("fold", "locust-cw: could not record a result")

    def _keeps_message(self, exception: Any, response: Any) -> bool:
        """Whether the reason of a failure may have its message; notes its other form where nobody has said yet."""
        if self._with_messages is not None or exception is None:
            return self._with_messages is not False
        if len(self._codes) >= MAX_REASONS_PER_RUN:
            return False
        self._codes[reason_of(exception, response)] = reason_of(exception, response, with_message=False)
        return True

    def _on_test_start(self, **_: Any) -> None:
        self.running, self.over = True, False
        self.keep_place()

    def _on_test_stop(self, **_: Any) -> None:
        self.running, self.over = False, True


def vitals_of(runner: Any) -> Vitals:
    """Return how the process is, as Locust itself measures it."""
    return Vitals(
        users=runner.user_count,
        cpu_percent=float(getattr(runner, "current_cpu_usage", 0.0) or 0.0),
        memory_bytes=int(getattr(runner, "current_memory_usage", 0) or 0),
    )
