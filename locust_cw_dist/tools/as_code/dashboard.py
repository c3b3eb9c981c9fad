"""Dashboard: the graphs of a load test, with the rules' limits in them and the service's own metrics beside.

Limits of CloudWatch: 500 widgets a dashboard (API reference), 500 metrics a widget and 2,500 a dashboard, hidden and
searched ones included (service quotas in the user guide). An older page of the API reference says 100 metrics a
widget, so ours stay below that. How long a body may be is not documented; ours stays below a megabyte.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from locust_cw_dist.core.names.shorten import shorten
from locust_cw_dist.core.progress.console_links import dashboard_name
from locust_cw_dist.core.publish.datums import percentile_metric
from locust_cw_dist.core.rules.rule import Rule
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.tools.as_code import rule_lines
from locust_cw_dist.tools.as_code.endpoint_graphs import EndpointGraphs, endpoint_label
from locust_cw_dist.tools.as_code.endpoints import endpoint_dimensions, needed_host, total_dimensions
from locust_cw_dist.tools.as_code.names import mark
from locust_cw_dist.tools.as_code.rule_lines import RuleLines, sort_rules, time_statistic
from locust_cw_dist.tools.as_code.service_metrics import ServiceMetric
from locust_cw_dist.tools.as_code.widgets import Grid, Line, Row, Sheet, Widget, expression, series, text_widget

MAX_WIDGETS = 500
MAX_METRICS = 2_500
MAX_BODY_BYTES = 900_000
MAX_RULE_ENDPOINTS = 40
"""Endpoints that get graphs of their own because a rule names them."""

MAX_SERVICE_METRICS = 50
MAX_RULES_TOLD = 20
_BYTES_OF_A_WIDGET = 600


@dataclass(frozen=True, slots=True)
class View:
    """What the user chose.

    Attributes:
        set_name: What the dashboard belongs to.
        region: The Region of its metrics.
        host: The Host dimension of the run's endpoints; None if nobody said.
        rules: The rules whose limits are drawn.
        endpoints: Those that are shown, the most interesting first; none: all, by a search.
        service_metrics: What is shown beside the response times.
        period_s: How long a point of a graph is.
        made_by: The sentence that says whose it is, in place of the usual one.
    """

    set_name: str
    region: str
    host: str | None = None
    rules: tuple[Rule, ...] = ()
    endpoints: tuple[EndpointKey, ...] = ()
    service_metrics: tuple[ServiceMetric, ...] = ()
    period_s: int = 60
    made_by: str | None = None


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard.

    Attributes:
        name: Its name.
        body: What PutDashboard takes, as JSON, in its DashboardBody.
        notes: What is not on it, and why, in words.
    """

    name: str
    body: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def metrics(self) -> int:
        """How many rows its graphs have, hidden ones included."""
        return _rows(self.body["widgets"])

    def text(self) -> str:
        """Return the body as PutDashboard takes it."""
        return json.dumps(self.body, separators=(",", ":"))


