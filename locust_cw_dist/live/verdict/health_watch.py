"""HealthWatch: sees how the load generators are while a run goes on, and how it ended.

On the master or in a single process. One greenlet measures how late it is itself, which is how long the event loop was
held, and samples users; the rest is told by whoever reads the workers' messages. None of it yields.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import gevent

from locust_cw_dist.core.verdict.cut_short import Cause, Plan, cut_short
from locust_cw_dist.core.verdict.generator_health import THIS_PROCESS, Health, HealthBook, reachable_users
from locust_cw_dist.core.wire.frame import Frame, Vitals
from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.clock import WritingClock
from locust_cw_dist.live.platform.listeners import Listeners
from locust_cw_dist.live.platform.locust_internals import RunLink
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.runs import Run, Runs
from locust_cw_dist.live.verdict.web_form import WebForm

BEAT_S = 0.25
"""How often the event loop's lateness is measured."""

BEATS_PER_SAMPLE = 4
"""Beats after which users are counted: once a second."""


class Source(Protocol):
    """What is asked of the master or the single process."""

    def count(self) -> tuple[int, int]:
        """Return the users and the workers of now."""
        ...

    def has_no_worker(self) -> bool:
        """Whether there should be workers and none is left."""
        ...


class HealthWatch:
    """Watches the runs of one process.

    State: touched on the hub only.
    """

    def __init__(self, environment: Any, runs: Runs, clock: WritingClock, once: LogOnce) -> None:
        """Watch the runs of `environment`."""
        self._environment = environment
        self._link = RunLink(environment)
        self._runs = runs
        self._clock = clock
        self._once = once
        self._books: dict[Run, HealthBook] = {}
        self._never_began = False
        self._form = WebForm(environment, once, self._on_swarm)
        # When the form started or changed a test, and for how long; and whether that is for a run that is to begin.
        self._asked: tuple[float, float | None] | None = None
        self._is_for_next = False
        self._source: Source | None = None
        self._listeners = Listeners(environment)
        self._greenlet: gevent.Greenlet | None = None

    @property
    def never_began(self) -> bool:
        """Whether the process was told to end before the test that it was started for had begun."""
        return self._never_began

    def start(self, source: Source) -> None:
        """Begin; `source` is told of below."""
        self._source = source
        self._listeners.add("test_stopping", self._on_test_stopping)
        self._form.attach()
        self._greenlet = forks.spawn(self._beat_forever)

    def close(self) -> None:
        """Stop watching."""
        self._listeners.close()
        self._form.detach()
        if self._greenlet is not None:
            self._greenlet.kill(block=False)

    def begin(self, run: Run, workers: Iterable[str]) -> None:
        """Note that a run begins, with these workers."""
        if self._asked is not None and not self._is_for_next:
            # Code of the user's starts it, not the form, which has asked for an earlier one.
            self._asked = (self._clock.now_s(), None)
        self._is_for_next = False
        self._books[run] = HealthBook(workers, self._clock.now_s())

    def note_process_end(self) -> None:
        """Note that the process ends; call it before anything else is done about it."""
        run = self._runs.current
        if run.started_s is None:
            self._never_began = self._plan().begins_by_itself
        elif run.is_running:
            self._end(Cause.PROCESS)

    def note_sign(self, worker: str) -> None:
        """Note a sign of life of a worker."""
        book = self._current
        if book is not None:
            book.note_sign(worker, self._clock.now_s())

    def note_frame(self, frame: Frame) -> None:
        """Note what a worker's frame tells of it."""
        book, now_s = self._current, self._clock.now_s()
        if book is None:
            return
        book.note_sign(frame.worker_id, now_s)
        book.note_cpu(frame.worker_id, frame.vitals.cpu_percent, now_s)
        error_s = self.clock_error_s(frame)
        if error_s is not None:
            book.note_clock(frame.worker_id, error_s)
        if frame.final:
            book.note_departure(frame.worker_id, now_s)

    def clock_error_s(self, frame: Frame) -> float | None:
        """Return how far a worker's clock is ahead of the right time; None as long as that is not known."""
        # Where this process's own clock was wrong at its start, it is all workers that look wrong.
        return None if frame.clock_offset_s is None else -(frame.clock_offset_s + self._clock.offset_s)

    def note_vitals(self, vitals: Vitals) -> None:
        """Note how this process is, whose users are its own."""
        book = self._current
        if book is not None:
            book.note_cpu(THIS_PROCESS, vitals.cpu_percent, self._clock.now_s())

    def silent_since_s(self) -> dict[str, float]:
        """Return the workers of the current run that are silent, and when each was heard last."""
        book = self._current
        return {} if book is None else book.silent_since_s(self._clock.now_s())

    def is_there(self, worker: str) -> bool:
        """Whether a worker of the current run has not left for good."""
        book = self._current
        return book is not None and book.is_there(worker)

    def health(self, run: Run) -> Health:
        """Return how the load generators were while a run went on."""
        book = self._books.get(run)
        return Health() if book is None else book.health()

    def cut_short(self, run: Run) -> str | None:
        """Return how a run ended before its planned end, if it did."""
        book = self._books.get(run)
        return None if book is None else book.cut_short

    @property
    def _current(self) -> HealthBook | None:
        return self._books.get(self._runs.current)

    def _on_test_stopping(self, **_: Any) -> None:
        try:
            self._end(self._cause())
        except Exception:
            self._once.error("stopping", "locust-cw: could not note the end of the test")

    def _cause(self) -> Cause:
        if self._source is not None and self._source.has_no_worker():
            return Cause.NO_WORKER
        # Locust's main greenlet waits for the shape to end; it stops the test itself only after ctrl-C.
        is_main = not isinstance(gevent.getcurrent(), gevent.Greenlet)
        return Cause.PROCESS if is_main and self._plan().has_shape else Cause.ITSELF

    def _end(self, cause: Cause) -> None:
        run, book = self._runs.current, self._current
        if book is None or book.has_ended or run.started_s is None:
            return
        now_s = self._clock.now_s()
        if self._source is not None:
            # A run of a second may have no sample with all of its users. Without a target: a shape may have just
            # raised it.
            book.note_users(self._source.count()[0], 0, now_s)
        book.end(now_s)
        book.cut_short = cut_short(self._plan(), cause, now_s - run.started_s)

    def _on_swarm(self, run_time_s: float | None) -> None:
        """Note for how long the web form asks from now on."""
        if self._environment.shape_class is not None:
            return
        # A change of the users that names no run time leaves an earlier one in force, where Locust does not cancel it.
        is_running = self._runs.current.is_running
        if run_time_s is not None or not is_running or (self._asked and self._link.cancels_run_time):
            self._asked = (self._clock.now_s(), run_time_s)
        self._is_for_next = not is_running

    @property
    def run_time_s(self) -> float | None:
        """How long the current run is to take; None if nobody has said."""
        if self._asked is not None:
            asked_s, run_time_s = self._asked
            began_s = self._runs.current.started_s
            return None if run_time_s is None else max(0.0, asked_s - (began_s or asked_s)) + run_time_s
        run_time_s = getattr(getattr(self._environment, "parsed_options", None), "run_time", None)
        return run_time_s if isinstance(run_time_s, int | float) and run_time_s > 0 else None

    def _plan(self) -> Plan:
        options = getattr(self._environment, "parsed_options", None)
        return Plan(
            run_time_s=self.run_time_s,
            has_shape=options is not None and getattr(self._environment, "shape_class", None) is not None,
            begins_by_itself=bool(getattr(options, "headless", False) or getattr(options, "autostart", False)),
        )

    def _beat_forever(self) -> None:
        beats = 0
        while True:
            due_s = self._clock.now_s() + BEAT_S
            gevent.sleep(BEAT_S)
            beats += 1
            try:
                self._beat(due_s, counts=beats % BEATS_PER_SAMPLE == 0)
            except Exception:
                self._once.error("health", "locust-cw: could not check the health of the run")

    def _beat(self, due_s: float, *, counts: bool) -> None:
        book = self._current
        if book is None:
            return
        now_s = self._clock.now_s()
        book.note_hold(due_s, now_s)
        if counts and self._source is not None:
            users, _ = self._source.count()
            book.note_users(users, self._target(users), now_s)

    def _target(self, users: int) -> int:
        """Return how many users there should be: what was asked for, or what the classes allow of it."""
        asked = int(getattr(self._environment.runner, "target_user_count", 0) or 0)
        classes = self._link.dispatched_classes()
        return reachable_users(asked, users, [one.fixed_count for one in classes if one.fixed_count or one.weight > 0])
