"""The operations: a document in, a document out. HTTP, faults and counting are elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from locust_cw_dist.local_cloudwatch.errors import ApiError
from locust_cw_dist.local_cloudwatch.operations.fields import Timestamp
from locust_cw_dist.local_cloudwatch.operations.identities import ACCOUNT
from locust_cw_dist.local_cloudwatch.operations.limits import parse_put
from locust_cw_dist.local_cloudwatch.operations.paging import decode_token, encode_token
from locust_cw_dist.local_cloudwatch.operations.queries import (
    MetricQuery,
    parse_list,
    parse_metric_data,
    parse_statistics,
)
from locust_cw_dist.local_cloudwatch.operations.search import MAX_FOUND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from locust_cw_dist.local_cloudwatch.faults.conditions import Surroundings
    from locust_cw_dist.local_cloudwatch.operations.fields import Document
    from locust_cw_dist.local_cloudwatch.operations.identities import Identities
    from locust_cw_dist.local_cloudwatch.operations.queries import SearchQuery, TimeRange
    from locust_cw_dist.local_cloudwatch.storage.aggregate import Sample, Statistic
    from locust_cw_dist.local_cloudwatch.storage.store import SeriesKey, Store

LIST_PAGE_SIZE = 500
RECENT_S = 3 * 3600
LISTED_S = 14 * 24 * 3600
"""ListMetrics forgets a metric that has got no data for two weeks; it can be read all the same."""


class _Point(NamedTuple):
    """A data point of GetMetricData. Points sort by time, then by the result that they belong to."""

    timestamp_s: int
    result: int
    value: float


@dataclass(slots=True)
class _Result:
    """One MetricDataResult: a query, and one unit of its data."""

    query: MetricQuery
    label: str


class Api:
    """CloudWatch's operations on a store.

    Args:
        store: where the data is.
        surroundings: the time, and the quota.
        identities: who calls.
    """

    def __init__(self, store: Store, surroundings: Surroundings, identities: Identities) -> None:
        self._store = store
        self._surroundings = surroundings
        self._clock = surroundings.now_s
        self._operations: Mapping[str, Callable[[Document, str], Document]] = {
            "PutMetricData": lambda document, _: self._put_metric_data(document),
            "GetMetricData": lambda document, _: self._get_metric_data(document),
            "GetMetricStatistics": lambda document, _: self._get_metric_statistics(document),
            "ListMetrics": lambda document, _: self._list_metrics(document),
            "GetCallerIdentity": lambda _, access_key: identities.caller(access_key),
            "AssumeRole": lambda document, _: identities.assume_role(document),
        }

    def knows(self, operation: str) -> bool:
        """Whether there is such an operation."""
        return operation in self._operations

    def handle(self, operation: str, document: Document, access_key: str = "") -> Document:
        """Do one operation; all of it or nothing.

        Args:
            operation: its name.
            document: its parameters.
            access_key: of whoever calls.

        Raises:
            ApiError: what AWS would answer.
        """
        action = self._operations.get(operation)
        if action is None:
            known = ", ".join(self._operations)
            raise ApiError(
                "UnknownOperationException",
                f"The local CloudWatch does not know {operation!r}; it knows {known}.",
            )
        return action(document, access_key)

    def _put_metric_data(self, document: Document) -> Document:
        self._surroundings.admit_put()
        now_s = self._clock()
        self._store.add(parse_put(document, now_s), now_s)
        return {}

    def _get_metric_statistics(self, document: Document) -> Document:
        query = parse_statistics(document, self._clock())
        points = [
            point
            for unit, periods in self._periods(query.key, query.span, query.unit).items()
            for start_s, sample in periods.items()
            if (point := _statistics_point(query.statistics, start_s, unit, sample))
        ]
        # CloudWatch promises no order; newest first keeps a caller from relying on the usual one.
        points.sort(key=lambda point: int(point["Timestamp"]), reverse=True)
        return {"Label": query.key.name, "Datapoints": points}

    def _list_metrics(self, document: Document) -> Document:
        query = parse_list(document)
        after = decode_token(query.next_token, document, 1)[0] if query.next_token else 0
        since_s = self._clock() - (RECENT_S if query.recently_active else LISTED_S)
        found = [
            listed
            for listed in self._store.list_series(query.namespace, query.name)
            if listed.serial > after and listed.last_put_s >= since_s and query.accepts(listed.key.dimensions)
        ]
        answer: Document = {"Metrics": [_metric(listed.key) for listed in found[:LIST_PAGE_SIZE]]}
        if query.with_accounts:
            answer["OwningAccounts"] = [ACCOUNT] * len(answer["Metrics"])
        if len(found) > LIST_PAGE_SIZE:
            answer["NextToken"] = encode_token([found[LIST_PAGE_SIZE - 1].serial], document)
        return answer

    def _get_metric_data(self, document: Document) -> Document:
        call = parse_metric_data(document, self._clock())
        results, points = self._gather(
            [one for query in call.queries if query.is_returned for one in self._found(query)]
        )
        sign = -1 if call.newest_first else 1
        points.sort(key=lambda point: (sign * point.timestamp_s, point.result))
        if call.next_token:
            time_s, result = decode_token(call.next_token, document, 2)
            last = (sign * time_s, result)
            points = [point for point in points if (sign * point.timestamp_s, point.result) > last]
        page, rest = points[: call.max_datapoints], points[call.max_datapoints :]
        answer: Document = {"MetricDataResults": _result_documents(results, page, rest), "Messages": []}
        if rest:
            answer["NextToken"] = encode_token([page[-1].timestamp_s, page[-1].result], document)
        return answer

    def _found(self, query: MetricQuery | SearchQuery) -> list[MetricQuery]:
        """A query as it is, or those of the series that a search finds, oldest series first."""
        if isinstance(query, MetricQuery):
            return [query]
        since_s = self._clock() - LISTED_S
        listed = [one for one in self._store.list_series(query.search.namespace) if one.last_put_s >= since_s]
        return [query.of_series(one.key) for one in listed if query.search.accepts(one.key)][:MAX_FOUND]

    def _gather(self, queries: list[MetricQuery]) -> tuple[list[_Result], list[_Point]]:
        """All results and all their points. Data of several units makes several results with the same Id."""
        results: list[_Result] = []
        points: list[_Point] = []
        for query in queries:
            units = self._periods(query.key, query.span, query.unit)
            if query.drops_empty and not any(units.values()):
                continue
            for unit, periods in (units or {"": {}}).items():
                label = f"{query.label} {unit}" if len(units) > 1 else query.label
                for start_s, sample in periods.items():
                    value = query.statistic.of(sample)
                    if value is not None:
                        points.append(_Point(start_s, len(results), value))
                results.append(_Result(query, label))
        return results, points

    def _periods(self, key: SeriesKey, span: TimeRange, unit: str | None) -> dict[str, dict[int, Sample]]:
        units = self._store.periods(key, start_s=span.start_s, end_s=span.end_s, period_s=span.period_s, unit=unit)
        return {
            unit: {start_s: sample for start_s, sample in periods.items() if start_s >= span.readable_from_s}
            for unit, periods in units.items()
        }


def _statistics_point(
    statistics: tuple[Statistic, ...], start_s: int, unit: str, sample: Sample
) -> dict[str, Any] | None:
    """A Datapoint, or None where no statistic has a value."""
    values = {statistic: statistic.of(sample) for statistic in statistics}
    found = {statistic.text: value for statistic, value in values.items() if value is not None}
    if not found:
        return None
    is_extended = statistics[0].needs_raw
    return {"Timestamp": Timestamp(start_s), "Unit": unit} | ({"ExtendedStatistics": found} if is_extended else found)


def _metric(key: SeriesKey) -> Document:
    return {
        "Namespace": key.namespace,
        "MetricName": key.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in key.dimensions],
    }


def _result_documents(results: list[_Result], page: list[_Point], rest: list[_Point]) -> list[Document]:
    unfinished = {point.result for point in rest}
    documents: list[Document] = [
        {
            "Id": result.query.query_id,
            "Label": result.label,
            "Timestamps": [],
            "Values": [],
            "StatusCode": "PartialData" if number in unfinished else "Complete",
        }
        for number, result in enumerate(results)
    ]
    for point in page:
        documents[point.result]["Timestamps"].append(Timestamp(point.timestamp_s))
        documents[point.result]["Values"].append(point.value)
    return documents
