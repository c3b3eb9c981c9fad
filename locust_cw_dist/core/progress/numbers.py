"""Numbers as JSON has them: never NaN or infinity, and with no digit that means nothing."""

from __future__ import annotations

import json
import math
from typing import Any

_encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def number(value: float | None) -> float | None:
    """Return a figure with five significant digits, an integer as it is; None for none, and for what is no number."""
    if value is None or isinstance(value, int):
        return value
    return float(f"{value:.5g}") if math.isfinite(value) else None


def short_number(value: float | None) -> float | None:
    """Return a figure with three digits, or all before the point, where only text is made of it."""
    if value is None or not math.isfinite(value):
        return None
    return round(value) if abs(value) >= 100 else float(f"{value:.3g}")


def number_text(value: float | None) -> str:
    """Return the JSON of a figure, with as many digits."""
    if value is None:
        return "null"
    if isinstance(value, int):
        return str(value)
    return f"{value:.5g}" if math.isfinite(value) else "null"


def time_s(value: float | None) -> float | None:
    """Return a time to the millisecond."""
    return None if value is None else round(value, 3)


def encode(value: Any) -> str:
    """Return JSON text without blanks; a NaN, which JSON does not have, is an error."""
    return _encoder.encode(value)
