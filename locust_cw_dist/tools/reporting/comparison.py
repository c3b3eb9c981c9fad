"""Comparison: the page about what changed between runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from locust_cw_dist.core.records.record import Record
from locust_cw_dist.pages.page import badge, cards, cell, notices, page, plots, section, table
from locust_cw_dist.tools.comparison.compare import Change, Choices, State
from locust_cw_dist.tools.comparison.coverage import Gap, Kind
from locust_cw_dist.tools.comparison.gate import Decision
from locust_cw_dist.tools.comparison.outcome import Outcome
from locust_cw_dist.tools.comparison.words import changed, endings, failed, interval, label, measured, not_judged, why
from locust_cw_dist.tools.reporting.series import page_data

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


GAP_KINDS = {Kind.MISSING: "bad", Kind.TOO_FEW: "doubtful", Kind.NEW: "plain"}

GAP_MEANINGS = {
    Kind.MISSING: "endpoints of the base that are gone",
    Kind.TOO_FEW: "endpoints with too few results",
    Kind.NEW: "endpoints that the base has not",
}

NOT_COMPARED = "Figures that the table below has no row for: they may be worse."


def comparison_page(outcome: Outcome, tick: Callable[[float], None] = lambda _: None) -> str:
    """Return the page; `tick` is told how much of the work is done, from 0 to 1."""
    bases, candidate, choices, changes = outcome.bases, outcome.candidate, outcome.choices, outcome.changes
    names = [f"base {n + 1}" if len(bases) > 1 else "base" for n in range(len(bases))]
    data = page_data([*bases, candidate], [*names, "candidate"], tick)
    data["min_change"] = choices.min_change_percent
    data["changes"] = [_plotted(change) for change in changes if change.figure.is_ratio]
    body = [
        _header(bases, candidate, choices),
        "" if outcome.decision is None else _gate(outcome.decision),
        notices(outcome.warnings),
        cards(_cards(changes, outcome.gaps)),
        section("Changes that matter most", '<div class="plot" id="forest"></div>' if changes else ""),
        section("Not compared", _gaps(outcome.gaps), note=NOT_COMPARED),
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


def _gate(decision: Decision) -> str:
    """Return what --fail-on comes to, and why."""
    ending, *hints = endings(decision)
    lines = [(badge("failed", "bad"), line) for line in failed(decision)]
    lines += [(badge("not judged", "doubtful"), line) for line in not_judged(decision)]
    listed = "".join(f"<li>{mark} {cell(line)}</li>" for mark, line in lines)
    said = "".join(f'<p class="note">{cell(hint)}</p>' for hint in hints)
    return section(f"Gate: {ending}", f'<ul class="gate">{listed}</ul>{said}')


def _cards(changes: Sequence[Change], gaps: Sequence[Gap]) -> list[tuple[str, str, str]]:
    counts = Counter(change.state for change in changes)
    found = [(state.value, f"{counts[state]}", MEANINGS[state]) for state in State]
    kinds = Counter(gap.kind for gap in gaps)
    return found + [(kind.value, f"{kinds[kind]}", GAP_MEANINGS[kind]) for kind in Kind if kinds[kind]]


def _gaps(gaps: Sequence[Gap]) -> str:
    rows = [
        (
            label(gap.endpoint),
            badge(gap.kind.value, GAP_KINDS[gap.kind]),
            why(gap, gap.figures),
            (f"{gap.base_requests:,}", gap.base_requests),
            (f"{gap.candidate_requests:,}", gap.candidate_requests),
        )
        for gap in gaps
    ]
    headers = ("Endpoint", "", "Why", "Requests in the base", "In the candidate")
    return table(headers, rows, texts=3, kind="sortable gaps") if rows else ""


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
