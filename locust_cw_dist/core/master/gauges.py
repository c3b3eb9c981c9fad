"""Gauges: how many users and workers there were in a window, and how the workers' processes were.

State: touched only by the publisher and by the handler of frames, on the master's hub.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from locust_cw_dist.core.summaries.gauges import RunGauges, StatisticSet
from locust_cw_dist.core.summaries.windows import window_start_s
from locust_cw_dist.core.wire.frame import Vitals

MAX_WINDOWS = 720
"""Windows whose gauges are kept until they are taken; older ones go first. Two hours at 10 s."""


@dataclass(slots=True)
class _Sample:
    users: int | None = None
    workers: int | None = None
    cpu_percent: StatisticSet | None = None
    memory_bytes: StatisticSet | None = None


class GaugeBook:
    """Samples by window."""

    def __init__(self, resolution_s: int) -> None:
        """Keep samples for windows of `resolution_s`."""
        self._resolution_s = resolution_s
        self._samples: dict[int, _Sample] = {}

    def note_counts(self, users: int, workers: int, now_s: float) -> None:
        """Note users and workers; the last sample of a window is the one that counts."""
        sample = self._sample_of(now_s)
        sample.users, sample.workers = users, workers

    def note_vitals(self, vitals: Vitals, now_s: float) -> None:
        """Note how one worker was."""
        sample = self._sample_of(now_s)
        sample.cpu_percent = _add(sample.cpu_percent, vitals.cpu_percent)
        sample.memory_bytes = _add(sample.memory_bytes, vitals.memory_bytes)

    def take(self, start_s: int, *, results_lost: int, publish_lag_s: float) -> RunGauges:
        """Return what was noted for the window that starts at `start_s`, and forget it."""
        gauges = self.look(start_s)
        self._samples.pop(start_s, None)
        return replace(gauges, results_lost=results_lost, publish_lag_s=publish_lag_s)

    def look(self, start_s: int) -> RunGauges:
        """Return what was noted for the window that starts at `start_s`."""
        sample = self._samples.get(start_s) or _Sample()
        return RunGauges(
            users=sample.users,
            workers=sample.workers,
            cpu_percent=sample.cpu_percent,
            memory_bytes=sample.memory_bytes,
        )

    def _sample_of(self, now_s: float) -> _Sample:
        start_s = window_start_s(now_s, self._resolution_s)
        if start_s not in self._samples and len(self._samples) >= MAX_WINDOWS:
            del self._samples[min(self._samples)]
        return self._samples.setdefault(start_s, _Sample())


def _add(statistics: StatisticSet | None, value: float) -> StatisticSet:
    if statistics is None:
        return StatisticSet(1, value, value, value)
    return StatisticSet(
        statistics.count + 1,
        statistics.sum + value,
        min(statistics.minimum, value),
        max(statistics.maximum, value),
    )
