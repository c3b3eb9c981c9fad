"""Gate: what fails a build, as `--fail-on` says.

What got worse fails, and what is missing. What can't be judged does not pass either: it has an exit code of its own.
The order is that of docs/exit-codes.md: "the service is worse" stands above "nothing can be said".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from locust_cw_dist.core.verdict.exit_codes import NOT_RELIABLE, RULE_FAILED
from locust_cw_dist.tools.comparison.compare import Change, Choices
from locust_cw_dist.tools.comparison.coverage import Gap, Kind
from locust_cw_dist.tools.comparison.figures import BY_NAME, FIGURES, Figure

ANY = "any"
ALLOWED = f"FIGURE or FIGURE=TOLERANCE with a figure out of {', '.join(BY_NAME)}, {ANY} and a tolerance from 0 to 1000"


@dataclass(frozen=True, slots=True)
class Gate:
    """One `--fail-on`.

    Attributes:
        names: Names of the figures that it looks at.
        tolerance: By how much they may get worse, in per cent (failures: percentage points); None takes the smallest
            change that counts.
        text: What the user wrote.
    """

    names: frozenset[str]
    tolerance: float | None = None
    text: str = ANY

    @classmethod
    def parse(cls, text: str) -> Gate:
        """Read what the user wrote.

        Raises:
            ValueError: It is none; the message says what is allowed.
        """
        name, equals, number = (part.strip() for part in text.partition("="))
        try:
            tolerance = float(number.removesuffix("%")) if equals else None
        except ValueError:
            tolerance = -1.0
        if (name != ANY and name not in BY_NAME) or (tolerance is not None and not 0 <= tolerance <= 1000):
            raise ValueError(f"got {text!r}, must be {ALLOWED}")
        names = {figure.name for figure in FIGURES} if name == ANY else {name}
        return cls(frozenset(names), tolerance, text.strip())

    @property
    def is_any(self) -> bool:
        """Whether it looks at every figure that can be judged, rather than at one."""
        return len(self.names) > 1

    def judges(self, changes: Sequence[Change]) -> bool:
        """Whether there is any change for it to look at."""
        return any(change.figure.name in self.names for change in changes)

    def misses(self, gap: Gap) -> list[Figure]:
        """Return the figures of a gap that it should have looked at.

        A figure that the user named has to be judged. Of `any`, those have to be that the base has enough results for:
        hardly an endpoint has them for every percentile. Where none is judged, all are missed.
        """
        if self.is_any and not gap.is_blind:
            return [figure for figure in gap.figures if figure.name in gap.lost]
        return [figure for figure in gap.figures if figure.name in self.names]

    def failures(self, changes: Sequence[Change], choices: Choices) -> list[Change]:
        """Return the changes that are surely worse than is tolerated."""
        return [change for change in changes if change.figure.name in self.names and self._fails(change, choices)]

    def _fails(self, change: Change, choices: Choices) -> bool:
        tolerance = choices.counts_from(change.figure) if self.tolerance is None else self.tolerance
        return change.surely_worse_by > tolerance


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the user lets pass.

    Attributes:
        missing: Whether endpoints of the base may be missing.
        min_requests: An endpoint that no base run has so many requests of may be missing, or have too little to judge.
    """

    missing: bool = False
    min_requests: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What `--fail-on` comes to.

    Attributes:
        worse: Changes that are surely worse than is tolerated.
        missing: Endpoints that are missing.
        not_judged: Endpoints with figures that should have been looked at, and those figures.
        unreliable: Why the runs, or the gate itself, can't be relied on.
    """

    worse: tuple[Change, ...] = ()
    missing: tuple[Gap, ...] = ()
    not_judged: tuple[tuple[Gap, tuple[Figure, ...]], ...] = ()
    unreliable: tuple[str, ...] = ()

    @property
    def code(self) -> int:
        """The exit code."""
        if self.worse or self.missing:
            return RULE_FAILED
        return NOT_RELIABLE if self.not_judged or self.unreliable else 0


def decide(
    gates: Sequence[Gate],
    changes: Sequence[Change],
    gaps: Sequence[Gap],
    choices: Choices,
    allowed: Allowed,
    unreliable: Sequence[str] = (),
) -> Decision:
    """Return what the gates come to.

    Args:
        gates: Of each `--fail-on`; at least one.
        changes: What was judged.
        gaps: What was not.
        choices: What was compared.
        allowed: What the user lets pass.
        unreliable: What makes the runs themselves unfit.
    """
    worse = dict.fromkeys(change for gate in gates for change in gate.failures(changes, choices))
    due = [gap for gap in gaps if gap.base_requests >= allowed.min_requests]
    missing = [gap for gap in due if gap.kind is Kind.MISSING and not allowed.missing]
    missed = [(gap, figures) for gap in due if gap.kind is Kind.TOO_FEW and (figures := _missed(gates, gap))]
    # Only where nothing else says so: everything was let pass.
    idle = [] if missing or missed else [gate for gate in gates if not gate.judges(changes)]
    doubts = [*unreliable, *(f"no endpoint can be judged by {gate.text}" for gate in idle)]
    return Decision(tuple(worse), tuple(missing), tuple(missed), tuple(dict.fromkeys(doubts)))


def _missed(gates: Sequence[Gate], gap: Gap) -> tuple[Figure, ...]:
    missed = {figure.name for gate in gates for figure in gate.misses(gap)}
    return tuple(figure for figure in gap.figures if figure.name in missed)
