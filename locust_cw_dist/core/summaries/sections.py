"""Sections: the summaries of one run and window, as a buffer hands them over, and as they are read from a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.summary import Summary

EndpointKey = tuple[str, str]
"""(name, method)."""

Row = tuple[EndpointKey, list[int], int, int, float, float, float, int, int, int, int]
"""An endpoint, the fields of its successes' Histogram, and the four numbers of all successes' lengths."""


@dataclass(frozen=True, slots=True)
class Section:
    """The summaries of one run and window, as a frame carries them.

    Attributes:
        run_id: The run that the results belong to.
        start_s: Start of the window, seconds since the epoch.
        summaries: One Summary for each endpoint.
    """

    run_id: str
    start_s: int
    summaries: dict[EndpointKey, Summary]

    @property
    def results(self) -> int:
        """Number of results in all summaries."""
        return sum([summary.count for summary in self.summaries.values()])

    @property
    def failure_count(self) -> int:
        """Of these, the failed ones."""
        return sum([summary.failure_count for summary in self.summaries.values()])


@dataclass(frozen=True, slots=True, eq=False)
class PackedSection:
    """A section as it was read from a frame; see `Section`.

    Attributes:
        run_id: The run that the results belong to.
        start_s: Start of the window, seconds since the epoch.
        results: Number of results in it.
        rows: The timed successes of each endpoint.
        rest: Of some of these endpoints all other results: failures, and what has no response time.
    """

    run_id: str
    start_s: int
    results: int
    rows: list[Row]
    rest: dict[EndpointKey, Summary]

    @property
    def failure_count(self) -> int:
        """Of the results, the failed ones."""
        return sum([summary.failure_count for summary in self.rest.values()])

    @property
    def summaries(self) -> dict[EndpointKey, Summary]:
        """The same as Summaries, new ones each time."""
        summaries = {row[0]: summary_of(row) for row in self.rows}
        for key, rest in self.rest.items():
            summaries[key].merge(rest)
        return summaries

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PackedSection | Section):
            return NotImplemented
        return (self.run_id, self.start_s, self.summaries) == (other.run_id, other.start_s, other.summaries)

    __hash__ = None  # type: ignore[assignment]


def summary_of(row: Row) -> Summary:
    """Return the Summary that a row stands for, without the rest."""
    _, planes, first, count, sum_ms, min_ms, max_ms, known, bytes_sum, bytes_min, bytes_max = row
    successes = Histogram(planes.copy(), first, count, sum_ms, min_ms, max_ms) if count else Histogram()
    return Summary(successes, bytes_count=known, bytes_sum=bytes_sum, bytes_min=bytes_min, bytes_max=bytes_max)


AnySection = Section | PackedSection


def halve(sections: Sequence[AnySection]) -> tuple[list[AnySection], list[AnySection]]:
    """Return the older half of the sections and the rest; of a single one, the halves of its endpoints."""
    if len(sections) != 1:
        middle = len(sections) // 2
        return list(sections[:middle]), list(sections[middle:])
    section = sections[0]
    summaries = list(section.summaries.items())
    middle = (len(summaries) + 1) // 2
    first, rest = (
        Section(section.run_id, section.start_s, dict(part)) for part in (summaries[:middle], summaries[middle:])
    )
    return [first], [rest] if rest.summaries else []
