"""Datums: what is sent of a closed window, each one MetricDatum of PutMetricData.

The functions here turn Summaries into datums for one endpoint, for all endpoints together, and for the
run. Datums of the same metric, dimensions and timestamp add up in CloudWatch, so results that come late
are sent with the same functions, as further datums; only percentiles, which are plain values and don't
add up, are sent once.

Whatever goes in, what comes out obeys PutMetricData's limits on a datum (see `limits`): names are
cleaned, and a value that CloudWatch refuses (NaN, infinite, too large) makes no datum instead of failing
the call that it is in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from locust_cw_dist.core.publish.dimension_text import (
    check_dimension_name,
    check_dimension_value,
    clean_dimension_value,
)
from locust_cw_dist.core.publish.limits import (
    MAX_DIMENSIONS,
    MAX_MAGNITUDE,
    MAX_VALUES_PER_DATUM,
    STORAGE_RESOLUTIONS_S,
)
from locust_cw_dist.core.publish.metric_names import LEGACY, LEGACY_METRICS
from locust_cw_dist.core.summaries.gauges import RunGauges, StatisticSet
from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.summary import Summary

ENDPOINT_DIMENSIONS = ("Request", "Method", "Host")
"""Dimensions of an endpoint's series, those of the CloudWatch listener of locust-plugins."""

MAX_STATIC_DIMENSIONS = MAX_DIMENSIONS - len(ENDPOINT_DIMENSIONS)
"""How many dimensions a user can add to every series."""


class _Texts(dict[float, str]):
    """Values as JSON; those that it does not hold are written anew."""

    def __missing__(self, value: float) -> str:
        return json.dumps(value)


_TEXTS = _Texts((edge, json.dumps(edge)) for edge in EDGES)
"""Most values of all series are edges of the grid; to write a float anew each time takes four times as long."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Distinct values, each with the number of times that it occurred: PutMetricData's Values and Counts.

    Raises:
        ValueError: There are none or over 150, or the two have different lengths.
    """

    values: tuple[float, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.values) <= MAX_VALUES_PER_DATUM or len(self.values) != len(self.counts):
            raise ValueError(
                f"1 to {MAX_VALUES_PER_DATUM} values with a count each expected, "
                f"not {len(self.values)} values and {len(self.counts)} counts"
            )


@dataclass(frozen=True, slots=True)
class Datum:
    """One MetricDatum.

    Attributes:
        metric: The metric's name.
        dimensions: (name, value) pairs.
        timestamp_s: Start of the window, seconds since the epoch.
        unit: One of CloudWatch's units, always the same for a metric: different units aggregate apart.
        storage_resolution_s: 1 or 60.
        value: A plain number, a StatisticSet or a Distribution.
        json: The datum as it stands in the JSON body of a call: ASCII, without spaces, the time in seconds since the
            epoch. Written once, when the datum is made; bodies, their sizes, spool files and boto3's form come from it.
    """

    metric: str
    dimensions: tuple[tuple[str, str], ...]
    timestamp_s: int
    unit: str
    storage_resolution_s: int
    value: float | StatisticSet | Distribution
    json: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        text = (
            f'{{"MetricName":{json.dumps(self.metric)},"Dimensions":{_render_dimensions(self.dimensions)},'
            f'"Timestamp":{self.timestamp_s},"Unit":{json.dumps(self.unit)},'
            f'"StorageResolution":{self.storage_resolution_s},{_render_value(self.value)}}}'
        )
        object.__setattr__(self, "json", text)

    def moved(self, by_s: int) -> Datum:
        """Return the same of another time."""
        return replace(self, timestamp_s=self.timestamp_s + by_s)

    def to_api(self) -> dict[str, Any]:
        """Return the datum as an entry of `MetricData`, as boto3's `put_metric_data` takes it."""
        entry: dict[str, Any] = json.loads(self.json)
        return entry | {"Timestamp": datetime.fromtimestamp(self.timestamp_s, UTC)}


