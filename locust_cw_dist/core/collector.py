"""Collector: merges the frames of all workers into windows, each frame once, and closes the windows.

A window closes when the watermark passes its end: the time up to which every live worker has reported. A worker that
is silent holds it open for the grace time at most. What comes later is merged all the same, and closes at once as a
supplement to a window that was handed out before.

State: touched only on the master's hub, by the handlers of Locust's messages and by the publisher. No method yields, so
a frame is merged whole or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from locust_cw_dist.core.buffer import MAX_ENDPOINTS_PER_WORKER, OTHER, EndpointKey
from locust_cw_dist.core.epochs import Epoch
from locust_cw_dist.core.frame import TIME_OUT_OF_RANGE, Frame, FrameError
from locust_cw_dist.core.summary import Summary
from locust_cw_dist.core.windows import MAX_FUTURE_S, MAX_PAST_S, window_start_s

MAX_ENDPOINTS = 2 * MAX_ENDPOINTS_PER_WORKER
"""Endpoints in one window on the master. Workers that run the same test have the same ones, so this is reached only
where names are not grouped; further ones fold into `(other)`."""

MAX_REMEMBERED_WINDOWS = 4096
"""Windows of which is remembered that they were handed out: over 11 hours at 10 s."""


@dataclass(slots=True)
class Window:
    """The merged summaries of one run and window.

    Attributes:
        run_id: The run.
        start_s: Start of the window, seconds since the epoch.
        summaries: One Summary for each endpoint.
        late: Results that came when the window was closed.
        is_first: Whether no part of the window was handed out before.
    """

    run_id: str
    start_s: int
    summaries: dict[EndpointKey, Summary] = field(default_factory=dict)
    late: int = 0
    is_first: bool = True

    @property
    def results(self) -> int:
        """Number of results in it."""
        return sum(summary.count for summary in self.summaries.values())

    def merge(self, summaries: dict[EndpointKey, Summary]) -> None:
        """Add summaries, which belong to this window from now on."""
        for key, summary in summaries.items():
            place = key if key in self.summaries or len(self.summaries) < MAX_ENDPOINTS else OTHER
            mine = self.summaries.get(place)
            if mine is None:
                self.summaries[place] = summary
            else:
                mine.merge(summary)


class Collector:
    """Merges frames and closes windows; see the module's docstring.

    Attributes:
        epochs: What is known of each worker process, by epoch.
        refusals: Frames that were refused, by reason.
        duplicates: Frames that came again and were not merged again.
        late: Results that came after their window had closed, by run.
    """

    def __init__(self, *, resolution_s: int, grace_s: float) -> None:
        """Merge into windows of `resolution_s`; wait `grace_s` after a window's end for a silent worker."""
        self.epochs: dict[str, Epoch] = {}
        self.refusals: Counter[str] = Counter()
        self.duplicates = 0
        self.late: Counter[str] = Counter()
        self._resolution_s = resolution_s
        self._grace_s = grace_s
        self._open: dict[tuple[str, int], Window] = {}
        self._closed_until_s: dict[str, int] = {}
        self._handed_out: dict[tuple[str, int], None] = {}

    def hear(self, worker_id: str, epoch: str, now_s: float) -> Epoch:
        """Note a sign of life; windows wait for this worker from now on."""
        known = self.epochs.get(epoch)
        if known is None:
            known = self.epochs[epoch] = Epoch(worker_id, heard_at_s=now_s, cut_at_s=now_s)
        known.heard_at_s = now_s
        return known

    def accept(self, frame: Frame, now_s: float) -> bool:
        """Merge a frame whose objects belong to the collector from now on; return False if it was merged before.

        Raises:
            FrameError: If the frame was refused; nothing of it is merged then.
        """
        for section in frame.sections:
            if not now_s - MAX_PAST_S <= section.start_s <= now_s + MAX_FUTURE_S:
                raise FrameError(TIME_OUT_OF_RANGE, f"a window at {section.start_s}, where it is {int(now_s)}")
        epoch = self.hear(frame.worker_id, frame.epoch, now_s)
        if epoch.has_merged(frame):
            self.duplicates += 1
            return False
        epoch.take(frame, now_s)
        for section in frame.sections:
            self._window_of(section.run_id, section.start_s, section.results).merge(section.summaries)
        return True

    def refuse(self, reason: str) -> None:
        """Count a frame that was refused."""
        self.refusals[reason] += 1

    def touch(self, run_id: str, now_s: float) -> None:
        """Have a window for `now_s`, also if no result comes: users and workers are published all the same."""
        self._window_of(run_id, int(now_s), 0)

    def watermark_s(self, now_s: float) -> float:
        """Return the time up to which every live worker has reported; `now_s` if there is none."""
        live = (
            epoch.cut_at_s
            for epoch in self.epochs.values()
            if not epoch.final and now_s - epoch.heard_at_s <= self._grace_s
        )
        return min(live, default=now_s)

    def close(self, now_s: float, *, everything: bool = False) -> list[Window]:
        """Hand over the windows that are complete, or have waited long enough, or `everything`; oldest first."""
        complete_s = max(self.watermark_s(now_s), now_s - self._grace_s)
        closed = []
        for (run_id, start_s), window in sorted(self._open.items(), key=lambda item: item[0][1]):
            end_s = start_s + self._resolution_s
            if everything or end_s <= complete_s:
                del self._open[run_id, start_s]
                self._closed_until_s[run_id] = max(end_s, self._closed_until_s.get(run_id, 0))
                window.is_first = self._remember(run_id, start_s)
                closed.append(window)
        return closed

    def open_results(self, run_id: str) -> int:
        """Return the number of results of a run in windows that are not closed."""
        return sum(window.results for window in self._open.values() if window.run_id == run_id)

    def recorded(self, run_id: str) -> int:
        """Return the number of results that the workers recorded in a run, as far as they told."""
        return sum(epoch.recorded(run_id) for epoch in self.epochs.values())

    def rejected(self, run_id: str) -> Counter[str]:
        """Return the results of a run that workers could not use, by reason."""
        total: Counter[str] = Counter()
        for epoch in self.epochs.values():
            if run_id in epoch.counters:
                total += epoch.counters[run_id].rejected
        return total

    def unmerged(self, run_id: str) -> int:
        """Return the number of results that workers told of and whose summaries have not come."""
        return sum(epoch.unmerged(run_id) for epoch in self.epochs.values())

    def waiting_for(self, run_id: str, silent_since_s: float) -> Iterator[Epoch]:
        """Yield the workers of which more is to be expected."""
        return (epoch for epoch in self.epochs.values() if not epoch.is_done(run_id, silent_since_s))

    def unheard(self, run_id: str, started_s: float) -> list[Epoch]:
        """Return the workers that took part in a run, heard of since it started, and never said that they were done."""
        return [
            epoch
            for epoch in self.epochs.values()
            if run_id in epoch.counters and epoch.heard_at_s >= started_s and not epoch.is_done(run_id, 0.0)
        ]

    def _window_of(self, run_id: str, at_s: int, results: int) -> Window:
        start_s = window_start_s(at_s, self._resolution_s)
        window = self._open.get((run_id, start_s))
        if window is None:
            window = self._open[run_id, start_s] = Window(run_id, start_s)
        if start_s < self._closed_until_s.get(run_id, 0):
            window.late += results
            self.late[run_id] += results
        return window

    def _remember(self, run_id: str, start_s: int) -> bool:
        is_first = (run_id, start_s) not in self._handed_out
        self._handed_out[run_id, start_s] = None
        if len(self._handed_out) > MAX_REMEMBERED_WINDOWS:
            del self._handed_out[next(iter(self._handed_out))]
        return is_first
