"""Sections: the summaries of one run and window, as they travel from a worker's buffer to the master's windows.

Most of what travels is successes, so of each endpoint these are a row of numbers. A row is written, read and merged as
it is: to make a Summary of each would take a master a sixth longer for a frame.

For example, of three results of GET /cart, 41.7 ms each, two with a length of 938 bytes, and a failure after 12 ms:

    rows[("/cart", "GET")]    ([0b1, 0b1], 1084, 3, 125.1, 41.7, 41.7,  2, 1876, 938, 938)
    rest[("/cart", "GET")]    Summary(failures=..., reasons={"HTTP 500": 1})
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.run_counters import NO_LIMIT, OTHER
from locust_cw_dist.core.summaries.summary import Summary

EndpointKey = tuple[str, str]
"""(name, method)."""

Times = tuple[list[int], int, int, float, float, float]
"""The fields of a Histogram; where there is nothing in it, all are 0."""

Row = tuple[list[int], int, int, float, float, float, int, int, int, int]
"""The `Times` of an endpoint's successes, and the four numbers of their lengths."""


@dataclass(frozen=True, slots=True)
class Section:
    """The summaries of one run and window, as a frame carries them.

    Attributes:
        run_id: The run that the results belong to.
        start_s: Start of the window, seconds since the epoch.
        results: Number of results in it.
        rows: Of each endpoint the timed successes, and the lengths of all successes.
        rest: Of those that have any, all other results: failures, and what has no response time.
    """

    run_id: str
    start_s: int
    results: int
    rows: dict[EndpointKey, Row]
    rest: dict[EndpointKey, Summary]

    @classmethod
    def of(cls, run_id: str, start_s: int, summaries: dict[EndpointKey, Summary]) -> Section:
        """Return what `summaries` hold. It shares their histograms, so they must not change any more."""
        results = sum([summary.count for summary in summaries.values()])
        rest = {
            key: Summary(
                failures=summary.failures,
                untimed_successes=summary.untimed_successes,
                untimed_failures=summary.untimed_failures,
                reasons=summary.reasons,
            )
            for key, summary in summaries.items()
            if summary.failures is not None or summary.untimed_count
        }
        return cls(run_id, start_s, results, {key: _row_of(summary) for key, summary in summaries.items()}, rest)

    @property
    def failure_count(self) -> int:
        """Of the results, the failed ones."""
        return sum([summary.failure_count for summary in self.rest.values()])

    @property
    def summaries(self) -> dict[EndpointKey, Summary]:
        """The same as Summaries, new ones each time."""
        summaries: dict[EndpointKey, Summary] = {}
        self.add_to(summaries)
        return summaries

    def add_to(self, summaries: dict[EndpointKey, Summary], max_endpoints: int = NO_LIMIT) -> None:
        """Add everything to `summaries`, which share nothing with it then; an endpoint beyond the cap to `(other)`."""
        for key, row in self.rows.items():
            mine = summaries.get(key)
            if mine is None:
                mine = summaries.setdefault(key if len(summaries) < max_endpoints else OTHER, Summary())
            planes, first, count, sum_ms, min_ms, max_ms, known, bytes_sum, bytes_min, bytes_max = row
            if count:
                mine.successes.add(planes, first, count, sum_ms, min_ms, max_ms)
            if known:
                mine.add_bytes(known, bytes_sum, bytes_min, bytes_max)
        for key, rest in self.rest.items():
            summaries[key if key in summaries else OTHER].merge(rest)


def times_of(histogram: Histogram | None) -> Times:
    """Return what a section has of a histogram."""
    if histogram is None or not histogram.count:
        return [], 0, 0, 0.0, 0.0, 0.0
    planes, first, count = histogram.planes, histogram.first, histogram.count
    return planes, first, count, histogram.sum_ms, histogram.min_ms, histogram.max_ms


def _row_of(summary: Summary) -> Row:
    lengths = (summary.bytes_count, summary.bytes_sum, summary.bytes_min, summary.bytes_max)
    return *times_of(summary.successes), *lengths


def halve(sections: Sequence[Section]) -> tuple[list[Section], list[Section]]:
    """Return the older half of the sections and the rest; of a single one, the halves of its endpoints."""
    if len(sections) != 1:
        middle = len(sections) // 2
        return list(sections[:middle]), list(sections[middle:])
    section = sections[0]
    summaries = list(section.summaries.items())
    middle = (len(summaries) + 1) // 2
    first, rest = (
        Section.of(section.run_id, section.start_s, dict(part)) for part in (summaries[:middle], summaries[middle:])
    )
    return [first], [rest] if rest.rows else []
