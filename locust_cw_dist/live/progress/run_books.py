"""RunBooks: merges closed windows by run, and makes rows of them when they are asked for.

To merge is all that is done as long as nobody looks. Rows take percentiles: they are made after a window has closed,
and with pauses that grow with the time that it took, so that it is at most half a per cent of a core however many
endpoints there are.

State: touched on the hub only. Merging and making rows both yield, and never run at the same time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from locust_cw_dist.core.progress.endpoint_progress import LocustFigures, RowKey
from locust_cw_dist.core.progress.run_book import Rendered, RunBook
from locust_cw_dist.core.progress.series import Series
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import ClosedWindow
from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.clock import WritingClock, cpu_s, monotonic_s
from locust_cw_dist.live.platform.hub_slice import HubSlice
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.records.run_facts import without_password
from locust_cw_dist.live.runs import Run, Runs

MAX_BOOKS = 2
"""Runs that are kept: the current one, and the one before, of which results may come late."""

REST = 200
"""How many times as long as it took to make rows, by processor time, none is made again: 0.5 % of a core. Of a hundred
endpoints they are made anew with each window of 10 s, of 500 on a slow machine with each second one."""

MAX_REST_S = 60.0

LOCUST_S = 10.0
"""How old Locust's own figures may be that stand beside ours: they change without a window of ours."""


class RunBooks:
    """Keeps what has come of the last runs of this process."""

    def __init__(self, runs: Runs, clock: WritingClock, once: LogOnce, resolution_s: int) -> None:
        """Keep windows of `resolution_s` of `runs`."""
        self._runs = runs
        self._clock = clock
        self._once = once
        self._resolution_s = resolution_s
        self._books: dict[Run, RunBook] = {}
        self._waiting: deque[ClosedWindow] = deque()
        self._work = Event()
        self._turn = BoundedSemaphore(1)
        self._slice = HubSlice()
        self._rendered_s = self._rests_until_s = 0.0
        self._greenlet: gevent.Greenlet | None = None

    def start(self) -> None:
        """Begin to merge."""
        self._greenlet = forks.spawn(self._merge_forever)

    def close(self) -> None:
        """Merge nothing any more."""
        if self._greenlet is not None:
            self._greenlet.kill(block=False)

    def take(self, window: ClosedWindow) -> None:
        """Keep a window; never yields."""
        if self._runs.get(window.run_id).is_own:
            self._waiting.append(window)
            self._work.set()

    def finish(self) -> None:
        """Merge all that waits; yields."""
        with self._turn:
            self._merge_waiting()

    def totals_of(self, run: Run) -> Mapping[EndpointKey, Summary]:
        """Return what the endpoints of a run did so far; nothing of a run that is long over."""
        return self._books[run].totals() if run in self._books else {}

    def rendered(self, locust: Callable[[RowKey], LocustFigures | None]) -> Rendered:
        """Return what is shown of the current run; may yield.

        Args:
            locust: Returns what Locust says of an endpoint.
        """
        with self._turn:
            self._merge_waiting()
            book = self._book(self._runs.current)
            if self._is_due(book):
                # Not before it is over: what fails is not tried again at once.
                self._rests_until_s = monotonic_s() + MAX_REST_S
                spent_s = self._run(book.render(self._clock.offset_s, locust))
                self._rendered_s = monotonic_s()
                self._rests_until_s = self._rendered_s + min(MAX_REST_S, REST * spent_s)
            return book.rendered

    def series(self, key: RowKey) -> Series:
        """Return how an endpoint of the current run went; may yield."""
        with self._turn:
            steps = self._book(self._runs.current).series(key, self._clock.offset_s)
            while True:
                try:
                    next(steps)
                except StopIteration as end:
                    series: Series = end.value
                    return series
                self._slice.breathe()

    def _is_due(self, book: RunBook) -> bool:
        now_s = monotonic_s()
        return now_s >= self._rests_until_s and (book.has_changed or now_s - self._rendered_s > LOCUST_S)

    def _merge_forever(self) -> None:
        while True:
            self._work.wait()
            self._work.clear()
            try:
                with self._turn:
                    self._merge_waiting()
            except Exception:
                self._once.error("merge", "locust-cw: could not add a window to the live state of the run")

    def _merge_waiting(self) -> None:
        while self._waiting:
            window = self._waiting.popleft()
            run = self._runs.get(window.run_id)
            if run is self._runs.current or run in self._books:
                host = without_password(run.host_at(window.start_s))
                self._run(self._book(run, window.start_s).add(window, host))

    def _run(self, steps: Iterator[None]) -> float:
        """Take all steps; return how long they had the processor, in seconds."""
        spent_s, since_s = 0.0, cpu_s()
        for _ in steps:
            spent_s += cpu_s() - since_s
            self._slice.breathe()
            since_s = cpu_s()
        return spent_s + cpu_s() - since_s

    def _book(self, run: Run, start_s: float | None = None) -> RunBook:
        begin_s = run.started_s or start_s or self._clock.now_s()
        if run not in self._books:
            self._books[run] = RunBook(begin_s, self._resolution_s)
            self._rests_until_s = 0.0
            for old in [*self._books][:-MAX_BOOKS]:
                del self._books[old]
        book = self._books[run]
        if run.started_s is not None:
            book.note_span(run.started_s, run.stopped_s)
        return book
