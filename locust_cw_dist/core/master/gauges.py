"""Gauges: how many users and workers there were in a window, and how the workers' processes were.

State: touched only by the publisher, by the handler of frames, and by the collector, on the master's hub.
"""

from __future__ import annotations

from dataclasses import replace

from locust_cw_dist.core.summaries.gauges import RunGauges, StatisticSet
from locust_cw_dist.core.summaries.windows import window_start_s
from locust_cw_dist.core.wire.frame import Vitals

MAX_WINDOWS = 720
"""Windows whose gauges are kept until they are taken; older ones go first. Two hours at 10 s."""


class GaugeBook:
    """Gauges by window."""

    def __init__(self, resolution_s: int) -> None:
        """Keep gauges for windows of `resolution_s`."""
        self._resolution_s = resolution_s
        self._samples: dict[int, RunGauges] = {}

    def note_counts(self, users: int, workers: int, now_s: float) -> None:
        """Note users and workers; the last sample of a window is the one that counts."""
        start_s, gauges = self._noted(now_s)
        self._samples[start_s] = replace(gauges, users=users, workers=workers)

    def note_vitals(self, vitals: Vitals, now_s: float) -> None:
        """Note how one worker was."""
        start_s, gauges = self._noted(now_s)
        cpu_percent = _add(gauges.cpu_percent, vitals.cpu_percent)
        memory_bytes = _add(gauges.memory_bytes, vitals.memory_bytes)
        self._samples[start_s] = replace(gauges, cpu_percent=cpu_percent, memory_bytes=memory_bytes)

    def take(self, start_s: int) -> RunGauges:
        """Return what was noted for the window that starts at `start_s`, and forget it."""
        return self._samples.pop(start_s, RunGauges())

    def _noted(self, now_s: float) -> tuple[int, RunGauges]:
        """Return the start of the window of now, and what is noted for it; makes room where it is a new one."""
        start_s = window_start_s(now_s, self._resolution_s)
        if start_s not in self._samples and len(self._samples) >= MAX_WINDOWS:
            del self._samples[min(self._samples)]
        return start_s, self._samples.get(start_s, RunGauges())


def _add(statistics: StatisticSet | None, value: float) -> StatisticSet:
    if statistics is None:
        return StatisticSet(1, value, value, value)
    return StatisticSet(
        statistics.count + 1,
        statistics.sum + value,
        min(statistics.minimum, value),
        max(statistics.maximum, value),
    )
