"""Collector: merges the frames of all workers into windows, each frame once, and closes the windows.

A window closes when the watermark passes its end: the time up to which every live worker has reported. A worker that
is silent holds it open for the grace time at most. What comes later is merged all the same, and closes at once as a
supplement to a window that was handed out before. What is handed out is a `ClosedWindow`, which nobody changes.

State: touched only on the master's hub, by the handlers of Locust's messages and by the publisher. No method yields, so
a frame is merged whole or not at all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator

from locust_cw_dist.core.master.gauges import GaugeBook
from locust_cw_dist.core.master.worker_processes import RunTally, WorkerProcess
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
        late: Results that came after their window had closed, by run.
        gauges: Users, workers and how they are, which closing windows take along.
        slack_s: How much longer than the grace time windows wait, where workers report more rarely than usual.
    """

    def __init__(self, *, resolution_s: int, grace_s: float) -> None:
        """Merge into windows of `resolution_s`; wait `grace_s` after a window's end for a silent worker."""
        self.processes: dict[str, WorkerProcess] = {}
        self.refusals: Counter[str] = Counter()
        self.duplicates = 0
        self.late: Counter[str] = Counter()
        self.gauges = GaugeBook(resolution_s)
        self.slack_s = 0.0
        self._resolution_s = resolution_s
        self._grace_s = grace_s
        self._tallies: defaultdict[str, RunTally] = defaultdict(RunTally)
        self._going_run = ""
        self._by_worker: dict[str, WorkerProcess] = {}
        # Epochs by name, as objects: one that must make room for others is still missed at the end of its run.
        self._part: defaultdict[str, dict[str, WorkerProcess]] = defaultdict(dict)
        self._open: dict[tuple[str, int], OpenWindow] = {}
        self._closed_until_s: dict[str, int] = {}
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
            self._part[self._going_run][epoch] = known
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
            process.heard_at_s = now_s
            return False
        self._check_times(frame, process, now_s)
        self._check_room(frame)
        self._admit(frame.epoch, process)
        process.heard_at_s = now_s
        process.take(frame, now_s, self._tallies)
        if frame.run_id and frame.run_id == self._going_run:
            self._part[frame.run_id][frame.epoch] = process
        for section in frame.sections:
            self._part[section.run_id][frame.epoch] = process
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
                self._part[run_id][name] = process
        self.open_window(run_id, now_s)

    def end(self) -> None:
        """Note that the run that goes on has been stopped."""
        self._going_run = ""

    def open_window(self, run_id: str, now_s: float) -> None:
        """Have a window for `now_s`, also if no result comes: users and workers are published all the same."""
        # There is always room for a run of this master's own.
        self._tallies.setdefault(run_id, RunTally())
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
        closing = [key for key in self._open if everything or key[1] + self._resolution_s <= complete_s]
        # Two runs may share a time, and its gauges.
        gauges = {start_s: self.gauges.take(start_s) for start_s in {start_s for _, start_s in closing}}
        closed = []
        for run_id, start_s in sorted(closing, key=lambda key: key[1]):
            end_s = start_s + self._resolution_s
            if end_s <= complete_s:
                self._closed_until_s[run_id] = max(end_s, self._closed_until_s.get(run_id, 0))
            summaries = self._open.pop((run_id, start_s)).summaries
            is_first = self._remember(run_id, start_s)
            closed.append(ClosedWindow(run_id, start_s, summaries, gauges[start_s] if is_first else None))
        return closed

    def open_windows(self) -> Iterable[OpenWindow]:
        """Return the windows that are not closed."""
        return self._open.values()

    def open_results(self, run_id: str) -> int:
        """Return the number of results of a run in windows that are not closed."""
        return sum(window.results for window in self._open.values() if window.run_id == run_id)

    def recorded(self, run_id: str) -> int:
        """Return the number of results that the workers recorded in a run, as far as they told."""
        return self._tally(run_id).recorded

    def untimed(self, run_id: str) -> Counter[str]:
        """Return the results of a run that have no usable response time, by reason, as far as the workers told."""
        return +self._tally(run_id).untimed

    def lost(self, run_id: str) -> Counter[str]:
        """Return the results of a run that workers gave up, by reason, as far as they told."""
        return Counter({f"a worker's frame: {reason}": count for reason, count in self._tally(run_id).lost.items()})

    def totals(self, run_id: str) -> Totals:
        """Return what was recorded in a run; results that have not come yet may each be a failure, and count as one."""
        return self._tally(run_id).totals

    def totals_of_others(self, run_id: str) -> Totals:
        """Return the same of all runs but this one."""
        others = [tally.totals for other, tally in self._tallies.items() if other != run_id]
        return Totals(sum(one.requests for one in others), sum(one.failures for one in others))

    def unmerged(self, run_id: str) -> int:
        """Return the number of results that workers told of and whose summaries have not come."""
        return self._tally(run_id).unmerged

    def waiting_for(self, run_id: str, silent_since_s: float) -> Iterator[WorkerProcess]:
        """Yield the workers that take part in a run, were heard since then, and have not said that they are done."""
        return (process for process in self._participants(run_id) if not process.is_done(run_id, silent_since_s))

    def unheard(self, run_id: str) -> list[WorkerProcess]:
        """Return the workers that took part in a run and never said that they were done."""
        return [process for process in self._participants(run_id) if not process.is_done(run_id, 0.0)]

    def participants(self, run_id: str) -> dict[str, WorkerProcess]:
        """Return the worker processes that took part in a run, by epoch."""
        return dict(self._part.get(run_id, {}))

    def _participants(self, run_id: str) -> Iterable[WorkerProcess]:
        return self._part.get(run_id, {}).values()

    def _tally(self, run_id: str) -> RunTally:
        return self._tallies.get(run_id) or RunTally()

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
        runs = {run_id for run_id in (frame.run_id, *frame.counters) if run_id} - self._tallies.keys()
        if runs and len(self._tallies) + len(runs) > MAX_RUNS_TOLD_OF:
            raise FrameError(NO_ROOM, f"over {MAX_RUNS_TOLD_OF} runs")
        starts = {(section.run_id, window_start_s(section.start_s, self._resolution_s)) for section in frame.sections}
        if len(self._open) + len(starts - self._open.keys()) > MAX_OPEN_WINDOWS:
            raise FrameError(NO_ROOM, f"over {MAX_OPEN_WINDOWS} open windows")

    def _window_of(self, run_id: str, at_s: int, results: int) -> OpenWindow:
        start_s = window_start_s(at_s, self._resolution_s)
        window = self._open.get((run_id, start_s))
        if window is None:
            window = self._open[run_id, start_s] = OpenWindow(run_id, start_s)
        if start_s < self._closed_until_s.get(run_id, 0):
            self.late[run_id] += results
        return window

    def _remember(self, run_id: str, start_s: int) -> bool:
        is_first = (run_id, start_s) not in self._handed_out
        self._handed_out[run_id, start_s] = None
        if len(self._handed_out) > MAX_REMEMBERED_WINDOWS:
            del self._handed_out[next(iter(self._handed_out))]
        return is_first
