"""Publication: the datums of a closed window as entries, each with the account that its fate is booked on.

Datums are made one endpoint at a time, as they are asked for: a thousand endpoints at once would hold the hub.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from locust_cw_dist.core.publish.datums import Datum, MetricPlan, endpoint_datums, run_datums, total_datums
from locust_cw_dist.core.publish.ledger import Account, RunLedger
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import ClosedWindow

COUNT_METRICS = frozenset({"RequestCount"})
"""A result is published when the datums of these metrics for its endpoint and window are accepted,"""

TIME_METRICS = frozenset({"ResponseTime_ms"})
"""and, if it has a response time, of these: of both as far as they are sent, else any datum."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An account that waits for a datum.

    Attributes:
        account: The account.
        results: Results that the batch with this datum brings, where batches are told apart: those of the account, on
            the last of its datums, else 0.
    """

    account: Account
    results: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One datum and what depends on it.

    Attributes:
        datum: The datum.
        claims: The accounts that wait for it, or one of no results; none where it belongs to no run.
    """

    datum: Datum
    claims: tuple[Claim, ...] = ()

    def accept(self) -> None:
        """Note that CloudWatch has accepted the datum."""
        for claim in self.claims:
            claim.account.accept()

    def drop(self, reason: str) -> None:
        """Note that the datum was given up."""
        for claim in self.claims:
            claim.account.drop(reason)


def doubt(entries: Iterable[Entry]) -> None:
    """Note that CloudWatch may have got these datums, and gets them again."""
    for claim in chain.from_iterable(entry.claims for entry in entries):
        claim.account.doubt()


def window_datums(plan: MetricPlan, window: ClosedWindow, host: str, ledger: RunLedger) -> Iterator[Entry]:
    """Yield the datums of a window; those of an endpoint that are accounted for come with their account.

    Args:
        plan: What is sent.
        window: The window, within the endpoint cap.
        host: The Host dimension of its run.
        ledger: The books of its run.
    """
    start_s, late = window.written_start_s, window.gauges is None
    unwaited = Claim(Account(ledger, 0, 0), 0)
    totals = Summary()
    for (name, method), summary in window.summaries.items():
        datums = endpoint_datums(plan, (name, method, host), start_s, summary, late=late)
        yield from _entries(datums, summary, ledger, unwaited)
        totals.merge(summary)
    if totals.count:
        yield from (Entry(datum, (unwaited,)) for datum in total_datums(plan, start_s, totals, late=late))
    if window.gauges is not None:
        yield from (Entry(datum, (unwaited,)) for datum in run_datums(plan, start_s, window.gauges))


def _entries(datums: list[Datum], summary: Summary, ledger: RunLedger, unwaited: Claim) -> Iterator[Entry]:
    timed = _claims(datums, COUNT_METRICS | TIME_METRICS, summary.timed_count, ledger)
    untimed = _claims(datums, COUNT_METRICS, summary.untimed_count, ledger)
    for number, datum in enumerate(datums):
        yield Entry(datum, tuple(claims[number] for claims in (timed, untimed) if number in claims) or (unwaited,))


def _claims(datums: list[Datum], metrics: frozenset[str], results: int, ledger: RunLedger) -> dict[int, Claim]:
    """Return by number of its datum what an account of `results` claims, which waits for the datums of `metrics`."""
    if not results:
        return {}
    numbers = [number for number, datum in enumerate(datums) if datum.metric in metrics]
    carriers = numbers or range(len(datums))
    account = Account(ledger, results, len(carriers), any_is_enough=not numbers)
    return {number: Claim(account, results if number == carriers[-1] else 0) for number in carriers}
