"""What may be asked of the reading operations: documents become typed queries, or AWS's errors.

Alignment and retention are those that the service model documents at StartTime and Period.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from locust_cw_dist.local_cloudwatch.errors import invalid_combination, invalid_value, missing, validation
from locust_cw_dist.local_cloudwatch.operations import fields
from locust_cw_dist.local_cloudwatch.operations.limits import parse_unit
from locust_cw_dist.local_cloudwatch.operations.search import Search, SearchSyntaxError, label_of, parse_search
from locust_cw_dist.local_cloudwatch.storage.aggregate import SIMPLE, Statistic, StatisticSyntaxError, parse_statistic
from locust_cw_dist.local_cloudwatch.storage.store import SeriesKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust_cw_dist.local_cloudwatch.errors import ApiError
    from locust_cw_dist.local_cloudwatch.operations.fields import Document

MAX_QUERIES = 500
MAX_DATAPOINTS = 100_800
MAX_STATISTICS_POINTS = 1_440
MAX_STATISTICS = 5
MAX_EXTENDED_STATISTICS = 10
MAX_DIMENSION_FILTERS = 10
SHORT_PERIODS_S = (1, 5, 10, 20, 30)

_HOUR_S = 3600
_DAY_S = 24 * _HOUR_S
_ID = re.compile(r"[a-z][0-9A-Za-z_]*")


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From when to when, and in which steps.

    Attributes:
        start_s: epoch seconds, inclusive, rounded down as CloudWatch does; periods are counted from here.
        end_s: epoch seconds, exclusive.
        period_s: length of a period.
        readable_from_s: what is older is no longer kept in steps of this length.
    """

    start_s: int
    end_s: float
    period_s: int
    readable_from_s: int


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """One MetricDataQuery of GetMetricData."""

    query_id: str
    label: str
    is_returned: bool
    key: SeriesKey
    unit: str | None
    statistic: Statistic
    span: TimeRange
    drops_empty: bool = False


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """One MetricDataQuery with a SEARCH; it stands for a `MetricQuery` for each series that is found."""

    query_id: str
    label: str
    is_returned: bool
    search: Search
    statistic: Statistic
    span: TimeRange

    def of_series(self, key: SeriesKey) -> MetricQuery:
        """The query of one series that was found."""
        label = label_of(self.label, key, self.statistic.text, self.span.period_s)
        drops = self.search.drops_empty
        return MetricQuery(self.query_id, label, self.is_returned, key, None, self.statistic, self.span, drops)


@dataclass(frozen=True, slots=True)
class MetricDataQuery:
    """A GetMetricData call."""

    queries: tuple[MetricQuery | SearchQuery, ...]
    newest_first: bool
    max_datapoints: int
    next_token: str | None


