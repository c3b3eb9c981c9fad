"""Outcome: what the rules say of a run, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from locust_cw_dist.core.rules.rule import Rule


class RuleState(StrEnum):
    """What became of a rule."""

    PASSED = "passed"
    BROKEN = "broken"
    NO_DATA = "no data"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOutcome:
    """What became of one rule.

    Attributes:
        rule: The rule.
        state: Whether it holds.
        observed: The figure, in the unit of the rule's limit; over sliding windows the worst one. None: there is none.
        requests: How many requests that was computed from; those of the worst window, over sliding ones.
        message: One line for people: what was seen, and where.
        failed: Whether the run fails for it: it is of severity fail, and is broken, saw no request or can't be judged.
    """

    rule: Rule
    state: RuleState
    observed: float | None
    requests: int
    message: str
    failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the rules say of one run.

    Attributes:
        rules: Each rule's outcome, in the user's order.
        failures_decided: Whether rules decide about failed requests (`RuleSet.failures_decide`) and these rules passed:
            Locust's exit code 1 for any failed request becomes 0.
        aborted_by: The rule that stopped the run; None if none did.
    """

    rules: tuple[RuleOutcome, ...] = ()
    failures_decided: bool = False
    aborted_by: Rule | None = None

    @property
    def failed(self) -> bool:
        """Whether the run fails: exit code 3."""
        return any(rule.failed for rule in self.rules)
