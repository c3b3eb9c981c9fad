"""Publication: the datums of a closed window as entries, each with the account that its fate is booked on.

Datums are made one endpoint at a time, as they are asked for: a thousand endpoints at once would hold the hub.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from locust_cw_dist.core.collector import Window
from locust_cw_dist.core.datums import (
    ACCOUNTED,
    Datum,
    MetricPlan,
    RunGauges,
    endpoint_datums,
    run_datums,
    total_datums,
)
from locust_cw_dist.core.ledger import Account, RunLedger
from locust_cw_dist.core.sections import EndpointKey
from locust_cw_dist.core.summary import Summary


@dataclass(frozen=True, slots=True)
class Entry:
    """One datum and what depends on it.

    Attributes:
        datum: The datum.
        account: The account of its endpoint and window; None if no result depends on it.
        results: Results that the batch with this datum brings, where batches are told apart: those of the account, on
            the last of its datums, else 0.
    """

    datum: Datum
    account: Account | None = None
    results: int = 0


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed window with all that its datums are made of.

    Attributes:
        window: The window.
        summaries: Its summaries within the endpoint budget.
        host: The Host dimension of its run.
        gauges: Users, workers and so on; None for a supplement to a window that was published before.
    """

    window: Window
    summaries: dict[EndpointKey, Summary]
    host: str
    gauges: RunGauges | None

    @property
    def results(self) -> int:
        """Number of results in it."""
        return sum(summary.count for summary in self.summaries.values())


def publication(plan: MetricPlan, closed: Closed, ledger: RunLedger) -> Iterator[Entry]:
    """Yield the datums of a window; those of an endpoint that are accounted for come with their account."""
    start_s, late = closed.window.start_s, not closed.window.is_first
    totals = Summary()
    for (name, method), summary in closed.summaries.items():
        datums = endpoint_datums(plan, (name, method, closed.host), start_s, summary, late=late)
        yield from _entries(datums, summary.count, ledger)
        totals.merge(summary)
    if totals.count:
        yield from map(Entry, total_datums(plan, start_s, totals, late=late))
    if closed.gauges is not None:
        yield from map(Entry, run_datums(plan, start_s, closed.gauges))


def _entries(datums: list[Datum], results: int, ledger: RunLedger) -> Iterator[Entry]:
    left = sum(datum.metric in ACCOUNTED for datum in datums)
    account = Account(ledger, results, left)
    for datum in datums:
        if datum.metric in ACCOUNTED:
            left -= 1
            yield Entry(datum, account, 0 if left else results)
        else:
            yield Entry(datum)
