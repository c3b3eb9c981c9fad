"""Why a process ends with its exit code, in words: the last line that it writes."""

from __future__ import annotations

from dataclasses import dataclass, field

from locust_cw_dist.core.names.plural import counted
from locust_cw_dist.core.verdict.exit_codes import LOCUST_UNHANDLED, NOT_RELIABLE, RULE_FAILED, SUCCESS, Facts
from locust_cw_dist.core.verdict.verdict import State


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWord:
    """With which code a process ends, and what is known of why.

    Attributes:
        code: The exit code; None where this program is not told: code of the user's ends the process by itself.
        reason: Why, as the table of `exit_codes` says.
        is_locusts: Whether Locust found the code by itself.
        facts: What is known of the runs.
        failures: Requests that failed.
        has_exceptions: Whether tasks of users raised.
    """

    code: int | None
    reason: str = ""
    is_locusts: bool = False
    facts: Facts = field(default_factory=Facts)
    failures: int = 0
    has_exceptions: bool = False

    def line(self) -> str:
        """Return the line."""
        if self.code is None:
            return "exit code: the one that your code ended this process with"
        return f"exit code {self.code}: {self.why()}"

    def why(self) -> str:
        """Return why, without the code."""
        if self.code == RULE_FAILED and not self.is_locusts:
            return f"{self.reason}{_failed_rules(self.facts)}"
        if self.code == NOT_RELIABLE and not self.is_locusts:
            return f"{self.reason}{_doubt(self.facts)}"
        return self._locusts() if self.is_locusts else self.reason

    def _locusts(self) -> str:
        failed = f"{counted(self.failures, 'request')} failed"
        if self.code == SUCCESS:
            return f"{failed}, and Locust was told to ignore that" if self.failures else "no request failed"
        if self.failures:
            return failed
        if self.has_exceptions:
            return "tasks of users raised exceptions"
        return "a listener or a greenlet raised an exception" if self.code == LOCUST_UNHANDLED else "Locust's own"


def _failed_rules(facts: Facts) -> str:
    names = [one.rule.name for outcome in facts.outcomes for one in outcome.rules if one.failed]
    if not names:
        return ""
    return f": {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _doubt(facts: Facts) -> str:
    """Return what is in doubt; what a verdict holds against a run stands above."""
    worst = max(facts.states, default=State.VALID)
    if facts.never_began:
        return ": its test had not begun"
    if worst is not State.VALID:
        return f": it is {worst.word}"
    if not facts.has_seen_all:
        return ": not all results were judged by the rules"
    return ": its record could not be put to S3" if not facts.is_recorded else ": an error of locust-cw-dist's own"
