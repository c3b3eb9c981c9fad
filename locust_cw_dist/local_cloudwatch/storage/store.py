"""What the local CloudWatch keeps: series, their cells, and how datums add up in them.

A series is a namespace, a metric name and a set of dimensions. A cell is one unit, one storage resolution
and one timestamp of a series, rounded down to 1 s or 60 s. Datums of one cell add up. A cell keeps value
-> count, so a count of a thousand million costs what a count of one costs, and the merged figures of
StatisticSets beside it.

Memory is bounded. When a bound is passed, data is evicted and counted, as CloudWatch's retention would do it:

- `max_series`: the series that was written to least recently goes, with all its cells.
- `max_cells` and `max_values` (distinct values of all cells together): the cells with the oldest
  timestamps go.

A value with its count takes about 90 bytes (measured) and a cell half a kilobyte, so the default bounds stay
near 300 MB; 2,000,000 values are an hour of 20 endpoints at 250 distinct values every 10 s.

Every method may be called from any thread.
"""

from __future__ import annotations

import heapq
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from locust_cw_dist.local_cloudwatch.storage.aggregate import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from locust_cw_dist.local_cloudwatch.operations.limits import Datum, PutRequest
    from locust_cw_dist.local_cloudwatch.storage.aggregate import Count, SetTotals


class SeriesKey(NamedTuple):
    """A metric's identity; dimensions are (name, value) pairs, sorted."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


class CellKey(NamedTuple):
    """A place of a series where datums add up."""

    start_s: int
    resolution_s: int
    unit: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept at most."""

    max_series: int = 10_000
    max_cells: int = 200_000
    max_values: int = 2_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """How much is kept, and how much had to go."""

    series: int
    cells: int
    values: int
    evicted_series: int
    evicted_cells: int


@dataclass(frozen=True, slots=True)
class ListedSeries:
    """A series without its data.

    Attributes:
        serial: grows with each new series; pages go by it.
        key: the identity.
        last_put_s: epoch seconds of the last call that wrote to it.
    """

    serial: int
    key: SeriesKey
    last_put_s: float


@dataclass(slots=True)
class _Cell:
    values: dict[float, Count] = field(default_factory=dict)
    totals: SetTotals | None = None

    def add(self, datum: Datum) -> int:
        """Add a datum; returns how many distinct values are new."""
        before = len(self.values)
        for value, count in datum.pairs:
            self.values[value] = self.values.get(value, 0) + count
        if datum.totals:
            self.totals = self.totals.merged(datum.totals) if self.totals else datum.totals
        return len(self.values) - before

    def merge_into(self, values: dict[float, Count], totals: SetTotals | None) -> SetTotals | None:
        """Add this cell's values to `values`; returns the totals of both."""
        for value, count in self.values.items():
            values[value] = values.get(value, 0) + count
        if self.totals and totals:
            return totals.merged(self.totals)
        return self.totals or totals


@dataclass(slots=True)
class _Series:
    serial: int
    last_put_s: float
    cells: dict[CellKey, _Cell] = field(default_factory=dict)


