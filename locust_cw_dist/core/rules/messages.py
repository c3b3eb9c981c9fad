"""What is said of a rule's outcome, for people."""

from __future__ import annotations

from datetime import UTC, datetime

from locust_cw_dist.core.names.plural import counted
from locust_cw_dist.core.rules.outcome import Outcome, RuleOutcome, RuleState
from locust_cw_dist.core.rules.rule import Figure, Rule, shown_value

MAX_LABEL = 80
"""How wide the column of rules is at most, in characters."""


def rounded(rule: Rule, value: float) -> str:
    """Return a value with its unit and few digits, but enough to tell it from the limit: ``412 ms``."""
    factor = 100 if rule.figure is Figure.FAILURE_RATIO else 1
    for digits in (3, 4, 6, 8):
        text = f"{_short(value * factor, digits)}{_unit(rule)}"
        if value == rule.limit or text != f"{_short(rule.limit * factor, digits)}{_unit(rule)}":
            return text
    return shown_value(rule.figure, value)


def of_run(rule: Rule, value: float, requests: int) -> str:
    """Say what was seen over the whole run."""
    return f"{rounded(rule, value)} {_of(requests)}" if rule.figure is not Figure.COUNT else rounded(rule, value)


def of_window(rule: Rule, value: float, requests: int, end_s: int, *, broken: int, judged: int) -> str:
    """Say what was seen in the worst sliding window, and in how many the rule was broken."""
    begin_s = end_s - (rule.window_s or 0)
    where = f"{of_run(rule, value, requests)} from {_clock(begin_s)} to {_clock(end_s)} UTC"
    if broken:
        return f"{where}; broken in {broken:,} of {counted(judged, 'window')}"
    return f"{where}, the worst of {judged:,} windows" if judged > 1 else where


def too_few(rule: Rule, requests: int, most: int, *, untimed: int) -> str:
    """Say that there was nothing to judge; `untimed` requests have no response time."""
    if not requests:
        return _none(rule, untimed)
    where = "" if rule.window_s is None else f" in any {rule.window_s} s"
    return f"{counted(most, 'request')}{where}, needs at least {rule.min_requests:,}"


def no_window(rule: Rule, requests: int, *, untimed: int) -> str:
    """Say that no sliding window fitted in the run."""
    return f"the run has no whole window of {rule.window_s} s" if requests else _none(rule, untimed)


def aborted(rule: Rule, at_s: float) -> str:
    """Say that the rule stopped the run."""
    return f"stopped the run at {_clock(at_s)} UTC, after {rule.abort_after_s} s"


def too_late(requests: int) -> str:
    """Say that some requests are missing in sliding windows."""
    return f"{counted(requests, 'request')} came too late for a sliding window"


def _none(rule: Rule, untimed: int) -> str:
    if untimed:
        return f"none of {counted(untimed, 'request')} has a usable response time"
    what = "no such request that succeeded" if rule.successful_only else "no such request"
    return f"{what} after the first {rule.warm_up_s} s" if rule.warm_up_s else what


def _of(requests: int) -> str:
    return f"of {counted(requests, 'request')}"


def _unit(rule: Rule) -> str:
    return "" if rule.figure is Figure.COUNT else f" {shown_value(rule.figure, 0.0).partition(' ')[2]}"


def _short(value: float, digits: int) -> str:
    if value == int(value) or abs(value) >= 10**digits:
        return f"{value:,.0f}"
    return f"{value:,.{digits}g}"


def _clock(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%H:%M:%S")


def table(run_id: str, outcome: Outcome) -> list[str]:
    """Return a run's outcome for people: a line on all rules, then one for each."""
    rules = outcome.rules
    passed = sum(one.state is RuleState.PASSED for one in rules)
    failed = f", {sum(one.failed for one in rules)} failed" if outcome.failed else ""
    labels = [label_of(one.rule) for one in rules]
    width = min(MAX_LABEL, max(map(len, labels), default=0))
    return [
        f"rules of run {run_id}: {passed} of {len(rules)} passed{failed}",
        *(f"  {word_of(one):<7}  {label:<{width}}  {one.message}" for label, one in zip(labels, rules, strict=True)),
    ]


def label_of(rule: Rule) -> str:
    """Return a rule as it is written, after its name if the user gave it one."""
    text = rule.text()
    return text if rule.name == text else f"{rule.name}: {text}"


def word_of(one: RuleOutcome) -> str:
    """Return what became of a rule, in a word or two: capitals are for what somebody must look at."""
    if one.failed:
        return "FAILED"
    return "WARNING" if one.state is RuleState.BROKEN else one.state.value
