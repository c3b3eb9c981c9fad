"""Rule lines: on which graph of a dashboard the limit of each rule is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from locust_cw_dist.core.rules.rule import Figure, Rule
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.tools.as_code.endpoints import NoSeries, find_endpoint
from locust_cw_dist.tools.as_code.widgets import Line


@dataclass(frozen=True, slots=True)
class RuleLines:
    """The rules of a dashboard by what they look at.

    Attributes:
        of_all: Rules on all requests together.
        of_one: Rules on one endpoint that is known, by endpoint.
        of_many: Rules on several endpoints, or on one whose series can't be told.
    """

    of_all: tuple[Rule, ...]
    of_one: dict[EndpointKey, list[Rule]]
    of_many: tuple[Rule, ...]

    @property
    def without_line(self) -> list[Rule]:
        """The rules that no graph can show: a count of the whole run is no height on a graph over time."""
        rules = [*self.of_all, *(rule for some in self.of_one.values() for rule in some), *self.of_many]
        return [rule for rule in rules if rule.figure is Figure.COUNT and rule.window_s is None]


def sort_rules(
    rules: Sequence[Rule], settings: Settings, known: Sequence[EndpointKey], *, max_endpoints: int
) -> RuleLines:
    """Return the rules by what they look at; those of endpoints beyond `max_endpoints` are among those of many."""
    of_all, of_many = [], []
    of_one: dict[EndpointKey, list[Rule]] = {}
    for rule in rules:
        endpoint = find_endpoint(rule, settings, known)
        if endpoint is None:
            of_all.append(rule)
        elif isinstance(endpoint, NoSeries) or (endpoint not in of_one and len(of_one) >= max_endpoints):
            of_many.append(rule)
        else:
            of_one.setdefault(endpoint, []).append(rule)
    return RuleLines(tuple(of_all), of_one, tuple(of_many))


def time_statistic(rule: Rule) -> str:
    """Return the statistic of ResponseTime_ms that a rule on response times looks at."""
    return {Figure.MEAN: "Average", Figure.MAX: "Maximum"}.get(rule.figure, rule.figure_text)


def times(rules: Sequence[Rule]) -> list[Line]:
    """Return the lines of the rules on response times, in ms."""
    return [Line(rule, rule.limit) for rule in rules if rule.figure.is_time]


def ratios(rules: Sequence[Rule], factor: float = 1.0) -> list[Line]:
    """Return the lines of the rules on the failure ratio."""
    return [Line(rule, round(rule.limit * factor, 9)) for rule in rules if rule.figure is Figure.FAILURE_RATIO]


def rates(rules: Sequence[Rule], factor: float = 1.0) -> list[Line]:
    """Return the lines of the rules on requests per second, and on counts in a window, as requests per second."""
    lines = []
    for rule in rules:
        if rule.figure is Figure.RPS:
            lines.append(Line(rule, rule.limit * factor))
        elif rule.figure is Figure.COUNT and rule.window_s is not None:
            lines.append(Line(rule, rule.limit / rule.window_s * factor))
    return lines
