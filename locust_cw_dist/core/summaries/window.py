"""Window: the merged summaries of one run and window."""

from __future__ import annotations

from dataclasses import dataclass, field

from locust_cw_dist.core.summaries.run_counters import MAX_ENDPOINTS_PER_WORKER
from locust_cw_dist.core.summaries.sections import EndpointKey, Section
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

    def merge(self, section: Section) -> None:
        """Add a section; what it holds stays as it is."""
        section.add_to(self.summaries, MAX_ENDPOINTS)
