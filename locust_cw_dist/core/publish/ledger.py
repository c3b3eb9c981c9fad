"""Ledger: what became of every result and of every datum.

    recorded = published + pending + spooled + dropped

holds at every moment, where *recorded* is the sum of the workers' cumulative counters, *pending* is what lies on the
way (told of by a worker but not here yet, in an open window, waiting in memory, or being sent), *spooled* is what is
safe on disk, and *dropped* has a reason for each. A result is published when the RequestCount datum of its endpoint and
window is accepted and, if it has a response time, the ResponseTime_ms datums are (`window_datums`); an `Account` keeps
track of that for the results of one endpoint and window that depend on the same datums.

State: touched only by the publisher, on the master's hub.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from locust_cw_dist.core.names.plural import plural

LEFT_OUT = "left out by --cw-include or --cw-exclude"
"""Reason of what the user did not want."""

TOO_LATE = "fired after the last data was sent"
"""Reason of what the process itself recorded at its very end."""

BUG = "an error in this program"
"""Reason of what could not be sent, though nothing from outside was in its way."""

UNSENT = "not sent before the process ended"
"""Reason of what was given up while no call had failed: there was no time."""

NOT_LOST = frozenset({LEFT_OUT})
"""Reasons that make no run incomplete: there was nothing to publish."""


@dataclass(slots=True)
class RunLedger:
    """What became of the results of one run.

    Attributes:
        run_id: The run.
        taken: Results in windows that the publisher has taken from the collector.
        accounted: Of these, the ones that have an account.
        published: Results that CloudWatch has accepted.
        doubtful: Of those, the ones that may count twice: a call with them got no answer, and was repeated.
        has_doubtful_figures: Whether datums that no result waits for may count twice: of all endpoints together, say.
        spooled: Results that CloudWatch has not accepted and that are on disk.
        dropped: Results that were given up after they had reached the master, by reason.
    """

    run_id: str = ""
    taken: int = 0
    accounted: int = 0
    published: int = 0
    doubtful: int = 0
    has_doubtful_figures: bool = False
    spooled: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def waiting(self) -> int:
        """Results that the publisher holds in memory."""
        return self.taken - self.published - self.spooled - self.dropped.total()


@dataclass(slots=True)
class DatumLedger:
    """What became of the datums of all runs, and the calls it took.

    Attributes:
        calls: PutMetricData calls made, retries included.
        retries: Of those, the ones for a batch that had cost a call before and was tried again.
        ambiguous: Calls whose answer never came, so that their datums may count twice.
        accepted: Datums that CloudWatch has accepted.
        dropped: Datums that were given up, by reason.
    """

    calls: int = 0
    retries: int = 0
    ambiguous: int = 0
    accepted: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def count_call(self, *, is_retry: bool) -> None:
        """Count a call that was made: one that may have reached CloudWatch. What never left costs nothing."""
        self.calls += 1
        self.retries += is_retry


class Account:
    """Whether some results of one endpoint and window are published: all datums that it waits for must be accepted.

    Attributes:
        results: How many there are.
    """

    __slots__ = ("_any_is_enough", "_failed", "_is_doubtful", "_ledger", "_on_disk", "_open", "_published", "results")

    def __init__(self, ledger: RunLedger, results: int, datums: int, *, any_is_enough: bool = False) -> None:
        """Account for `results` that `datums` datums carry; without any datum they count as published.

        With `any_is_enough` one of the datums must be accepted, not all. One of no results stands for datums that no
        result waits for.
        """
        self.results = results
        self._ledger = ledger
        self._open = datums
        self._any_is_enough = any_is_enough
        self._failed = False
        self._published = not datums
        self._on_disk = False
        self._is_doubtful = False
        ledger.accounted += results
        if not datums:
            self._ledger.published += results

    @property
    def run_id(self) -> str:
        """The run that the results belong to."""
        return self._ledger.run_id

    @property
    def is_settled(self) -> bool:
        """Whether the results are published or given up, whatever becomes of the other datums."""
        return self._failed or self._published

    def accept(self) -> None:
        """Note that CloudWatch has accepted one of the datums."""
        self._open -= 1
        if not self.is_settled and (self._any_is_enough or not self._open):
            self._published = True
            self._leave_disk()
            self._ledger.published += self.results
            self._ledger.doubtful += self._is_doubtful * self.results

    def doubt(self) -> None:
        """Note that CloudWatch may have one of the datums twice when it accepts it: a call got no answer."""
        if not self.results:
            self._ledger.has_doubtful_figures = True
        if not self._is_doubtful:
            self._is_doubtful = True
            self._ledger.doubtful += self._published * self.results

    def drop(self, reason: str) -> None:
        """Note that one of the datums was given up."""
        self._open -= 1
        if not self.is_settled and not (self._any_is_enough and self._open):
            self._failed = True
            self._leave_disk()
            self._ledger.dropped[reason] += self.results

    def spool(self) -> None:
        """Note that one of the datums is on disk, from where it will be tried again."""
        if not (self.is_settled or self._on_disk):
            self._on_disk = True
            self._ledger.spooled += self.results

    def _leave_disk(self) -> None:
        if self._on_disk:
            self._on_disk = False
            self._ledger.spooled -= self.results


def lost_of(dropped: Mapping[str, int]) -> int:
    """Return how many of the dropped results could have been published."""
    return sum(count for reason, count in dropped.items() if reason not in NOT_LOST)


@dataclass(frozen=True, slots=True)
class Balance:
    """The state of one run's ledger at a moment, in results.

    Attributes:
        recorded: What the workers recorded, as far as they told.
        published: What CloudWatch has accepted.
        pending: What is on the way.
        spooled: What waits on disk.
        late: Of all of these, what came after its window had closed.
        dropped: What was given up, by reason.
        untimed: Of what was recorded, what has no usable response time, by reason.
        doubtful: Of what was published, what may count twice.
        has_doubtful_figures: Whether figures besides these may count twice.
    """

    recorded: int
    published: int
    pending: int
    spooled: int
    late: int
    dropped: dict[str, int]
    untimed: dict[str, int] = field(default_factory=dict)
    doubtful: int = 0
    has_doubtful_figures: bool = False

    @property
    def difference(self) -> int:
        """0 as long as the ledger balances."""
        return self.recorded - self.published - self.pending - self.spooled - sum(self.dropped.values())

    @property
    def not_lost(self) -> int:
        """Of what was dropped, what the user left out."""
        return sum(self.dropped.values()) - lost_of(self.dropped)

    @property
    def may_count_twice(self) -> str:
        """What CloudWatch may have twice, as the end of a sentence; empty if there is nothing of the kind."""
        if self.doubtful:
            return f"; up to {self.doubtful} {plural(self.doubtful, 'result')} may count twice"
        return "; figures in CloudWatch may count twice" if self.has_doubtful_figures else ""
