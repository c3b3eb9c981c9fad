"""Window: the merged summaries of one run and window."""

from __future__ import annotations

from dataclasses import dataclass, field

from locust_cw_dist.core.summaries.run_counters import MAX_ENDPOINTS_PER_WORKER, OTHER
from locust_cw_dist.core.summaries.sections import EndpointKey, PackedSection, summary_of
from locust_cw_dist.core.summaries.summary import Summary

MAX_ENDPOINTS = 2 * MAX_ENDPOINTS_PER_WORKER
"""Endpoints in one window on the master. Workers that run the same test have the same ones, so this is reached only
where names are not grouped; further ones fold into `(other)`."""


@dataclass(slots=True)
class Window:
    """The merged summaries of one run and window.

    Attributes:
        run_id: The run.
        start_s: Start of the window, seconds since the epoch.
        summaries: One Summary for each endpoint.
        late: Results that came when the window was closed.
        is_first: Whether no part of the window was handed out before.
    """

    run_id: str
    start_s: int
    summaries: dict[EndpointKey, Summary] = field(default_factory=dict)
    late: int = 0
    is_first: bool = True

    @property
    def results(self) -> int:
        """Number of results in it."""
        return sum(summary.count for summary in self.summaries.values())

    def merge(self, summaries: dict[EndpointKey, Summary]) -> None:
        """Add summaries, which belong to this window from now on."""
        for key, summary in summaries.items():
            place = self._place_of(key)
            mine = self.summaries.get(place)
            if mine is None:
                self.summaries[place] = summary
            else:
                mine.merge(summary)

    def merge_packed(self, section: PackedSection) -> None:
        """Add a section as it was read from a frame: the same as `merge` of its summaries, without making them."""
        summaries = self.summaries
        for row in section.rows:
            mine = summaries.get(row[0])
            if mine is None:
                self.merge({row[0]: summary_of(row)})
                continue
            _, planes, first, count, sum_ms, min_ms, max_ms, known, bytes_sum, bytes_min, bytes_max = row
            if count:
                mine.successes.add(planes, first, count, sum_ms, min_ms, max_ms)
            if known:
                mine.add_bytes(known, bytes_sum, bytes_min, bytes_max)
        self.merge(section.rest)

    def _place_of(self, key: EndpointKey) -> EndpointKey:
        return key if key in self.summaries or len(self.summaries) < MAX_ENDPOINTS else OTHER
