"""Worker processes and runs: what the master knows of each, and which frames are merged.

An epoch is one worker process. Its frames are numbered; a frame says up to which number a master has acknowledged
(`acked`), so a master that came later knows what an earlier one has merged. Kept are that floor and the numbers merged
above it: with stop and wait that is one number, and `SEQUENCE_SPAN` bounds what a forged frame can make of it.

What the workers tell of a run and what of it is merged is added up over all epochs in a `ReceivedRun`; an epoch keeps
only what it told last, so that the next news can be added as a difference.

State: touched only by the Collector; others read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from locust_cw_dist.core.summaries.run_counters import RunCounters
from locust_cw_dist.core.summaries.totals import Totals
from locust_cw_dist.core.summaries.window import OpenWindow
from locust_cw_dist.core.wire.frame import SEQUENCE, Frame, FrameError, Vitals

SEQUENCE_SPAN = 64
"""How far a sequence number may be above the last acknowledged one; an honest worker is one ahead."""


@dataclass(slots=True)
class ReceivedRun:
    """What has come of one run, and what all workers together have told of it.

    Attributes:
        run_id: The run.
        told: Results that they recorded, as far as this master has heard.
        untimed: Of those, the ones without a usable response time, by reason.
        elsewhere: Of those, the ones that a master before this one has merged.
        lost: Of those, the ones that workers gave up, by reason.
        merged: Results merged here.
        failures: Of those, the failed ones.
        late: Results that came after their window had closed.
        windows: The windows that are open, by their start.
        closed_until_s: Up to when windows have closed because they were complete, or had waited long enough.
        processes: The worker processes that took part, by epoch; also those that had to make room for others since.
    """

    run_id: str
    told: int = 0
    untimed: Counter[str] = field(default_factory=Counter)
    elsewhere: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    merged: int = 0
    failures: int = 0
    late: int = 0
    windows: dict[int, OpenWindow] = field(default_factory=dict)
    closed_until_s: int = 0
    processes: dict[str, WorkerProcess] = field(default_factory=dict)

    @property
    def recorded(self) -> int:
        """Results that are this master's to publish."""
        return self.told - self.elsewhere

    @property
    def unmerged(self) -> int:
        """Results whose summaries have not come."""
        return self.recorded - self.merged - self.lost.total()

    @property
    def totals(self) -> Totals:
        """What there is of the run; what has not come yet counts as failed, which each of it may be."""
        return Totals(self.recorded, self.failures + max(0, self.recorded - self.merged))

    @property
    def lost_in_frames(self) -> Counter[str]:
        """Results that workers gave up, by reason, as the ledger names it."""
        return Counter({f"a worker's frame: {reason}": count for reason, count in self.lost.items()})

    @property
    def open_results(self) -> int:
        """Results in windows that are not closed."""
        return sum(window.results for window in self.windows.values())

    def waiting_for(self, silent_since_s: float) -> Iterator[WorkerProcess]:
        """Yield the processes that took part, were heard since then, and have not said that they are done."""
        return (process for process in self.processes.values() if not process.is_done(self.run_id, silent_since_s))

    def unheard(self) -> list[WorkerProcess]:
        """Return the processes that took part and never said that they were done."""
        return list(self.waiting_for(0.0))

    def replace(self, before: RunCounters, after: RunCounters) -> None:
        """Take what a worker tells now in place of what it told before."""
        self.told += after.recorded - before.recorded
        self.untimed.update(after.untimed)
        self.untimed.subtract(before.untimed)
        self.lost.update(after.lost)
        self.lost.subtract(before.lost)


class ReceivedRuns(dict[str, ReceivedRun]):
    """By id; a run that is not there is made."""

    def __missing__(self, run_id: str) -> ReceivedRun:
        """Make a run of which nothing has come."""
        run = self[run_id] = ReceivedRun(run_id)
        return run


@dataclass(frozen=True, slots=True)
class Seen:
    """What Locust knows of a worker.

    Attributes:
        state: In Locust's own word; None if it is not in its list.
        heard_s: When its last heartbeat came; None if none has.
    """

    state: str | None = None
    heard_s: float | None = None


