"""Windows: the summaries of one run and window, while they are merged and when that is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from locust_cw_dist.core.summaries.gauges import RunGauges
from locust_cw_dist.core.summaries.run_counters import MAX_ENDPOINTS_PER_WORKER
from locust_cw_dist.core.summaries.sections import EndpointKey, Section
from locust_cw_dist.core.summaries.summary import Summary

MAX_ENDPOINTS_PER_WINDOW = 2 * MAX_ENDPOINTS_PER_WORKER
"""Endpoints in one window on the master. Workers that run the same test have the same ones, so this is reached only
where names are not grouped; further ones fold into `(other)`."""


@dataclass(frozen=True, slots=True, eq=False)
class ClosedWindow:
    """What came of one run and window until it closed; the same one for CloudWatch, the rules and the record.

    Nobody changes it, nor the Summaries in it: whoever adds some up makes one of its own (`merged`). Results that come
    later are a further ClosedWindow of the same start.

    Attributes:
        run_id: The run.
        start_s: Start of the window, seconds since the epoch.
        summaries: One Summary for each endpoint.
        gauges: Users, workers and how they were; None for a supplement to a window that closed before.
        offset_s: What to add to `start_s` in what is written for others: the timeline of this process may be wrong.
        results: Number of results in it.
    """

    run_id: str
    start_s: int
    summaries: Mapping[EndpointKey, Summary]
    gauges: RunGauges | None
    offset_s: int = 0
    results: int = field(init=False)

    def __post_init__(self) -> None:
        """Take the summaries from whoever may still add some."""
        object.__setattr__(self, "summaries", MappingProxyType(dict(self.summaries)))
        object.__setattr__(self, "results", sum(summary.count for summary in self.summaries.values()))

    @property
    def written_start_s(self) -> int:
        """Start of the window as others are told."""
        return self.start_s + self.offset_s


@dataclass(slots=True)
class OpenWindow:
    """What has come of one run and window so far.

    Attributes:
        run_id: The run.
        start_s: Start of the window, seconds since the epoch.
        summaries: One Summary for each endpoint.
    """

    run_id: str
    start_s: int
    summaries: dict[EndpointKey, Summary] = field(default_factory=dict)

    @property
    def results(self) -> int:
        """Number of results in it."""
        return sum(summary.count for summary in self.summaries.values())

    def merge(self, section: Section) -> None:
        """Add a section; what it holds stays as it is."""
        section.add_to(self.summaries, MAX_ENDPOINTS_PER_WINDOW)
