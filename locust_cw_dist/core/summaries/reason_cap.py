"""ReasonCap: how many distinct failure reasons one run may have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import OTHER_REASONS, Summary

MAX_REASONS_PER_RUN = 200
"""Of all endpoints together: more than anybody reads, and what bounds the memory when a message differs each time in
words that are not folded."""


class ReasonCap:
    """Bounds the number of distinct reasons of a run: those that come first stay, the rest is `(other)`."""

    def __init__(self, max_reasons: int = MAX_REASONS_PER_RUN) -> None:
        """Have room for `max_reasons`."""
        self._max_reasons = max_reasons
        # The same strings for all windows.
        self._admitted: dict[str, str] = {OTHER_REASONS: OTHER_REASONS}

    def admit(self, reason: str) -> str:
        """Return the reason to count a failure for."""
        admitted = self._admitted.get(reason)
        if admitted is None:
            if len(self._admitted) > self._max_reasons:
                return OTHER_REASONS
            admitted = self._admitted[reason] = reason
        return admitted

    def apply(self, summaries: Mapping[EndpointKey, Summary]) -> dict[EndpointKey, Summary]:
        """Return the same results, with reasons within the cap; `summaries` stay as they are."""
        return {key: self._apply(summary) if summary.reasons else summary for key, summary in summaries.items()}

    def _apply(self, summary: Summary) -> Summary:
        return replace(
            summary, reasons=renamed(summary.reasons, {reason: self.admit(reason) for reason in summary.reasons})
        )


def renamed(reasons: dict[str, int], names: dict[str, str]) -> dict[str, int]:
    """Return the counts by what `names` says instead of a reason; equal ones add up."""
    counts: dict[str, int] = {}
    for reason, count in reasons.items():
        name = names.get(reason, reason)
        counts[name] = counts.get(name, 0) + count
    return counts
