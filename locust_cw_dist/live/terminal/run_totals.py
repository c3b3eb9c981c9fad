"""RunTotals: what the endpoints of a run did in it, for the table at its end.

Closed windows wait here until one greenlet has merged them, an endpoint at a time, so that the hub is held for a few
milliseconds at most.

State: touched on the hub only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import gevent
from gevent.event import Event

from locust_cw_dist.core.summaries.endpoint_cap import EndpointCap
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import MAX_ENDPOINTS_PER_WINDOW, ClosedWindow
from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.hub_slice import HubSlice
from locust_cw_dist.live.platform.log_once import LogOnce

MAX_RUNS = 2
"""Runs that are added up: results of the one before may come when the next has begun."""

MAX_WAITING = 600
"""Windows that wait; a window takes some milliseconds, so this is never reached but where nothing runs at all."""


@dataclass(slots=True)
class _RunTotal:
    cap: EndpointCap = field(default_factory=lambda: EndpointCap(MAX_ENDPOINTS_PER_WINDOW))
    summaries: dict[EndpointKey, Summary] = field(default_factory=dict)


class RunTotals:
    """Adds windows up."""

    def __init__(self, once: LogOnce) -> None:
        """Begin with no run."""
        self._once = once
        self._runs: dict[str, _RunTotal] = {}
        self._waiting: deque[ClosedWindow] = deque(maxlen=MAX_WAITING)
        self._work = Event()
        self._is_busy = False
        self._slice = HubSlice()
        self._greenlet: gevent.Greenlet | None = None

    def start(self) -> None:
        """Begin to add up."""
        self._greenlet = forks.spawn(self._add_forever)

    def take(self, window: ClosedWindow) -> None:
        """Keep a window; never yields."""
        if window.summaries:
            self._waiting.append(window)
            self._work.set()

    def finish(self) -> None:
        """Add up all that waits. It may be cut off."""
        while self._waiting or self._is_busy:
            self._work.set()
            gevent.sleep(0.01)

    def of(self, run_id: str) -> Mapping[EndpointKey, Summary]:
        """Return what the endpoints of a run did so far; nothing of a run that is long over."""
        total = self._runs.get(run_id)
        return {} if total is None else total.summaries

    def close(self) -> None:
        """Add nothing up any more."""
        if self._greenlet is not None:
            self._greenlet.kill(block=False)

    def _add_forever(self) -> None:
        while True:
            self._work.wait()
            self._work.clear()
            self._is_busy = True
            try:
                while self._waiting:
                    self._add(self._waiting.popleft())
            except Exception:
                self._once.error("totals", "locust-cw: could not add up a window for the last lines")
            finally:
                self._is_busy = False

    def _add(self, window: ClosedWindow) -> None:
        total = self._runs.get(window.run_id)
        if total is None:
            total = self._runs[window.run_id] = _RunTotal()
            for old in list(self._runs)[:-MAX_RUNS]:
                del self._runs[old]
        for key, summary in total.cap.apply(window.summaries).items():
            mine = total.summaries.get(key)
            if mine is None:
                total.summaries[key] = summary.copy()
            else:
                mine.merge(summary)
            self._slice.breathe()
