"""What the demo shows: progress, the table of figures, the costs, and what comes next."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from locust_cw_dist.core.costs.prices import Prices
from locust_cw_dist.core.names.plural import counted
from locust_cw_dist.tools.demo.costs import Costs
from locust_cw_dist.tools.demo.figures import PERCENTS, Comparison, Figures, is_close, off_percent

_PLAIN_LINE_EVERY_S = 5.0

_NEXT = "run -f locustfile.py --headless -u 50 -t 5m --cw-service checkout"


class Progressing:
    """The state of the run for the length of a `with` block: a bar on a terminal, now and then a line elsewhere."""

    def __init__(self, console: Console, duration_s: int) -> None:
        self._console = console
        self._duration_s = duration_s
        self._last_line_s = 0.0
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[detail]}"),
            console=console,
            transient=True,
            disable=not console.is_interactive,
        )
        self._task = self._bar.add_task("", total=None, detail="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def stage(self, text: str) -> None:
        """Show what happens now."""
        if self._bar.disable:
            self._console.print(f"{text} ...")
        else:
            self._bar.update(self._task, description=text, detail="")

    def running(self, elapsed_s: float, requests: int) -> None:
        """Show how far the load test is."""
        state = f"{elapsed_s:.0f} s of {self._duration_s} s, {counted(requests, 'request')}"
        if not self._bar.disable:
            self._bar.update(
                self._task, description="running", detail=state, completed=elapsed_s, total=self._duration_s
            )
        elif time.monotonic() - self._last_line_s >= _PLAIN_LINE_EVERY_S:
            self._last_line_s = time.monotonic()
            self._console.print(f"running: {state}")


def show_figures(console: Console, comparisons: Sequence[Comparison]) -> None:
    """Print what CloudWatch holds beside Locust's own figures and the truth."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    table.add_column("")
    table.add_column("requests", justify="right")
    table.add_column("failures", justify="right")
    for percent in PERCENTS:
        table.add_column(f"p{percent} ms", justify="right")
        table.add_column("off", justify="right")
    for comparison in comparisons:
        table.add_row(Text(str(comparison.endpoint), style="bold"))
        exact = comparison.exact
        table.add_row(*_cells("CloudWatch", comparison.cloudwatch, exact, "cyan", wrong="bold red"))
        table.add_row(*_cells("Locust", comparison.locust, exact, "dim", wrong="yellow", is_whole=True))
        table.add_row(*_cells("exact", exact, None, "", wrong=""))
        if comparison is not comparisons[-1]:
            table.add_row()
    console.print()
    console.print(table)
    console.print()
    console.print(
        "exact: counts by the target itself, percentiles of every response time.\n"
        "Locust rounds response times to two digits before it computes percentiles.",
        style="dim",
    )


def _cells(
    source: str, figures: Figures, exact: Figures | None, style: str, *, wrong: str, is_whole: bool = False
) -> list[Text]:
    """Return a row of the table; what is wrong stands out, unless there is nothing to compare with."""
    cells = [Text(f"  {source}", style=style)]
    for what in ("requests", "failures"):
        count = getattr(figures, what)
        is_right = exact is None or count == getattr(exact, what)
        cells.append(Text(f"{count:,}", style=style if is_right else wrong))
    for place, value in enumerate(figures.percentiles_ms):
        true = None if exact is None else exact.percentiles_ms[place]
        is_right = exact is None or is_close(value, true)
        text = _ms(value, is_whole=is_whole)
        cells += [Text(text, style=style), Text(_off(value, true), style=style if is_right else wrong)]
    return cells


def _ms(value: float | None, *, is_whole: bool) -> str:
    if value is None:
        return "-   "
    # Digits that were rounded away are not made up, but what is left stands in line with the others.
    return f"{value:,.0f}   " if is_whole else f"{value:,.2f}"


def _off(value: float | None, true: float | None) -> str:
    off = off_percent(value, true)
    return "" if off is None else f"{off:+z.1f}%"


def show_verdict(console: Console, comparisons: Sequence[Comparison]) -> None:
    """Say in one sentence that all is well."""
    total = comparisons[-1].cloudwatch
    offs = [
        abs(off)
        for comparison in comparisons
        for held, true in zip(comparison.cloudwatch.percentiles_ms, comparison.exact.percentiles_ms, strict=True)
        if (off := off_percent(held, true)) is not None
    ]
    console.print()
    console.print(
        f"CloudWatch holds all {counted(round(total.requests), 'request')} and "
        f"{counted(round(total.failures), 'failure')} that the target counted.\n"
        f"No percentile is more than {max(offs, default=0.0):.2f} % off.",
        style="bold green",
    )


def show_costs(console: Console, ways: Sequence[Costs], prices: Prices) -> None:
    """Print what the run would cost on AWS."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("on AWS")
    for title in ("calls", "datums", "metrics", "this run", "1M requests/h"):
        table.add_column(title, justify="right")
    for way in ways:
        table.add_row(
            way.way,
            *(f"{count:,}" for count in (way.calls, way.datums, way.metrics)),
            f"${way.run_usd:.3f}",
            f"${way.million_usd:.2f}",
        )
    console.print()
    console.print(table)
    console.print(
        f"An estimate: {prices.region}, prices of {prices.as_of}; metrics are billed by the hour.\n"
        "The listener: that of locust-plugins, with two calls for every ten requests.",
        style="dim",
    )


def show_next(console: Console) -> None:
    """Say which command comes next, under the name that this one was called by: the PATH may not have it."""
    called = sys.argv[0] if Path(sys.argv[0]).name.startswith("locust-cw") else "locust-cw"
    console.print()
    console.print("Next, with a locustfile of your own; --cw-dry-run at its end needs no AWS account:")
    console.print(f"  {called} {_NEXT}", style="bold", soft_wrap=True)
