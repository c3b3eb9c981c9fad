"""Comparison: the page about what changed between runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from locust_cw_dist.comparison.compare import Change, Choices, State
from locust_cw_dist.comparison.words import changed, interval, label, measured
from locust_cw_dist.core.records.record import Record
from locust_cw_dist.reporting.page import badge, cards, cell, notices, page, plots, section, table
from locust_cw_dist.reporting.series import page_data

PLOTS = (
    ("throughput", "Requests a second"),
    ("percentiles", "Response time, ms: p50 dotted, p95 solid"),
    ("distribution", "Response-time distribution, % of requests"),
    ("reasons", "Failures for each 1,000 requests, by reason"),
)

KINDS = {State.WORSE: "bad", State.BETTER: "good", State.UNCLEAR: "plain", State.SAME: "plain"}

MEANINGS = {
    State.WORSE: "surely more than counts",
    State.BETTER: "surely more than counts",
    State.UNCLEAR: "too much noise to tell",
    State.SAME: "surely less than counts",
}


def comparison_page(
    bases: Sequence[Record],
    candidate: Record,
    changes: Sequence[Change],
    choices: Choices,
    warnings: Sequence[str],
    tick: Callable[[float], None] = lambda _: None,
) -> str:
    """Return the page; `tick` is told how much of the work is done, from 0 to 1."""
    names = [f"base {n + 1}" if len(bases) > 1 else "base" for n in range(len(bases))]
    data = page_data([*bases, candidate], [*names, "candidate"], tick)
    data["min_change"] = choices.min_change_percent
    data["changes"] = [_plotted(change) for change in changes if change.figure.is_ratio]
    body = [
        _header(bases, candidate, choices),
        notices(warnings),
        cards(_cards(changes)),
        section("Changes that matter most", '<div class="plot" id="forest"></div>' if changes else ""),
        section("All changes", _table(changes), note="Click a column's title to sort by it."),
        plots(PLOTS),
    ]
    return page(f"Comparison of {candidate.run_id}", "".join(body), data)


def _header(bases: Sequence[Record], candidate: Record, choices: Choices) -> str:
    rows = [("candidate", candidate), *(("base", base) for base in bases)]
    runs = "<br>".join(
        f"{cell(kind)}: <b>{cell(run.run_id)}</b> {cell(', '.join(f'{k}: {v}' for k, v in run.labels.items()))}"
        for kind, run in rows
    )
    counts = (
        f"A change counts from {choices.min_change_percent:g} % on, of the failure ratio from "
        f"{choices.min_failure_points:g} points on. All intervals hold together with {choices.confidence_percent:g} %."
    )
    return f'<header><h1>Comparison of runs</h1><p>{runs}</p><p class="note">{counts}</p></header>'


def _cards(changes: Sequence[Change]) -> list[tuple[str, str, str]]:
    counts = Counter(change.state for change in changes)
    return [(state.value, f"{counts[state]}", MEANINGS[state]) for state in State]


def _table(changes: Sequence[Change]) -> str:
    rows = [
        (
            label(change.endpoint),
            change.figure.title,
            badge(change.state.value, KINDS[change.state]),
            (measured(change.base, change.figure.unit), change.base),
            (measured(change.candidate, change.figure.unit), change.candidate),
            (changed(change), change.change),
            (interval(change), change.low),
        )
        for change in changes
    ]
    headers = ("Endpoint", "Figure", "", "Base", "Candidate", "Change", "Interval")
    return table(headers, rows, texts=3, kind="sortable") if rows else ""


def _plotted(change: Change) -> dict[str, Any]:
    return {
        "label": f"{change.figure.title}, {label(change.endpoint)}",
        "state": change.state.value,
        "change": round(change.change, 2),
        "low": round(change.low, 2),
        "high": round(change.high, 2),
    }
