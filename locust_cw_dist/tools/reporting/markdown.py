"""Markdown: the report of a run for a job's summary and a pull request; at most `MAX_LINES` lines.

Every text from outside, a name above all, stands in a span of code (`markdown_text`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from locust_cw_dist.core.names.markdown_text import cell, code
from locust_cw_dist.tools.comparison.outcome import Outcome
from locust_cw_dist.tools.comparison.words import label
from locust_cw_dist.tools.reporting.banner import ENDED, FAILED, PASSED
from locust_cw_dist.tools.reporting.forms import TITLES, changed_rows, shown_figures
from locust_cw_dist.tools.reporting.rule_rows import RuleRow
from locust_cw_dist.tools.reporting.run_facts import RunFacts

MAX_LINES = 60
MAX_RULES, MAX_ENDPOINTS, MAX_CHANGES = 10, 12, 8
"""Rows of each table; a line says how many more there are. With them and the longest banner there are 60 lines."""

MARKS = {PASSED: "✅", FAILED: "❌", ENDED: "⚪"}
TRUST_MARKS = {"good": "✅", "doubtful": "⚠️", "bad": "❌", "plain": "⚪"}


def as_markdown(facts: RunFacts, changes: Outcome | None = None) -> str:
    """Return the report; with `changes`, also what changed against a baseline."""
    lines = [*_banner(facts), *_rules(facts), *_endpoints(facts), *_failures(facts)]
    lines += [] if changes is None else _changes(changes)
    return "\n".join(lines) + "\n"


def _banner(facts: RunFacts) -> list[str]:
    banner = facts.banner
    exit_code = "" if banner.code is None else f"Exit code {banner.code}: "
    return [
        f"### {MARKS[banner.word]} {banner.word}: {code(facts.title)}",
        "",
        f"{exit_code}{code(banner.reason)}",
        "",
        f"{TRUST_MARKS[banner.trust_kind]} {_strong(banner.trust[:1].upper() + banner.trust[1:])}",
        *(f"- {code(line)}" for line in banner.few_doubts),
        "",
        code(facts.when),
    ]


def _strong(text: str) -> str:
    """Return words in bold, if they are no more than that."""
    return f"**{text}**" if re.fullmatch("[A-Za-z]([A-Za-z0-9 ,]*[A-Za-z0-9])?", text) else cell(text)


def _state(rule: RuleRow) -> str:
    return _strong(rule.state) if rule.has_failed else cell(rule.state)


def _rules(facts: RunFacts) -> list[str]:
    if not facts.rules:
        return []
    rows = [(cell(rule.name), _state(rule), cell(rule.observed), cell(rule.limit)) for rule in facts.rules]
    return ["", *_table(("Rule", ""), ("Observed", "Limit"), rows[:MAX_RULES]), *_more(rows, MAX_RULES, "rules")]


def _endpoints(facts: RunFacts) -> list[str]:
    rows = [(cell(label(row.key)), *shown_figures(row)) for row in (facts.total, *facts.endpoints)]
    titles = tuple(title[:1].upper() + title[1:] for title in TITLES)
    table = _table(("Endpoint",), titles, rows[:MAX_ENDPOINTS])
    return ["", *table, *_more(rows, MAX_ENDPOINTS, "endpoints")]


def _failures(facts: RunFacts) -> list[str]:
    if not facts.failures:
        return []
    key, reason, count = facts.failures[0]
    return ["", f"Most frequent failure, {count:,} of {facts.total.failures:,}: {code(reason)} of {code(label(key))}"]


def _changes(changes: Outcome) -> list[str]:
    rows = [(cell(row[0]), row[1], f"**{row[2]}**", *row[3:]) for row in changed_rows(changes)]
    base = code(changes.bases[0].run_id)
    unclear = sum(change.state.value == "unclear" for change in changes.changes)
    tail = f"{unclear} unclear" if unclear else "none unclear"
    if not changes.changes:
        return ["", f"Against {base}: nothing could be compared"]
    if not rows:
        return ["", f"Against {base}: nothing changed that counts, of {len(changes.changes)} figures, {tail}"]
    titles = ("Base", "Now", "Change", "Interval")
    head = f"Against {base}: {len(rows)} of {len(changes.changes)} figures changed, {tail}"
    return [
        "",
        head,
        "",
        *_table(("Endpoint", "Figure", ""), titles, rows[:MAX_CHANGES]),
        *_more(rows, MAX_CHANGES, ""),
    ]


def _table(texts: Sequence[str], numbers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    align = [":--"] * len(texts) + ["--:"] * len(numbers)
    return [f"| {' | '.join(row)} |" for row in ((*texts, *numbers), align, *rows)]


def _more(rows: Sequence[object], shown: int, what: str) -> list[str]:
    return ["", f"and {len(rows) - shown} more {what}".rstrip()] if len(rows) > shown else []
