"""Endpoint graphs: all endpoints of a run side by side, on as many graphs as CloudWatch's limits allow."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from locust_cw_dist.core.names.plural import counted
from locust_cw_dist.core.publish.datums import percentile_metric
from locust_cw_dist.core.publish.dimension_text import clean_dimension_value
from locust_cw_dist.core.rules.rule import Figure, Rule
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.tools.as_code import rule_lines
from locust_cw_dist.tools.as_code.endpoints import endpoint_dimensions, needed_host
from locust_cw_dist.tools.as_code.rule_lines import time_statistic
from locust_cw_dist.tools.as_code.searches import endpoints_search
from locust_cw_dist.tools.as_code.widgets import Line, Row, Sheet, Widget, expression

PER_GRAPH = 20
"""Endpoints on one graph; more lines can't be told apart."""

MAX_SEARCHED = 500
"""Series that one search finds at most, by the user guide."""

_BYTES_OF_A_WIDGET = 600
_BYTES_OF_A_LINE = 250


@dataclass(frozen=True, slots=True)
class _Topic:
    """What one graph shows of each endpoint."""

    title: str
    metric: str
    statistic: str
    unit: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class EndpointGraphs:
    """Makes the graphs.

    Attributes:
        sheet: What they have in common with all others.
        settings: Which metrics there are.
        host: The Host dimension; None if nobody said.
        rules: Rules on several endpoints: their limits are drawn here.
    """

    sheet: Sheet
    settings: Settings
    host: str | None
    rules: tuple[Rule, ...]

    def of(
        self, endpoints: Sequence[EndpointKey], max_metrics: int, max_widgets: int, max_bytes: int
    ) -> tuple[list[Widget], list[str]]:
        """Return graphs of endpoints, or of a search where there are none; and what is left out, in words."""
        topics = self._topics()
        if not topics:
            return [], []
        if not endpoints:
            return self._searched(topics, max_metrics)
        shown = self._fitting(topics, endpoints, max_metrics, max_widgets, max_bytes)
        notes: list[str] = []
        if len(shown) < len(endpoints):
            left_out = f"{len(endpoints) - len(shown)} of {counted(len(endpoints), 'endpoint')}"
            notes.append(f"{left_out}: CloudWatch's dashboards hold no more")
        graphs: list[Widget] = []
        for start in range(0, len(shown), PER_GRAPH):
            part = shown[start : start + PER_GRAPH]
            numbers = f" {start + 1}-{start + len(part)}" if len(shown) > PER_GRAPH else ""
            for topic in topics:
                rows = [self._row(topic, endpoint) for endpoint in part]
                graphs.append(self._graph(topic, rows, numbers))
        return graphs, notes

    def _topics(self) -> list[_Topic]:
        settings, period_s, rules, topics = self.settings, self.sheet.period_s, self.rules, []
        stats = [f"p{percent:.10g}" for percent in settings.endpoint_percentiles]
        if "ResponseTime_ms" in settings.metrics:
            stats += [time_statistic(rule) for rule in rules if rule.figure.is_time]
            for stat in dict.fromkeys(stats):
                own = [rule for rule in rules if rule.figure.is_time and time_statistic(rule) == stat]
                title = {"Average": "Mean response time", "Maximum": "Longest response time"}.get(stat, stat)
                lines = tuple(rule_lines.times(own))
                topics.append(_Topic(f"{title} by endpoint", "ResponseTime_ms", stat, "ms", lines))
        elif "ResponseTime_pNN_ms" in settings.metrics:
            for percent in settings.endpoint_percentiles:
                own = [rule for rule in rules if rule.figure is Figure.PERCENTILE and rule.percentile == percent]
                title = f"p{percent:.10g} by endpoint"
                lines = tuple(rule_lines.times(own))
                topics.append(_Topic(title, percentile_metric(percent), "Maximum", "ms", lines))
        if "RequestCount" in settings.metrics:
            title = f"Requests by endpoint, per {period_s} s"
            lines = tuple(rule_lines.rates(rules, period_s))
            topics.append(_Topic(title, "RequestCount", "Sum", "requests", lines))
        if "FailureCount" in settings.metrics and not settings.counts_failures_alone:
            lines = tuple(rule_lines.ratios(rules))
            topics.append(_Topic("Failure ratio by endpoint", "FailureCount", "Average", "0 to 1", lines))
        return topics

    def _searched(self, topics: Sequence[_Topic], max_metrics: int) -> tuple[list[Widget], list[str]]:
        found = min(MAX_SEARCHED, self.settings.max_endpoints + 1)
        graphs: list[Widget] = []
        notes: list[str] = []
        for topic in topics:
            search = endpoints_search(self.settings, topic.metric, topic.statistic, self.host)
            if search is None:
                notes.append(f"{topic.title}: a search can't express these dimensions; name the endpoints")
            elif found * (len(graphs) + 1) > max_metrics:
                notes.append(f"{topic.title}: a dashboard can't hold {counted(found, 'endpoint')} here")
            else:
                label = "${PROP('Dim.Method')} ${PROP('Dim.Request')}"
                row = expression(search)
                row[0]["label"] = label
                graphs.append(self._graph(topic, [row], ""))
        return graphs, notes

    def _fitting(
        self,
        topics: Sequence[_Topic],
        endpoints: Sequence[EndpointKey],
        max_metrics: int,
        max_widgets: int,
        max_bytes: int,
    ) -> Sequence[EndpointKey]:
        most = min(max_metrics // len(topics), max_widgets // len(topics) * PER_GRAPH)
        lines = sum(len(topic.lines) for topic in topics)
        graph_bytes = len(topics) * _BYTES_OF_A_WIDGET + lines * _BYTES_OF_A_LINE
        left = max_bytes
        for number, endpoint in enumerate(endpoints[:most]):
            left -= sum(len(json.dumps(self._row(topic, endpoint))) + 1 for topic in topics)
            left -= graph_bytes if number % PER_GRAPH == 0 else 0
            if left < 0:
                return endpoints[:number]
        return endpoints[:most]

    def _row(self, topic: _Topic, endpoint: EndpointKey) -> Row:
        dimensions = endpoint_dimensions(self.settings, endpoint, needed_host(self.host))
        return self.sheet.row(topic.metric, dimensions, topic.statistic, endpoint_label(endpoint))

    def _graph(self, topic: _Topic, rows: list[Row], numbers: str) -> Widget:
        return self.sheet.graph(f"{topic.title}{numbers}", rows, unit=topic.unit, lines=topic.lines)


def endpoint_label(endpoint: EndpointKey) -> str:
    """Return what an endpoint is called on a graph; as CloudWatch shows its dimensions."""
    name, method = endpoint
    return f"{clean_dimension_value(method)} {clean_dimension_value(name)}"
