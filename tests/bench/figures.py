"""Figures: what was measured, what it should be, and how far the repetitions lie apart. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: Short name, unique.
        what: What was measured, for people.
        samples: One value for each repetition.
        unit: Empty for a ratio.
        target: What it should be; None for a figure that is only told.
        at_least: Whether more is better.
        two_sided: Whether the samples are deviations, to be near 0 on either side.
        group: The group of the benchmark that measured it.
        details: What it was computed from, for the JSON.
    """

    name: str
    what: str
    samples: tuple[float, ...]
    unit: str = ""
    target: float | None = None
    at_least: bool = False
    two_sided: bool = False
    group: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Figure:
        """Return the figure that `as_json` told of."""
        kept = {one.name: told[one.name] for one in fields(cls) if one.name in told}
        return cls(**kept | {"samples": tuple(told["samples"])})

    @property
    def value(self) -> float:
        """The median of the repetitions; of deviations its size, so that those to both sides cancel out."""
        median = statistics.median(self.samples)
        return abs(median) if self.two_sided else median

    @property
    def noise(self) -> float:
        """Two standard errors of the median, as the quartiles show them; 0 for a single repetition."""
        n = len(self.samples)
        if n < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.samples, n=4, method="inclusive")
        # For a normal distribution: sigma is 0.741 quartile ranges, the median's error 1.253 sigma / sqrt(n). Of few
        # samples the quartiles lie closer together; n / (n - 1) puts that right within a few per cent (simulated).
        return 2 * 1.253 * 0.741 * (high - low) / math.sqrt(n) * n / (n - 1)

    @property
    def is_reached(self) -> bool:
        """Whether the target is reached as it stands; True without one."""
        if self.target is None:
            return True
        return self.value >= self.target if self.at_least else self.value <= self.target

    @property
    def is_missed(self) -> bool:
        """Whether the target is missed by more than the noise."""
        if self.target is None or self.is_reached:
            return False
        return abs(self.value - self.target) > self.noise

    def as_json(self) -> dict[str, Any]:
        """Return all there is to tell."""
        return {
            "name": self.name,
            "what": self.what,
            "value": self.value,
            "unit": self.unit,
            "target": self.target,
            "at_least": self.at_least,
            "two_sided": self.two_sided,
            "group": self.group,
            "noise": self.noise,
            "lowest": min(self.samples),
            "highest": max(self.samples),
            "samples": self.samples,
            "verdict": self.verdict,
            "details": self.details,
        }

    @property
    def verdict(self) -> str:
        """One word on the target."""
        if self.target is None:
            return "-"
        if self.is_reached:
            return "reached"
        return "MISSED" if self.is_missed else "within noise"


def ratios(above: Sequence[float], below: Sequence[float]) -> tuple[float, ...]:
    """Return the ratio of each pair of samples that were taken side by side."""
    return tuple(a / b for a, b in zip(above, below, strict=True))


def interleave(rounds: int, variants: dict[str, Callable[[], Measured]]) -> dict[str, list[Measured]]:
    """Measure each variant in turn, `rounds` times over: A B B A, so that drift does not fall on the same ones."""
    samples: dict[str, list[Measured]] = {name: [] for name in variants}
    for number in range(rounds):
        for name in reversed(variants) if number % 2 else variants:
            samples[name].append(variants[name]())
    return samples


def short(value: float) -> str:
    """Return a number with three digits that count."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}" if abs(value) < 1000 else f"{value:,.0f}"


def row(figure: Figure) -> list[str]:
    """Return a figure as the cells of a table."""
    unit = f" {figure.unit}" if figure.unit else ""
    sign = ">=" if figure.at_least else "<="
    return [
        figure.what,
        short(figure.value) + unit,
        "" if len(figure.samples) < 2 else f"{short(min(figure.samples))} to {short(max(figure.samples))}",
        "" if figure.target is None else f"{sign} {figure.target:g}{unit}",
        figure.verdict,
    ]


HEADINGS = ["figure", "measured", "repetitions", "target", ""]


def markdown(figures: Sequence[Figure]) -> str:
    """Return a table in Markdown."""
    rows = [HEADINGS, ["---"] * len(HEADINGS), *map(row, figures)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def text(figures: Sequence[Figure]) -> str:
    """Return a table for a terminal."""
    rows = [HEADINGS, *map(row, figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, cells, widths)).rstrip() for cells in rows)
