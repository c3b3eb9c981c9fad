"""Epochs: what the master knows of each worker process, and which of its frames are merged.

An epoch is one worker process. Its frames are numbered; a frame says up to which number a master has acknowledged
(`acked`), so a master that came later knows what an earlier one has merged. Kept are that floor and the numbers merged
above it: with stop and wait that is one number, and `SEQUENCE_SPAN` bounds what a forged frame can make of it.

What the workers tell of a run and what of it is merged is added up over all epochs in a `RunTally`; an epoch keeps only
what it told last, so that the next news can be added as a difference.

State: touched only by the Collector.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from locust_cw_dist.core.summaries.run_counters import RunCounters
from locust_cw_dist.core.summaries.totals import Totals
from locust_cw_dist.core.wire.frame import SEQUENCE, Frame, FrameError, Vitals

SEQUENCE_SPAN = 64
"""How far a sequence number may be above the last acknowledged one; an honest worker is one ahead."""


@dataclass(slots=True)
class RunTally:
    """What all workers together have told of one run.

    Attributes:
        told: Results that they recorded, as far as this master has heard.
        untimed: Of those, the ones without a usable response time, by reason.
        elsewhere: Of those, the ones that a master before this one has merged.
        lost: Of those, the ones that workers gave up, by reason.
        merged: Results merged here.
        failures: Of those, the failed ones.
    """

    told: int = 0
    untimed: Counter[str] = field(default_factory=Counter)
    elsewhere: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    merged: int = 0
    failures: int = 0

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

    def replace(self, before: RunCounters, after: RunCounters) -> None:
        """Take what a worker tells now in place of what it told before."""
        self.told += after.recorded - before.recorded
        self.untimed.update(after.untimed)
        self.untimed.subtract(before.untimed)
        self.lost.update(after.lost)
        self.lost.subtract(before.lost)


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
    """

    worker_id: str
    heard_at_s: float
    cut_at_s: float
    clock_offset_s: float | None = None
    final: bool = False
    finished: set[str] = field(default_factory=set)
    vitals: Vitals = field(default_factory=Vitals)
    counters: dict[str, RunCounters] = field(default_factory=dict)
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

    def take(self, frame: Frame, received_at_s: float, tallies: defaultdict[str, RunTally]) -> None:
        """Note a frame that is merged now, and add it to the tallies of its runs."""
        if not self._last_seq and frame.acked:
            _note_earlier_master(frame, tallies)
        self._floor = max(self._floor, frame.acked)
        self._above = {seq for seq in self._above | {frame.seq} if seq > self._floor}
        for section in frame.sections:
            tallies[section.run_id].merged += section.results
            tallies[section.run_id].failures += section.failure_count
        if frame.seq > self._last_seq:
            self._last_seq = frame.seq
            for run_id, counters in frame.counters.items():
                tallies[run_id].replace(self.counters.get(run_id, RunCounters()), counters)
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


def _note_earlier_master(frame: Frame, tallies: defaultdict[str, RunTally]) -> None:
    """Note what this worker's first frame here neither brings nor leaves behind: another master has merged it."""
    elsewhere = Counter({run_id: counters.shipped for run_id, counters in frame.counters.items()})
    for section in frame.sections:
        elsewhere[section.run_id] -= section.results
    for run_id, results in elsewhere.items():
        tallies[run_id].elsewhere += results
