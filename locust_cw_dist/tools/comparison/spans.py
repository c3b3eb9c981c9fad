"""Spans: which windows of a run are compared, and how much of each the test has filled."""

from __future__ import annotations

from typing import NamedTuple

from locust_cw_dist.core.records.points import Point
from locust_cw_dist.core.records.record import Record

ENOUGH_WHOLE = 10
"""Whole windows from which on those that the test fills in part are left out: users come and go in them."""

LEAST_PART = 0.5
"""Of a window, in a run with fewer. So a run as long as three windows has three to compare, wherever it begins."""


class Span(NamedTuple):
    """A window that is compared.

    Attributes:
        point: What happened in it.
        seconds: How much of it the test has filled.
    """

    point: Point
    seconds: float


def after_warm_up(record: Record, warm_up_s: float) -> list[Point]:
    """Return the points that begin after the warm-up; without one, all."""
    return [p for p in record.points if not warm_up_s or p.start_s >= record.start_s + warm_up_s]


def spans_of(record: Record, warm_up_s: float) -> list[Span]:
    """Return the windows that are compared: whole ones after the warm-up, in a short run also the larger parts."""
    found = []
    for point in after_warm_up(record, warm_up_s):
        seconds = min(point.start_s + record.span_s, record.end_s) - max(point.start_s, record.start_s)
        found.append(Span(point, float(seconds)))
    whole = [span for span in found if span.seconds >= record.span_s]
    return whole if len(whole) >= ENOUGH_WHOLE else [s for s in found if s.seconds >= LEAST_PART * record.span_s]
