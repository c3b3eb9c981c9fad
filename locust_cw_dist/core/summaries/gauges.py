"""Gauges of a run: users, workers and how they are, as statistics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class StatisticSet:
    """Count, sum, minimum and maximum: PutMetricData's StatisticValues, of which there are no percentiles."""

    count: int
    sum: float
    minimum: float
    maximum: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self | None:
        """Return the statistics of `values`, or None if there are none."""
        kept = list(values)
        return cls(len(kept), sum(kept), min(kept), max(kept)) if kept else None


@dataclass(frozen=True, slots=True)
class RunGauges:
    """How the run and its publisher are doing; what is None is not sent.

    Attributes:
        users: Users that are running.
        workers: Workers that are connected.
        cpu_percent: CPU of the workers' processes.
        memory_bytes: Resident memory of the workers' processes.
        results_lost: Results given up since the last time that this was sent; at the end also those that never came.
        publish_lag_s: From a window's end to its acceptance by CloudWatch.
    """

    users: int | None = None
    workers: int | None = None
    cpu_percent: StatisticSet | None = None
    memory_bytes: StatisticSet | None = None
    results_lost: int | None = None
    publish_lag_s: float | None = None
