"""The page of a history: every figure over runs with its interval, and where it shifts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.pages.page import Sortable, render
from locust_cw_dist.tools.comparison.figures import FIGURES, Figure, change_percent, scaled, unscaled
from locust_cw_dist.tools.comparison.words import label
from locust_cw_dist.tools.history.forms import change_cells, commit_of, compare_command, day_of, headline, run_cells
from locust_cw_dist.tools.history.history import Change, History, Row
from locust_cw_dist.tools.history.store import Run

DRAWING = ("history.js",)

MAX_SUBJECTS = 40
"""Endpoints (and label values) that are drawn: those with changes, then the busiest."""

MAX_RUNS_LISTED = 200

DIGITS = 4

INTERVAL = 1.96
"""Standard errors to each side: 95 % of one run's own noise. Runs differ by more than that."""


def history_page(history: History, page: Path | None, comparisons: Mapping[Change, str]) -> str:
    """Return the page.

    Args:
        history: What it shows.
        page: Where it will be, for links to records from there; None: nobody knows.
        comparisons: Links to the comparison of the runs around a change, for those that have one.
    """
    values = {
        "headline": headline(history),
        "warnings": list(history.left_out),
        "changes": [_change(history, change, page, comparisons.get(change, "")) for change in history.changes],
        "runs": [_run(run, page) for run in reversed(history.runs[-MAX_RUNS_LISTED:])],
        "runs_left_out": max(0, len(history.runs) - MAX_RUNS_LISTED),
    }
    data = {"runs": [_drawn_run(run) for run in history.runs], "figures": _FIGURES, "subjects": _subjects(history)}
    return render("history.html.j2", values, data, DRAWING)


_FIGURES = [{"name": figure.name, "title": figure.title, "unit": figure.unit} for figure in FIGURES]


def _subjects(history: History) -> list[dict[str, Any]]:
    """Return what is drawn: for each endpoint its rows by the figure's name."""
    found: dict[tuple[tuple[str, str], str], dict[str, Row]] = {}
    changed = [change.row for change in history.changes]
    for row in (*changed, *history.rows):
        found.setdefault((row.endpoint, row.group), {})[row.figure.name] = row
    shown = list(found.items())[:MAX_SUBJECTS]
    return [
        {
            "label": label(endpoint) + (f", {printable(group)}" if group else ""),
            "rows": {name: _drawn(row) for name, row in rows.items()},
        }
        for (endpoint, group), rows in shown
    ]


def _drawn(row: Row) -> dict[str, Any]:
    edges = [0, *(shift.at for shift in row.shifts), len(row.numbers)]
    levels = [shift.before for shift in row.shifts] + [row.shifts[-1].after] if row.shifts else []
    ends = [_ends(row.figure, level.value, level.error) for level in row.levels]
    return {
        "run": list(row.numbers),
        "value": [_short(level.value) for level in row.levels],
        "low": [low for low, _ in ends],
        "high": [high for _, high in ends],
        "levels": [
            {"from": row.numbers[begin], "to": row.numbers[end - 1], "value": _short(unscaled(row.figure, level))}
            for begin, end, level in zip(edges, edges[1:], levels, strict=False)
        ],
        "shifts": [
            {
                "at": row.numbers[shift.at],
                "earliest": row.numbers[shift.earliest],
                "latest": row.numbers[shift.latest],
                "percent": _short(change_percent(row.figure, shift.after - shift.before)),
            }
            for shift in row.shifts
        ],
    }


def _ends(figure: Figure, value: float, error: float) -> tuple[float, float]:
    middle = scaled(figure, value)
    low, high = (unscaled(figure, middle + sign * INTERVAL * error) for sign in (-1, 1))
    return _short(max(0.0, low)), _short(high)


def _drawn_run(run: Run) -> dict[str, Any]:
    summary = run.summary
    labels = ", ".join(f"{key}={value}" for key, value in summary.labels.items())
    return {
        "id": summary.run_id,
        "day": day_of(summary.started_s),
        "commit": commit_of(summary.revision),
        "labels": labels[:200],
    }


def _change(history: History, change: Change, page: Path | None, comparison: str) -> dict[str, Any]:
    before, after = (history.runs[number] for number in (change.last_before, change.first_after))
    state, endpoint, figure, *values = change_cells(history, change)
    return {
        "state": state.lower(),
        "endpoint": endpoint,
        "figure": figure,
        "before": Sortable(values[0], change.before),
        "after": Sortable(values[1], change.after),
        "change": Sortable(values[2], change.percent),
        "since": {"text": values[3], "link": _link(after, page)},
        "last_before": {"text": before.summary.run_id, "link": _link(before, page)},
        "commit": values[4],
        "likely": values[5],
        "runs_since": Sortable(values[6], change.runs_ago),
        "comparison": comparison,
        "command": compare_command(history, change),
    }


def _run(run: Run, page: Path | None) -> dict[str, Any]:
    name, *cells = run_cells(run)
    return {"text": name, "link": _link(run, page), "day": day_of(run.summary.started_s), "cells": cells}


def _link(run: Run, page: Path | None) -> str:
    """Return a link to a record on this machine, from where the page is; none to S3, which asks who is there."""
    if page is None or not isinstance(run.place, Path):
        return ""
    return relative_link(run.place, page)


def relative_link(target: Path, page: Path) -> str:
    """Return how a page links to a file."""
    import os

    return quote(os.path.relpath(target, page.parent).encode("utf-8", "surrogateescape"))


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def changes_to_compare(changes: Sequence[Change], most: int) -> list[Change]:
    """Return the changes that get a comparison of their own: the newest, one for each pair of runs."""
    found = {(change.last_before, change.first_after): change for change in reversed(changes)}
    return sorted(found.values(), key=lambda one: -one.first_after)[:most]
