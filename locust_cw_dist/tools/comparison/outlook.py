"""Outlook: how much longer runs, or how many more base runs, would tell what is unclear.

A figure is told once its interval lies on one side of the smallest change that counts. Where nothing is known to have
changed, what is reckoned with is that nothing has: then the interval has to become narrower than what counts, and a
quarter narrower still, for the change that is seen by chance. The intervals are those of `evidence`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from locust_cw_dist.tools.comparison.compare import Change, Choices, State
from locust_cw_dist.tools.comparison.figures import scaled_change

MARGIN = 0.75
"""Part of the distance to what counts that half of the interval may take."""

MOST = 0.75
"""Part of the unclear figures that the outlook is about; changes close to what counts would take for ever."""

LONGER_S = tuple(30 * 1.25**n for n in range(36))
"""What is tried: from half a minute to a day."""

MORE_BASES = tuple(float(n) for n in range(1, 51))

MAX_LOOKED_AT = 300
"""Unclear figures that are looked at, the first ones: of hundreds of endpoints the others need about as much."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would tell most of the figures that are unclear.

    Attributes:
        unclear: How many there are.
        longer_s: How much longer each run would have to be; None: not even a day would do.
        more_bases: How many more base runs there would have to be; None: not even 50 would do.
    """

    unclear: int
    longer_s: float | None
    more_bases: int | None


def outlook_of(changes: Sequence[Change], choices: Choices) -> Outlook:
    """Return what would tell most of the figures that are unclear."""
    unclear = [change for change in changes if change.state is State.UNCLEAR]
    looked_at = unclear[:MAX_LOOKED_AT]
    longer_s = [_first(LONGER_S, partial(_is_told_by_longer, change, choices)) for change in looked_at]
    bases = [_first(MORE_BASES, partial(_is_told_by_more, change, choices)) for change in looked_at]
    more = _most(bases)
    return Outlook(len(unclear), _most(longer_s), None if more is None else round(more))


def _is_told_by_longer(change: Change, choices: Choices, more_s: float) -> bool:
    return change.evidence.half_width(more_s=more_s) <= MARGIN * _distance(change, choices)


def _is_told_by_more(change: Change, choices: Choices, more: float) -> bool:
    return change.evidence.half_width(more_bases=round(more)) <= MARGIN * _distance(change, choices)


def _distance(change: Change, choices: Choices) -> float:
    """Return how far a change is from the smallest that counts, on the scale on which changes add up."""
    bound = scaled_change(change.figure, choices.counts_from(change.figure))
    is_known = not change.low <= 0 <= change.high
    return abs(abs(scaled_change(change.figure, change.change)) - bound) if is_known else bound


def _first(values: Sequence[float], does: Callable[[float], bool]) -> float | None:
    """Return the first of rising values that does, if those after it do too."""
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if does(values[middle]) else (middle + 1, high)
    return values[low] if low < len(values) else None


def _most(needs: Sequence[float | None]) -> float | None:
    """Return what is enough for most."""
    if not needs:
        return None
    in_order = sorted(needs, key=lambda need: math.inf if need is None else need)
    return in_order[math.ceil(MOST * len(in_order)) - 1]
