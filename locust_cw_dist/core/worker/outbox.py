"""Outbox: stop and wait, the worker's half of exactly-once delivery.

At most one frame is on its way; what is recorded meanwhile folds into the buffer. A frame is sent again, byte for byte,
when `RESEND_AFTER_REPORTS` reports have gone by without its acknowledgement or when the connection was made anew; the
next one is cut only when it is acknowledged. ZeroMQ takes every message, also for a peer that is gone, so a frame
counts as sent only when the master says that it has merged it.

A master of many workers asks for whole windows: then a frame is cut at the first report after a window's end, with the
windows that have ended. An endpoint comes once for each window instead of with each report, and twice in those that
straddle two: for windows of 10 s a quarter of what there is to read and to merge. Windows close no later for it. What
it costs is that a worker that is killed may take with it what it recorded since the last window ended.

For example, with a report each 3 s, and an acknowledgement that a broken connection takes with it:

    0 s    frame 1 goes with the report
    3 s    nothing: an acknowledgement may be under way
    6 s    frame 1 again, the same bytes: the master has it already, merges nothing and acknowledges
    6 s    frame 1 is acknowledged; only now it is forgotten
    9 s    frame 2, with what was recorded from 0 s to 9 s

The bytes have to be the same: had frame 1 been cut anew at 6 s, a master that has merged the first one would drop the
second as a duplicate, and with it what was recorded in between.

    state       on a report                         on an acknowledgement of the frame on its way
    IDLE        cut a frame, send it -> WAITING     (duplicate: ignored)
                (whole windows: if one has ended)
    WAITING     nothing, or the same frame again    -> IDLE

State: touched by the greenlet that cuts reports and by the one that receives acknowledgements; no method yields.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from locust_cw_dist.core.summaries.run_counters import NO_LIMIT, UNKNOWN_RUN, RunCounters
from locust_cw_dist.core.summaries.sections import Section, halve
from locust_cw_dist.core.summaries.windows import window_start_s
from locust_cw_dist.core.wire.frame import NOT_PACKED, Frame, FrameError, Vitals, encode
from locust_cw_dist.core.worker.buffer import WorkerBuffer

RESEND_AFTER_REPORTS = 2
"""Reports without an acknowledgement after which a frame is sent again: an acknowledgement usually takes milliseconds,
and a master that lags must not be given more work."""

GIVE_UP_AFTER_REPORTS = 20
GIVE_UP_AFTER_S = 57.0
"""Reports without any acknowledgement ever, and the time from the first to the last of them, after which there is
nobody to record for. A minute, at Locust's 3 s: Locust's own worker waits as long for a master's heartbeat. Both, since
a locustfile may set how often workers report."""

MAX_SUMMARIES_PER_FRAME = 100
"""Summaries that a frame carries; the rest stays for the next one, which follows as soon as this one is acknowledged.
To cut so many takes a worker 1 ms, besides folding; to read and merge them takes a master 1 ms. Neither yields
meanwhile."""

MAX_WAITING_PER_FRAME = 4_000
"""Results that are folded for a frame, but for those of the last summary: 1 ms, and twice as long on a busy machine. A
frame that comes to this carries fewer summaries."""

LONGEST_STEP_S = 10
"""Of longer windows parts are shipped as often, also where whole ones are asked for: what can be lost with a worker
that is killed stays small."""

NOTHING = b""
"""Stands in a report that brings no frame: the plugin is there, and waits."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What the worker's host knows when a frame is cut.

    Attributes:
        now_s: The worker's clock, corrected by `clock_offset_s`.
        clock_offset_s: What was added to the clock; None as long as no master has told.
        over: Whether a test has started here and stopped, and none has started since.
        vitals: How the worker is.
    """

    now_s: float
    clock_offset_s: float | None
    over: bool
    vitals: Vitals


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame on its way: its number, its bytes, what it tells, and the reports since it was sent last.

    `leaves` is how many summaries it leaves behind for want of room, of those that waited at the last report.
    `results` are those in it, by run: what is lost if the master refuses it.
    """

    seq: int
    data: bytes
    run_id: str
    final: bool
    idle: bool
    counters: dict[str, RunCounters]
    leaves: int
    results: Counter[str]
    reports: int = 0


