"""EndpointCap: which endpoints stand for themselves, in CloudWatch and in a record.

CloudWatch bills each metric and dimension set, and a series can't be deleted, so a test whose names are not grouped
(`/item/1`, `/item/2`, ...) must not make a thousand of them. An endpoint that was admitted once stays; free places go
to the busiest endpoints of the window at hand; all others are added up as `(other)`. The master decides, so that all
workers agree.
"""

from __future__ import annotations

from collections.abc import Mapping

from locust_cw_dist.core.summaries.run_counters import OTHER
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary, merged


class EndpointCap:
    """Admits at most `max_endpoints` endpoints, `(other)` not counted.

    Attributes:
        is_exceeded: Whether any result went to `(other)`.
    """

    def __init__(self, max_endpoints: int) -> None:
        """Start with every place free."""
        self.is_exceeded = False
        self._max_endpoints = max_endpoints
        self._admitted: set[EndpointKey] = set()

    def apply(self, summaries: Mapping[EndpointKey, Summary]) -> dict[EndpointKey, Summary]:
        """Return the same results, with `(other)` for endpoints that are not admitted; `summaries` stay as they are."""
        self._admit(summaries)
        within = {key: summary for key, summary in summaries.items() if key in self._admitted}
        if len(within) < len(summaries):
            self.is_exceeded = True
            within[OTHER] = merged([summary for key, summary in summaries.items() if key not in self._admitted])
        return within

    def _admit(self, summaries: Mapping[EndpointKey, Summary]) -> None:
        free = self._max_endpoints - len(self._admitted)
        if free <= 0:
            return
        new = [key for key in summaries if key not in self._admitted and key != OTHER]
        # By name where counts are equal, so that the choice does not depend on the order of arrival.
        new.sort(key=lambda key: (-summaries[key].count, key))
        self._admitted.update(new[:free])
