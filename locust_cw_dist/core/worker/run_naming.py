"""Run naming: which run the results of a worker belong to, from what its master says and when its tests start.

The master tells each run's id before it has users spawned, so a worker normally knows it when its test starts. A test
that starts without such word may be a new run's, whose word was lost with a connection, or the same one's: Locust's
master goes on to spawn users after it has stopped a test for want of workers (a ramp that overtakes workers which were
short of CPU for four seconds). So what is recorded waits, and the next frame asks the master: the run that it answers
with, when the test has started, is the one.

State: touched only on the worker's hub, where its tests start and where the master's word comes; no method yields.
"""

from __future__ import annotations

from locust_cw_dist.core.summaries.run_counters import UNKNOWN_RUN
from locust_cw_dist.core.worker.buffer import WorkerBuffer
from locust_cw_dist.core.worker.outbox import Outbox


class RunNaming:
    """Names the run of what a buffer records."""

    def __init__(self, buffer: WorkerBuffer, outbox: Outbox) -> None:
        """Name the runs of `buffer`, of which `outbox` sends the frames."""
        self._buffer = buffer
        self._outbox = outbox
        self._announced = UNKNOWN_RUN
        self._begun = UNKNOWN_RUN
        self._earlier_seq: int | None = None

    def begin(self) -> bool:
        """Note that a test starts in this process.

        Returns:
            False if the master is to be asked for its run: one has started here, and word of another has not come.
        """
        is_known = self._announced != self._begun or self._begun == UNKNOWN_RUN
        if not is_known:
            self._buffer.begin_run(UNKNOWN_RUN)
            # The master may have answered this one before.
            self._earlier_seq = self._outbox.waiting_seq
        elif self._buffer.run_id != self._announced:
            self._buffer.begin_run(self._announced)
        self._begun = self._announced
        return is_known

    def learn(self, run_id: str, answered_seq: int | None, *, clock_moved_s: float, is_running: bool) -> None:
        """Take the master's word of its current run.

        Args:
            run_id: The run.
            answered_seq: The number of the frame on its way, if this is the answer to it.
            clock_moved_s: By how much this word has put the clock right.
            is_running: Whether a test runs in this process.
        """
        is_answer = answered_seq is not None and answered_seq != self._earlier_seq
        if self._buffer.run_id == UNKNOWN_RUN and (run_id != self._begun or is_answer):
            # What was recorded until now was recorded by the uncorrected clock, unless it waited for its run.
            if self._begun == UNKNOWN_RUN:
                self._buffer.stored.shift(clock_moved_s)
            self._buffer.name_unknown_run(run_id)
            if is_running:
                self._begun = run_id
        self._announced = run_id
