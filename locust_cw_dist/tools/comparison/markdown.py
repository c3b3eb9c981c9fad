"""Markdown: what a comparison comes to, for the summary of a CI job and for pull requests; at most 60 lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from locust_cw_dist.core.names.markdown_text import MAX_LINE_CHARS, cell, code, text_cell, text_line
from locust_cw_dist.core.verdict.exit_codes import NOT_RELIABLE, RULE_FAILED
from locust_cw_dist.tools.comparison.compare import Change, State
from locust_cw_dist.tools.comparison.figures import FIGURES
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

MAX_REASONS, MAX_FINDINGS, MAX_ROWS, MAX_GAPS, MAX_WARNINGS = 8, 10, 10, 5, 5

ENDINGS = {0: "PASSED", RULE_FAILED: "FAILED", NOT_RELIABLE: "NOT JUDGED"}

MARKS = {State.WORSE: " **!**", State.BETTER: " +", State.UNCLEAR: " ?", State.SAME: ""}


def markdown(outcome: Outcome) -> str:
    """Return a comparison as Markdown."""
    return "\n".join(_lines(outcome)) + "\n"


def not_compared(reason: str, exit_code: int) -> str:
    """Return as Markdown why there is no comparison."""
    return f"## Comparison: not made\n\n- {code(reason, MAX_LINE_CHARS)}\n- exit code {exit_code}\n"


def _lines(outcome: Outcome) -> Iterator[str]:
    decision = outcome.decision
    title = "Comparison" if decision is None else f"Comparison: {ENDINGS[decision.code]}"
    yield from (f"## {title}", "", f"**{headline(outcome)}**", "")
    if decision is not None:
        reasons = [f"FAILED: {line}" for line in failed(decision)]
        reasons += [f"NOT JUDGED: {line}" for line in not_judged(decision)]
        yield from _list(reasons, MAX_REASONS)
        yield from _list(endings(decision), MAX_REASONS)
    yield from _list([f"warning: {line}" for line in outcome.warnings], MAX_WARNINGS)
    bases = ", ".join(base.run_id for base in outcome.bases)
    yield from ("", text_line(f"Base {bases}, candidate {outcome.candidate.run_id}"), "")
    yield from _findings([one for one in outcome.changes if one.state in {State.WORSE, State.BETTER}])
    yield from _matrix(outcome.changes)
    yield from _list(
        [f"{gap.kind.value}: {label(gap.endpoint)}: {why(gap, gap.figures)}" for gap in outcome.gaps], MAX_GAPS
    )


def _list(lines: Sequence[str], most: int) -> Iterator[str]:
    yield from (f"- {text_line(one)}" for one in lines[:most])
    if len(lines) > most:
        yield f"- and {len(lines) - most} more"


def _findings(found: Sequence[Change]) -> Iterator[str]:
    if not found:
        return
    yield "| | endpoint | figure | base | candidate | change | interval |"
    yield "|---|---|---|---:|---:|---:|---:|"
    for one in found[:MAX_FINDINGS]:
        values = (measured(one.base, one.figure.unit), measured(one.candidate, one.figure.unit))
        cells = (label(one.endpoint), one.figure.title, *values, changed(one), interval(one))
        yield f"| {one.state.value.upper()} | {' | '.join(map(text_cell, cells))} |"
    yield from ("",) if len(found) <= MAX_FINDINGS else ("", f"and {len(found) - MAX_FINDINGS} more", "")


def _matrix(changes: Sequence[Change]) -> Iterator[str]:
    if not changes:
        return
    rows = {(change.endpoint, change.figure.name): change for change in changes}
    endpoints = list(dict.fromkeys(change.endpoint for change in changes))
    yield f"| change of | {' | '.join(figure.title for figure in FIGURES)} |"
    yield f"|---|{'---:|' * len(FIGURES)}"
    for endpoint in endpoints[:MAX_ROWS]:
        cells = [_cell(rows.get((endpoint, figure.name))) for figure in FIGURES]
        yield f"| {cell(label(endpoint))} | {' | '.join(cells)} |"
    if len(endpoints) > MAX_ROWS:
        yield from ("", f"and {len(endpoints) - MAX_ROWS} more endpoints")
    yield from ("", "**!** worse, + better, ? unclear, no mark: changed by less than the threshold.", "")


def _cell(change: Change | None) -> str:
    return "" if change is None else f"{text_cell(changed(change))}{MARKS[change.state]}"
