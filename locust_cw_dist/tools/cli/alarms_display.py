"""What `locust-cw alarms` shows to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from locust_cw_dist.tools.as_code.alarms import month_usd
from locust_cw_dist.tools.as_code.changes import watches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from locust_cw_dist.core.costs.prices import Prices
    from locust_cw_dist.tools.as_code.alarms import Alarm


def show(console: Console, alarms: Sequence[Alarm], prices: Prices) -> None:
    """Print the alarms, where they differ from their rules, and what they cost."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("rule", overflow="fold")
    table.add_column("alarm when", overflow="fold")
    table.add_column("a month", justify="right", no_wrap=True)
    for alarm in alarms:
        rule = Text(f"{alarm.rule.name} ({alarm.rule.severity})")
        watched = Text(watches(alarm.request))
        for note in alarm.notes:
            watched.append(f"\n{note}", style="dim")
        table.add_row(rule, watched, f"${month_usd([alarm], prices):,.2f}")
    table.add_row(Text("all", style="bold"), "", Text(f"${month_usd(alarms, prices):,.2f}", style="bold"))
    console.print(table)
    console.print(
        Text(f"An estimate: {prices.source}, without free tier; AWS bills each series an alarm reads.", style="dim")
    )
