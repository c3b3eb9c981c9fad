"""Publication: the datums of a closed window, each with the account that its acceptance or loss is booked on.

Datums are made one endpoint at a time, as they are asked for: a thousand endpoints at once would hold the hub.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from locust_cw_dist.core.buffer import EndpointKey
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
from locust_cw_dist.core.summary import Summary


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


def publication(plan: MetricPlan, closed: Closed, ledger: RunLedger) -> Iterator[tuple[Datum, Account | None]]:
    """Yield the datums of a window; those of an endpoint come with their account."""
    start_s, late = closed.window.start_s, not closed.window.is_first
    totals = Summary()
    for (name, method), summary in closed.summaries.items():
        datums = endpoint_datums(plan, (name, method, closed.host), start_s, summary, late=late)
        accounted = sum(datum.metric in ACCOUNTED for datum in datums)
        account = Account(ledger, summary.count, accounted)
        for datum in datums:
            yield datum, account if datum.metric in ACCOUNTED else None
        totals.merge(summary)
    if totals.count:
        for datum in total_datums(plan, start_s, totals, late=late):
            yield datum, None
    if closed.gauges is not None:
        for datum in run_datums(plan, start_s, closed.gauges):
            yield datum, None
