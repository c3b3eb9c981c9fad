"""RuleRows: what became of the rules of a run, as tables and plots show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from locust_cw_dist.core.records.documents import a_number
from locust_cw_dist.core.records.record import Record
from locust_cw_dist.core.rules.messages import rounded
from locust_cw_dist.core.rules.rule import Rule, RuleError, shown_value
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.tools.comparison.words import number

NO_DATA = "no data"
NOTHING = "-"

ORDER = ("failed", "warned", NO_DATA)
"""Of states, what somebody must look at first; what is not named comes last."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """What became of one rule.

    Attributes:
        name: What the user calls it, or its text.
        text: It, as a user writes it.
        state: passed, failed, warned or no data.
        has_failed: Whether the run fails for it: `no data` may mean that, too.
        observed: What was seen, in the rule's unit, with as many digits as tell it from the limit.
        limit: What was allowed, as ``< 300 ms``.
        message: What was seen, and where; empty in a record of an earlier version.
        rule: The rule; None if this program can't read it.
    """

    name: str
    text: str
    state: str
    has_failed: bool
    observed: str
    limit: str
    message: str
    rule: Rule | None


def rule_rows(run: Record) -> list[RuleRow]:
    """Return the rules of a run, those first that it fails for."""
    rows = [_row(document) for document in run.rules]
    return sorted(rows, key=lambda row: (not row.has_failed, _rank(row.state)))


def _rank(state: str) -> int:
    return ORDER.index(state) if state in ORDER else len(ORDER)


def _row(document: dict[str, Any]) -> RuleRow:
    text, state = str(document.get("rule")), str(document.get("state"))
    rule, value = _parsed(text), a_number(document, "observed")
    return RuleRow(
        name=str(document.get("name") or text),
        text=text,
        state=state,
        has_failed=document.get("failed") is True or state == "failed",
        observed=_observed(rule, value, state),
        limit=NOTHING if rule is None else f"{rule.operator} {shown_value(rule.figure, rule.limit)}",
        message=str(document.get("message") or ""),
        rule=rule,
    )


def _parsed(text: str) -> Rule | None:
    try:
        return parse(text)
    except RuleError:
        return None


def _observed(rule: Rule | None, value: float | None, state: str) -> str:
    if value is None:
        return NO_DATA if state == NO_DATA else NOTHING
    return number(value) if rule is None else rounded(rule, value)
