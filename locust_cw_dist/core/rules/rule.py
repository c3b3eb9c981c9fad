"""Rules: what a load test must keep to, as values; checked when they are made.

A rule compares one figure of the requests that it looks at with a limit: ``p95(POST /checkout) < 300 ms`` holds as
long as the 95th percentile is below 300 ms, and is broken above. `rule_text` reads such texts, `rule_toml`
reads files of them, `core.rules.evaluation` finds out whether they hold.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from locust_cw_dist.core.names.name_pattern import NamePattern
from locust_cw_dist.core.names.shorten import meant, shown

MAX_WINDOW_S = 3600
"""The longest sliding window: what a rule holds in memory are the windows of `resolution` seconds in it."""

MAX_SECONDS = 24 * 3600
"""The longest warm-up, and the longest time that a broken rule may wait before it stops a run."""

MAX_REQUESTS = 1_000_000_000
BY_FIGURE = -1
"""Stands for the least number of requests that suits the figure."""

MAX_NAME = 200
ANY = "*"
"""Stands for every name or every method in the text of a rule."""

PLAIN_METHOD = re.compile(r"[A-Z][A-Z0-9_-]*")
"""A method that the text of a rule can tell from the beginning of a name."""


class RuleError(ValueError):
    """A rule is wrong; ``str()`` of it is one line: what was given and what is allowed."""


class Figure(StrEnum):
    """What a rule looks at; times in ms."""

    PERCENTILE = "percentile"
    MEAN = "mean"
    MAX = "max"
    FAILURE_RATIO = "failure_ratio"
    RPS = "rps"
    COUNT = "count"

    @property
    def is_time(self) -> bool:
        """Whether its unit is ms."""
        return self in {Figure.PERCENTILE, Figure.MEAN, Figure.MAX}

    @property
    def adds_up(self) -> bool:
        """Whether it grows with each request, so that no request at all is a value too: 0."""
        return self in {Figure.RPS, Figure.COUNT}


class Severity(StrEnum):
    """What follows from a rule that does not hold."""

    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        figure: What is compared with the limit.
        percentile: Which one, from 1 to below 100, as 99.9; None where the figure is another.
        request: The name of the requests that it looks at, or a regular expression that their whole names match. None:
            all.
        method: Their method, as Locust tells it. None: all.
        limit: ms for times, 0 to 1 for the failure ratio, requests per second, or a number of requests.
        above: True if the rule is broken above the limit (``<``, ``<=``); False if it is broken below (``>``, ``>=``).
        inclusive: Whether the limit itself is allowed (``<=``, ``>=``).
        successful_only: Whether failed requests are left out: fast failures flatter a percentile.
        window_s: Length of the sliding window in which the rule must hold, wherever in the run; None: the whole run.
        warm_up_s: How long after the start of the test requests are left out.
        min_requests: With fewer requests than this there is nothing to judge; 1, or 0 for figures that add up, unless
            given.
        severity: Whether the run fails if the rule does not hold.
        abort_after_s: The run is stopped once the rule has been broken for so long; None: never.
        name: Unique among the rules of a run; the rule's text unless given.
    """

    figure: Figure
    limit: float
    is_upper_limit: bool
    inclusive: bool = False
    percentile: float | None = None
    request: str | None = None
    method: str | None = None
    successful_only: bool = False
    window_s: int | None = None
    warm_up_s: int = 0
    min_requests: int = BY_FIGURE
    severity: Severity = Severity.FAIL
    abort_after_s: int | None = None
    name: str = ""
    _pattern: NamePattern | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        """Check it, and fill in what depends on the rest.

        Raises:
            RuleError: It says what is allowed.
        """
        _check_figure(self)
        _check_limit(self)
        for key, check in ATTRIBUTES.items():
            value = getattr(self, key)
            if not (value is None or (key == "min_requests" and value == BY_FIGURE)):
                object.__setattr__(self, key, check(value))
        _check_together(self)
        if self.min_requests == BY_FIGURE:
            object.__setattr__(self, "min_requests", 0 if self.figure.adds_up else 1)
        if not self.name:
            object.__setattr__(self, "name", self.text())
        if not (len(self.name) <= MAX_NAME and self.name.isprintable() and self.name.strip()):
            raise RuleError(f"name: got {shown(self.name)}, must be 1 to {MAX_NAME} printable characters")
        if self.request is not None:
            object.__setattr__(self, "_pattern", NamePattern(self.request))

    @property
    def figure_text(self) -> str:
        """The figure as it is written: p95, mean, failure_ratio."""
        return f"p{plain(self.percentile)}" if self.percentile is not None else self.figure.value

    @property
    def operator(self) -> str:
        """The comparison that holds as long as the rule does."""
        return ("<" if self.is_upper_limit else ">") + ("=" if self.inclusive else "")

    def text(self) -> str:
        """Return the rule as a user would write it: ``p95(POST /checkout) < 300 ms, window_s=60``."""
        parts = [f"{self.figure_text}{self._endpoint()} {self.operator} {shown_value(self.figure, self.limit)}"]
        if self.method is not None and not PLAIN_METHOD.fullmatch(self.method):
            parts.append(f"method={self.method}")
        if self.successful_only:
            parts.append("successful_only")
        if self.window_s is not None:
            parts.append(f"window_s={self.window_s}")
        if self.warm_up_s:
            parts.append(f"warm_up_s={self.warm_up_s}")
        return ", ".join(parts)

    @property
    def decides_on_failures(self) -> bool:
        """Whether it may decide about failed requests, where the user says so."""
        return self.figure is Figure.FAILURE_RATIO and self.severity is Severity.FAIL

    def matches(self, request: str, method: str) -> bool:
        """Whether it looks at requests of this name and method.

        Raises:
            TooSlowError: Its expression takes too long on this name.
        """
        if self.method is not None and method != self.method:
            return False
        # A name with a question mark or a bracket in it is no good expression, but matches itself.
        return self._pattern is None or request == self.request or self._pattern.matches(request)

    def holds(self, value: float) -> bool:
        """Whether the figure may have this value."""
        if self.inclusive and value == self.limit:
            return True
        return value < self.limit if self.is_upper_limit else value > self.limit

    def _endpoint(self) -> str:
        plain_method = self.method if self.method is not None and PLAIN_METHOD.fullmatch(self.method) else None
        if self.request is None:
            return "" if plain_method is None else f"({plain_method} {ANY})"
        if plain_method is not None:
            return f"({plain_method} {self.request})"
        first = self.request.split(" ", 1)[0]
        looks_like_method = " " in self.request and (first == ANY or PLAIN_METHOD.fullmatch(first))
        return f"({ANY} {self.request})" if looks_like_method else f"({self.request})"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRule:
    """What follows from a run that is not valid in itself: a worker was lost, a CPU was too busy.

    Attributes:
        suspect: If there are doubts.
        invalid: If it says nothing about the service under test.
    """

    suspect: Severity = Severity.WARN
    invalid: Severity = Severity.FAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """All rules of a run.

    Attributes:
        rules: The rules, in the user's order.
        failures_decide: Whether rules on failures decide about failed requests: where these rules pass, Locust's exit
            code 1 for any failed request becomes 0.
        verdict: What follows from the verdict on the run itself.
    """

    rules: tuple[Rule, ...] = ()
    failures_decide: bool = False
    verdict: VerdictRule = VerdictRule()

    def __post_init__(self) -> None:
        """Check that the rules fit together.

        Raises:
            RuleError: It says what is allowed.
        """
        names = [rule.name for rule in self.rules]
        for name in names:
            if names.count(name) > 1:
                raise RuleError(f"two rules have the name {shown(name)}, must be a name of its own for each")
        if self.failures_decide and not self.failure_rules:
            raise RuleError("failures_decide: got true, must be together with a failure_ratio rule of severity fail")

    @property
    def failure_rules(self) -> tuple[Rule, ...]:
        """The rules that decide about failed requests, if they may."""
        return tuple(rule for rule in self.rules if rule.decides_on_failures)

    def with_rules(self, rules: Iterable[Rule]) -> RuleSet:
        """Return the same with more rules.

        Raises:
            RuleError: They don't fit together.
        """
        return dataclasses.replace(self, rules=(*self.rules, *rules))


