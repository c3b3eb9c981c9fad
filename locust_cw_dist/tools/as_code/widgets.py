"""Widgets: the parts of a CloudWatch dashboard, as JSON, and their places on its grid of 24 columns.

See "Dashboard body structure and syntax" in the API reference of CloudWatch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from locust_cw_dist.core.names.shorten import shorten
from locust_cw_dist.core.rules.rule import Rule, Severity

COLUMNS = 24
GRAPH_HEIGHT = 7
MAX_LABEL_CHARS = 120
MAX_TITLE_CHARS = 120
MAX_LINES = 30
"""Horizontal lines of one graph; nobody reads more."""

COLOURS = {Severity.FAIL: "#d62728", Severity.WARN: "#ff7f0e"}

Row = list[Any]
Widget = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A horizontal line of a graph: the limit of a rule."""

    rule: Rule
    value: float

    def as_json(self) -> dict[str, Any]:
        """Return it as an annotation."""
        label = shorten(f"{self.rule.name} ({self.rule.severity})", MAX_LABEL_CHARS)
        return {"label": label, "value": self.value, "color": COLOURS[self.rule.severity]}


@dataclass(frozen=True, slots=True)
class Sheet:
    """What all graphs of a dashboard have in common.

    Attributes:
        namespace: Where their metrics are.
        region: The Region of their metrics.
        period_s: How long a point of them is.
    """

    namespace: str
    region: str
    period_s: int

    def graph(
        self,
        title: str,
        rows: Sequence[Row],
        *,
        unit: str,
        lines: Iterable[Line] = (),
        right_unit: str | None = None,
    ) -> Widget:
        """Return a graph over time.

        Args:
            title: What it shows.
            rows: Its metrics and expressions.
            unit: Of the left axis.
            lines: Limits.
            right_unit: Of the right axis, if a row is on it.
        """
        axes = {"left": {"min": 0, "label": unit, "showUnits": False}}
        if right_unit is not None:
            axes["right"] = {"min": 0, "label": right_unit, "showUnits": False}
        properties: dict[str, Any] = {
            "view": "timeSeries",
            "stacked": False,
            "title": shorten(title, MAX_TITLE_CHARS),
            "region": self.region,
            "period": self.period_s,
            "metrics": list(rows),
            "yAxis": axes,
        }
        if shown := [line.as_json() for line in lines][:MAX_LINES]:
            properties["annotations"] = {"horizontal": shown}
        return {"type": "metric", "properties": properties}

    def row(
        self, metric: str, dimensions: Iterable[tuple[str, str]], stat: str, label: str | None = None, **more: Any
    ) -> Row:
        """Return one metric of a graph."""
        return series(self.namespace, metric, dimensions, stat, label, **more)


def series(
    namespace: str, metric: str, dimensions: Iterable[tuple[str, str]], stat: str, label: str | None = None, **more: Any
) -> Row:
    """Return one metric of a graph, of any namespace."""
    names = [text for pair in dimensions for text in pair]
    return [namespace, metric, *names, _options(label, stat=stat, **more)]


def expression(text: str, label: str | None = None, **more: Any) -> Row:
    """Return a row that is computed from others, or searched for."""
    return [_options(label, expression=text, **more)]


def text_widget(markdown: str) -> Widget:
    """Return a text."""
    return {"type": "text", "properties": {"markdown": markdown}}


@dataclass(slots=True)
class Grid:
    """Puts widgets into rows from top to bottom."""

    widgets: list[Widget] = field(default_factory=list)
    y: int = 0

    def add(self, row: Sequence[Widget], height: int = GRAPH_HEIGHT) -> None:
        """Add a row of widgets that share its width; none, no row."""
        for number, widget in enumerate(row):
            width = COLUMNS // len(row)
            place = {"x": number * width, "y": self.y, "width": width, "height": height}
            self.widgets.append({"type": widget["type"], **place, "properties": widget["properties"]})
        self.y += height if row else 0

    def add_all(self, widgets: Sequence[Widget], columns: int) -> None:
        """Add widgets, so many in a row; those of the last row are as wide as the others or wider."""
        for start in range(0, len(widgets), columns):
            self.add(widgets[start : start + columns])


def _options(label: str | None, **more: Any) -> dict[str, Any]:
    if label is None:
        return more
    # In a label ${...} is a command.
    return {**more, "label": shorten(label, MAX_LABEL_CHARS).replace("${", "$ {")}