def make_dashboard(settings: Settings, view: View) -> Dashboard:
    """Return the dashboard of a load test.

    Raises:
        SettingsError: Nothing says which Host dimension the series of the endpoints have.
    """
    sheet = Sheet(str(settings.resolved_namespace), view.region, view.period_s)
    rules = sort_rules(view.rules, settings, view.endpoints, max_endpoints=MAX_RULE_ENDPOINTS)
    fixed = [*_load(sheet, settings, rules), *_times(sheet, settings, rules)]
    beside = _service(view)
    own = [graph for key, some in rules.of_one.items() for graph in _of_endpoint(sheet, settings, view, key, some)]
    health = _health(sheet, settings)
    taken = [*fixed, *beside, *own, *health]
    graphs = EndpointGraphs(sheet, settings, view.host, rules.of_many)
    room = (MAX_METRICS - _rows(taken), MAX_WIDGETS - len(taken) - 1, MAX_BODY_BYTES - _bytes(taken))
    by_endpoint, left_out = graphs.of(_shown(settings, view.endpoints), *room)
    notes = [*_without_line(rules, [*taken, *by_endpoint], view.rules), *left_out]
    grid = Grid()
    grid.add([text_widget(_head(view, settings, notes))], height=4 + min(len(view.rules), MAX_RULES_TOLD) // 2)
    grid.add(fixed[:3])
    grid.add_all([*fixed[3:], *beside], 2 if len(beside) < 2 else 3)
    grid.add_all(own, 3)
    grid.add_all(by_endpoint, 2)
    grid.add(health)
    body = {"start": "-PT3H", "periodOverride": "inherit", "widgets": grid.widgets}
    return Dashboard(dashboard_name(view.set_name), body, tuple(notes))


def _shown(settings: Settings, endpoints: Sequence[EndpointKey]) -> tuple[EndpointKey, ...]:
    others = ("(other)", "ALL")
    shown = tuple(dict.fromkeys(endpoints))
    return (*shown, others) if len(shown) > settings.max_endpoints and others not in shown else shown


def _without_line(rules: RuleLines, graphs: Sequence[Widget], every: Sequence[Rule]) -> list[str]:
    """Return which rules have no line, and why."""
    annotations = [graph["properties"].get("annotations", {}).get("horizontal", []) for graph in graphs]
    drawn = {line["label"] for lines in annotations for line in lines}
    never = rules.without_line
    return [
        f"no line for {rule.name}: "
        + ("it counts the whole run" if rule in never else "its metric is switched off, or its graph is full")
        for rule in every
        if Line(rule, 0.0).as_json()["label"] not in drawn
    ]


def _head(view: View, settings: Settings, notes: Sequence[str]) -> str:
    lines = [
        f"## Load tests: {settings.resolved_namespace}",
        f"{view.made_by or mark(view.set_name)} What is changed here is lost when it is made again.",
    ]
    told = [f"- `{_code(rule.text())}` ({rule.severity})" for rule in view.rules[:MAX_RULES_TOLD]]
    if len(view.rules) > MAX_RULES_TOLD:
        told.append(f"- and {len(view.rules) - MAX_RULES_TOLD} more")
    if told:
        lines += ["Rules:", "\n".join(told)]
    lines += [f"Not shown: {_code(note)}." for note in notes[:5]]
    return "\n\n".join(lines)


def _code(text: str) -> str:
    return shorten(text.replace("`", "'"), 200)


def _load(sheet: Sheet, settings: Settings, rules: RuleLines) -> list[Widget]:
    """Return throughput, failures, users and workers."""
    every, found = total_dimensions(settings), []
    if "RequestCount" in settings.total_metrics:
        rows = [
            sheet.row("RequestCount", every, "Sum", id="requests", visible=False),
            expression("requests / PERIOD(requests)", "requests per second"),
        ]
        found.append(sheet.graph("Requests per second", rows, unit="/s", lines=rule_lines.rates(rules.of_all)))
    failures = _failures(sheet, settings)
    if failures:
        lines = rule_lines.ratios(rules.of_all, 100)
        found.append(sheet.graph("Failed requests", failures, unit="%", lines=lines))
    crowd = [
        sheet.row("Users", every, "Average", "users"),
        sheet.row("Workers", every, "Minimum", "workers", yAxis="right"),
    ]
    crowd = [row for row in crowd if row[1] in settings.metrics]
    if crowd:
        right = "workers" if "Workers" in settings.metrics else None
        found.append(sheet.graph("Users and workers", crowd, unit="users", right_unit=right))
    return found


def _failures(sheet: Sheet, settings: Settings) -> list[Row]:
    every = total_dimensions(settings)
    if "FailureRate_Percent" in settings.total_metrics:
        return [sheet.row("FailureRate_Percent", every, "Average", "failed")]
    if "FailureCount" in settings.total_metrics:
        hidden = sheet.row("FailureCount", every, "Average", id="failures", visible=False)
        return [hidden, expression("failures * 100", "failed")]
    return []


def _times(sheet: Sheet, settings: Settings, rules: RuleLines) -> list[Widget]:
    every = total_dimensions(settings)
    rows = time_rows(sheet, settings.total_metrics, every, settings.total_percentiles, rules.of_all)
    lines = rule_lines.times(rules.of_all)
    return [sheet.graph("Response times, all requests", rows, unit="ms", lines=lines)] if rows else []


def time_rows(
    sheet: Sheet,
    metrics: frozenset[str],
    dimensions: tuple[tuple[str, str], ...],
    percentiles: Sequence[float],
    rules: Sequence[Rule],
) -> list[Row]:
    """Return the response times of one series: the percentiles that are published, and what its rules look at."""
    stats = [f"p{percent:.10g}" for percent in percentiles]
    stats += [time_statistic(rule) for rule in rules if rule.figure.is_time]
    if "ResponseTime_ms" in metrics:
        return [sheet.row("ResponseTime_ms", dimensions, stat, stat) for stat in dict.fromkeys(stats)]
    if "ResponseTime_pNN_ms" in metrics:
        # Each window has one value; of several in a period the worst is shown, since their average means nothing.
        return [
            sheet.row(percentile_metric(percent), dimensions, "Maximum", f"p{percent:.10g}") for percent in percentiles
        ]
    return []


def _of_endpoint(
    sheet: Sheet, settings: Settings, view: View, endpoint: EndpointKey, rules: Sequence[Rule]
) -> list[Widget]:
    """Return the graphs of an endpoint that rules name: one for each kind of rule."""
    dimensions = endpoint_dimensions(settings, endpoint, needed_host(view.host))
    label, found = endpoint_label(endpoint), []
    lines: list[Line] = rule_lines.times(rules)
    rows = time_rows(sheet, settings.metrics, dimensions, settings.endpoint_percentiles, rules)
    if lines and rows:
        found.append(sheet.graph(f"{label}: response times", rows, unit="ms", lines=lines))
    lines = rule_lines.ratios(rules, 100)
    if lines and "FailureCount" in settings.metrics and not settings.counts_failures_alone:
        rows = [
            sheet.row("FailureCount", dimensions, "Average", id="failures", visible=False),
            expression("failures * 100", "failed"),
        ]
        found.append(sheet.graph(f"{label}: failed requests", rows, unit="%", lines=lines))
    lines = rule_lines.rates(rules)
    if lines and "RequestCount" in settings.metrics:
        rows = [
            sheet.row("RequestCount", dimensions, "Sum", id="requests", visible=False),
            expression("requests / PERIOD(requests)", "requests per second"),
        ]
        found.append(sheet.graph(f"{label}: requests per second", rows, unit="/s", lines=lines))
    return found


def _service(view: View) -> list[Widget]:
    """Return a graph for each of the service's metrics; statistics and dimensions of the same one share it."""
    graphs: dict[tuple[str, str], list[Row]] = {}
    for one in view.service_metrics[:MAX_SERVICE_METRICS]:
        values = " ".join(value for _, value in one.dimensions)
        row = series(one.namespace, one.metric, one.dimensions, one.statistic, f"{one.statistic} {values}".strip())
        graphs.setdefault((one.namespace, one.metric), []).append(row)
    sheet = Sheet("", view.region, view.period_s)
    return [
        sheet.graph(f"Service: {namespace} {metric}", rows, unit=metric) for (namespace, metric), rows in graphs.items()
    ]


def _health(sheet: Sheet, settings: Settings) -> list[Widget]:
    """Return how the workers and the publisher are."""
    every = total_dimensions(settings)

    def rows(*wanted: tuple[str, str, str, dict[str, str]]) -> list[Row]:
        return [
            sheet.row(metric, every, stat, label, **more)
            for metric, stat, label, more in wanted
            if metric in settings.metrics
        ]

    cpu = rows(
        ("WorkerCpu_Percent", "Average", "CPU, mean of the workers", {}),
        ("WorkerCpu_Percent", "Maximum", "CPU, busiest worker", {}),
        ("WorkerMemory_Bytes", "Maximum", "memory, largest worker", {"yAxis": "right"}),
    )
    lag = rows(
        ("PublishLag_Seconds", "Maximum", "publisher's lag", {}),
        ("ResultsLost", "Sum", "results lost", {"yAxis": "right"}),
    )
    found = []
    if cpu:
        right = "bytes" if "WorkerMemory_Bytes" in settings.metrics else None
        found.append(sheet.graph("Workers: CPU and memory", cpu, unit="%", right_unit=right))
    if lag:
        right = "results" if "ResultsLost" in settings.metrics else None
        found.append(sheet.graph("Publisher: lag and losses", lag, unit="s", right_unit=right))
    return found


def _rows(widgets: Sequence[Widget]) -> int:
    return sum(len(widget["properties"].get("metrics", ())) for widget in widgets)


def _bytes(widgets: Sequence[Widget]) -> int:
    return sum(len(json.dumps(widget)) + _BYTES_OF_A_WIDGET for widget in widgets)