@dataclass(frozen=True, slots=True)
class StatisticsQuery:
    """A GetMetricStatistics call."""

    key: SeriesKey
    unit: str | None
    statistics: tuple[Statistic, ...]
    span: TimeRange


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A ListMetrics call; a filter without a value asks for the name only."""

    namespace: str | None
    name: str | None
    dimensions: tuple[tuple[str, str | None], ...]
    recently_active: bool
    with_accounts: bool
    next_token: str | None

    def accepts(self, dimensions: tuple[tuple[str, str], ...]) -> bool:
        """Whether a metric with these dimensions passes every dimension filter."""
        present = dict(dimensions)
        return all(name in present and value in (None, present[name]) for name, value in self.dimensions)


def parse_metric_data(document: Document, now_s: float) -> MetricDataQuery:
    """Check a GetMetricData call; raises ApiError."""
    raw_queries = fields.members(document, "MetricDataQueries", "")
    if not raw_queries:
        raise missing("MetricDataQueries")
    if len(raw_queries) > MAX_QUERIES:
        raise validation(f"The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}.")
    start_s, end_s = _time_range(document, validation)
    queries = tuple(
        _metric_query(raw, f"MetricDataQueries.member.{position}.", (start_s, end_s), now_s)
        for position, raw in enumerate(raw_queries, start=1)
    )
    _check_together(queries)
    return MetricDataQuery(
        queries=queries,
        newest_first=_scan_by(document) == "TimestampDescending",
        max_datapoints=_max_datapoints(document),
        next_token=fields.text(document, "NextToken", ""),
    )


def parse_statistics(document: Document, now_s: float) -> StatisticsQuery:
    """Check a GetMetricStatistics call; raises ApiError."""
    key = _series_key(document, "")
    start_s, end_s = _time_range(document, invalid_value)
    span = _span((start_s, end_s), _period(document, ""), now_s)
    points = int((end_s - start_s) / span.period_s)
    if points > MAX_STATISTICS_POINTS:
        raise invalid_combination(
            f"You have requested up to {points:,} datapoints, which exceeds the limit of"
            f" {MAX_STATISTICS_POINTS:,}. You may reduce the datapoints requested by increasing Period, or"
            " decreasing the time range."
        )
    return StatisticsQuery(key, parse_unit(document, ""), _statistics(document), span)


def parse_list(document: Document) -> ListQuery:
    """Check a ListMetrics call; raises ApiError."""
    recently_active = fields.text(document, "RecentlyActive", "")
    if recently_active not in (None, "PT3H"):
        raise invalid_value("The parameter RecentlyActive must be a value in the set [ PT3H ].")
    filters = fields.limited_members(document, "Dimensions", "", MAX_DIMENSION_FILTERS)
    return ListQuery(
        namespace=fields.text(document, "Namespace", ""),
        name=fields.text(document, "MetricName", ""),
        dimensions=tuple(
            _dimension_filter(raw, f"Dimensions.member.{position}.") for position, raw in enumerate(filters, start=1)
        ),
        recently_active=recently_active is not None,
        with_accounts=document.get("IncludeLinkedAccounts") is True,
        next_token=fields.text(document, "NextToken", ""),
    )


def _dimension_filter(raw: Any, where: str) -> tuple[str, str | None]:
    item = fields.as_document(raw, where[:-1])
    return fields.required_text(item, "Name", where), fields.text(item, "Value", where)


def _series_key(document: Document, where: str) -> SeriesKey:
    return SeriesKey(
        fields.sized_text(document, "Namespace", where, fields.MAX_NAME_CHARS),
        fields.sized_text(document, "MetricName", where, fields.MAX_NAME_CHARS),
        fields.dimensions(document, where),
    )


def _time_range(document: Document, refusal: Callable[[str], ApiError]) -> tuple[float, float]:
    start_s = fields.required_timestamp(document, "StartTime", "")
    end_s = fields.required_timestamp(document, "EndTime", "")
    if start_s >= end_s:
        raise refusal("The parameter StartTime must be less than the parameter EndTime.")
    return start_s, end_s


def _period(document: Document, where: str) -> int:
    period_s = fields.required_integer(document, "Period", where)
    if period_s in SHORT_PERIODS_S or (period_s > 0 and period_s % 60 == 0):
        return period_s
    raise invalid_value(f"The parameter {where}Period must be 1, 5, 10, 20, 30 or a multiple of 60.")


def _span(times: tuple[float, float], period_s: int, now_s: float) -> TimeRange:
    start_s, end_s = times
    step_s = period_s if period_s in SHORT_PERIODS_S else start_step_s(now_s - start_s)
    return TimeRange(int(start_s // step_s * step_s), end_s, period_s, int(now_s) - retention_s(period_s))


def start_step_s(age_s: float) -> int:
    """To how many seconds StartTime is rounded down, by its age."""
    if age_s < 15 * _DAY_S:
        return 60
    return 300 if age_s < 63 * _DAY_S else _HOUR_S


def retention_s(period_s: int) -> int:
    """How long data can be read in periods of this length."""
    if period_s < 60:
        return 3 * _HOUR_S
    if period_s % _HOUR_S == 0:
        return 455 * _DAY_S
    return 63 * _DAY_S if period_s % 300 == 0 else 15 * _DAY_S


def _metric_query(raw: Any, where: str, times: tuple[float, float], now_s: float) -> MetricQuery | SearchQuery:
    document = fields.as_document(raw, where[:-1])
    query_id = fields.required_text(document, "Id", where)
    if not _ID.fullmatch(query_id) or len(query_id) > fields.MAX_NAME_CHARS:
        raise validation(
            f"The value {query_id} for parameter {where}Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        )
    is_returned = document.get("ReturnData") is not False
    label = fields.text(document, "Label", where) or ""
    expression = fields.text(document, "Expression", where)
    if expression is not None:
        search = _search(expression, where)
        statistic = _statistic(search.statistic, f"{where}Expression")
        span = _span(times, _period({"Period": search.period_s}, where), now_s)
        return SearchQuery(query_id, label, is_returned, search, statistic, span)
    stat = _metric_stat(document, where)
    where = f"{where}MetricStat."
    key = _series_key(fields.as_document(stat.get("Metric") or {}, f"{where}Metric"), f"{where}Metric.")
    statistic = _statistic(fields.required_text(stat, "Stat", where), f"{where}Stat")
    span = _span(times, _period(stat, where), now_s)
    return MetricQuery(
        query_id=query_id,
        label=label_of(label, key, statistic.text, span.period_s) if label else key.name,
        is_returned=is_returned,
        key=key,
        unit=parse_unit(stat, where),
        statistic=statistic,
        span=span,
    )


def _search(expression: str, where: str) -> Search:
    try:
        return parse_search(expression)
    except SearchSyntaxError as error:
        raise validation(
            "The local CloudWatch has no metric math and no Metrics Insights but SEARCH with exact terms:"
            f" {where}Expression is refused, {error}."
        ) from error


def _metric_stat(document: Document, where: str) -> Document:
    if document.get("MetricStat") is None:
        raise validation(f"Either {where}MetricStat or {where}Expression must be specified.")
    return fields.as_document(document["MetricStat"], f"{where}MetricStat")


def _check_together(queries: tuple[MetricQuery | SearchQuery, ...]) -> None:
    seen: set[str] = set()
    for query in queries:
        if query.query_id in seen:
            raise validation(f"The values for parameter id in MetricDataQueries are not unique: {query.query_id}.")
        seen.add(query.query_id)
    if not any(query.is_returned for query in queries):
        raise validation("At least one of the MetricDataQueries must have ReturnData set to true.")


def _statistic(text: str, where: str) -> Statistic:
    try:
        return parse_statistic(text)
    except StatisticSyntaxError as error:
        raise invalid_value(f"The value {text} for parameter {where} is not supported: {error}.") from error


def _statistics(document: Document) -> tuple[Statistic, ...]:
    simple = fields.limited_members(document, "Statistics", "", MAX_STATISTICS)
    extended = fields.limited_members(document, "ExtendedStatistics", "", MAX_EXTENDED_STATISTICS)
    if bool(simple) == bool(extended):
        raise invalid_combination("Exactly one of the parameters Statistics and ExtendedStatistics must be specified.")
    for position, text in enumerate(simple, start=1):
        if text not in SIMPLE:
            raise invalid_value(
                f"The parameter Statistics.member.{position} must be a value in the set [ {', '.join(SIMPLE)} ]."
            )
    for position, text in enumerate(extended, start=1):
        if text in SIMPLE or not isinstance(text, str):
            raise invalid_value(f"The parameter ExtendedStatistics.member.{position} is invalid.")
    return tuple(
        _statistic(text, f"{'Statistics' if simple else 'ExtendedStatistics'}.member.{position}")
        for position, text in enumerate(simple or extended, start=1)
    )


def _scan_by(document: Document) -> str:
    scan_by = fields.text(document, "ScanBy", "") or "TimestampDescending"
    if scan_by not in ("TimestampDescending", "TimestampAscending"):
        raise validation("The parameter ScanBy must be a value in the set [ TimestampDescending, TimestampAscending ].")
    return scan_by


def _max_datapoints(document: Document) -> int:
    found = fields.integer(document, "MaxDatapoints", "")
    if found is None:
        return MAX_DATAPOINTS
    if not 1 <= found <= MAX_DATAPOINTS:
        raise validation(f"The parameter MaxDatapoints must be between 1 and {MAX_DATAPOINTS}.")
    return found