class Cutter:
    """Cuts the numbered frames of one process from its buffer.

    Attributes:
        acked: The highest sequence number that was acknowledged.
    """

    def __init__(self, buffer: WorkerBuffer, *, worker_id: str, epoch: str, max_summaries: int = NO_LIMIT) -> None:
        """Cut what `buffer` folds as the frames of `epoch`, each with at most so many summaries."""
        self.acked = 0
        self._buffer = buffer
        self._worker_id = worker_id
        self._epoch = epoch
        self._seq = 0
        self._max_summaries = max_summaries

    def cut(self, moment: Moment, *, final: bool, until_s: float = math.inf) -> Frame:
        """Return the next frame, with the oldest of what the buffer holds of windows that have ended by `until_s`."""
        self._seq += 1
        sections = self._buffer.take(self._max_summaries, MAX_WAITING_PER_FRAME, until_s=until_s)
        return self.make(moment, sections, final=final)

    def make(self, moment: Moment, sections: Sequence[Section], *, final: bool) -> Frame:
        """Return the frame of the current number with `sections`, where the rest is back in the buffer."""
        left = self._buffer.stored.runs
        return Frame(
            worker_id=self._worker_id,
            epoch=self._epoch,
            seq=self._seq,
            acked=self.acked,
            run_id=self._buffer.run_id,
            cut_at_s=self._cut_at_s(moment),
            clock_offset_s=moment.clock_offset_s,
            final=final and left <= {UNKNOWN_RUN},
            idle=moment.over and not moment.vitals.users and not left,
            vitals=moment.vitals,
            counters=self._buffer.copy_counters(),
            sections=tuple(sections),
        )

    def _cut_at_s(self, moment: Moment) -> float:
        """Up to when all results are in the frame: to now, or to where the windows begin that it leaves behind."""
        return 0.0 if moment.clock_offset_s is None else min(moment.now_s, self._buffer.stored.oldest_s)


