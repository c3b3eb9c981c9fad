r"""Searches: SEARCH expressions, which find the series of endpoints that nobody knows yet.

A search finds series that had data in the last two weeks, at most 500 of them; its query has at most 1,024 characters.
In the schema and in exact terms ``"``, ``\``, ``(`` and ``)`` are escaped with a backslash ("CloudWatch search
expression syntax" in the user guide, which knows of no way to write a single quote).
"""

from __future__ import annotations

import re

from locust_cw_dist.core.publish.datums import ENDPOINT_DIMENSIONS
from locust_cw_dist.core.publish.dimension_text import clean_dimension_value
from locust_cw_dist.settings.settings import Settings

MAX_QUERY_CHARS = 1_024

_ESCAPED = re.compile(r'(["\\()])')


def endpoints_search(settings: Settings, metric: str, statistic: str, host: str | None) -> str | None:
    """Return an expression that finds a metric of all endpoints; None where none can say it.

    Args:
        settings: Namespace and static dimensions.
        metric: The metric.
        statistic: What is shown of it; over the period of the graph.
        host: The Host dimension; None: any.
    """
    names = (*ENDPOINT_DIMENSIONS, *(name for name, _ in settings.dimensions))
    schema = ",".join(_quoted(text) for text in (str(settings.resolved_namespace), *names))
    hosts = () if host is None else (("Host", clean_dimension_value(host)),)
    terms = [f"MetricName={_quoted(metric)}"]
    terms += [f"{_quoted(name)}={_quoted(value)}" for name, value in (*hosts, *settings.dimensions)]
    query = f"{{{schema}}} {' '.join(terms)}"
    return None if len(query) > MAX_QUERY_CHARS or "'" in query else f"SEARCH('{query}', '{statistic}')"


def _quoted(text: str) -> str:
    escaped = _ESCAPED.sub(r"\\\1", text)
    return f'"{escaped}"'
