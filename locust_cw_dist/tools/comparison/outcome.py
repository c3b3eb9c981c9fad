"""Outcome: all that a comparison comes to, as every form of output shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from locust_cw_dist.core.records.record import Record
from locust_cw_dist.tools.comparison.compare import Change, Choices
from locust_cw_dist.tools.comparison.coverage import Gap
from locust_cw_dist.tools.comparison.gate import Decision
from locust_cw_dist.tools.comparison.outlook import Outlook


@dataclass(frozen=True, slots=True)
class Outcome:
    """A comparison.

    Attributes:
        bases: One run or several.
        candidate: The run that is judged.
        choices: What counts.
        changes: What changed, or did not.
        gaps: What can't be judged.
        warnings: What a reader must know of the runs.
        outlook: What would tell what is unclear.
        decision: What `--fail-on` comes to; None without it.
    """

    bases: Sequence[Record]
    candidate: Record
    choices: Choices
    changes: Sequence[Change]
    gaps: Sequence[Gap]
    warnings: Sequence[str]
    outlook: Outlook
    decision: Decision | None = None

    @property
    def code(self) -> int:
        """The exit code."""
        return 0 if self.decision is None else self.decision.code
