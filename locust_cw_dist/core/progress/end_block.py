"""The last lines of a run: what happened, why that exit code, and where to look next.

A CI log is read from the bottom up, so what matters most comes last:

    all endpoints, what was published and lost, rules, verdict, the link into CloudWatch, the next command, exit code

Lines have at most 80 columns but for links, paths and names of rules, which nobody could copy in pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from locust_cw_dist.core.names.plural import counted
from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.progress.figures_table import FiguresTable
from locust_cw_dist.core.progress.plain_text import Marks, span, wrapped
from locust_cw_dist.core.publish.dimension_text import NO_HOST
from locust_cw_dist.core.rules.messages import label_of, word_of
from locust_cw_dist.core.rules.outcome import Outcome, RuleOutcome, RuleState
from locust_cw_dist.core.verdict.exit_reason import LastWord
from locust_cw_dist.core.verdict.run_summary import RunSummary
from locust_cw_dist.core.verdict.verdict import State, Verdict

_REST = 8 * " "
"""What the rest of a line begins with that was too long; nothing else does but the head of the table."""

MAX_RULES = 20
"""Rules that are shown, the broken ones first; the files about rules have them all."""

MAX_RUNS = 10
"""Earlier runs of the process that are named again at its end, the last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBlock:
    """What is told of one run.

    Attributes:
        summary: What became of its results.
        host: What was tested.
        duration_s: How long; None if its test has not begun.
        figures: What its endpoints did.
        outcome: What became of the rules; None without rules.
        graph_url: CloudWatch's graph of it; None where nothing was published, or there is no such console.
        replaces_earlier: Whether a block of this run stands further up, which no longer holds.
    """

    summary: RunSummary
    host: str
    duration_s: float | None = None
    figures: FiguresTable = field(default_factory=FiguresTable)
    outcome: Outcome | None = None
    graph_url: str | None = None
    replaces_earlier: bool = False

    def lines(self, marks: Marks) -> list[str]:
        """Return the lines."""
        return [
            "",
            *self._head(),
            *self.figures.lines(marks),
            *self._results(marks),
            *([] if self.outcome is None else rule_lines(self.outcome, marks)),
            *_verdict(self.summary.verdict, marks),
            *([] if self.graph_url is None else [f"  CloudWatch: {self.graph_url}"]),
        ]

    def short_line(self, marks: Marks) -> str:
        """Return what is said again of a run whose block stands further up."""
        state = "complete" if self.summary.is_complete else "INCOMPLETE"
        rules = "" if self.outcome is None else f", {_count(self.outcome)}"
        mark = _mark(self.summary.verdict.state, marks)
        if not self.summary.is_complete or (self.outcome is not None and self.outcome.failed):
            mark = marks.bad
        return f"{mark} run {self.summary.run_id}: {state}, {self.summary.verdict.state.word}{rules}"

    def _head(self) -> list[str]:
        took = "not begun" if self.duration_s is None else span(self.duration_s)
        labels = "".join(f", {key}={value}" for key, value in self.summary.labels)
        host = "" if self.host == NO_HOST else f"{self.host}, "
        updated = ", updated" if self.replaces_earlier else ""
        return wrapped(printable(f"locust-cw: {host}{took}{labels}{updated}"), rest=_REST)

    def _results(self, marks: Marks) -> list[str]:
        first, *details = self.summary.lines()
        lines = wrapped(first, first=f"{marks.good if self.summary.is_complete else marks.bad} ", rest=_REST)
        for detail in details:
            lines += wrapped(printable(detail.strip()), first="    ", rest=_REST)
        return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessBlock:
    """What is told last of a process.

    Attributes:
        earlier: Runs whose blocks stand further up already.
        runs: Runs of which nothing was told yet, or of which more is known by now.
        next_commands: What to do with the newest run, a command each.
        last_word: With which code the process ends; None where a script goes on.
    """

    earlier: Sequence[RunBlock] = ()
    runs: Sequence[RunBlock] = ()
    next_commands: Sequence[str] = ()
    last_word: LastWord | None = None

    def lines(self, marks: Marks) -> list[str]:
        """Return the lines; none if there is nothing to tell."""
        lines = [line for run in self.runs for line in run.lines(marks)]
        if self.earlier:
            number = len(self.earlier) + len(self.runs)
            lines += ["", f"locust-cw: {counted(number, 'run')} in this process"]
            lines += [run.short_line(marks) for run in self.earlier[-MAX_RUNS:]]
        if not lines and self.last_word is None:
            return []
        for number, command in enumerate(self.next_commands):
            lines.append(f"  {'  or:' if number else 'next:'} {command}")
        if self.last_word is not None:
            mark = marks.bad if self.last_word.code else marks.good
            lines += wrapped(printable(self.last_word.line()), first=f"{mark} ", rest=_REST)
        return lines


def rule_lines(outcome: Outcome, marks: Marks) -> list[str]:
    """Return what became of the rules, the broken ones first."""
    lines = [f"{_mark_of_rules(outcome, marks)} rules: {_count(outcome)}"]
    ordered = sorted(outcome.rules, key=_rank)
    for one in ordered[:MAX_RULES]:
        text = f"{_mark_of_rule(one, marks)} {word_of(one)} {label_of(one.rule)}: {one.message}"
        lines += wrapped(printable(text), first="    ", rest=_REST)
    if (more := len(ordered) - MAX_RULES) > 0:
        lines.append(f"    and {counted(more, 'more rule')}")
    return lines


def _count(outcome: Outcome) -> str:
    passed = sum(one.state is RuleState.PASSED for one in outcome.rules)
    failed = sum(one.failed for one in outcome.rules)
    return f"{passed} of {len(outcome.rules)} passed" + (f", {failed} failed" if failed else "")


def _rank(one: RuleOutcome) -> int:
    return 0 if one.failed else 1 if one.state is RuleState.BROKEN else 2 if one.state is RuleState.NO_DATA else 3


def _mark_of_rule(one: RuleOutcome, marks: Marks) -> str:
    if one.state is RuleState.PASSED:
        return marks.good
    return marks.bad if one.failed else marks.warn


def _mark_of_rules(outcome: Outcome, marks: Marks) -> str:
    if outcome.failed:
        return marks.bad
    return marks.good if all(one.state is RuleState.PASSED for one in outcome.rules) else marks.warn


def _verdict(verdict: Verdict, marks: Marks) -> list[str]:
    lines = []
    for line, state in zip(verdict.lines(), [reason.state for reason in verdict.reasons] or [State.VALID], strict=True):
        lines += wrapped(printable(line.strip()), first=f"{_mark(state, marks)} ", rest=_REST)
    return lines


def _mark(state: State, marks: Marks) -> str:
    return {State.VALID: marks.good, State.SUSPECT: marks.warn, State.INVALID: marks.bad}[state]
