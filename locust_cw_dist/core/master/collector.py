"""Collector: merges the frames of all workers into windows, each frame once, and closes the windows.

A window closes when the watermark passes its end: the time up to which every live worker has reported. A worker that
is silent holds it open for the grace time at most. What comes later is merged all the same, and closes at once as a
supplement to a window that was handed out before. What is handed out is a `ClosedWindow`, which nobody changes.

State: touched only on the master's hub, by the handlers of Locust's messages and by the publisher. No method yields, so
a frame is merged whole or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator

from locust_cw_dist.core.master.gauges import GaugeBook
from locust_cw_dist.core.master.worker_processes import ReceivedRun, ReceivedRuns, WorkerProcess
from locust_cw_dist.core.summaries.totals import Totals
from locust_cw_dist.core.summaries.window import ClosedWindow, OpenWindow
from locust_cw_dist.core.summaries.windows import MAX_FUTURE_S, MAX_PAST_S, window_start_s
from locust_cw_dist.core.wire.frame import MAX_ID_CHARS, NO_ROOM, TIME_OUT_OF_RANGE, Frame, FrameError

MAX_REMEMBERED_WINDOWS = 4096
"""Windows of which is remembered that they were handed out: over 11 hours at 10 s."""

MAX_PROCESSES = 4096
"""Worker processes that are known at a time, some kB each: four times as many as a Locust master was seen to bear, so
that there is room for those that were restarted. Then the one that has been silent longest goes, and what it told
stays."""

FORGET_PROCESS_AFTER_S = 3600.0
"""How long a worker process must have been silent before it may go: none waits so long with a frame to send again, for
Locust's worker quits when its master is away for a minute."""

MAX_RUNS_TOLD_OF = 1000
"""Runs that are taken from frames: earlier masters' and, for a second at their start, this one's. A run that the
master itself has begun (`touch`) always has room."""

MAX_OPEN_WINDOWS = 4096
"""Windows that are open at a time: over an hour at 1 s, where the grace time leaves open a few dozen."""


