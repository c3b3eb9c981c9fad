"""Reading a run back from CloudWatch as any user would: with GetMetricData."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from locust_cw_dist.tools.demo.figures import ALL, PERCENTS, Endpoint, Figures

_MINUTE_S = 60

_WANTED = (("RequestCount", "Sum"), ("FailureCount", "Sum"), *(("ResponseTime_ms", f"p{p}") for p in PERCENTS))


@dataclass(frozen=True, slots=True)
class Period:
    """One period of CloudWatch.

    Attributes:
        start_s: Epoch seconds, a multiple of the length.
        length_s: A multiple of 60.
    """

    start_s: int
    length_s: int

    def as_query(self) -> dict[str, datetime]:
        """Return StartTime and EndTime of GetMetricData."""
        return {
            "StartTime": datetime.fromtimestamp(self.start_s, UTC),
            "EndTime": datetime.fromtimestamp(self.start_s + self.length_s, UTC),
        }


def single_period(first_s: float, last_s: float) -> Period:
    """Return the shortest period that holds all times from `first_s` to `last_s`.

    A percentile can't be put together from those of two periods, and a run may straddle a minute, an hour, or midnight,
    where all the usual periods begin. But a period is any number of minutes: 7 of them begin where 60 don't. The start
    is a multiple of the length, so it doesn't matter whether periods are counted from StartTime or from the epoch.

    Args:
        first_s: Epoch seconds.
        last_s: Epoch seconds, not before `first_s`.
    """
    first, last = int(first_s // _MINUTE_S), int(last_s // _MINUTE_S)
    minutes = 1
    while first // minutes != last // minutes:
        minutes += 1
    return Period(first // minutes * minutes * _MINUTE_S, minutes * _MINUTE_S)


def read_figures(
    client: Any, namespace: str, host: str, endpoints: Iterable[Endpoint], period: Period
) -> dict[Endpoint, Figures]:
    """Ask CloudWatch for the figures of each endpoint, and of all together.

    Args:
        client: A boto3 CloudWatch client.
        namespace: Where the run was published.
        host: The Host dimension of its endpoints.
        endpoints: Which ones; `ALL` is added.
        period: One that holds the whole run.
    """
    asked = [*endpoints, ALL]
    queries = [
        _query(f"e{number}_{place}", namespace, metric, _dimensions(endpoint, host), statistic, period)
        for number, endpoint in enumerate(asked)
        for place, (metric, statistic) in enumerate(_WANTED)
    ]
    values = _values(client, queries, period)
    return {
        endpoint: _figures([values.get(f"e{number}_{place}", []) for place in range(len(_WANTED))])
        for number, endpoint in enumerate(asked)
    }


def _dimensions(endpoint: Endpoint, host: str) -> list[dict[str, str]]:
    if endpoint == ALL:
        return []
    pairs = {"Request": endpoint.name, "Method": endpoint.method, "Host": host}
    return [{"Name": name, "Value": value} for name, value in pairs.items()]


def _query(
    query_id: str, namespace: str, metric: str, dimensions: list[dict[str, str]], statistic: str, period: Period
) -> dict[str, Any]:
    series = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
    return {"Id": query_id, "MetricStat": {"Metric": series, "Period": period.length_s, "Stat": statistic}}


def _values(client: Any, queries: list[dict[str, Any]], period: Period) -> dict[str, list[float]]:
    """Return the values of each query, by its id."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    pages = client.get_paginator("get_metric_data").paginate(MetricDataQueries=queries, **period.as_query())
    for page in pages:
        for result in page["MetricDataResults"]:
            values[result["Id"]] += result["Values"]
    return values


def _figures(values: list[list[float]]) -> Figures:
    requests, failures, *percentiles = values
    return Figures(
        _count(requests), _count(failures), tuple(found[0] if len(found) == 1 else None for found in percentiles)
    )


def _count(values: list[float]) -> float:
    total = sum(values)
    return int(total) if total == int(total) else total
