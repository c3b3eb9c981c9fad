"""RunBook: what has come of one run so far, by endpoint and all together, and the rows that are made of it.

To merge a window is cheap; percentiles, and the rows with them, are made when somebody wants to see them. Both stop
after each endpoint, so that whoever runs them can let others have the processor:

    for _ in book.add(window, host): breathe()
    for _ in book.render(offset_s, locust): breathe()
    book.rendered       # all of it as values

State: touched by whoever keeps it only, one of them at a time.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field

from locust_cw_dist.core.progress.endpoint_progress import ALL, Figures, LocustFigures, Row, RowKey, Times
from locust_cw_dist.core.progress.progress import MAX_FAILURES, MAX_SHOWN_ENDPOINTS, FailureCount
from locust_cw_dist.core.progress.series import Series
from locust_cw_dist.core.progress.series_book import SeriesBook
from locust_cw_dist.core.summaries.gauges import RunGauges
from locust_cw_dist.core.summaries.run_counters import OTHER_METHOD, OTHER_NAME
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary, merged
from locust_cw_dist.core.summaries.window import ClosedWindow
from locust_cw_dist.core.summaries.windows import window_start_s

MAX_KEPT = 1000
"""Endpoints that are kept, twice as many as are shown, so that the busiest ones are among them. Where names are not
grouped, all further ones are added up as `(other)`."""

MAX_ROWS = 360
"""Rows of the series of all together: an hour at 10 s."""

MAX_ENDPOINT_ROWS = 60
"""Rows of an endpoint's series: with these an endpoint takes 36 KiB, five hundred 18 MiB."""

OTHER_ROW = RowKey(OTHER_NAME, OTHER_METHOD, None)

Asked = Callable[[RowKey], LocustFigures | None]
"""Returns what Locust says of an endpoint."""


@dataclass(slots=True)
class _Endpoint:
    """One endpoint, or all together.

    Attributes:
        series: How it went.
        run: All that has come.
        last: What came in its newest window.
        last_start_s: Start of that window.
        run_times: The response times of `run`; None since it has changed.
        last_times: The same of `last`.
    """

    series: SeriesBook
    run: Summary = field(default_factory=Summary)
    last: Summary = field(default_factory=Summary)
    last_start_s: int | None = None
    run_times: Times | None = None
    last_times: Times | None = None

    def add(self, start_s: int, summary: Summary, gauges: RunGauges | None = None) -> None:
        self.run.merge(summary)
        self.run_times = None
        self.series.add(start_s, summary, gauges)
        if self.last_start_s is None or start_s > self.last_start_s:
            self.last, self.last_start_s, self.last_times = summary, start_s, None
        elif start_s == self.last_start_s:
            # A supplement. The window's own Summary is not to be changed.
            self.last, self.last_times = merged([self.last, summary]), None

    def run_figures(self, start_s: float, duration_s: float) -> Figures:
        if self.run_times is None:
            self.run_times = Times.of(self.run.response_times())
        return Figures.of(self.run, self.run_times, start_s, duration_s)

    def last_figures(self, start_s: float, duration_s: float) -> Figures:
        if self.last_times is None:
            self.last_times = Times.of(self.last.response_times())
        return Figures.of(self.last, self.last_times, start_s, duration_s)


@dataclass(frozen=True, slots=True)
class Rendered:
    """What is shown of a run's results; the fields are those of `Progress`."""

    total: Row
    endpoints: tuple[Row, ...] = ()
    endpoints_left_out: int = 0
    failures: tuple[FailureCount, ...] = ()
    series: Series = field(default_factory=Series)


