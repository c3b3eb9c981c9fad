"""Gate: which changes fail a build, as `--fail-on` says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from locust_cw_dist.comparison.compare import Change, Choices
from locust_cw_dist.comparison.figures import BY_NAME, FIGURES

ANY = "any"
ALLOWED = f"FIGURE or FIGURE=TOLERANCE with a figure out of {', '.join(BY_NAME)}, {ANY} and a tolerance from 0 to 1000"


@dataclass(frozen=True, slots=True)
class Gate:
    """One `--fail-on`.

    Attributes:
        names: Names of the figures that it looks at.
        tolerance: By how much they may get worse, in per cent (failures: percentage points); None takes the smallest
            change that counts.
    """

    names: frozenset[str]
    tolerance: float | None = None

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
        return cls(frozenset(figure.name for figure in FIGURES) if name == ANY else frozenset({name}), tolerance)

    def failures(self, changes: Sequence[Change], choices: Choices) -> list[Change]:
        """Return the changes that are surely worse than is tolerated."""
        return [change for change in changes if change.figure.name in self.names and self._fails(change, choices)]

    def _fails(self, change: Change, choices: Choices) -> bool:
        tolerance = choices.counts_from(change.figure) if self.tolerance is None else self.tolerance
        return change.surely_worse_by > tolerance
