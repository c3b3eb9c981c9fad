"""The last line: the exit code and why."""

from __future__ import annotations

import pytest

from locust_cw_dist.core.rules.outcome import Outcome, RuleOutcome, RuleState
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.core.verdict.exit_codes import LOCUSTS_OWN, Facts
from locust_cw_dist.core.verdict.exit_reason import LastWord
from locust_cw_dist.core.verdict.verdict import State


def outcome(*texts):
    return Outcome(
        rules=tuple(
            RuleOutcome(rule=parse(text), state=RuleState.BROKEN, observed=1.0, requests=1, message="", failed=True)
            for text in texts
        )
    )


def locusts(code, **more):
    return LastWord(code=code, reason=LOCUSTS_OWN, is_locusts=True, **more)


def unreliable(**facts):
    return LastWord(code=4, reason="the run can't be relied on", facts=Facts(**facts))


@pytest.mark.parametrize(
    ("last_word", "line"),
    [
        (locusts(0), "exit code 0: no request failed"),
        (locusts(0, failures=1), "exit code 0: 1 request failed, and Locust was told to ignore that"),
        (locusts(1, failures=1_234), "exit code 1: 1,234 requests failed"),
        (locusts(1, has_exceptions=True), "exit code 1: tasks of users raised exceptions"),
        (locusts(2), "exit code 2: a listener or a greenlet raised an exception"),
        (locusts(3, failures=2), "exit code 3: 2 requests failed"),
        (locusts(7), "exit code 7: Locust's own"),
        (LastWord(code=0, reason="a listener of your own set it"), "exit code 0: a listener of your own set it"),
        (LastWord(code=None), "exit code: the one that your code ended this process with"),
        (
            LastWord(code=3, reason="a rule failed", facts=Facts(outcomes=(outcome("p95 < 3 ms", "max < 1 s"),))),
            "exit code 3: a rule failed: p95 < 3 ms and 1 more",
        ),
        (unreliable(states=(State.VALID, State.INVALID)), "exit code 4: the run can't be relied on: it is invalid"),
        (unreliable(never_began=True), "exit code 4: the run can't be relied on: its test had not begun"),
        (
            unreliable(has_seen_all=False),
            "exit code 4: the run can't be relied on: not all results were judged by the rules",
        ),
        (unreliable(is_recorded=False), "exit code 4: the run can't be relied on: its record could not be put to S3"),
        (
            unreliable(has_failed=True),
            "exit code 4: the run can't be relied on: an error of locust-cw-dist's own",
        ),
    ],
)
def test_each_code_has_its_reason(last_word, line):
    assert last_word.line() == line
