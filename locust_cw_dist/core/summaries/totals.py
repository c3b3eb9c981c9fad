"""Totals: how many requests and failures there were."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Totals:
    """What was counted in a run.

    Attributes:
        requests: All requests, with or without a response time.
        failures: Of those, the failed ones; in Locust's totals also what `stats.log_error` was called with.
    """

    requests: int = 0
    failures: int = 0


NO_TOTALS = Totals()
"""Nothing was counted."""