def _render_value(value: float | StatisticSet | Distribution) -> str:
    if isinstance(value, Distribution):
        counts = repr(list(value.counts)).replace(" ", "")
        return f'"Values":[{",".join(map(_TEXTS.__getitem__, value.values))}],"Counts":{counts}'
    if isinstance(value, StatisticSet):
        return (
            f'"StatisticValues":{{"SampleCount":{json.dumps(value.count)},"Sum":{json.dumps(value.sum)},'
            f'"Minimum":{json.dumps(value.minimum)},"Maximum":{json.dumps(value.maximum)}}}'
        )
    return f'"Value":{json.dumps(value)}'


@lru_cache(maxsize=4096)  # those of an endpoint, the same in each window
def _render_dimensions(dimensions: tuple[tuple[str, str], ...]) -> str:
    return json.dumps([{"Name": name, "Value": value} for name, value in dimensions], separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class MetricPlan:
    """What is sent, as the user chose it.

    Attributes:
        metrics: Names of `metric_names.METRIC_NAMES` that are switched on; with `LEGACY`, `LEGACY_METRICS` go
            out as the listener of locust-plugins sends them.
        endpoint_percentiles: Percentiles of each endpoint, above 0 and at most 100.
        total_percentiles: Percentiles of all endpoints together.
        static_dimensions: (name, value) pairs that every series carries.
        storage_resolution_s: 60, or 1 if windows are shorter than a minute.

    Raises:
        ValueError: Static dimensions that CloudWatch would refuse, or another storage resolution.
    """

    metrics: frozenset[str]
    endpoint_percentiles: tuple[float, ...] = (95.0,)
    total_percentiles: tuple[float, ...] = (50.0, 95.0, 99.0)
    static_dimensions: tuple[tuple[str, str], ...] = ()
    storage_resolution_s: int = 1

    @property
    def is_legacy(self) -> bool:
        """Whether the old metrics are sent in their old form."""
        return LEGACY in self.metrics

    def of_totals(self) -> MetricPlan:
        """Return what is sent for all endpoints together."""
        return replace(self, metrics=self.metrics - LEGACY_METRICS) if self.is_legacy else self

    def __post_init__(self) -> None:
        if self.storage_resolution_s not in STORAGE_RESOLUTIONS_S:
            raise ValueError(f"a storage resolution of 1 or 60 s expected, not {self.storage_resolution_s}")
        if len(self.static_dimensions) > MAX_STATIC_DIMENSIONS:
            raise ValueError(f"over {MAX_STATIC_DIMENSIONS} static dimensions")
        names = [*ENDPOINT_DIMENSIONS, *(name for name, _ in self.static_dimensions)]
        if len(set(names)) < len(names):
            raise ValueError(f"a dimension is given twice among {', '.join(names)}")
        for name, value in self.static_dimensions:
            if wrong := check_dimension_name(name) or check_dimension_value(value):
                raise ValueError(f"dimension {name!a}: {wrong}")


def endpoint_datums(
    plan: MetricPlan, endpoint: tuple[str, str, str], timestamp_s: int, summary: Summary, *, late: bool
) -> list[Datum]:
    """Return the datums of one endpoint for one window.

    Args:
        plan: What to send.
        endpoint: Request, method and host, any text.
        timestamp_s: Start of the window.
        summary: The endpoint's results; none, no datums.
        late: Whether datums of this endpoint and window were sent before; percentiles are left out then.
    """
    cleaned = tuple(
        (name, clean_dimension_value(text)) for name, text in zip(ENDPOINT_DIMENSIONS, endpoint, strict=True)
    )
    group = _Group(plan, cleaned + plan.static_dimensions, timestamp_s)
    percentiles = () if late else plan.endpoint_percentiles
    _add_results(group, summary, percentiles)
    if summary.bytes_count:
        size = StatisticSet(summary.bytes_count, summary.bytes_sum, summary.bytes_min, summary.bytes_max)
        group.add("ResponseSize_Bytes", "Bytes", size)
    return group.datums


def total_datums(plan: MetricPlan, timestamp_s: int, totals: Summary, *, late: bool) -> list[Datum]:
    """Return the datums of all endpoints together for one window.

    Args:
        plan: What to send.
        timestamp_s: Start of the window.
        totals: The Summaries of all endpoints, merged; no results, no datums.
        late: Whether datums of this window were sent before; percentiles are left out then.
    """
    group = _Group(plan.of_totals(), plan.static_dimensions, timestamp_s)
    _add_results(group, totals, () if late else plan.total_percentiles)
    requests, failures = totals.count, totals.failure_count
    if requests:
        lowest, highest = 100 * (failures == requests), 100 * (failures > 0)
        group.add("FailureRate_Percent", "Percent", StatisticSet(requests, 100 * failures, lowest, highest))
    return group.datums


def run_datums(plan: MetricPlan, timestamp_s: int, gauges: RunGauges) -> list[Datum]:
    """Return the datums of the run and its publisher."""
    group = _Group(plan, plan.static_dimensions, timestamp_s)
    group.add("Users", "Count", gauges.users)
    group.add("Workers", "Count", gauges.workers)
    group.add("WorkerCpu_Percent", "Percent", gauges.cpu_percent)
    group.add("WorkerMemory_Bytes", "Bytes", gauges.memory_bytes)
    group.add("ResultsLost", "Count", gauges.results_lost)
    group.add("PublishLag_Seconds", "Seconds", gauges.publish_lag_s)
    return group.datums


def percentile_metric(percent: float) -> str:
    """Return the name of a percentile's metric, such as ``ResponseTime_p99.9_ms``."""
    return f"ResponseTime_p{percent:.10g}_ms"


@dataclass(slots=True)
class _Group:
    """Collects datums that have the dimensions and the timestamp in common."""

    plan: MetricPlan
    dimensions: tuple[tuple[str, str], ...]
    timestamp_s: int
    datums: list[Datum] = field(default_factory=list)

    def has(self, metric: str) -> bool:
        return metric in self.plan.metrics

    def add(self, metric: str, unit: str, value: float | StatisticSet | Distribution | None) -> None:
        if self.has(metric):
            self.append(metric, unit, value)

    def append(self, name: str, unit: str, value: float | StatisticSet | Distribution | None) -> None:
        if value is not None and _is_sendable(value):
            resolution_s = self.plan.storage_resolution_s
            self.datums.append(Datum(name, self.dimensions, self.timestamp_s, unit, resolution_s, value))


def _add_results(group: _Group, summary: Summary, percentiles: tuple[float, ...]) -> None:
    """Add what endpoints and totals have in common: response times, counts and percentiles.

    Counts are of all results; response times and percentiles of those that have a time.
    """
    results = summary.count
    if not results:
        return
    response_times = summary.response_times()
    if group.has("ResponseTime_ms"):
        for part in _distributions(response_times):
            group.append("ResponseTime_ms", "Milliseconds", part)
    group.add("RequestCount", "Count", Distribution((1,), (results,)))
    group.add("FailureCount", "Count", _outcomes(results, summary.failure_count, is_legacy=group.plan.is_legacy))
    if response_times.count and group.has("ResponseTime_pNN_ms"):
        for percent in percentiles:
            group.append(percentile_metric(percent), "Milliseconds", response_times.percentile(percent))


def _distributions(histogram: Histogram) -> list[Distribution]:
    spread = histogram.spread()
    values, counts = tuple(spread), tuple(spread.values())
    parts = [slice(start, start + MAX_VALUES_PER_DATUM) for start in range(0, len(values), MAX_VALUES_PER_DATUM)]
    return [Distribution(values[part], counts[part]) for part in parts]


def _outcomes(results: int, failures: int, *, is_legacy: bool) -> Distribution | None:
    """Return a 0 for each success and a 1 for each failure; in the old form the failures alone, if there are any."""
    successes = 0 if is_legacy else results - failures
    numbers = {value: count for value, count in ((0, successes), (1, failures)) if count}
    return Distribution(tuple(numbers), tuple(numbers.values())) if numbers else None


def _is_sendable(value: float | StatisticSet | Distribution) -> bool:
    """Whether CloudWatch takes every number in `value`; NaN fails each comparison."""
    if isinstance(value, Distribution):
        # The sum of what has a NaN in it is NaN; all this takes a tenth of looking at each number.
        values = value.values
        numbers: tuple[float, ...] = (min(values), max(values), sum(values) / len(values), max(value.counts))
    elif isinstance(value, StatisticSet):
        numbers = (value.count, value.sum, value.minimum, value.maximum)
    else:
        numbers = (value,)
    return all(-MAX_MAGNITUDE <= number <= MAX_MAGNITUDE for number in numbers)
