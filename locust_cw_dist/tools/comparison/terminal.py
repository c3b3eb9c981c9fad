"""Terminal: what `locust-cw compare` prints, as tables."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from locust_cw_dist.tools.comparison.compare import Change, Choices, State
from locust_cw_dist.tools.comparison.coverage import Gap, Kind
from locust_cw_dist.tools.comparison.figures import FIGURES
from locust_cw_dist.tools.comparison.gate import Decision
from locust_cw_dist.tools.comparison.words import changed, endings, failed, interval, label, measured, not_judged, why

PIPED_COLUMNS = 120
"""Width where there is no terminal to ask."""

MAX_SHOWN = 20
MAX_FINDINGS = 30

STYLES = {State.WORSE: "bold red", State.BETTER: "green", State.UNCLEAR: "yellow", State.SAME: "dim"}
KIND_STYLES = {Kind.MISSING: "bold red", Kind.TOO_FEW: "yellow", Kind.NEW: "dim"}
MARKS = {State.WORSE: "!", State.BETTER: "+", State.UNCLEAR: "?", State.SAME: " "}


def make_console() -> Console:
    """Return a console for standard output: plain text of a fixed width when it is piped."""
    if isinstance(sys.stdout, TextIOWrapper):
        # Names of requests may hold characters that the output's encoding can't, lone surrogates above all.
        sys.stdout.reconfigure(errors="backslashreplace")
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPED_COLUMNS)


def show(console: Console, changes: Sequence[Change], choices: Choices, *, all_endpoints: bool) -> None:
    """Print the changes that count, and then all figures by endpoint."""
    found = [change for change in changes if change.state in {State.WORSE, State.BETTER}]
    if found:
        console.print(_findings(found))
    _show_matrix(console, changes, all_endpoints=all_endpoints)
    console.print(
        f"! worse, + better: by more than {choices.min_change_percent:g} % (failures: "
        f"{choices.min_failure_points:g} points). ? unclear: too much noise to tell. No mark: less than that.\n"
        f"All intervals hold together with {choices.confidence_percent:g} % confidence.",
        style="dim",
    )


def show_gaps(console: Console, gaps: Sequence[Gap], *, all_endpoints: bool) -> None:
    """Print what can't be judged."""
    if not gaps:
        return
    shown = gaps if all_endpoints else gaps[:MAX_SHOWN]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("not compared", overflow="fold")
    for header in ("base", "candidate"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("why")
    for gap in shown:
        kind = Text(gap.kind.value.upper(), KIND_STYLES[gap.kind], no_wrap=True)
        requests = (f"{gap.base_requests:,}", f"{gap.candidate_requests:,}")
        table.add_row(kind, Text(label(gap.endpoint)), *requests, Text(why(gap, gap.figures)))
    console.print(table)
    console.print("Numbers are requests. These figures are not compared: they may be worse.", style="dim")
    if len(shown) < len(gaps):
        console.print(f"and {len(gaps) - len(shown)} more endpoints: --all shows them")


def show_decision(console: Console, decision: Decision) -> None:
    """Print what --fail-on comes to, and the exit code."""
    _say(console, "FAILED by --fail-on", failed(decision), "bold red")
    _say(console, "NOT JUDGED by --fail-on", not_judged(decision), "bold yellow")
    for line in endings(decision):
        console.print(line, style="bold" if decision.code else "", markup=False, soft_wrap=True)


def _say(console: Console, title: str, lines: Sequence[str], style: str) -> None:
    for line in lines[:MAX_FINDINGS]:
        console.print(f"{title}: {line}", style=style, markup=False, soft_wrap=True)
    if len(lines) > MAX_FINDINGS:
        console.print(f"{title}: {len(lines) - MAX_FINDINGS} more", style=style, markup=False, soft_wrap=True)


def _findings(found: Sequence[Change]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=None, pad_edge=False)
    for header in ("", "endpoint", "figure"):
        table.add_column(header, overflow="fold")
    for header in ("base", "candidate", "change", "interval"):
        table.add_column(header, justify="right", no_wrap=True)
    for change in found[:MAX_FINDINGS]:
        table.add_row(
            Text(change.state.value.upper(), STYLES[change.state]),
            Text(label(change.endpoint)),
            change.figure.title,
            measured(change.base, change.figure.unit),
            measured(change.candidate, change.figure.unit),
            Text(changed(change), STYLES[change.state]),
            interval(change),
        )
    if len(found) > MAX_FINDINGS:
        table.add_row("", f"and {len(found) - MAX_FINDINGS} more", "", "", "", "", "")
    return table


def _show_matrix(console: Console, changes: Sequence[Change], *, all_endpoints: bool) -> None:
    rows = {(change.endpoint, change.figure.name): change for change in changes}
    endpoints = list(dict.fromkeys(change.endpoint for change in changes))
    shown = endpoints if all_endpoints else endpoints[:MAX_SHOWN]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("change of", overflow="fold")
    for figure in FIGURES:
        table.add_column(figure.title, justify="right", no_wrap=True)
    for endpoint in shown:
        cells = [_cell(rows.get((endpoint, figure.name))) for figure in FIGURES]
        table.add_row(Text(label(endpoint)), *cells)
    console.print(table)
    if len(shown) < len(endpoints):
        console.print(f"and {len(endpoints) - len(shown)} more endpoints: --all shows them")


def _cell(change: Change | None) -> Text:
    if change is None:
        return Text("-", "dim")
    short = changed(change).replace(" points", " pt")
    return Text(f"{short} {MARKS[change.state]}", STYLES[change.state])
