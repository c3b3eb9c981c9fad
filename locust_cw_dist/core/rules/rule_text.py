"""The text of one rule, read: ``p95(POST /checkout) < 300 ms, window_s=60``.

A figure, in parentheses the requests that it looks at (none: all of them), a comparison that must hold, and after
commas what else is to be said, by the names that a file of rules has for it (`core.rules.rule.ATTRIBUTES`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from locust_cw_dist.core.names.shorten import shown
from locust_cw_dist.core.rules.rule import ANY, ATTRIBUTES, PLAIN_METHOD, Figure, Rule, RuleError

MAX_TEXT = 2_000

FORM = "such as 'p95(POST /checkout) < 300 ms'"
FIGURES = "p and a number (p95, p99.9), mean, max, failure_ratio, rps or count"

_CHECK = re.compile(
    r"\s*(?P<figure>[^\s(<>=]+)\s*"
    # Up to the last parenthesis: a name may have some of its own.
    r"(?:\((?P<endpoint>.*)\)\s*)?"
    r"(?P<operator><=|>=|<|>)\s*"
    r"(?P<limit>[0-9.][0-9.eE+_-]*)\s*"
    r"(?P<unit>[^\s,0-9]+(?:\s*[^\s,]+)*)?\s*"
    r"(?P<rest>,.*)?"
)
_PERCENTILE = re.compile(r"p([0-9]+(?:\.[0-9]+)?)")

_UNITS = {
    "time": {"": 1.0, "ms": 1.0, "s": 1000.0},
    "failure_ratio": {"": 1.0, "%": 0.01},
    "rps": {"": 1.0, "/s": 1.0},
    "count": {"": 1.0},
}
NO_DEFAULTS: Mapping[str, Any] = {}
_UNSUITABLE_DEFAULTS = {
    Figure.FAILURE_RATIO: frozenset({"successful_only"}),
    Figure.RPS: frozenset({"min_requests"}),
    Figure.COUNT: frozenset({"min_requests"}),
}
"""What has no meaning for a figure: few requests are what these are about."""

_HTTP_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_FLAGS = {"true": True, "false": False}
_IN_TEXTS = tuple(key for key in ATTRIBUTES if key != "request")


def parse(text: str, defaults: Mapping[str, Any] = NO_DEFAULTS, **more: Any) -> Rule:
    """Read a rule.

    Args:
        text: It.
        defaults: Fields of `Rule` that count where neither the text nor `more` has them, and where the figure has a
            use for them.
        more: Fields of `Rule` that are said beside the text.

    Raises:
        RuleError: It says what is allowed, but not which rule it is.
    """
    parts = _CHECK.fullmatch(text) if len(text) <= MAX_TEXT else None
    if parts is None:
        raise RuleError(f"must be a figure, a comparison (<, <=, >, >=) and a limit, {FORM}")
    figure, percentile = _figure(parts["figure"])
    fields: dict[str, Any] = {}
    for said in (_endpoint(parts["endpoint"]), _options(parts["rest"]), more):
        for key in said:
            if key in fields:
                raise RuleError(f"{key}: got it twice, must be given once")
        fields |= said
    unsuitable = _UNSUITABLE_DEFAULTS.get(figure, frozenset())
    usual = {key: value for key, value in defaults.items() if key not in unsuitable}
    return Rule(
        figure=figure,
        percentile=percentile,
        limit=_limit(figure, parts["limit"], parts["unit"] or ""),
        is_upper_limit=parts["operator"].startswith("<"),
        inclusive=parts["operator"].endswith("="),
        **(usual | fields),
    )


def _figure(text: str) -> tuple[Figure, float | None]:
    percentile = _PERCENTILE.fullmatch(text)
    if percentile is not None:
        return Figure.PERCENTILE, float(percentile[1])
    if text in set(Figure) - {Figure.PERCENTILE}:
        return Figure(text), None
    raise RuleError(f"figure: got {shown(text)}, must be {FIGURES}")


def _endpoint(text: str | None) -> dict[str, str]:
    """Return method and request of ``POST /checkout``, each only if it is given."""
    if text is None:
        return {}
    first, space, rest = text.strip().partition(" ")
    method, request = (first, rest.strip()) if space and _is_method(first) else (ANY, text.strip())
    if request in _HTTP_METHODS:
        raise RuleError(f"requests: got {shown(request)}, must have a name too; ({request} {ANY}) are all of them")
    if not request:
        raise RuleError("requests: got nothing between the parentheses, must be a name, as (POST /checkout)")
    fields = {"method": method, "request": request}
    return {key: value for key, value in fields.items() if value != ANY}


def _is_method(text: str) -> bool:
    return text == ANY or PLAIN_METHOD.fullmatch(text) is not None


def _limit(figure: Figure, text: str, unit: str) -> float:
    units = _UNITS["time" if figure.is_time else figure.value]
    if unit not in units:
        allowed = " or ".join(name for name in units if name)
        must = f"{allowed}, or left out" if allowed else "left out"
        raise RuleError(f"unit of {figure}: got {shown(unit)}, must be {must}")
    try:
        limit = float(text)
    except ValueError:
        raise RuleError(f"limit: got {shown(text)}, must be a number") from None
    # What the user wrote, and not what a float makes of 0.07 * 100.
    return limit / 100 if unit == "%" else limit * units[unit]


def _options(text: str | None) -> dict[str, Any]:
    """Return what is said after the limit, ``, window_s=60, successful_only``."""
    fields: dict[str, Any] = {}
    for part in (text or "").split(",")[1:]:
        key, equals, value = (side.strip() for side in part.partition("="))
        if key not in _IN_TEXTS and key != "name":
            raise RuleError(f"got {shown(key)} after the limit, must be one out of {', '.join(('name', *_IN_TEXTS))}")
        if key in fields:
            raise RuleError(f"{key}: got it twice, must be given once")
        if equals and not value:
            raise RuleError(f"{key}: got nothing, must have a value after the '='")
        fields[key] = _value(key, value if equals else "true")
    return fields


def _value(key: str, text: str) -> Any:
    """Return the value that a file would have; text where it is none, for the check to refuse as it was written."""
    if key in {"name", "method"}:
        return text
    if text in _FLAGS:
        return _FLAGS[text]
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else text