class Collector:
    """Merges frames and closes windows; see the module's docstring.

    Attributes:
        processes: What is known of each worker process, by its epoch.
        refusals: Frames that were refused, by reason.
        duplicates: Frames that came again and were not merged again.
        gauges: Users, workers and how they are, which closing windows take along.
        slack_s: How much longer than the grace time windows wait, where workers report more rarely than usual.
    """

    def __init__(self, *, resolution_s: int, grace_s: float) -> None:
        """Merge into windows of `resolution_s`; wait `grace_s` after a window's end for a silent worker."""
        self.processes: dict[str, WorkerProcess] = {}
        self.refusals: Counter[str] = Counter()
        self.duplicates = 0
        self.gauges = GaugeBook(resolution_s)
        self.slack_s = 0.0
        self._resolution_s = resolution_s
        self._grace_s = grace_s
        self._runs = ReceivedRuns()
        self._going_run = ""
        self._by_worker: dict[str, WorkerProcess] = {}
        self._handed_out: dict[tuple[str, int], None] = {}

    def greet(self, worker_id: str, epoch: str, now_s: float) -> WorkerProcess:
        """Note a greeting; windows wait for this worker from now on, and the end of its run does.

        Raises:
            FrameError: If so many others are at work that there is no room for this one.
        """
        known = self.processes.get(epoch)
        if known is None:
            known = WorkerProcess(worker_id[:MAX_ID_CHARS], heard_at_s=now_s, cut_at_s=now_s)
            self._admit(epoch, known)
        known.heard_at_s = now_s
        known.go_on()
        if self._going_run and not known.final:
            self._runs[self._going_run].processes[epoch] = known
        return known

    def note_heartbeat(self, worker_id: str, now_s: float) -> None:
        """Note that a worker is there and had nothing to send: windows go on to wait for it."""
        process = self.process_of(worker_id)
        if process is not None:
            process.heard_at_s = now_s

    def process_of(self, worker_id: str) -> WorkerProcess | None:
        """Return the latest process of a worker; None if none is known."""
        return self._by_worker.get(worker_id)

    def accept(self, frame: Frame, now_s: float) -> bool:
        """Merge a frame; return False if it was merged before.

        Raises:
            FrameError: If the frame was refused; nothing of it is merged then. For want of room only, it is welcome
                when it comes again.
        """
        # Of a worker that has not greeted, nothing is in yet.
        process = self.processes.get(frame.epoch) or WorkerProcess(frame.worker_id, heard_at_s=now_s, cut_at_s=0.0)
        if process.has_merged(frame):
            self.duplicates += 1
            process.duplicates += 1
            process.heard_at_s = now_s
            return False
        self._check_times(frame, process, now_s)
        self._check_room(frame)
        self._admit(frame.epoch, process)
        process.heard_at_s = now_s
        process.take(frame, now_s, self._runs)
        if frame.run_id and frame.run_id == self._going_run:
            self._runs[frame.run_id].processes[frame.epoch] = process
        for section in frame.sections:
            self._runs[section.run_id].processes[frame.epoch] = process
            window = self._window_of(section.run_id, section.start_s, section.results)
            window.merge(section)
        return True

    def refuse(self, reason: str) -> None:
        """Count a frame that was refused."""
        self.refusals[reason] += 1

    def begin(self, run_id: str, worker_ids: Container[str], now_s: float) -> None:
        """Note that a run begins, with these workers, and with whoever is heard of until its end."""
        self._going_run = run_id
        for name, process in self.processes.items():
            if not process.final and process.worker_id in worker_ids:
                self._runs[run_id].processes[name] = process
        self.open_window(run_id, now_s)

    def end(self) -> None:
        """Note that the run that goes on has been stopped."""
        self._going_run = ""

    def open_window(self, run_id: str, now_s: float) -> None:
        """Have a window for `now_s`, also if no result comes: users and workers are published all the same."""
        # There is always room for a run of this master's own.
        self._window_of(run_id, int(now_s), 0)

    def watermark_s(self, now_s: float) -> float:
        """Return the time up to which every live worker has reported; `now_s` if there is none."""
        live = (
            process.cut_at_s
            for process in self.processes.values()
            if not process.final and now_s - process.heard_at_s <= self._grace_s + self.slack_s
        )
        return min(live, default=now_s)

    def close(self, now_s: float, *, everything: bool = False) -> list[ClosedWindow]:
        """Hand over the windows that are complete, or have waited long enough, or `everything`; oldest first.

        One that is handed over before its time, with `everything`, is not closed by that: what follows is not late.
        """
        complete_s = max(self.watermark_s(now_s), now_s - self._grace_s - self.slack_s)
        due = [window for window in self.open_windows() if everything or self._end_s(window) <= complete_s]
        # Two runs may share a time, and its gauges.
        gauges = {start_s: self.gauges.take(start_s) for start_s in {window.start_s for window in due}}
        closed = []
        for window in sorted(due, key=lambda window: window.start_s):
            run = self._runs[window.run_id]
            del run.windows[window.start_s]
            if self._end_s(window) <= complete_s:
                run.closed_until_s = max(run.closed_until_s, self._end_s(window))
            is_first = self._remember(run.run_id, window.start_s)
            taken = gauges[window.start_s] if is_first else None
            closed.append(ClosedWindow(run.run_id, window.start_s, window.summaries, taken))
        return closed

    def open_windows(self) -> Iterator[OpenWindow]:
        """Yield the windows that are not closed."""
        return (window for run in self._runs.values() for window in run.windows.values())

    def run(self, run_id: str) -> ReceivedRun:
        """Return what has come of a run, to be read; of one that is not known, nothing."""
        return self._runs.get(run_id) or ReceivedRun(run_id)

    def totals_of_others(self, run_id: str) -> Totals:
        """Return the totals of all runs but this one."""
        others = [run.totals for run in self._runs.values() if run.run_id != run_id]
        return Totals(sum(one.requests for one in others), sum(one.failures for one in others))

    def _end_s(self, window: OpenWindow) -> int:
        return window.start_s + self._resolution_s

    def _admit(self, name: str, process: WorkerProcess) -> None:
        if name in self.processes:
            return
        if len(self.processes) >= MAX_PROCESSES:
            silent = min(self.processes, key=lambda other: self.processes[other].heard_at_s)
            if process.heard_at_s - self.processes[silent].heard_at_s < FORGET_PROCESS_AFTER_S:
                raise FrameError(NO_ROOM, f"{MAX_PROCESSES} worker processes are at work")
            forgotten = self.processes.pop(silent)
            if self._by_worker.get(forgotten.worker_id) is forgotten:
                del self._by_worker[forgotten.worker_id]
        self.processes[name] = self._by_worker[process.worker_id] = process

    @staticmethod
    def _check_times(frame: Frame, process: WorkerProcess, now_s: float) -> None:
        for section in frame.sections:
            if not now_s - MAX_PAST_S <= section.start_s <= now_s + MAX_FUTURE_S:
                process.give_up(frame)
                raise FrameError(TIME_OUT_OF_RANGE, f"a window at {section.start_s}, where it is {int(now_s)}")

    def _check_room(self, frame: Frame) -> None:
        runs = {run_id for run_id in (frame.run_id, *frame.counters) if run_id} - self._runs.keys()
        if runs and len(self._runs) + len(runs) > MAX_RUNS_TOLD_OF:
            raise FrameError(NO_ROOM, f"over {MAX_RUNS_TOLD_OF} runs")
        starts = {(section.run_id, window_start_s(section.start_s, self._resolution_s)) for section in frame.sections}
        opened = {(window.run_id, window.start_s) for window in self.open_windows()}
        if len(opened | starts) > MAX_OPEN_WINDOWS:
            raise FrameError(NO_ROOM, f"over {MAX_OPEN_WINDOWS} open windows")

    def _window_of(self, run_id: str, at_s: int, results: int) -> OpenWindow:
        run, start_s = self._runs[run_id], window_start_s(at_s, self._resolution_s)
        if start_s < run.closed_until_s:
            run.late += results
        if start_s not in run.windows:
            run.windows[start_s] = OpenWindow(run_id, start_s)
        return run.windows[start_s]

    def _remember(self, run_id: str, start_s: int) -> bool:
        is_first = (run_id, start_s) not in self._handed_out
        self._handed_out[run_id, start_s] = None
        if len(self._handed_out) > MAX_REMEMBERED_WINDOWS:
            del self._handed_out[next(iter(self._handed_out))]
        return is_first