class Outbox:
    """Keeps each frame of a worker until it is acknowledged.

    Attributes:
        has_stopped: Whether nothing is recorded any more: no master ever answered, or it does not want results.
        whole_windows: Whether the master wants each window once, when it has ended; see the module's docstring.
    """

    def __init__(self, buffer: WorkerBuffer, *, worker_id: str, epoch: str) -> None:
        """Send what `buffer` folds as the frames of `epoch`."""
        self.has_stopped = False
        self.whole_windows = False
        self._buffer = buffer
        self._cutter = Cutter(buffer, worker_id=worker_id, epoch=epoch, max_summaries=MAX_SUMMARIES_PER_FRAME)
        self._unanswered_reports = 0
        self._unanswered_since_s = self._reported_at_s = 0.0
        self._sent: Sent | None = None
        self._answered: Sent | None = None
        self._has_asked = False
        self._cut_at_s = -math.inf

    @property
    def is_waiting(self) -> bool:
        """Whether a frame is on its way."""
        return self._sent is not None

    @property
    def waiting_seq(self) -> int | None:
        """The number of the frame on its way; None if there is none."""
        return None if self._sent is None else self._sent.seq

    @property
    def is_settled(self) -> bool:
        """Whether the master has everything and knows that nothing more will come.

        A frame on its way that tells no more than the answered one makes no difference: Locust reports once more when
        its master tells it to quit, and that master may have all and be gone.
        """
        answered, waiting = self._answered, self._buffer.stored.runs
        if answered is None or not self._buffer.has_told(answered.counters):
            return False
        # What has no run yet can't be sent, so it holds nobody once the master was told that this is the end.
        # Of a run that is not known yet, there may have been another one since.
        is_same_run = answered.run_id == self._buffer.run_id != UNKNOWN_RUN
        is_idle = answered.idle and is_same_run and not waiting
        return is_idle or (answered.final and waiting <= {UNKNOWN_RUN})

    @property
    def owes_results(self) -> bool:
        """Whether something was recorded of which no master has said that it has it."""
        told = {} if self._answered is None else self._answered.counters
        return not self._buffer.has_told(told) or UNKNOWN_RUN in self._buffer.stored.runs

    @property
    def unacknowledged(self) -> int:
        """Number of results that were recorded and of which no master has said that it has them."""
        told = {} if self._answered is None else self._answered.counters
        return sum(
            counters.recorded - (told[run_id].recorded if run_id in told else 0)
            for run_id, counters in self._buffer.counters.items()
        )

    @property
    def has_ended(self) -> bool:
        """Whether a frame was acknowledged that is marked final."""
        return self._answered is not None and self._answered.final

    @property
    def is_abandoned(self) -> bool:
        """Whether so many reports brought no answer, from the first one on, that there is no master to record for."""
        waited_s = self._reported_at_s - self._unanswered_since_s
        is_long = self._unanswered_reports > GIVE_UP_AFTER_REPORTS and waited_s >= GIVE_UP_AFTER_S
        return self._cutter.acked == 0 and is_long

    def on_report(self, moment: Moment) -> bytes:
        """Return what goes into this report: a frame, or `NOTHING`."""
        if self.has_stopped:
            return NOTHING
        self._reported_at_s = moment.now_s
        if not self._unanswered_reports:
            self._unanswered_since_s = moment.now_s
        self._unanswered_reports += 1
        if self._sent is None:
            return self._send(moment, final=False, until_s=self._until_s(moment)) if self._is_due(moment) else NOTHING
        reports = self._sent.reports + 1
        again = reports >= RESEND_AFTER_REPORTS
        self._sent = replace(self._sent, reports=0 if again else reports)
        return self._sent.data if again else NOTHING

    def on_reconnect(self) -> None:
        """Send the frame on its way again in the next report: the old connection may have lost it."""
        if self._sent is not None:
            self._sent = replace(self._sent, reports=RESEND_AFTER_REPORTS)

    def on_acknowledgement(self, seq: int) -> bool:
        """Take the master's word that frame `seq` is merged; return whether it was the one on its way."""
        self._unanswered_reports = 0
        if self._sent is None or seq != self._sent.seq:
            return False
        self._cutter.acked = seq
        self._buffer.forget_runs(self._sent.counters)
        self._answered, self._sent = replace(self._sent, data=NOTHING), None
        return True

    def on_refusal(self, crc: int, reason: str) -> int:
        """Give up the frame on its way if its bytes have this CRC-32; return how many results are lost with it.

        What is recorded meanwhile must not wait behind a frame that the master will never take.
        """
        self._unanswered_reports = 0
        if self._sent is None or zlib.crc32(self._sent.data) != crc:
            return 0
        sent, self._sent = self._sent, None
        self._cutter.acked = sent.seq
        self._buffer.lose(sent.results, reason)
        return sent.results.total()

    def follow_up(self, moment: Moment) -> bytes:
        """Return a frame with more of what the one left behind that was just acknowledged, or `NOTHING`.

        What is recorded meanwhile waits for the next report: else a busy worker far away would never come to an end.
        """
        if self.has_stopped or self._sent is not None or self._answered is None or not self._answered.leaves:
            return NOTHING
        return self._send(moment, final=False, until_s=self._until_s(moment), due=self._answered.leaves)

    def final_frame(self, moment: Moment) -> bytes:
        """Return what is to be sent next at the end of the process, or `NOTHING` if the master has everything.

        That is the frame on its way, if there is one; once that is acknowledged, a last frame with all that is left,
        marked final.
        """
        if self.has_stopped or self.is_settled:
            return NOTHING
        if self._sent is not None:
            return self._sent.data
        # The answer to a frame that is not final may tell the run of what waits for it.
        final = self._has_asked or UNKNOWN_RUN not in self._buffer.stored.runs
        self._has_asked = True
        return self._send(moment, final=final)

    def stop(self) -> None:
        """Record for nobody: drop what is here and send nothing.

        A frame on its way stays: the master may have merged it, so if it is to be sent again, then unchanged.
        """
        self.has_stopped = True
        self._buffer.discard()

    def resume(self) -> None:
        """Send again: a master wants results after all."""
        self.has_stopped = False
        self._unanswered_reports = 0

    def _is_due(self, moment: Moment) -> bool:
        """Whether a frame is to be cut at this report."""
        if not self.whole_windows or moment.over:
            return True
        step_s = min(self._buffer.stored.resolution_s, LONGEST_STEP_S)
        # A frame from later than now was cut before the clock was put right.
        return not window_start_s(moment.now_s, step_s) <= self._cut_at_s <= moment.now_s

    def _until_s(self, moment: Moment) -> float:
        """Up to which end windows are shipped."""
        is_partial = not self.whole_windows or moment.over or self._buffer.stored.resolution_s > LONGEST_STEP_S
        return math.inf if is_partial else moment.now_s

    def _send(self, moment: Moment, *, final: bool, until_s: float = math.inf, due: int | None = None) -> bytes:
        """Cut a frame of the windows that have ended by `until_s`.

        Of the summaries of these that wait, `due` are to go with it and those that follow it, or all.
        """
        self._cut_at_s = moment.now_s
        frame = self._cutter.cut(moment, final=final, until_s=until_s)
        try:
            while (data := _encode_if_it_fits(frame)) is None:
                # The oldest windows go first; the rest waits for the next frame.
                sections, rest = halve(frame.sections)
                self._buffer.put_back(rest)
                frame = self._cutter.make(moment, sections, final=final)
        except Exception:
            self._buffer.lose(frame.results, NOT_PACKED)
            raise
        leaves = self._buffer.stored.count_summaries(until_s)
        if due is not None:
            leaves = min(leaves, max(0, due - sum(len(section.rows) for section in frame.sections)))
        self._sent = Sent(
            *(frame.seq, data, frame.run_id, frame.final, frame.idle, frame.counters, leaves), results=frame.results
        )
        return data


def _encode_if_it_fits(frame: Frame) -> bytes | None:
    try:
        return encode(frame)
    except FrameError:
        # One Summary is a small part of what fits: to give up on it would be a mistake in the limits.
        if frame.sections and halve(frame.sections)[1]:
            return None
        raise
