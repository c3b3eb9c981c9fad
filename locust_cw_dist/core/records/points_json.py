"""Packing: points as the JSON of POINTS blocks, and back.

    {"endpoints": [[name, method], ...], "points": [{"start_s": ..., "span_s": ..., "gauges": {...}, "rows": [...]}]}

`endpoints` are those that the file has not named before; they are numbered through the whole file, from 0. A row is
``[endpoint, successes, failures, bytes, reasons, untimed]``, where trailing zeros and what there is none of are 0:

    successes, failures   [sum, minimum, maximum, first bin, number in that bin, number in the next one, ...] in ms
    bytes                 [responses of known length, sum, minimum, maximum] of successes
    reasons               {reason: number of failures}
    untimed               [successes, failures] that have no usable response time and are in no histogram
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from locust_cw_dist.core.records.points import GAUGES, Point
from locust_cw_dist.core.summaries import checked_values
from locust_cw_dist.core.summaries.gauges import StatisticSet
from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary

MAX_TEXT_BYTES = 2**18
"""JSON of one block: it is read and written in few milliseconds, in which the interpreter does nothing else."""

DIGITS = 10
"""Significant digits of sums, minima and maxima."""

MAX_TEXT_CHARS = 4096
"""Of a name, a method or a reason. What the plugin records is shorter."""

MAX_NAMED_ENDPOINTS, MAX_NAMES_CHARS = 10_000, 2**22
"""Endpoints that a file may name, and how long their names may be together. What the plugin records has a thousand."""

MAX_TIME_S = 253_402_300_799
"""The end of the year 9999: calendars go no further."""

MAX_ROWS = 100_000
ROW_FIELDS = 6
MAX_POINTS_A_BLOCK = 10_000
MAX_STATISTIC = 1e18


class Packer:
    """Makes the texts of POINTS blocks for one file.

    Attributes:
        texts: What is ready.
    """

    def __init__(self) -> None:
        """Begin with a file that has named no endpoint."""
        self.texts: list[bytes] = []
        self._numbers: dict[EndpointKey, int] = {}
        self._new: list[EndpointKey] = []
        self._points: list[str] = []
        self._rows: list[str] = []
        self._size_bytes = 0

    def pack(self, point: Point) -> Iterator[None]:
        """Pack a point; yields after each endpoint, so that the caller can let others run."""
        gauges = point.gauges
        for key, summary in point.summaries.items():
            self._add_row(key, summary)
            yield
            if self._size_bytes > MAX_TEXT_BYTES:
                self._end_point(point, gauges)
                gauges = {}
                self.flush()
        if self._rows or gauges or not point.summaries:
            self._end_point(point, gauges)
        if self._size_bytes > MAX_TEXT_BYTES:
            self.flush()

    def flush(self) -> None:
        """Make what is packed ready."""
        if self._points:
            text = f'{{"endpoints":{_json(self._new)},"points":[{",".join(self._points)}]}}'
            self.texts.append(text.encode())
        self._new, self._points, self._size_bytes = [], [], 0

    def take(self) -> list[bytes]:
        """Return what is ready, and forget it."""
        texts, self.texts = self.texts, []
        return texts

    def _add_row(self, key: EndpointKey, summary: Summary) -> None:
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers)
            self._new.append(key)
            self._size_bytes += len(key[0]) + len(key[1])
        row = _json(_trimmed(_row(self._numbers[key], summary)))
        self._rows.append(row)
        self._size_bytes += len(row)

    def _end_point(self, point: Point, gauges: dict[str, StatisticSet]) -> None:
        packed = {
            name: [value.count, _short(value.sum), _short(value.minimum), _short(value.maximum)]
            for name, value in gauges.items()
        }
        head = f'"start_s":{point.start_s},"span_s":{point.span_s},"gauges":{_json(packed)}'
        self._points.append(f'{{{head},"rows":[{",".join(self._rows)}]}}')
        self._rows = []


class Unpacker:
    """Reads the documents of one file's POINTS blocks, in their order."""

    def __init__(self) -> None:
        """Begin with a file that has named no endpoint."""
        self._endpoints: list[EndpointKey] = []
        self._chars = 0

    def unpack(self, document: dict[str, Any]) -> Iterator[Point]:
        """Yield the points of a block.

        Raises:
            ValueError: It is not what `Packer` makes.
        """
        for endpoint in checked_values.listing(document.get("endpoints"), MAX_ROWS):
            name, method = checked_values.listing(endpoint, 2, 2)
            self._endpoints.append((_text(name), _text(method)))
            self._chars += len(name) + len(method)
        is_small = len(self._endpoints) <= MAX_NAMED_ENDPOINTS and self._chars <= MAX_NAMES_CHARS
        checked_values.require(is_small, "too many endpoints")
        for packed in checked_values.listing(document.get("points"), MAX_POINTS_A_BLOCK):
            checked_values.require(type(packed) is dict, "an object expected")
            start_s = checked_values.integer(packed.get("start_s"), 0, MAX_TIME_S)
            point = Point(start_s, checked_values.integer(packed.get("span_s"), 1, MAX_TIME_S))
            gauges = packed.get("gauges", {})
            checked_values.require(type(gauges) is dict, "an object expected")
            point.gauges = {name: _statistics(value) for name, value in gauges.items() if name in GAUGES}
            for row in checked_values.listing(packed.get("rows"), MAX_ROWS):
                number, summary = _summary(row)
                checked_values.require(number < len(self._endpoints), "an endpoint without a name")
                point.summaries.setdefault(self._endpoints[number], Summary()).merge(summary)
            yield point


