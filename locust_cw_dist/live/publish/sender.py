"""Sender: brings batches to CloudWatch, whatever CloudWatch does meanwhile.

A few greenlets send, so that one call which hangs does not hold up the others. As long as calls fail, one of them goes
on to try, after pauses that grow; the rest waits. A batch that is refused is cut in halves until the datum that is to
blame is alone; that one is set aside, and the rest is sent.

With a spool, a batch that was not taken at its first try is on disk before the next one, and as long as CloudWatch is
away, new batches go to disk at once: what a killed process takes with it is what was being tried for the first time.

    in memory --first try--> accepted
        | failed, or others fail
        v
    on disk --marked, tried again--> accepted, and its file removed

State: everything here is touched on the hub only.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain

import gevent
from gevent.event import Event

from locust_cw_dist.core.publish.datums import Datum
from locust_cw_dist.core.publish.ledger import BUG, UNSENT, DatumLedger
from locust_cw_dist.core.publish.outlook import Outlook
from locust_cw_dist.core.publish.retry import Failure, Gate
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.core.publish.window_datums import Entry, doubt
from locust_cw_dist.core.spool.stored_batch import StoredBatch
from locust_cw_dist.live.aws.call import begin
from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.clock import WritingClock, monotonic_s
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.publish.failure_log import FailureLog
from locust_cw_dist.live.publish.sink import Sink, outcome
from locust_cw_dist.live.publish.unsent_batches import UnsentBatches

MAX_CALLS_AT_ONCE = 3
"""Calls under way: one that waits 10 s for an answer that never comes leaves two for the rest."""

CALL_TIMEOUT_S = 20.0
"""A call that takes longer is given up. Above botocore's own time-outs for connecting (5 s) and for silence (10 s),
so it ends only answers that trickle in."""

MAX_REFUSALS = 64
"""Refused calls that one batch may cost until its bad datums are found: one among a thousand takes 11. Where more are
bad than that finds, something else is wrong, and what is left of the batch is set aside in large pieces."""

MAX_WAITING = 8
"""Batches that wait in memory; windows that wait longer stay where they can merge (`Backlog`)."""

LAST_DISK_S = 10.0
"""How long the disk may take, at the end, to take what was not sent."""


class _Ending(BaseException):
    """Ends a call that waits, when the process ends; no `except Exception` on the way takes it."""


class Sender:
    """Sends batches.

    Attributes:
        ledger: What became of datums, and the calls it took.
        outlook: What the calls so far have shown. Where it is that none can succeed, none is made.
        failures: Knows since when calls fail, and says why.
    """

    def __init__(
        self,
        sink: Sink,
        batch_store: UnsentBatches,
        clock: WritingClock,
        once: LogOnce,
        *,
        on_accepted: Callable[[Datum], None],
        resends_ambiguous: bool = True,
    ) -> None:
        """Send to `sink` what `batch_store` keeps meanwhile; `clock` tells how far timestamps are from its timeline.

        `on_accepted` is called with each datum that was accepted. `resends_ambiguous` is whether a batch is sent again
        if nobody knows whether it was taken.
        """
        self.ledger = DatumLedger()
        self.outlook = Outlook()
        self.failures = FailureLog(once, batch_store, self.ledger, clock.now_s(), resends_ambiguous=resends_ambiguous)
        self._sink = sink
        self._batch_store = batch_store
        self._clock = clock
        self._once = once
        self._on_accepted = on_accepted
        self._resends_ambiguous = resends_ambiguous
        self._fresh: deque[StoredBatch] = deque()
        self._stored: deque[StoredBatch] = deque()
        self._busy: set[StoredBatch] = set()
        self._calls: set[gevent.Greenlet] = set()
        self._attempts = 0
        self._gate = Gate()
        self._is_ending = False
        self._is_paused = False
        self._changed = Event()
        self._greenlets: list[gevent.Greenlet] = []

    @property
    def batches(self) -> int:
        """How many wait or are under way."""
        return len(self._fresh) + len(self._stored) + len(self._busy)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self.batches

    @property
    def is_stopped(self) -> bool:
        """Whether it does not send any more."""
        return self._is_ending

    @property
    def obstacle(self) -> SendError | None:
        """Why nothing of what waits can be sent until somebody changes something; None: it might be."""
        return self.outlook.obstacle(stored.namespace for stored in (*self._fresh, *self._stored, *self._busy))

    @property
    def unsent_reason(self) -> str:
        """Why what is here was not sent, if it is given up now."""
        return self.outlook.last_failure.value if self._gate.failures else UNSENT

    @property
    def unsafe_since_s(self) -> float | None:
        """The oldest timestamp of what is in memory only; None if there is nothing."""
        in_memory = (stored.start_s for stored in (*self._fresh, *self._busy) if stored.file is None)
        return min(in_memory, default=None)

    def start(self) -> None:
        """Begin to send."""
        self._greenlets = [forks.spawn(self._serve_forever) for _ in range(MAX_CALLS_AT_ONCE)]

    def submit(self, namespace: str, entries: Sequence[Entry], *, offset_s: int) -> None:
        """Take a batch; waits while too much waits in memory that no disk takes.

        `offset_s` is what its timestamps are from the timeline: the clock may have another offset by now.
        """
        stored = StoredBatch(namespace, tuple(entries), offset_s=offset_s)
        self._busy.add(stored)
        try:
            while not self._place(stored):
                self._changed.wait()
        except BaseException:
            # Ended while it waited for a place: `book_rest` decides what becomes of it.
            self._fresh.append(stored)
            raise
        finally:
            self._busy.discard(stored)
            self._change()

    def adopt(self, stored: StoredBatch, *, is_doubtful: bool = False) -> None:
        """Take a batch that is on disk already; `is_doubtful` if nobody knows whether CloudWatch has taken it."""
        doubt(stored.entries if is_doubtful else ())
        stored.leave_memory()
        self._stored.append(stored)
        self._change()

    def give_up(self, stored: StoredBatch, failure: Failure, *, keeps_file: bool = False) -> None:
        """Book a batch as dropped that is not to be sent, and remove its file."""
        self._drop(stored, failure.value)
        if not keeps_file:
            self._batch_store.forget(stored)

    def hurry(self) -> None:
        """Try again at once, and after short pauses: the process ends."""
        self._gate.hurry()
        self._change()

    def pause(self, timeout_s: float) -> None:
        """Begin with no further batch; wait for those under way."""
        self._is_paused = True
        with gevent.Timeout(timeout_s, False):
            while self._busy:
                self._changed.wait()

    def stop(self) -> None:
        """Stop sending: calls under way are given up. Where there is a disk, what comes now goes there."""
        self._is_ending = True
        for greenlet in list(self._calls):
            greenlet.kill(_Ending, block=False)
        self._change()
        try:
            gevent.joinall(self._greenlets, timeout=LAST_DISK_S)
        finally:
            gevent.killall(self._greenlets)

    def store_rest(self) -> None:
        """Bring what was not taken to disk, if there is one; after `stop`. It may be cut off before `book_rest`."""
        with gevent.Timeout(LAST_DISK_S, False):
            for stored in [*self._fresh, *self._busy]:
                if stored.entries:
                    self._batch_store.store(stored)

    def book_rest(self) -> None:
        """Book as dropped what is neither taken nor on disk; waits for nothing."""
        gevent.killall(self._greenlets)
        for stored in [*self._fresh, *self._busy]:
            # One whose file can't be replaced any more is left with what is in that.
            if stored.entries and stored.file is None:
                self._drop(stored, self.unsent_reason)
        self._fresh.clear()
        self._busy.clear()

    def _place(self, stored: StoredBatch) -> bool:
        """Let a new batch wait on disk or in memory; return False if there is no place now."""
        if (self._gate.failures or self._is_ending) and self._batch_store.store(stored):
            self._stored.append(stored)
            return True
        if len(self._fresh) >= MAX_WAITING and not self._is_ending:
            return False
        self._fresh.append(stored)
        return True

    # -- scheduling

    def _serve_forever(self) -> None:
        while not self._is_ending:
            stored = self._take()
            if stored is None:
                self._changed.wait(self._pause_s())
                continue
            self._busy.add(stored)
            self._attempts += 1
            try:
                self._attempt(stored)
            except Exception:
                self._once.error("send", "locust-cw: could not send a batch")
                self._drop(stored, BUG)
            except BaseException:
                # Ended before it was settled: `book_rest` decides what becomes of the rest.
                self._fresh.append(stored)
                raise
            finally:
                self._attempts -= 1
                self._busy.discard(stored)
                self._change()

    def _take(self) -> StoredBatch | None:
        """Return what is to be tried now: while calls fail, one at a time and not before its time."""
        if self._is_paused or (self._gate.failures and (self._attempts or self._gate.pause_s(monotonic_s()))):
            return None
        # What is in memory only goes first: it has most to lose.
        waiting = self._fresh or self._stored
        return waiting.popleft() if waiting else None

    def _pause_s(self) -> float | None:
        """Return for how long there is nothing to do; None if only until something changes."""
        if self._is_paused or not self._gate.failures or self._attempts or not (self._fresh or self._stored):
            return None
        return self._gate.pause_s(monotonic_s())

    def _change(self) -> None:
        # Each event wakes those that wait for it once; a shared one that is cleared might miss somebody.
        changed, self._changed = self._changed, Event()
        changed.set()

    # -- one batch

    def _attempt(self, stored: StoredBatch) -> None:
        """Send a batch, or as much of it as is taken, and decide what becomes of the rest."""
        if unreadable := self._batch_store.begin_try(stored):
            self._drop_unread(stored, unreadable)
            return
        stored.is_retried = stored.calls > 0
        error = self._send_in_pieces(stored)
        if error is None or not stored.entries:
            self._batch_store.forget(stored)
        else:
            self._keep(stored, error)

    def _keep(self, stored: StoredBatch, error: SendError) -> None:
        """Let a batch wait for its next try, on disk if possible."""
        is_doubtful = self._is_ending and self._resends_ambiguous and error.failure is Failure.AMBIGUOUS
        if not self._batch_store.store(stored, is_doubtful=is_doubtful):
            self._fresh.appendleft(stored)
            return
        if not is_doubtful:
            self._batch_store.end_try(stored)
        # What may not be written to one namespace holds up nothing that goes to another.
        (self._stored.append if error.failure is Failure.PERMISSION else self._stored.appendleft)(stored)
        self._store_fresh()

    def _store_fresh(self) -> None:
        """Bring to disk what waits for its first try, since that will not be soon."""
        for _ in range(len(self._fresh)):
            if not self._fresh:
                return
            stored = self._fresh.popleft()
            self._busy.add(stored)
            (self._stored if self._batch_store.store(stored) else self._fresh).append(stored)
            self._busy.discard(stored)

    def _send_in_pieces(self, stored: StoredBatch) -> SendError | None:
        """Send a batch, halving what is refused; return what is in the way of the rest, if anything.

        What is left is in `stored.entries` at every moment.
        """
        pieces = [stored.entries]
        refusals = 0
        while pieces:
            piece = pieces.pop()
            error = self._call(stored, piece)
            is_last = len(piece) == 1 or refusals >= MAX_REFUSALS
            if error is None:
                self._accept(stored, piece)
            elif error.failure is Failure.AMBIGUOUS and not self._resends_ambiguous:
                self._drop_piece(stored, piece, error.failure.value)
                return error
            elif error.failure.may_be_of_the_time and stored.move(self._clock.offset_s):
                pieces = [stored.entries]
            elif not error.failure.is_permanent and (not error.is_too_large or is_last):
                doubt(piece if error.failure is Failure.AMBIGUOUS else ())
                return error
            elif is_last:
                self._refuse(stored, piece, error)
            else:
                middle = len(piece) // 2
                pieces += [piece[middle:], piece[:middle]]
            refusals += error is not None
        return None

    def _call(self, stored: StoredBatch, piece: tuple[Entry, ...]) -> SendError | None:
        """Make one call and note how it went."""
        gevent.sleep(self._gate.reserve(monotonic_s()))
        if self._is_ending:
            # Not the last failure: that may be ambiguous, and this is not.
            return SendError(Failure.UNREACHABLE, "the process ended before the call")
        greenlet = gevent.getcurrent()
        self._calls.add(greenlet)
        call = begin()
        try:
            with gevent.Timeout(CALL_TIMEOUT_S):
                error = outcome(self._sink.send, stored.namespace, [entry.datum for entry in piece])
        except gevent.Timeout:
            error = call.cut_off(f"within {CALL_TIMEOUT_S:g} s")
        except _Ending:
            error = call.cut_off("before the process ended")
        finally:
            self._calls.discard(greenlet)
            if call.may_have_left:
                stored.calls += 1
                self.ledger.count_call(is_retry=stored.is_retried)
        self._note(stored.namespace, error)
        return error

    def _note(self, namespace: str, error: SendError | None) -> None:
        self.outlook.note(namespace, error)
        self.failures.note(error, self._clock.now_s())
        if error is None or error.failure.is_permanent:
            self._gate.succeed()
            return
        self.ledger.ambiguous += error.failure is Failure.AMBIGUOUS
        self._gate.fail(monotonic_s(), random.random(), error.retry_after_s)  # noqa: S311 - jitter, not a secret
        if not self._is_ending:
            # What is left at the end is in its summary, with the reason.
            self.failures.tell(error)

    # -- what becomes of datums

    def _accept(self, stored: StoredBatch, piece: Sequence[Entry]) -> None:
        stored.entries = stored.entries[len(piece) :]
        for entry in piece:
            self.ledger.accepted += 1
            self._on_accepted(entry.datum)
            entry.accept()

    def _drop(self, stored: StoredBatch, reason: str) -> None:
        self._drop_piece(stored, stored.entries, reason)

    def _drop_piece(self, stored: StoredBatch, piece: Sequence[Entry], reason: str) -> None:
        """Drop the first piece of what is left of a batch."""
        stored.entries = stored.entries[len(piece) :]
        for entry in piece:
            self.ledger.dropped[reason] += 1
            entry.drop(reason)

    def _drop_unread(self, stored: StoredBatch, reason: str) -> None:
        claims, stored.claims = stored.claims, ()
        self.ledger.dropped[reason] += len(claims)
        for claim in chain.from_iterable(claims):
            claim.account.drop(reason)

    def _refuse(self, stored: StoredBatch, entries: Sequence[Entry], error: SendError) -> None:
        """Set datums aside that CloudWatch does not take."""
        self._drop_piece(stored, entries, error.failure.value)
        self.failures.tell_of_refusal(error, [entry.datum for entry in entries])
        self._batch_store.set_aside(stored, entries, error)