@dataclass(slots=True)
class WorkerProcess:
    """One worker process, as the master knows it.

    Attributes:
        worker_id: Locust's id of the worker.
        heard_at_s: Master's clock when it was heard last.
        cut_at_s: Up to here (master's clock) all its results are in.
        clock_offset_s: What it adds to its own clock to get the master's; None before it knows.
        final: Whether its last frame has come.
        finished: The runs of which it has nothing more: it said so, or has gone on to the next one.
        vitals: How it was when it cut its last frame.
        counters: Its cumulative counters, as it told them last: of its current run, and of earlier ones of which not
            everything was acknowledged.
        duplicates: Frames that came again after they had been merged.
    """

    worker_id: str
    heard_at_s: float
    cut_at_s: float
    clock_offset_s: float | None = None
    final: bool = False
    finished: set[str] = field(default_factory=set)
    vitals: Vitals = field(default_factory=Vitals)
    counters: dict[str, RunCounters] = field(default_factory=dict)
    duplicates: int = 0
    _floor: int = 0
    _above: set[int] = field(default_factory=set)
    _last_seq: int = 0

    def is_done(self, run_id: str, silent_since_s: float) -> bool:
        """Whether nothing more is to be waited for: it said so for `run_id`, or has been silent since then."""
        return self.final or run_id in self.finished or self.heard_at_s < silent_since_s

    def go_on(self) -> None:
        """Note that a test begins there without word of its run, which may be one that it was done with."""
        self.finished -= self.counters.keys()

    def has_merged(self, frame: Frame) -> bool:
        """Whether this frame was merged before.

        Raises:
            FrameError: If its number is farther ahead than any honest worker's.
        """
        highest = max(self._floor, frame.acked) + SEQUENCE_SPAN
        if frame.seq > highest:
            raise FrameError(SEQUENCE, f"{frame.seq}, where at most {highest} can come")
        return frame.seq <= self._floor or frame.seq in self._above

    def give_up(self, frame: Frame) -> None:
        """Note that a frame is refused for good: another copy of it is none that could still be merged."""
        self._above.add(frame.seq)

    def take(self, frame: Frame, received_at_s: float, runs: ReceivedRuns) -> None:
        """Note a frame that is merged now, and add it to what has come of its runs."""
        if not self._last_seq and frame.acked:
            _note_earlier_master(frame, runs)
        self._floor = max(self._floor, frame.acked)
        self._above = {seq for seq in self._above | {frame.seq} if seq > self._floor}
        for section in frame.sections:
            runs[section.run_id].merged += section.results
            runs[section.run_id].failures += section.failure_count
        if frame.seq > self._last_seq:
            self._last_seq = frame.seq
            for run_id, counters in frame.counters.items():
                runs[run_id].replace(self.counters.get(run_id, RunCounters()), counters)
            self._take_news(frame, received_at_s)

    def _take_news(self, frame: Frame, received_at_s: float) -> None:
        # Never above the master's clock: a worker can't vouch for a time that has not come.
        self.cut_at_s = max(self.cut_at_s, min(frame.cut_at_s, received_at_s))
        self.clock_offset_s = frame.clock_offset_s
        self.vitals = frame.vitals
        self.final = frame.final
        told = self.counters.keys() | frame.counters.keys()
        # A test that has begun without word of its run may be one that was told of.
        going = {frame.run_id} if frame.run_id else told
        self.finished |= told
        self.finished = self.finished | going if frame.idle else self.finished - going
        self.counters = frame.counters


def _note_earlier_master(frame: Frame, runs: ReceivedRuns) -> None:
    """Note what this worker's first frame here neither brings nor leaves behind: another master has merged it."""
    elsewhere = Counter({run_id: counters.shipped for run_id, counters in frame.counters.items()})
    for section in frame.sections:
        elsewhere[section.run_id] -= section.results
    for run_id, results in elsewhere.items():
        runs[run_id].elsewhere += results
