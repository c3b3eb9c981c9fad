"""Links into CloudWatch's console: the graph of a run, and the dashboard that `locust-cw dashboard` makes for it.

AWS documents neither form. Both are what the console itself puts into the address bar. A graph is an object, written
as ``~(name~value~...)``: a list is ``~(~a~b)``, a text begins with ``'``, and what is not a letter, a digit, ``_``,
``.`` or ``-`` in a text becomes ``*xx``, byte by byte; ``.`` and ``...`` in a metric repeat the one before. So no
character of a link ends it in a terminal or in Markdown, whatever the namespace and the dimensions are called.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

_DOMAINS = (
    ("cn-", "console.amazonaws.cn"),
    ("us-gov-", "console.amazonaws-us-gov.com"),
    ("eusc-", "console.amazonaws-eusc.eu"),
    ("us-iso", None),
    ("eu-iso", None),
)
"""Domain of the console by what a Region's name begins with; None where it is not public: no link beats a wrong one."""

_DOMAIN = "console.aws.amazon.com"

_AWS_HOST = re.compile(
    r"https?://(?:[a-z0-9-]+\.)+(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn)"
    r"(?:[:/].*)?",
    re.IGNORECASE,
)
"""Endpoints of AWS, its VPC endpoints among them."""

_REGION = re.compile(r"[a-z0-9-]{1,64}")
_UNSAFE = re.compile(r"[^0-9A-Za-z_.-]")
_NOT_IN_DASHBOARD_NAMES = re.compile(r"[^0-9A-Za-z_-]+")

MAX_DASHBOARD_NAME_CHARS = 255
"""Of a dashboard's name, by botocore's service model."""

_LINES = (
    ("ResponseTime_ms", "p50", "left"),
    ("ResponseTime_ms", "p95", "left"),
    ("ResponseTime_ms", "p99", "left"),
    ("RequestCount", "Sum", "right"),
    ("FailureCount", "Sum", "right"),
)
"""Metric, statistic and axis of each line: what a run is looked at for first, of all endpoints together."""

_STEPS_S = (1, 5, 10, 30, 60, 300, 900, 3600)
"""Periods that CloudWatch has; below 60 s only for metrics of that resolution."""

MAX_POINTS = 720
"""Points of a line: a longer run is drawn by a longer period."""


def graph_url(
    region: str | None,
    namespace: str | None,
    start_s: float,
    end_s: float,
    *,
    resolution_s: int = 60,
    dimensions: Sequence[tuple[str, str]] = (),
) -> str | None:
    """Return the link to a graph of all endpoints together; None where there is no such console.

    Args:
        region: The Region that is published to.
        namespace: The namespace that is published to.
        start_s: Start of the time range, seconds since the epoch by the wall clock.
        end_s: Its end; a range of less than a minute becomes a minute.
        resolution_s: How long a window is.
        dimensions: The static dimensions, which the series of all endpoints together carry.
    """
    home = _home(region)
    if home is None or not namespace:
        return None
    start_s, end_s = _range(start_s, end_s, resolution_s)
    fields = {
        "metrics": f"~({_lines(namespace, dimensions)})",
        "region": "~" + _text(str(region)),
        "period": f"~{_period(end_s - start_s, resolution_s)}",
        "start": "~" + _text(_time(start_s)),
        "end": "~" + _text(_time(end_s)),
    }
    graph = "~".join(f"{name}{value}" for name, value in fields.items())
    # The query opens the list of the namespace's metrics below the graph. It stands last: many terminals cut a link
    # before a closing parenthesis.
    return f"{home}#metricsV2?graph=~({graph})&query=~'{_escape('{' + namespace + '}')}"


def dashboard_url(region: str | None, namespace: str | None, start_s: float, end_s: float) -> str | None:
    """Return the link to the dashboard that `locust-cw dashboard` makes for a namespace; None as with `graph_url`.

    Whether it was made, nobody asks. Where the console does not take the time range, it shows the dashboard's own.
    """
    home = _home(region)
    if home is None or not namespace:
        return None
    start_s, end_s = _range(start_s, end_s, 60)
    return f"{home}#dashboards/dashboard/{dashboard_name(namespace)}?start={_time(start_s)}&end={_time(end_s)}"


def is_aws(endpoint_url: str | None) -> bool:
    """Whether an endpoint is AWS's own, so that the console shows what is sent there; None: boto3's own choice."""
    return endpoint_url is None or _AWS_HOST.fullmatch(endpoint_url) is not None


def dashboard_name(set_name: str) -> str:
    """Return the name of a set's dashboard: letters, digits, ``-`` and ``_`` only."""
    return _NOT_IN_DASHBOARD_NAMES.sub("-", set_name).strip("-")[:MAX_DASHBOARD_NAME_CHARS] or "load-tests"


def _home(region: str | None) -> str | None:
    if not region or not _REGION.fullmatch(region):
        return None
    domain = next((domain for start, domain in _DOMAINS if region.startswith(start)), _DOMAIN)
    return f"https://{region}.{domain}/cloudwatch/home?region={region}" if domain else None


def _range(start_s: float, end_s: float, resolution_s: int) -> tuple[int, int]:
    """Return the whole windows that hold the range, and at least a minute."""
    start = int(start_s // resolution_s) * resolution_s
    end = -int(-end_s // resolution_s) * resolution_s
    return start, max(end, start + 60)


def _period(duration_s: int, resolution_s: int) -> int:
    fitting = (step for step in _STEPS_S if step >= resolution_s and duration_s / step <= MAX_POINTS)
    return next(fitting, _STEPS_S[-1])


def _lines(namespace: str, dimensions: Sequence[tuple[str, str]]) -> str:
    """Return all lines, each with dots in place of what it shares with the one before: a link is read by people too."""
    written, before = [], ""
    own = [text for pair in dimensions for text in pair]
    for metric, statistic, axis in _LINES:
        if metric == before:
            texts = ["..."]
        elif before:
            texts = [".", metric, *["." for _ in own]]
        else:
            texts = [namespace, metric, *own]
        options = f"stat~{_text(statistic)}" + (f"~yAxis~{_text(axis)}" if axis != "left" else "")
        written.append("~(" + "".join(f"~{_text(text)}" for text in texts) + f"~({options}))")
        before = metric
    return "".join(written)


def _text(text: str) -> str:
    return "'" + _escape(text)


def _escape(text: str) -> str:
    def bytes_of(odd: re.Match[str]) -> str:
        return "".join(f"*{byte:02x}" for byte in odd[0].encode("utf-8", "backslashreplace"))

    return _UNSAFE.sub(bytes_of, text)


def _time(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
