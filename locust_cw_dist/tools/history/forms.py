"""A history as text: tables for a terminal, Markdown for a pull request, JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from locust_cw_dist.core.names.markdown_text import MAX_LINE_CHARS, code, text_cell, text_line
from locust_cw_dist.tools.comparison.compare import TOGETHER
from locust_cw_dist.tools.comparison.terminal import STYLES
from locust_cw_dist.tools.comparison.words import label, measured, signed
from locust_cw_dist.tools.history.history import Change, History
from locust_cw_dist.tools.history.shifts import MIN_RUNS
from locust_cw_dist.tools.history.store import Run

MAX_CHANGES, MAX_RUNS = 20, 10
COMMIT_DIGITS = 8

HEADERS = ("", "endpoint", "figure", "before", "after", "change", "since run", "commit", "may be", "runs ago")


def show(console: Console, history: History, *, all_changes: bool) -> None:
    """Print the changes and the newest runs."""
    changes = history.changes if all_changes else history.changes[:MAX_CHANGES]
    if changes:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        # A line has room for no more.
        for header in HEADERS[:-1]:
            is_number = header in {"before", "after", "change"}
            is_whole = is_number or header in {"since run", "commit"}
            table.add_column(
                header,
                overflow="fold",
                justify="right" if is_number else "left",
                no_wrap=is_whole,
                min_width=14 if header == "endpoint" else None,
            )
        for change in changes:
            word, *cells, _ = change_cells(history, change)
            table.add_row(Text(word, STYLES[change.state]), *map(Text, cells))
        console.print(table)
    if len(changes) < len(history.changes):
        console.print(f"and {len(history.changes) - len(changes)} more changes: --all shows them")
    console.print(_runs(history))
    for line in endings(history):
        console.print(line, soft_wrap=True, markup=False)


def headline(history: History) -> str:
    """Return in one line what a history comes to."""
    runs, number = history.runs, len(history.changes)
    if not runs:
        return "No runs."
    span = f"{_day(runs[0])} to {_day(runs[-1])}"
    found = f"{number or 'no'} change{'s' * (number != 1)} found"
    few = "" if any(len(row.numbers) >= MIN_RUNS for row in history.rows) else f": it takes {MIN_RUNS} whole runs"
    return f"{len(runs):,} run{'s' * (len(runs) != 1)}, {span}; {found}{few}."


def endings(history: History) -> list[str]:
    """Return the lines under the tables: the sum of it all, and how the newest change is looked at."""
    lines = [headline(history)]
    if history.changes:
        lines.append(f"compare the runs on both sides: {compare_command(history, history.changes[0])}")
    return lines


def compare_command(history: History, change: Change) -> str:
    """Return the command that compares the runs on both sides of a change."""
    before, after = (history.runs[number].place for number in (change.last_before, change.first_after))
    return f"locust-cw compare {before} {after}"


def change_cells(history: History, change: Change) -> list[str]:
    """Return a change as the cells of a table, as `HEADERS` has them."""
    row, run = change.row, history.runs[change.first_after].summary
    endpoint = f"{label(row.endpoint)} [{label((row.group, ''))}]" if row.group else label(row.endpoint)
    likely = (history.runs[number].summary for number in (change.earliest, change.latest))
    between = " to ".join(dict.fromkeys(commit_of(one.revision) or one.run_id for one in likely))
    return [
        change.state.value.upper(),
        endpoint,
        row.figure.title,
        measured(change.before, row.figure.unit),
        measured(change.after, row.figure.unit),
        signed(change.percent, row.figure),
        run.run_id,
        commit_of(run.revision),
        between,
        f"{change.runs_ago}",
    ]


def commit_of(revision: str) -> str:
    """Return a commit as it is shown."""
    return revision[:COMMIT_DIGITS]


def run_cells(run: Run) -> list[str]:
    """Return a run as the cells of a table."""
    summary = run.summary
    p95 = summary.levels.get((TOGETHER, "p95"))
    labels = ", ".join(f"{key}={value}" for key, value in summary.labels.items())
    state = "rule failed" if summary.has_failed else summary.verdict
    return [
        summary.run_id,
        commit_of(summary.revision),
        labels,
        f"{summary.requests:,}",
        "-" if p95 is None else measured(p95.value, "ms"),
        state if summary.is_whole else "not whole: in no row",
    ]


def _runs(history: History) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in ("newest runs", "commit", "labels"):
        table.add_column(header, overflow="fold")
    for header in ("requests", "p95"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("")
    for run in reversed(history.runs[-MAX_RUNS:]):
        table.add_row(*map(Text, run_cells(run)))
    return table


def markdown(history: History) -> str:
    """Return a history as Markdown; at most 60 lines."""
    return "\n".join(_lines(history)) + "\n"


def _lines(history: History) -> Iterator[str]:
    yield from ("## History", "", f"**{headline(history)}**", "")
    changes = history.changes[:MAX_CHANGES]
    if changes:
        yield f"| {' | '.join(HEADERS)} |"
        yield f"|{'---|' * len(HEADERS)}"
        yield from (f"| {' | '.join(map(text_cell, change_cells(history, change)))} |" for change in changes)
        yield ""
    if len(changes) < len(history.changes):
        yield from (f"and {len(history.changes) - len(changes)} more changes", "")
    yield "| newest runs | commit | labels | requests | p95 | |"
    yield "|---|---|---|---:|---:|---|"
    for run in reversed(history.runs[-MAX_RUNS:]):
        yield f"| {' | '.join(map(text_cell, run_cells(run)))} |"
    if history.changes:
        yield from ("", code(compare_command(history, history.changes[0]), MAX_LINE_CHARS))
    yield from (f"- {text_line(one)}" for one in history.left_out[:5])


def document_of(history: History) -> dict[str, Any]:
    """Return a history as JSON has it."""
    return {
        "headline": headline(history),
        "left_out": list(history.left_out),
        "runs": [_run_json(run) for run in history.runs],
        "changes": [_change_json(history.runs, change) for change in history.changes],
    }


def _run_json(run: Run) -> dict[str, Any]:
    summary = run.summary
    figures = [
        {"name": key[0], "method": key[1], "figure": name, "value": level.value, "error": level.error}
        for (key, name), level in summary.levels.items()
    ]
    return {
        "run_id": summary.run_id,
        "record": str(run.place),
        "started_s": summary.started_s,
        "duration_s": summary.duration_s,
        "labels": summary.labels,
        "commit": summary.revision,
        "about": summary.about,
        "is_whole": summary.is_whole,
        "verdict": summary.verdict,
        "requests": summary.requests,
        "figures": figures,
    }


def _change_json(runs: Sequence[Run], change: Change) -> dict[str, Any]:
    def ids(number: int) -> dict[str, str]:
        return {"run_id": runs[number].summary.run_id, "commit": runs[number].summary.revision}

    name, method = change.row.endpoint
    return {
        "name": name,
        "method": method,
        "figure": change.row.figure.name,
        "group": change.row.group,
        "state": change.state.value,
        "before": change.before,
        "after": change.after,
        "change": change.percent,
        "change_unit": "percent" if change.row.figure.is_ratio else "percentage points",
        "last_before": ids(change.last_before),
        "first_after": ids(change.first_after),
        "earliest": ids(change.earliest),
        "latest": ids(change.latest),
        "runs_since": change.runs_ago,
    }


def day_of(started_s: float) -> str:
    """Return the day of a run, UTC."""
    return datetime.fromtimestamp(started_s, UTC).strftime("%Y-%m-%d")


def _day(run: Run) -> str:
    return day_of(run.summary.started_s)