def plain(number: float) -> str:
    """Return a number without digits that float arithmetic added."""
    return f"{number:.10g}"


def shown_value(figure: Figure, value: float) -> str:
    """Return a value of a figure with its unit, as it may be written in a rule: ``300 ms``, ``1 %``, ``20 /s``."""
    if figure.is_time:
        return f"{plain(value)} ms"
    if figure is Figure.FAILURE_RATIO:
        return f"{plain(value * 100)} %"
    return f"{plain(value)} /s" if figure is Figure.RPS else plain(value)


def _wrong(key: str, value: object, allowed: str) -> RuleError:
    return RuleError(f"{key}: got {shown(value)}, must be {allowed}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_figure(rule: Rule) -> None:
    if (rule.figure is Figure.PERCENTILE) is (rule.percentile is None):
        raise _wrong("percentile", rule.percentile, "given for the figure percentile and for no other")
    percent = rule.percentile
    # Four decimals, as for percentiles that are published: a rank is computed with whole numbers.
    if percent is not None and not (_is_number(percent) and 1 <= percent < 100 and round(percent, 4) == percent):
        allowed = f"from p1 to below p100, with at most 4 decimals{meant(percent)}"
        raise _wrong("percentile", f"p{percent:g}", allowed)


def _check_limit(rule: Rule) -> None:
    figure, limit = rule.figure, rule.limit
    if not (_is_number(limit) and limit >= 0):
        raise _wrong("limit", limit, "a number from 0 on")
    if figure is Figure.FAILURE_RATIO and limit > 1:
        raise _wrong("limit", limit, "a failure ratio from 0 to 1, or one in percent, as 1 %")
    if figure is Figure.COUNT and limit != int(limit):
        raise _wrong("limit", limit, "a whole number of requests")
    always = _always(rule)
    if always is not None:
        raise RuleError(
            f"limit: got {rule.operator} {plain(limit)}, which {always}, must be one that can go either way"
        )


def _always(rule: Rule) -> str | None:
    """Return what is known of the rule whatever the requests do, if anything is."""
    lowest = rule.limit == 0 and rule.is_upper_limit is not rule.inclusive
    highest = rule.figure is Figure.FAILURE_RATIO and rule.limit == 1 and rule.is_upper_limit is rule.inclusive
    if not (lowest or highest):
        return None
    return "always holds" if rule.inclusive else "never holds"


def _check_together(rule: Rule) -> None:
    if rule.figure is Figure.FAILURE_RATIO and rule.successful_only:
        raise _wrong("successful_only", True, "left out for failure_ratio")
    if rule.abort_after_s is not None and rule.window_s is None and rule.figure.adds_up and not rule.is_upper_limit:
        raise _wrong(
            "abort_after_s",
            rule.abort_after_s,
            f"together with window_s for {rule.figure} above a limit: a run is below it at its start",
        )


def _whole(key: str, lowest: int, highest: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        raise _wrong(key, value, f"a whole number from {lowest} to {highest}")

    return check


def _request(value: object) -> str:
    if not (isinstance(value, str) and value and value.isprintable()):
        raise _wrong("request", value, "a request's name or a regular expression, of printable characters")
    try:
        NamePattern(value)
    except ValueError as e:
        raise _wrong("request", value, f"a request's name or a regular expression ({e})") from None
    return value


def _method(value: object) -> str:
    if isinstance(value, str) and value and value.isprintable() and not set(value) & set(" ,"):
        return value
    raise _wrong("method", value, "a request's method, such as GET")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong("successful_only", value, "true or false")


def severity(value: object, key: str = "severity") -> Severity:
    """Return the severity of that name.

    Raises:
        RuleError: There is none.
    """
    if isinstance(value, str) and value in set(Severity):
        return Severity(value)
    raise _wrong(key, value, " or ".join(Severity))


ATTRIBUTES: Mapping[str, Callable[[object], Any]] = {
    "request": _request,
    "method": _method,
    "successful_only": _flag,
    "window_s": _whole("window_s", 1, MAX_WINDOW_S),
    "warm_up_s": _whole("warm_up_s", 0, MAX_SECONDS),
    "min_requests": _whole("min_requests", 0, MAX_REQUESTS),
    "severity": severity,
    "abort_after_s": _whole("abort_after_s", 0, MAX_SECONDS),
}
"""What can be said of a rule beside what it compares: for each key, what checks its value or raises `RuleError`."""
