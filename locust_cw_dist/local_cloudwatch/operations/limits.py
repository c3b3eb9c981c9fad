"""What PutMetricData accepts: a request's document becomes datums, or the error that AWS answers.

All or nothing: one bad datum refuses the whole call. The limits are those of botocore's service model (shapes
PutMetricDataInput, MetricDatum, StatisticSet, StandardUnit) and of the CloudWatch user guide. Two
readings are stricter than what is documented, because what passes here must pass at AWS:

- A metric name has to be printable ASCII and not blank, as a dimension has to; only its length is documented.
- A count has the bounds of a value, 0 <= count <= 2^360; the model gives both the same shape.

A pair whose count is 0 says that the value did not occur: it leaves no trace in any statistic.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from locust_cw_dist.local_cloudwatch.errors import ApiError, invalid_combination, invalid_value, missing
from locust_cw_dist.local_cloudwatch.operations import fields
from locust_cw_dist.local_cloudwatch.storage.aggregate import SetTotals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from locust_cw_dist.local_cloudwatch.operations.fields import Document
    from locust_cw_dist.local_cloudwatch.storage.aggregate import Count

MAX_DATUMS = 1000
MAX_VALUES = 150
MAX_ABS_VALUE = 2.0**360
MAX_PAST_S = 14 * 24 * 3600
MAX_FUTURE_S = 2 * 3600
RESOLUTIONS_S = (1, 60)
UNITS = (
    "Seconds", "Microseconds", "Milliseconds",
    "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes",
    "Bits", "Kilobits", "Megabits", "Gigabits", "Terabits",
    "Percent", "Count",
    "Bytes/Second", "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second",
    "Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second",
    "Count/Second", "None",
)  # fmt: skip

_NAMESPACE = re.compile(r"[0-9A-Za-z.\-_/#: ]+")
"""The user guide's list (CloudWatch concepts, Namespaces); the space belongs to it."""

_MAX_MESSAGES = 10  # AWS lists one message a datum; ten are enough to see what is wrong


@dataclass(frozen=True, slots=True)
class Datum:
    """One accepted datum.

    Attributes:
        name: the metric's name.
        dimensions: (name, value) pairs, sorted.
        unit: one of `UNITS`.
        timestamp_s: epoch seconds, whole.
        resolution_s: 1 or 60.
        pairs: (value, count), counts above 0; a value may come twice.
        totals: a StatisticSet that can't be written as pairs, else None.
    """

    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    timestamp_s: int
    resolution_s: int
    pairs: tuple[tuple[float, Count], ...]
    totals: SetTotals | None


@dataclass(frozen=True, slots=True)
class PutRequest:
    """A PutMetricData call in which every datum is acceptable."""

    namespace: str
    datums: tuple[Datum, ...]


def parse_put(document: Document, now_s: float) -> PutRequest:
    """Check a PutMetricData call.

    Args:
        document: the request's JSON.
        now_s: the server's time in epoch seconds; timestamps are judged by it, and it stands in for
            absent ones.

    Raises:
        ApiError: anything is wrong. It has the code of the first datum that is refused, and the messages
            of up to ten, one a line.
    """
    namespace = _namespace(document)
    if document.get("EntityMetricData") is not None:
        raise invalid_value("The local CloudWatch does not accept the parameter EntityMetricData.")
    raw_datums = fields.limited_members(document, "MetricData", "", MAX_DATUMS)
    if not raw_datums:
        raise missing("MetricData")
    return PutRequest(namespace, _datums(raw_datums, now_s))


def _namespace(document: Document) -> str:
    namespace = fields.sized_text(document, "Namespace", "", fields.MAX_NAME_CHARS)
    if not _NAMESPACE.fullmatch(namespace) or namespace.isspace():
        raise invalid_value(
            "The parameter Namespace must be made of the characters 0-9A-Za-z . - _ / # : and space,"
            " and not of spaces alone."
        )
    if namespace.startswith((":", "AWS/")):
        raise invalid_value("The value for parameter Namespace is invalid: it must not start with ':' or 'AWS/'.")
    return namespace


def _datums(raw_datums: Sequence[Any], now_s: float) -> tuple[Datum, ...]:
    accepted: list[Datum] = []
    refused: list[ApiError] = []
    for position, raw in enumerate(raw_datums, start=1):
        try:
            accepted.append(_datum(raw, f"MetricData.member.{position}.", now_s))
        except ApiError as error:
            refused.append(error)
    if refused:
        message = "\n".join(error.message for error in refused[:_MAX_MESSAGES])
        raise ApiError(refused[0].code, message, refused[0].status)
    return tuple(accepted)


def _datum(raw: Any, where: str, now_s: float) -> Datum:
    document = fields.as_document(raw, where[:-1])
    name = fields.sized_text(document, "MetricName", where, fields.MAX_NAME_CHARS)
    fields.refuse_unprintable(name, f"{where}MetricName")
    fields.refuse_blank(name, f"{where}MetricName")
    pairs, totals = _measurements(document, where)
    return Datum(
        name=name,
        dimensions=fields.dimensions(document, where),
        unit=parse_unit(document, where) or "None",
        timestamp_s=_timestamp(document, where, now_s),
        resolution_s=_resolution(document, where),
        pairs=pairs,
        totals=totals,
    )


