"""What `locust-cw plan` shows to people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from locust_cw_dist.core.costs.iam_policies import assume_role_policy, iam_policy, record_policy
from locust_cw_dist.core.names.plural import counted

if TYPE_CHECKING:
    from rich.console import Console

    from locust_cw_dist.core.costs.plan import Plan


def show(console: Console, plan: Plan) -> None:
    """Print the plan."""
    _show_head(console, plan)
    _show_metrics(console, plan)
    _show_calls(console, plan)
    _show_costs(console, plan)
    _show_policies(console, plan)
    for warning in plan.warnings:
        console.print()
        console.print(Text(f"warning: {warning}", style="yellow"))


def _table(*titles: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, title in enumerate(titles):
        table.add_column(title, justify="left" if number == 0 else "right", overflow="fold")
    return table


def _show_head(console: Console, plan: Plan) -> None:
    load, usage = plan.load, plan.usage
    console.print(Text(f"Namespace {plan.publishing.namespace}", style="bold"))
    console.print(
        Text(
            f"{counted(plan.endpoints, 'endpoint')}{' and (other)' if plan.is_capped else ''}, windows of "
            f"{plan.publishing.resolution_s} s, a run of {span(usage.duration_s)}; "
            f"{load.requests_per_s:g} requests/s, p50 {load.p50_ms:g} ms, p99 {load.p99_ms:g} ms"
        )
    )
    console.print()


def _show_metrics(console: Console, plan: Plan) -> None:
    table = _table("metric", "dimensions", "metrics")
    table.columns[1].justify = "left"
    for metric, names, count in plan.metrics:
        table.add_row(metric, Text(", ".join(names) or "-"), f"{count:,}")
    table.add_row(Text("all", style="bold"), "", Text(f"{len(plan.series):,}", style="bold"))
    console.print(table)
    console.print()


def _show_calls(console: Console, plan: Plan) -> None:
    payloads, usage = plan.payloads, plan.usage
    console.print(
        Text(
            f"PutMetricData calls: {payloads.calls:,} for each window, with {counted(payloads.datums, 'datum')}; "
            f"{usage.calls_per_hour:,.0f} per hour, {usage.run_calls:,} in the run\n"
            f"{payloads.line()}\n"
            f"up to {counted(plan.values, 'distinct response time')} for one endpoint and window"
        )
    )
    console.print()


def _show_costs(console: Console, plan: Plan) -> None:
    table = _table("cost", "this run", "kept up all month")
    for cost in plan.costs:
        table.add_row(cost.what, usd(cost.run_usd, 4), usd(cost.month_usd))
    table.add_row(*(Text(text, style="bold") for text in ("all", usd(plan.run_usd, 4), usd(plan.month_usd))))
    console.print(table)
    console.print(
        Text(
            f"An estimate: {plan.prices.source}, without free tier.\n"
            "Metrics are billed by the hour: a run that crosses a full hour pays for one hour more.",
            style="dim",
        )
    )
    console.print()


def _show_policies(console: Console, plan: Plan) -> None:
    console.print(Text("IAM policy for the publisher (workers need none):"))
    console.print(Text(json.dumps(iam_policy(plan.publishing.namespace), indent=2)))
    if policy := record_policy(plan.publishing.record, plan.publishing.region):
        console.print(Text("and, to put the record to S3:"))
        console.print(Text(json.dumps(policy, indent=2)))
    if policy := assume_role_policy(plan.publishing.role_arn):
        console.print(Text(f"The role {plan.publishing.role_arn} needs that one; the master's own identity needs:"))
        console.print(Text(json.dumps(policy, indent=2)))


def usd(amount: float | None, decimals: int = 2) -> str:
    """Return an amount of US dollars; a dash for none."""
    return "-" if amount is None else f"${amount:,.{decimals}f}"


def span(seconds: float) -> str:
    """Return a length of time as Locust's options take it."""
    whole = int(seconds)
    parts = ((whole // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"