class Store:
    """The data, in memory.

    Args:
        bounds: how much is kept.
    """

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._series: dict[SeriesKey, _Series] = {}  # least recently written first
        self._by_age: list[tuple[CellKey, int, SeriesKey]] = []  # a heap with each cell once
        self._serials = 0
        self._cells = self._values = 0
        self._evicted_series = self._evicted_cells = 0

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._clear()

    def usage(self) -> Usage:
        """How much is kept now."""
        with self._lock:
            return Usage(len(self._series), self._cells, self._values, self._evicted_series, self._evicted_cells)

    def add(self, request: PutRequest, now_s: float) -> None:
        """Take all datums of a call, at once for whoever reads."""
        with self._lock:
            for datum in request.datums:
                key = SeriesKey(request.namespace, datum.name, datum.dimensions)
                self._add_datum(key, self._touched(key, now_s), datum)
            self._evict()

    def _touched(self, key: SeriesKey, now_s: float) -> _Series:
        """The series, made if it is new, as the most recently written one."""
        series = self._series.pop(key, None)
        if series is None:
            self._serials += 1
            series = _Series(self._serials, now_s)
        series.last_put_s = now_s
        self._series[key] = series
        return series

    def _add_datum(self, key: SeriesKey, series: _Series, datum: Datum) -> None:
        if not datum.pairs and not datum.totals:
            return  # all counts were 0: the metric exists, without a data point
        start_s = datum.timestamp_s - datum.timestamp_s % datum.resolution_s
        cell_key = CellKey(start_s, datum.resolution_s, datum.unit)
        cell = series.cells.get(cell_key)
        if cell is None:
            cell = series.cells[cell_key] = _Cell()
            self._cells += 1
            heapq.heappush(self._by_age, (cell_key, series.serial, key))
        self._values += cell.add(datum)

    def _evict(self) -> None:
        while len(self._series) > self._bounds.max_series:
            evicted = self._series.pop(next(iter(self._series)))
            self._evicted_series += 1
            for cell_key in tuple(evicted.cells):
                self._drop_cell(evicted, cell_key)
        while self._cells > self._bounds.max_cells or self._values > self._bounds.max_values:
            cell_key, serial, key = heapq.heappop(self._by_age)
            series = self._series.get(key)
            if series is not None and series.serial == serial:
                self._drop_cell(series, cell_key)
        self._prune_ages()

    def _drop_cell(self, series: _Series, key: CellKey) -> None:
        self._values -= len(series.cells.pop(key).values)
        self._cells -= 1
        self._evicted_cells += 1

    def _prune_ages(self) -> None:
        """Keep the heap in proportion: evicted series leave entries behind in it."""
        if len(self._by_age) <= 2 * self._bounds.max_cells:
            return
        live = {(series.serial, key) for key, series in self._series.items()}
        self._by_age = [entry for entry in self._by_age if entry[1:] in live]
        heapq.heapify(self._by_age)

    def list_series(self, namespace: str | None = None, name: str | None = None) -> list[ListedSeries]:
        """Every series, or those of a namespace, or of a name; oldest first."""
        with self._lock:
            found = [
                ListedSeries(series.serial, key, series.last_put_s)
                for key, series in self._series.items()
                if namespace in (None, key.namespace) and name in (None, key.name)
            ]
        return sorted(found, key=lambda listed: listed.serial)

    def periods(
        self, key: SeriesKey, *, start_s: int, end_s: float, period_s: int, unit: str | None = None
    ) -> dict[str, dict[int, Sample]]:
        """A series' data from `start_s` to before `end_s`, merged by period.

        Args:
            key: the series; an unknown one has no data.
            start_s: inclusive; periods are counted from it.
            end_s: exclusive.
            period_s: length of a period. Below 60 only data stored at 1 s is seen.
            unit: only data of this unit.

        Returns:
            unit -> start of the period in epoch seconds -> its data; units and times in order, no empty
            periods.
        """
        with self._lock:
            series = self._series.get(key)
            chosen = [
                (cell_key, cell)
                for cell_key, cell in (series.cells.items() if series else ())
                if start_s <= cell_key.start_s < end_s
                and cell_key.resolution_s <= period_s
                and unit in (None, cell_key.unit)
            ]
            return _merged(chosen, start_s, period_s)

    def cells(
        self, namespace: str | None = None, name: str | None = None
    ) -> Iterator[tuple[SeriesKey, list[tuple[CellKey, Sample]]]]:
        """Copies of the cells as they are, by series, each series' cells in order of time."""
        for listed in self.list_series(namespace, name):
            yield listed.key, self._copied_cells(listed.key)

    def _copied_cells(self, key: SeriesKey) -> list[tuple[CellKey, Sample]]:
        with self._lock:
            series = self._series.get(key)
            cells = sorted(series.cells.items(), key=lambda item: item[0]) if series else []
            return [(cell_key, Sample(dict(cell.values), cell.totals)) for cell_key, cell in cells]


def _merged(cells: list[tuple[CellKey, _Cell]], start_s: int, period_s: int) -> dict[str, dict[int, Sample]]:
    gathered: dict[tuple[str, int], tuple[dict[float, Count], SetTotals | None]] = {}
    for key, cell in cells:
        place = (key.unit, key.start_s - (key.start_s - start_s) % period_s)
        values, totals = gathered.get(place, ({}, None))
        gathered[place] = (values, cell.merge_into(values, totals))
    merged: dict[str, dict[int, Sample]] = {}
    for (unit, period_start_s), (values, totals) in sorted(gathered.items(), key=lambda item: item[0]):
        merged.setdefault(unit, {})[period_start_s] = Sample(values, totals)
    return merged
