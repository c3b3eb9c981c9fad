"""What the server counts of itself; `GET /_local/stats` shows it."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from locust_cw_dist.local_cloudwatch.http.wire import Received


@dataclass(frozen=True, slots=True)
class Counts:
    """The counters at one moment, since the start or the last reset.

    Every PutMetricData call is counted once in `put_calls` when its body has arrived, and once in
    `put_accepted`, `put_refused` or `put_unanswered` when it is over.

    Attributes:
        put_calls: PutMetricData calls.
        put_accepted: those whose datums were taken, all of them.
        put_refused: those that got an error; nothing of them was taken.
        put_unanswered: those that a fault left without an answer before anything was taken.
        replies_lost: accepted calls whose answer a fault withheld.
        datums: datums taken.
        wire_bytes: bytes of PutMetricData bodies as they came, compressed or not.
        body_bytes: the same after decompression; a body that is too large counts up to the limit.
        refusals: error code -> refused calls, of every operation.
        operations: operation -> calls.
        faults: kind of fault -> how often it struck.
    """

    put_calls: int
    put_accepted: int
    put_refused: int
    put_unanswered: int
    replies_lost: int
    datums: int
    wire_bytes: int
    body_bytes: int
    refusals: dict[str, int]
    operations: dict[str, int]
    faults: dict[str, int]


class Journal:
    """Counters that any thread may advance."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._totals: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()
        self._operations: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()

    def clear(self) -> None:
        """Start again at zero."""
        with self._lock:
            self._clear()

    def counts(self) -> Counts:
        """A copy of everything, taken at once."""
        with self._lock:
            totals = self._totals
            return Counts(
                put_calls=totals["calls"],
                put_accepted=totals["accepted"],
                put_refused=totals["refused"],
                put_unanswered=totals["unanswered"],
                replies_lost=totals["replies_lost"],
                datums=totals["datums"],
                wire_bytes=totals["wire_bytes"],
                body_bytes=totals["body_bytes"],
                refusals=dict(self._refusals),
                operations=dict(self._operations),
                faults=dict(self._faults),
            )

    def called(self, operation: str, received: Received) -> None:
        """A call's body has arrived."""
        with self._lock:
            self._operations[operation] += 1
            if operation == "PutMetricData":
                self._totals["calls"] += 1
                self._totals["wire_bytes"] += received.wire_bytes
                self._totals["body_bytes"] += len(received.content)

    def accepted(self, operation: str, datums: int) -> None:
        """A call was done; `datums` is how many it brought."""
        if operation == "PutMetricData":
            with self._lock:
                self._totals["accepted"] += 1
                self._totals["datums"] += datums

    def refused(self, operation: str, code: str) -> None:
        """A call got an error."""
        with self._lock:
            self._refusals[code] += 1
            if operation == "PutMetricData":
                self._totals["refused"] += 1

    def unanswered(self, operation: str) -> None:
        """A fault ended a call before it was done."""
        if operation == "PutMetricData":
            with self._lock:
                self._totals["unanswered"] += 1

    def reply_lost(self) -> None:
        """A fault withheld the answer of a call that was done."""
        with self._lock:
            self._totals["replies_lost"] += 1

    def struck(self, kind: str) -> None:
        """A fault struck."""
        with self._lock:
            self._faults[kind] += 1
