"""Epochs: what the master knows of each worker process, and which of its frames are merged.

An epoch is one worker process. Its frames are numbered; a frame says up to which number a master has acknowledged
(`acked`), so a master that came later knows what an earlier one has merged. Kept are that floor and the numbers merged
above it: with stop and wait that is one number, and `SEQUENCE_SPAN` bounds what a forged frame can make of it.

State: touched only by the Collector.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from locust_cw_dist.core.buffer import RunCounters
from locust_cw_dist.core.frame import SEQUENCE, Frame, FrameError, Vitals

SEQUENCE_SPAN = 64
"""How far a sequence number may be above the last acknowledged one; an honest worker is one ahead."""


@dataclass(slots=True)
class Epoch:
    """One worker process, as the master knows it.

    Attributes:
        worker_id: Locust's id of the worker.
        heard_at_s: Master's clock when it was heard last.
        cut_at_s: Up to here (master's clock) all its results are in.
        clock_offset_s: What it adds to its own clock to get the master's; None before it knows.
        final: Whether its last frame has come.
        finished: The runs of which it has nothing more: it said so, or has gone on to the next one.
        vitals: How it was when it cut its last frame.
        counters: Its cumulative counters for each run.
        merged: Results merged for each run.
        elsewhere: Results that a master before this one has merged, for each run.
    """

    worker_id: str
    heard_at_s: float
    cut_at_s: float
    clock_offset_s: float | None = None
    final: bool = False
    finished: set[str] = field(default_factory=set)
    vitals: Vitals = field(default_factory=Vitals)
    counters: dict[str, RunCounters] = field(default_factory=dict)
    merged: dict[str, int] = field(default_factory=dict)
    elsewhere: dict[str, int] = field(default_factory=dict)
    _floor: int = 0
    _above: set[int] = field(default_factory=set)
    _last_seq: int = 0

    def is_done(self, run_id: str, silent_since_s: float) -> bool:
        """Whether nothing more is to be waited for: it said so for `run_id`, or has been silent since then."""
        return self.final or run_id in self.finished or self.heard_at_s < silent_since_s

    def has_merged(self, frame: Frame) -> bool:
        """Whether this frame was merged before.

        Raises:
            FrameError: If its number is farther ahead than any honest worker's.
        """
        highest = max(self._floor, frame.acked) + SEQUENCE_SPAN
        if frame.seq > highest:
            raise FrameError(SEQUENCE, f"{frame.seq}, where at most {highest} can come")
        return frame.seq <= self._floor or frame.seq in self._above

    def take(self, frame: Frame, received_at_s: float) -> None:
        """Note a frame that is merged now."""
        if not self._last_seq and frame.acked:
            self._note_earlier_master(frame)
        self._floor = max(self._floor, frame.acked)
        self._above = {seq for seq in self._above | {frame.seq} if seq > self._floor}
        for section in frame.sections:
            self.merged[section.run_id] = self.merged.get(section.run_id, 0) + section.results
        if frame.seq > self._last_seq:
            self._last_seq = frame.seq
            self._take_news(frame, received_at_s)

    def recorded(self, run_id: str) -> int:
        """Results that it recorded in a run, as far as this master has heard, without what another master merged."""
        counters = self.counters.get(run_id)
        return 0 if counters is None else counters.recorded - self.elsewhere.get(run_id, 0)

    def unmerged(self, run_id: str) -> int:
        """Results that it told of and whose summaries have not come."""
        counters = self.counters.get(run_id)
        if counters is None:
            return 0
        return counters.folded - self.elsewhere.get(run_id, 0) - self.merged.get(run_id, 0)

    def _note_earlier_master(self, frame: Frame) -> None:
        for run_id, counters in frame.counters.items():
            here = sum(section.results for section in frame.sections if section.run_id == run_id)
            if counters.folded > here:
                self.elsewhere[run_id] = counters.folded - here

    def _take_news(self, frame: Frame, received_at_s: float) -> None:
        # Never above the master's clock: a worker can't vouch for a time that has not come.
        self.cut_at_s = max(self.cut_at_s, min(frame.cut_at_s, received_at_s))
        self.clock_offset_s = frame.clock_offset_s
        self.vitals = frame.vitals
        self.final = frame.final
        self.counters.update(frame.counters)
        self.finished = set(self.counters) - {frame.run_id}
        if frame.idle:
            self.finished.add(frame.run_id)
