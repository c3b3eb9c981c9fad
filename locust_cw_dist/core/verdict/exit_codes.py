"""Exit codes: which one the master, or the single process, ends with; one table of precedence.

Locust finds its own code after its `quitting` event unless `Environment.process_exit_code` is set by then, by a
listener of the user's or by this program. `decide` says what to set: the first row of `TABLE` that applies counts. A
rule that failed and a run that can't be relied on stand above the user's own codes, and these above Locust's.

docs/exit-codes.md has the same table for people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from locust_cw_dist.core.rules.outcome import Outcome
from locust_cw_dist.core.rules.rule import Severity, VerdictRule
from locust_cw_dist.core.verdict.verdict import State

WRONG_OPTIONS = 2
"""Settings, options or rules that can't be used, and, with --cw-required, results that can't be published: before any
load. Whoever finds it ends the process at once, so it stands above the table."""

RULE_FAILED = 3
"""A rule of severity fail is broken, or had no data."""

NOT_RELIABLE = 4
"""The run itself can't be relied on: it is invalid or was cut short. Only with rules or --cw-required."""

LOCUST_UNHANDLED = 2
"""Locust's own code where code of the user's raised in a listener or a greenlet, and no request failed."""

SUCCESS = 0

LOCUSTS_OWN = "Locust's own"
"""The reason of what Locust finds by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the runs of a process that ends; collected step by step.

    Attributes:
        required: Whether --cw-required is set.
        verdict_rule: What the rules say about verdicts; None if there are no rules.
        is_ending: Whether the process has begun to end.
        is_judged: Whether its runs have been judged.
        never_began: Whether it was told to end before the test that it was started for had begun.
        has_failed: Whether a step of the end failed, for an error of this program.
        has_seen_all: Whether the rules have seen all results.
        is_recorded: Whether the records are where they belong.
        states: The verdicts of its own runs.
        outcomes: What became of the rules in each run.
    """

    required: bool = False
    verdict_rule: VerdictRule | None = None
    is_ending: bool = False
    is_judged: bool = False
    never_began: bool = False
    has_failed: bool = False
    has_seen_all: bool = True
    is_recorded: bool = True
    states: tuple[State, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What the runs of a process mean for its exit code.

    Attributes:
        rule_failed: Whether a rule of severity fail did not hold in any run of this process.
        unreliable: Whether a run of this process `is_unreliable`, or never began.
        failures_decided: Whether rules decide about failed requests, as the user said, and passed.
    """

    rule_failed: bool = False
    unreliable: bool = False
    failures_decided: bool = False


def conclude(facts: Facts) -> Conclusion:
    """Return what follows from the facts; a process that ends half-way, not judged yet, must not pass a gate."""
    return Conclusion(
        rule_failed=any(outcome.failed for outcome in facts.outcomes),
        unreliable=_is_doubtful(facts),
        failures_decided=bool(facts.outcomes) and all(outcome.failures_decided for outcome in facts.outcomes),
    )


def _is_doubtful(facts: Facts) -> bool:
    states = list(facts.states)
    if facts.never_began or facts.has_failed or (facts.is_ending and not facts.is_judged):
        states.append(State.INVALID)
    fails = any(is_unreliable(state, facts.verdict_rule, required=facts.required) for state in states)
    return fails or not facts.has_seen_all or (facts.required and not facts.is_recorded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending(Conclusion):
    """What is known when the process ends: what its runs mean, and what Locust and the user's own code say.

    Attributes:
        own_code: `Environment.process_exit_code`, as the user's own listeners left it.
        has_exceptions: Whether tasks of users raised: Locust counts them besides failed requests.
        has_unhandled: Whether code of the user's raised elsewhere, in a listener or a greenlet.
    """

    own_code: int | None = None
    has_exceptions: bool = False
    has_unhandled: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    Attributes:
        applies: Whether it does.
        code: The exit code; None leaves it to Locust.
        reason: Why, for the log.
    """

    applies: Callable[[Ending], bool]
    code: Callable[[Ending], int | None]
    reason: str


TABLE = (
    Row(lambda ending: ending.rule_failed, lambda _: RULE_FAILED, "a rule failed"),
    Row(lambda ending: ending.unreliable, lambda _: NOT_RELIABLE, "the run can't be relied on"),
    Row(lambda ending: ending.own_code is not None, lambda ending: ending.own_code, "a listener of your own set it"),
    Row(
        lambda ending: ending.failures_decided and not ending.has_exceptions,
        # Locust looks for these only where no request failed.
        lambda ending: LOCUST_UNHANDLED if ending.has_unhandled else SUCCESS,
        "the rules decide about failed requests, and passed",
    ),
    Row(lambda _: True, lambda _: None, LOCUSTS_OWN),
)
"""In the order of precedence: the first that applies counts."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about the exit code.

    Attributes:
        code: `Environment.process_exit_code` is to be this; None: Locust finds its own.
        reason: Why.
    """

    code: int | None
    reason: str


def decide(ending: Ending) -> Decision:
    """Return what the table says."""
    row = next(row for row in TABLE if row.applies(ending))
    return Decision(row.code(ending), row.reason)


def is_unreliable(state: State, rule: VerdictRule | None, *, required: bool) -> bool:
    """Return whether a verdict changes the exit code.

    Args:
        state: The verdict's; a run that was cut short is invalid.
        rule: What the rules say about verdicts; None if there are no rules.
        required: Whether --cw-required is set: no rule makes an invalid run good enough then.
    """
    if state is State.INVALID:
        return required or (rule is not None and rule.invalid is Severity.FAIL)
    return state is State.SUSPECT and rule is not None and rule.suspect is Severity.FAIL