class RunBook:
    """Keeps what has come of one run.

    Attributes:
        rendered: What was made of it last.
        has_changed: Whether something has come since.
    """

    def __init__(self, started_s: float, resolution_s: int) -> None:
        """Begin with nothing, for a run whose test started then and windows of `resolution_s`."""
        self.has_changed = False
        self._started_s = started_s
        self._stopped_s = math.inf
        self._resolution_s = resolution_s
        self._origin_s = window_start_s(started_s, resolution_s)
        self._newest_s = self._origin_s - resolution_s
        self._endpoints: dict[RowKey, _Endpoint] = {}
        self._total = self._make(MAX_ROWS)
        self.rendered = Rendered(self._row(ALL, self._total, 0, None))

    def note_span(self, started_s: float, stopped_s: float | None) -> None:
        """Note when the test started and stopped: results may come before it does; None while it goes on."""
        span = (started_s, math.inf if stopped_s is None else stopped_s)
        self.has_changed |= span != (self._started_s, self._stopped_s)
        self._started_s, self._stopped_s = span

    def add(self, window: ClosedWindow, host: str) -> Iterator[None]:
        """Merge a window, or a supplement to one; `host` is the Host dimension of its endpoints."""
        together = Summary()
        for (name, method), summary in window.summaries.items():
            self._endpoint(RowKey(name, method, host)).add(window.start_s, summary)
            together.merge(summary)
            yield
        self._total.add(window.start_s, together, window.gauges)
        self._newest_s = max(self._newest_s, window.start_s)
        self.has_changed = True

    def render(self, offset_s: int, locust: Asked) -> Iterator[None]:
        """Make `rendered`; times in it are those of the windows and `offset_s`."""
        self.has_changed = False
        busiest = sorted(self._endpoints.items(), key=lambda item: (-item[1].run.count, item[0][:2]))
        rows = []
        for key, endpoint in busiest[:MAX_SHOWN_ENDPOINTS]:
            rows.append(self._row(key, endpoint, offset_s, locust(key)))
            yield
        failures: list[FailureCount] = []
        for key, endpoint in busiest:
            failures = _most_frequent(failures, key, endpoint.run.reasons)
            yield
        total = self._row(ALL, self._total, offset_s, locust(ALL))
        series = yield from self.series(ALL, offset_s)
        self.rendered = Rendered(total, tuple(rows), len(busiest) - len(rows), tuple(failures), series)

    def totals(self) -> dict[EndpointKey, Summary]:
        """Return what each endpoint did, whatever the host was; whoever has it changes nothing in it."""
        totals: dict[EndpointKey, Summary] = {}
        for key, endpoint in self._endpoints.items():
            name = (key.name or "", key.method or "")
            totals[name] = merged([totals[name], endpoint.run]) if name in totals else endpoint.run
        return totals

    def series(self, key: RowKey, offset_s: int) -> Generator[None, None, Series]:
        """Return how an endpoint went, or all together; of an endpoint that is not known, nothing."""
        endpoint = self._total if key == ALL else self._endpoints.get(key)
        rows = []
        for row in endpoint.series.rows(self._covered, offset_s) if endpoint is not None else ():
            rows.append(row)
            yield
        return Series(key, tuple(rows))

    def _row(self, key: RowKey, endpoint: _Endpoint, offset_s: int, locust: LocustFigures | None) -> Row:
        start_s, duration_s = self._covered(self._started_s, self._newest_s + self._resolution_s)
        last = None
        if endpoint.last_start_s == self._newest_s:
            span = self._covered(self._newest_s, self._newest_s + self._resolution_s)
            last = endpoint.last_figures(span[0] + offset_s, span[1])
        return Row(key, last, endpoint.run_figures(start_s + offset_s, duration_s), locust)

    def _covered(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Return what of a span the test went on in, and has closed, as (start, duration)."""
        begin_s = max(start_s, self._started_s)
        return begin_s, max(0.0, min(end_s, self._stopped_s, self._newest_s + self._resolution_s) - begin_s)

    def _endpoint(self, key: RowKey) -> _Endpoint:
        if key not in self._endpoints:
            key = key if len(self._endpoints) < MAX_KEPT else OTHER_ROW
        if key not in self._endpoints:
            self._endpoints[key] = self._make(MAX_ENDPOINT_ROWS)
        return self._endpoints[key]

    def _make(self, max_rows: int) -> _Endpoint:
        return _Endpoint(SeriesBook(self._origin_s, self._resolution_s, max_rows))


def _most_frequent(found: list[FailureCount], key: RowKey, reasons: Mapping[str, int]) -> list[FailureCount]:
    """Return the most frequent of those that were found and those of one endpoint."""
    if not reasons:
        return found
    more = [FailureCount(key.name or "", key.method or "", reason, count) for reason, count in reasons.items()]
    return heapq.nsmallest(MAX_FAILURES, [*found, *more], key=lambda one: (-one.count, one.name, one.reason))
