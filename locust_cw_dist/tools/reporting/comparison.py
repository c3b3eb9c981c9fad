"""Comparison: the page about what changed between runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from locust_cw_dist.core.records.record import Record
from locust_cw_dist.pages.page import Sortable, render
from locust_cw_dist.tools.comparison.compare import Change, State
from locust_cw_dist.tools.comparison.coverage import Gap, Kind
from locust_cw_dist.tools.comparison.gate import Decision
from locust_cw_dist.tools.comparison.outcome import Outcome
from locust_cw_dist.tools.comparison.words import (
    changed,
    endings,
    failed,
    headline,
    interval,
    label,
    measured,
    not_judged,
    why,
)
from locust_cw_dist.tools.reporting.banner import COMPARED, FAILED, PASSED, Banner, trust_of_all
from locust_cw_dist.tools.reporting.run_facts import is_in_banner, title_of
from locust_cw_dist.tools.reporting.series import page_data

MEANINGS = {
    State.WORSE: "changed by more than the threshold",
    State.BETTER: "changed by more than the threshold",
    State.UNCLEAR: "too much noise to tell",
    State.SAME: "changed by less than the threshold",
}

GAP_MEANINGS = {
    Kind.MISSING: "endpoints of the base that are gone",
    Kind.TOO_FEW: "endpoints with too few results",
    Kind.NEW: "endpoints that the base has not",
}


def comparison_page(outcome: Outcome, tick: Callable[[float], None] = lambda _: None) -> str:
    """Return the page; `tick` is told how much of the work is done, from 0 to 1."""
    bases, candidate, choices, changes = outcome.bases, outcome.candidate, outcome.choices, outcome.changes
    names = [f"base {n + 1}" if len(bases) > 1 else "base" for n in range(len(bases))]
    data = page_data([*bases, candidate], [*names, "candidate"], tick)
    data["min_change"] = choices.min_change_percent
    data["changes"] = [_plotted(change) for change in changes if change.figure.is_ratio]
    values = {
        "runs": [_run("candidate", candidate), *(_run("base", base) for base in bases)],
        "min_change_percent": f"{choices.min_change_percent:g}",
        "min_failure_points": f"{choices.min_failure_points:g}",
        "confidence_percent": f"{choices.confidence_percent:g}",
        "title": title_of(candidate),
        "banner": _banner(outcome),
        "headline": headline(outcome),
        "gate": outcome.decision and _gate(outcome.decision),
        "warnings": [line for line in outcome.warnings if not is_in_banner(line)],
        "cards": _cards(changes, outcome.gaps),
        "gaps": [_gap(gap) for gap in outcome.gaps],
        "changes": [_change(change) for change in changes],
    }
    return render("comparison.html.j2", values, data)


def _run(role: str, run: Record) -> dict[str, str]:
    labels = ", ".join(f"{key}: {value}" for key, value in run.labels.items())
    return {"role": role, "run_id": run.run_id, "labels": labels}


def _banner(outcome: Outcome) -> Banner:
    trust = trust_of_all([outcome.candidate, *outcome.bases])
    decision = outcome.decision
    if decision is None:
        counts = Counter(change.state.value for change in outcome.changes)
        found = ", ".join(f"{count} {state}" for state, count in counts.items()) or "nothing could be compared"
        return Banner(COMPARED, None, f"{found}; without --fail-on nothing fails", *trust)
    reason = endings(decision)[0].partition(": ")[2]
    word = FAILED if decision.code else PASSED
    return Banner(word, decision.code, reason, *trust, failed(decision) + not_judged(decision))


def _gate(decision: Decision) -> dict[str, Any]:
    """Return what --fail-on comes to, and why."""
    _, *hints = endings(decision)
    lines = [("failed", line) for line in failed(decision)]
    lines += [("not judged", line) for line in not_judged(decision)]
    return {"lines": lines, "hints": hints}


def _cards(changes: Sequence[Change], gaps: Sequence[Gap]) -> list[tuple[str, str, str]]:
    counts = Counter(change.state for change in changes)
    found = [(state.value, f"{counts[state]}", MEANINGS[state]) for state in State]
    kinds = Counter(gap.kind for gap in gaps)
    return found + [(kind.value, f"{kinds[kind]}", GAP_MEANINGS[kind]) for kind in Kind if kinds[kind]]


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "endpoint": label(gap.endpoint),
        "kind": gap.kind.value,
        "why": why(gap, gap.figures),
        "base_requests": Sortable(f"{gap.base_requests:,}", gap.base_requests),
        "candidate_requests": Sortable(f"{gap.candidate_requests:,}", gap.candidate_requests),
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "endpoint": label(change.endpoint),
        "figure": change.figure.title,
        "state": change.state.value,
        "base": Sortable(measured(change.base, change.figure.unit), change.base),
        "candidate": Sortable(measured(change.candidate, change.figure.unit), change.candidate),
        "change": Sortable(changed(change), change.change),
        "interval": Sortable(interval(change), change.low),
    }


def _plotted(change: Change) -> dict[str, Any]:
    return {
        "label": f"{change.figure.title}, {label(change.endpoint)}",
        "state": change.state.value,
        "change": round(change.change, 2),
        "low": round(change.low, 2),
        "high": round(change.high, 2),
    }
