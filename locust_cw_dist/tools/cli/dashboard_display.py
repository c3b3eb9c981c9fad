"""What `locust-cw dashboard` shows to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

    from locust_cw_dist.core.costs.prices import Prices
    from locust_cw_dist.tools.as_code.dashboard import Dashboard


def show(console: Console, dashboard: Dashboard, prices: Prices) -> None:
    """Print what is on the dashboard, and what it costs."""
    console.print(Text(f"Dashboard {dashboard.name}", style="bold"))
    console.print()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("graph", overflow="fold")
    table.add_column("metrics", justify="right", no_wrap=True)
    table.add_column("limits", overflow="fold")
    for widget in dashboard.body["widgets"]:
        if widget["type"] == "metric":
            properties = widget["properties"]
            table.add_row(Text(properties["title"]), _rows(properties), Text(_limits(properties)))
    console.print(table)
    console.print(
        Text(f"About ${prices.dashboard_month:,.2f} a month ({prices.source}), without free tier.", style="dim")
    )


def _rows(properties: dict[str, Any]) -> str:
    rows = properties["metrics"]
    searched = any("SEARCH" in row[0]["expression"] for row in rows if isinstance(row[0], dict))
    return "a search" if searched else str(sum(not isinstance(row[0], dict) for row in rows))


def _limits(properties: dict[str, Any]) -> str:
    return "\n".join(line["label"] for line in properties.get("annotations", {}).get("horizontal", ()))