def parse_unit(document: Document, where: str) -> str | None:
    """The `Unit` member, or None where it is absent."""
    unit = fields.text(document, "Unit", where)
    if unit is not None and unit not in UNITS:
        raise invalid_value(f"The parameter {where}Unit must be a value in the set [ {', '.join(UNITS)} ].")
    return unit


def _timestamp(document: Document, where: str, now_s: float) -> int:
    seconds = fields.timestamp(document, "Timestamp", where)
    if seconds is None:
        return int(now_s)
    if seconds < now_s - MAX_PAST_S:
        raise invalid_value(f"The parameter {where}Timestamp must specify a time within the past two weeks.")
    if seconds > now_s + MAX_FUTURE_S:
        raise invalid_value(f"The parameter {where}Timestamp must specify a time no more than two hours in the future.")
    return int(seconds)


def _resolution(document: Document, where: str) -> int:
    seconds = fields.integer(document, "StorageResolution", where)
    if seconds is None:
        return 60
    if seconds not in RESOLUTIONS_S:
        raise invalid_value(f"The parameter {where}StorageResolution must be a value in the set [ 1, 60 ].")
    return seconds


def _measurements(document: Document, where: str) -> tuple[tuple[tuple[float, Count], ...], SetTotals | None]:
    """What was measured: exactly one of Value, Values (with Counts or without) and StatisticValues."""
    forms = [name for name in ("Value", "Values", "StatisticValues") if _is_given(document, name)]
    if not forms:
        raise invalid_combination(
            f"At least one of the parameters {where}Value, {where}Values and {where}StatisticValues must be specified."
        )
    if len(forms) > 1:
        raise invalid_combination(
            f"The parameters {where}{forms[0]} and {where}{forms[1]} are mutually exclusive"
            " and you have specified both."
        )
    if "Values" in forms:
        return _weighted_values(document, where), None
    if _is_given(document, "Counts"):
        raise invalid_combination(f"The parameter {where}Counts needs the parameter {where}Values.")
    if "Value" in forms:
        return ((_value(document["Value"], f"{where}Value"), 1),), None
    return _statistic_set(document["StatisticValues"], f"{where}StatisticValues")


def _is_given(document: Document, name: str) -> bool:
    return document.get(name) not in (None, [])


def _weighted_values(document: Document, where: str) -> tuple[tuple[float, Count], ...]:
    at = f"{where}Values.member."
    raw_values = fields.limited_members(document, "Values", where, MAX_VALUES)
    values = [_value(raw, at, position) for position, raw in enumerate(raw_values, start=1)]
    if not _is_given(document, "Counts"):
        return tuple((value, 1) for value in values)
    at = f"{where}Counts.member."
    raw_counts = fields.members(document, "Counts", where)
    if len(raw_counts) != len(values):
        raise invalid_value(f"The parameters {where}Values and {where}Counts must be of the same size.")
    counts = [_count(raw, at, position) for position, raw in enumerate(raw_counts, start=1)]
    return tuple((value, count) for value, count in zip(values, counts, strict=True) if count)


def _statistic_set(raw: Any, where: str) -> tuple[tuple[tuple[float, Count], ...], SetTotals | None]:
    document = fields.as_document(raw, where)
    names = ("SampleCount", "Sum", "Minimum", "Maximum")
    for name in names:
        if document.get(name) is None:
            raise missing(f"{where}.{name}")
    number, total, minimum, maximum = (_value(document[name], f"{where}.{name}") for name in names)
    if number <= 0:
        raise invalid_value(f"The parameter {where}.SampleCount must be greater than 0.")
    if minimum > maximum:
        raise invalid_value(f"The parameter {where}.Maximum must be greater than {where}.Minimum.")
    totals = SetTotals(_integral(number), total, minimum, maximum)
    if totals.is_one_value:
        return ((minimum, totals.count),), None
    return (), totals


def _value(raw: Any, where: str, position: int | str = "") -> float:
    """A value within bounds. A list's position is joined to `where` for a message only: most need none."""
    number = raw if type(raw) is float else fields.as_number(raw, f"{where}{position}")
    if -MAX_ABS_VALUE <= number <= MAX_ABS_VALUE:  # false for NaN, too
        return number
    raise invalid_value(f"The value {number} for parameter {where}{position} is invalid.")


def _count(raw: Any, where: str, position: int) -> Count:
    number = raw if type(raw) is int else fields.as_number(raw, f"{where}{position}")
    if 0 <= number <= MAX_ABS_VALUE:
        return _integral(number)
    raise invalid_value(f"The value {number} for parameter {where}{position} is invalid.")


def _integral(number: float) -> Count:
    """Whole counts as integers, so that they add up exactly however large they are."""
    return int(number) if number == int(number) else number
