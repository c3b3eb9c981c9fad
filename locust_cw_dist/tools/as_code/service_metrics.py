"""Service metrics: what the user wants to see beside the load test, read from one text each.

``NAMESPACE:METRIC:DIMENSION=VALUE,DIMENSION=VALUE:STATISTIC``, as in
``AWS/ApplicationELB:TargetResponseTime:LoadBalancer=app/shop/0123456789abcdef:p95``. Values may hold colons and commas.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from locust_cw_dist.core.names.shorten import shown
from locust_cw_dist.core.publish.dimension_text import check_dimension_name, check_dimension_value

FORM = "as 'AWS/ApplicationELB:TargetResponseTime:LoadBalancer=app/x/1:p95', its dimensions after commas"

_TEXT = re.compile(
    r"(?P<namespace>[^:]+):(?P<metric>[^:=]+):(?:(?P<dimensions>.*):)?"
    r"(?P<statistic>[A-Za-z]+[0-9.]*|[A-Za-z]+\([^()]*\))"
)
_NAMESPACE = re.compile(r"[0-9A-Za-z.\-_/# ]{1,255}")
_STATISTIC = re.compile(
    r"Average|Sum|Minimum|Maximum|SampleCount|IQM"
    r"|(?:p|tm|wm|tc|ts)(?:100|[0-9]{1,2}(?:\.[0-9]{1,10})?)"
    r"|(?:PR|TM|WM|TC|TS)\([0-9.%]*:[0-9.%]*\)"
)
_NEXT = re.compile(r",(?=[^,=]+=)")
MAX_DIMENSIONS = 30


@dataclass(frozen=True, slots=True)
class ServiceMetric:
    """A series of the service under test, or of what it runs on.

    Attributes:
        namespace: As AWS/ApplicationELB.
        metric: Its name.
        dimensions: (name, value) pairs.
        statistic: What is shown, as p95, Average or Sum.
    """

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str


def parse(text: str) -> ServiceMetric:
    """Read one.

    Raises:
        ValueError: It says what was given and what is allowed, on one line.
    """
    parts = _TEXT.fullmatch(text.strip())
    if parts is None or not _NAMESPACE.fullmatch(parts["namespace"]):
        raise ValueError(f"got {shown(text)}, must be NAMESPACE:METRIC:DIMENSION=VALUE:STATISTIC, {FORM}")
    if not _STATISTIC.fullmatch(parts["statistic"]):
        raise ValueError(
            f"got the statistic {shown(parts['statistic'])}, must be Average, Sum, Minimum, Maximum, SampleCount, a "
            "percentile as p95, or another of CloudWatch's, as tm90, IQM or PR(0:300)"
        )
    if not (len(parts["metric"]) <= 255 and parts["metric"].isprintable()):
        raise ValueError(f"got the metric {shown(parts['metric'])}, must be 1 to 255 printable characters")
    return ServiceMetric(
        parts["namespace"], parts["metric"], _dimensions(text, parts["dimensions"] or ""), parts["statistic"]
    )


def _dimensions(text: str, given: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for part in _NEXT.split(given) if given else ():
        name, equals, value = part.partition("=")
        wrong = check_dimension_name(name) or check_dimension_value(value)
        if not equals or wrong:
            raise ValueError(f"got the dimension {shown(part)} in {shown(text)}, must be DIMENSION=VALUE, {FORM}")
        pairs.append((name, value))
    if len(pairs) > MAX_DIMENSIONS or len({name for name, _ in pairs}) < len(pairs):
        raise ValueError(f"got {shown(text)}, must have each dimension once, and {MAX_DIMENSIONS} at most")
    return tuple(pairs)
