"""Ledger: what became of every result and of every datum.

    recorded = published + pending + spooled + dropped

holds at every moment, where *recorded* is the sum of the workers' cumulative counters, *pending* is what lies on the
way (told of by a worker but not here yet, in an open window, waiting, or being sent) and *dropped* has a reason for
each. A result is published when every accounted datum of its endpoint and window (`datums.ACCOUNTED`) is accepted; an
`Account` keeps track of that for one endpoint and window.

State: touched only by the publisher, on the master's hub.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from locust_cw_dist.core.result import REJECTIONS


@dataclass(slots=True)
class RunLedger:
    """What became of the results of one run.

    Attributes:
        taken: Results in windows that the publisher has taken from the collector.
        accounted: Of these, the ones that have an account.
        published: Results that CloudWatch has accepted.
        dropped: Results that were given up after they had reached the master, by reason.
    """

    taken: int = 0
    accounted: int = 0
    published: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def waiting(self) -> int:
        """Results that the publisher holds."""
        return self.taken - self.published - self.dropped.total()


@dataclass(slots=True)
class DatumLedger:
    """What became of the datums of all runs, and the calls it took.

    Attributes:
        calls: PutMetricData calls made, retries included.
        retries: Of those, the ones that repeated a call.
        ambiguous: Calls whose answer never came, so that their datums may count twice.
        accepted: Datums that CloudWatch has accepted.
        dropped: Datums that were given up, by reason.
    """

    calls: int = 0
    retries: int = 0
    ambiguous: int = 0
    accepted: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


class Account:
    """Whether the results of one endpoint and window are published: all accounted datums must be accepted."""

    __slots__ = ("_failed", "_ledger", "_open", "_results")

    def __init__(self, ledger: RunLedger, results: int, datums: int) -> None:
        """Account for `results` that `datums` datums carry; without any datum they count as published."""
        self._ledger = ledger
        self._results = results
        self._open = datums
        self._failed = False
        ledger.accounted += results
        if not datums:
            self._ledger.published += results

    def accept(self) -> None:
        """Note that CloudWatch has accepted one of the datums."""
        self._open -= 1
        if not self._open and not self._failed:
            self._ledger.published += self._results

    def drop(self, reason: str) -> None:
        """Note that one of the datums was given up."""
        self._open -= 1
        if not self._failed:
            self._failed = True
            self._ledger.dropped[reason] += self._results


@dataclass(frozen=True, slots=True)
class Balance:
    """The state of one run's ledger at a moment, in results.

    Attributes:
        recorded: What the workers recorded, as far as they told.
        published: What CloudWatch has accepted.
        pending: What is on the way.
        spooled: What waits on disk.
        late: Of all of these, what came after its window had closed.
        dropped: What was given up, by reason; what workers could not use included.
    """

    recorded: int
    published: int
    pending: int
    spooled: int
    late: int
    dropped: dict[str, int]

    @property
    def difference(self) -> int:
        """0 as long as the ledger balances."""
        return self.recorded - self.published - self.pending - self.spooled - sum(self.dropped.values())

    @property
    def unusable(self) -> dict[str, int]:
        """Of what was dropped, what no publisher could have used: it was no response time."""
        return {reason: count for reason, count in self.dropped.items() if reason in REJECTIONS}
