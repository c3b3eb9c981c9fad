"""The table of endpoints at the end of a run: requests, failures and response times, the busiest endpoints first."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from locust_cw_dist.core.names.plural import counted
from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.progress.plain_text import COLUMNS, Marks, columns_of, milliseconds, shortened
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary, merged

MAX_ROWS = 10
"""Endpoints that are shown: the record and the report have them all."""

ALL_TOGETHER = "all together"
PERCENTS = (50.0, 95.0, 99.0)

_HEADS = ("requests", "failures", "p50 ms", "p95 ms", "p99 ms", "max ms")
_WIDTHS = (11, 9, 7, 7, 7, 7)
_NAME_COLUMNS = COLUMNS - sum(_WIDTHS) - len(_WIDTHS)


@dataclass(frozen=True, slots=True)
class FiguresRow:
    """What an endpoint did in a run, or all together: percentiles are within 1 %, the rest is exact."""

    name: str
    requests: int
    failures: int
    times_ms: tuple[float | None, ...]

    @classmethod
    def of(cls, name: str, summary: Summary) -> FiguresRow:
        """Return the row of what `summary` holds."""
        times = summary.response_times()
        if not times.count:
            return cls(name, summary.count, summary.failure_count, (None,) * (len(PERCENTS) + 1))
        times_ms = (*(times.percentile(percent) for percent in PERCENTS), times.max_ms)
        return cls(name, summary.count, summary.failure_count, times_ms)


@dataclass(frozen=True, slots=True)
class FiguresTable:
    """The rows that are shown, the last of all together, and how many endpoints are not."""

    rows: tuple[FiguresRow, ...] = ()
    left_out: int = 0

    @classmethod
    def of(cls, summaries: Mapping[EndpointKey, Summary]) -> FiguresTable:
        """Return the table of a run, from what its endpoints did in it."""
        if not summaries:
            return cls()
        busiest = heapq.nsmallest(MAX_ROWS, summaries, key=lambda key: (-summaries[key].count, key))
        rows = [FiguresRow.of(printable(f"{method} {name}"), summaries[name, method]) for name, method in busiest]
        total = FiguresRow.of(ALL_TOGETHER, merged(list(summaries.values())))
        return cls((*rows, total), len(summaries) - len(rows))

    def lines(self, marks: Marks) -> list[str]:
        """Return it in lines of 80 columns; no line for a run without results."""
        if not self.rows:
            return []
        *rows, total = self.rows
        names = [shortened(row.name, _NAME_COLUMNS, marks) for row in rows]
        width = max(map(columns_of, (*names, total.name)))
        more = [f"  and {counted(self.left_out, 'more endpoint')}"] if self.left_out else []
        return [
            _line("", _HEADS, width),
            *(_line(name, _cells(row), width) for name, row in zip(names, rows, strict=True)),
            *more,
            _line(total.name, _cells(total), width),
        ]


def _cells(row: FiguresRow) -> list[str]:
    return [f"{row.requests:,}", f"{row.failures:,}", *map(milliseconds, row.times_ms)]


def _line(name: str, cells: Sequence[str], width: int) -> str:
    columns = (f" {cell:>{column}}" for cell, column in zip(cells, _WIDTHS, strict=True))
    return f"{name}{' ' * (width - columns_of(name))}{''.join(columns)}"
