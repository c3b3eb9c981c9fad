"""Words: figures and changes as people read them."""

from __future__ import annotations

from locust_cw_dist.comparison.compare import Change
from locust_cw_dist.core.sections import EndpointKey


def label(endpoint: EndpointKey) -> str:
    """Return an endpoint as a table shows it."""
    name, method = endpoint
    return f"{method} {name}".strip()


def number(value: float) -> str:
    """Return a number with three digits, or all before the point."""
    if abs(value) >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def measured(value: float, unit: str) -> str:
    """Return a figure with its unit."""
    if unit == "ms" and value >= 10_000:
        return f"{number(value / 1000)} s"
    return f"{number(value)}/s" if unit == "1/s" else f"{number(value)} {unit}"


def changed(change: Change) -> str:
    """Return by how much a figure changed."""
    return _signed(change.change, change)


def interval(change: Change) -> str:
    """Return the interval of a change."""
    return f"{_signed(change.low, change)} to {_signed(change.high, change)}"


def _signed(value: float, change: Change) -> str:
    unit = "%" if change.figure.is_ratio else "points"
    text = f"{value:+.1f}" if abs(value) < 10 else f"{value:+,.0f}"
    return f"{'0.0' if text in {'+0.0', '-0.0'} else text} {unit}"