def _row(number: int, summary: Summary) -> list[Any]:
    known = [summary.bytes_count, summary.bytes_sum, summary.bytes_min, summary.bytes_max]
    return [
        number,
        _pack_histogram(summary.successes),
        _pack_histogram(summary.failures),
        known if summary.bytes_count else 0,
        summary.reasons or 0,
        [summary.untimed_successes, summary.untimed_failures] if summary.untimed_count else 0,
    ]


def _trimmed(row: list[Any]) -> list[Any]:
    while row[-1] == 0 and len(row) > 1:
        row.pop()
    return row


def _pack_histogram(histogram: Histogram | None) -> Any:
    if histogram is None or not histogram.count:
        return 0
    ends = _short(histogram.sum_ms), _short(histogram.min_ms), _short(histogram.max_ms)
    return [*ends, histogram.first, *histogram.numbers()]


def _summary(packed: Any) -> tuple[int, Summary]:
    row = checked_values.listing(packed, ROW_FIELDS)
    checked_values.require(bool(row), "a row of nothing")
    number, successes, failures, known, reasons, untimed = row + [0] * (ROW_FIELDS - len(row))
    summary = Summary(_histogram(successes), _histogram(failures) if failures else None)
    if known:
        numbers = [checked_values.integer(value, 0, 2**63) for value in checked_values.listing(known, 4, 4)]
        summary.bytes_count, summary.bytes_sum, summary.bytes_min, summary.bytes_max = numbers
    if reasons:
        summary.reasons = checked_values.tally(reasons, MAX_ROWS, MAX_TEXT_CHARS)
    if untimed:
        counts = (
            checked_values.integer(count, 0, checked_values.MAX_COUNT)
            for count in checked_values.listing(untimed, 2, 2)
        )
        summary.untimed_successes, summary.untimed_failures = counts
    return checked_values.integer(number, 0, MAX_ROWS), summary


def _histogram(packed: Any) -> Histogram:
    if packed == 0:
        return Histogram()
    sum_ms, min_ms, max_ms, first, *numbers = checked_values.listing(packed, len(EDGES) + 4)
    checked_values.require(bool(numbers) and set(map(type, numbers)) == {int} and min(numbers) >= 0, "numbers expected")
    checked_values.require(
        checked_values.integer(first, 0, len(EDGES)) + len(numbers) <= len(EDGES), "bins out of range"
    )
    checked_values.require(bool(numbers[0] and numbers[-1]), "an empty bin at an end")
    checked_values.integer(sum(numbers), 1, checked_values.MAX_COUNT)
    ends = [checked_values.number(value, 0.0, MAX_STATISTIC) for value in (sum_ms, min_ms, max_ms)]
    return Histogram.of_numbers(first, numbers, *ends)


def _statistics(packed: Any) -> StatisticSet:
    count, *numbers = checked_values.listing(packed, 4, 4)
    total, low, high = (checked_values.number(value, -MAX_STATISTIC, MAX_STATISTIC) for value in numbers)
    return StatisticSet(checked_values.integer(count, 1, checked_values.MAX_COUNT), total, low, high)


def _text(value: Any) -> str:
    return checked_values.string(value, MAX_TEXT_CHARS, empty=True)


def _short(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.{DIGITS}g}")


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
