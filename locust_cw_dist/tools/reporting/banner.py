"""Banner: whether a run or a comparison passed, with which exit code and why, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from locust_cw_dist.core.records.documents import a_number, an_object
from locust_cw_dist.core.records.record import Record
from locust_cw_dist.tools.reporting.rule_rows import RuleRow

PASSED, FAILED, ENDED, COMPARED = "PASSED", "FAILED", "ENDED", "COMPARED"
KINDS = {PASSED: "good", FAILED: "bad", ENDED: "plain", COMPARED: "plain"}

MAX_LINES = 3
"""Causes, and reasons of a verdict, that stand in the banner; the rest is a number."""

WORST_FIRST = ("bad", "doubtful", "plain", "good")

TRUST = {
    "valid": ("good", "measurement reliable"),
    "suspect": ("doubtful", "measurement doubtful"),
    "invalid": ("bad", "measurement not reliable"),
}
"""For each verdict: its colour, and what is said where the record, of an earlier version, has no words of its own."""

UNKNOWN_TRUST = ("plain", "measurement not judged")


@dataclass(frozen=True, slots=True)
class Banner:
    """What a reader must know first.

    Attributes:
        word: PASSED or FAILED; ENDED or COMPARED where neither is known.
        code: The exit code; None where there is none, as in the record of an earlier version or of a killed run.
        reason: Why.
        causes: What it failed for, a line each.
        trust: How far the measurement can be trusted, in words.
        trust_kind: Its colour: good, doubtful, bad or plain.
        doubts: What was seen, with names and numbers.
    """

    word: str
    code: int | None
    reason: str
    trust: str
    trust_kind: str
    doubts: Sequence[str] = ()
    causes: Sequence[str] = ()

    @property
    def kind(self) -> str:
        """The colour of the word."""
        return KINDS[self.word]

    @property
    def why(self) -> str:
        """The exit code and the reason."""
        return self.reason if self.code is None else f"Exit code {self.code}: {self.reason}"

    @property
    def few_causes(self) -> list[str]:
        """The first causes, and how many more there are."""
        return _few(self.causes)

    @property
    def few_doubts(self) -> list[str]:
        """The first doubts, and how many more there are."""
        return _few(self.doubts)


def banner_of(run: Record, rules: Sequence[RuleRow]) -> Banner:
    """Return the banner of a run, whose rules these are."""
    failed = [rule for rule in rules if rule.has_failed]
    word, code, reason = _ending(run, failed)
    causes = [f"{rule.name}: {rule.observed}, allowed {rule.limit}" for rule in failed]
    return Banner(word, code, reason, *trust_of(run), causes)


def trust_of(run: Record) -> tuple[str, str, list[str]]:
    """Return how far a run's measurement can be trusted, the colour of that, and what was seen."""
    if not run.has_ended:
        return "results are missing", "bad", []
    verdict = an_object(run.outcome, "verdict")
    kind, words = TRUST.get(run.verdict, UNKNOWN_TRUST)
    reasons = verdict.get("reasons")
    return str(verdict.get("words") or words), kind, list(map(str, reasons)) if isinstance(reasons, list) else []


def trust_of_all(runs: Sequence[Record]) -> tuple[str, str, list[str]]:
    """Return the same of several runs: the worst of them, and what was seen of each."""
    found = {run.run_id: trust_of(run) for run in runs}
    words, kind, _ = min(found.values(), key=lambda one: WORST_FIRST.index(one[1]))
    doubts = [f"run {name}: {words}" for name, (words, kind, _) in found.items() if kind != "good"]
    return words, kind, doubts


def _few(lines: Sequence[str]) -> list[str]:
    more = len(lines) - MAX_LINES
    return [*lines[:MAX_LINES], *([f"and {more} more"] if more > 0 else [])]


def _ending(run: Record, failed: list[RuleRow]) -> tuple[str, int | None, str]:
    document = an_object(run.outcome, "exit")
    number = a_number(document, "code")
    if not run.has_ended:
        return FAILED, None, "The run did not end in order: its last results are missing, and it has no exit code"
    if number is not None:
        return FAILED if number else PASSED, int(number), str(document.get("reason") or "no reason was noted")
    return _ending_of_old(run, failed)


def _ending_of_old(run: Record, failed: list[RuleRow]) -> tuple[str, int | None, str]:
    """Return what is known of a run whose record has no exit code."""
    if failed:
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        return FAILED, None, f"A rule failed: {failed[0].name}{more}"
    if run.rules and run.verdict == "invalid":
        return FAILED, None, "The run is invalid"
    if run.rules:
        return PASSED, None, "No rule failed"
    return ENDED, None, "There were no rules, and the record has no exit code"
