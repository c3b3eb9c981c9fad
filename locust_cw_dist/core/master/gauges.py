"""Gauges: how many users and workers there were in a window, and how the workers' processes were.

State: touched only by the publisher, by the handler of frames, and by the collector, on the master's hub.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from locust_cw_dist.core.summaries.gauges import RunGauges, StatisticSet
from locust_cw_dist.core.summaries.windows import window_start_s
from locust_cw_dist.core.wire.frame import Vitals

MAX_WINDOWS = 720
"""Windows whose gauges are kept until they are taken; older ones go first. Two hours at 10 s."""


@dataclass(slots=True)
class _Statistics:
    """A `StatisticSet` that goes on; a frozen one made anew for each frame would take three times as long."""

    count: int = 0
    total: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf

    def add(self, value: float) -> None:
        """Add one value."""
        self.count += 1
        self.total += value
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)

    def so_far(self) -> StatisticSet | None:
        """Return what was added; None if nothing was."""
        return StatisticSet(self.count, self.total, self.minimum, self.maximum) if self.count else None


@dataclass(slots=True)
class _Samples:
    """What was noted for a window."""

    users: int | None = None
    workers: int | None = None
    cpu_percent: _Statistics = field(default_factory=_Statistics)
    memory_bytes: _Statistics = field(default_factory=_Statistics)


class GaugeBook:
    """Gauges by window."""

    def __init__(self, resolution_s: int) -> None:
        """Keep gauges for windows of `resolution_s`."""
        self._resolution_s = resolution_s
        self._samples: dict[int, _Samples] = {}

    def note_counts(self, users: int, workers: int, now_s: float) -> None:
        """Note users and workers; the last sample of a window is the one that counts."""
        samples = self._of(now_s)
        samples.users, samples.workers = users, workers

    def note_vitals(self, vitals: Vitals, now_s: float) -> None:
        """Note how one worker was."""
        samples = self._of(now_s)
        samples.cpu_percent.add(vitals.cpu_percent)
        samples.memory_bytes.add(vitals.memory_bytes)

    def take(self, start_s: int) -> RunGauges:
        """Return what was noted for the window that starts at `start_s`, and forget it."""
        samples = self._samples.pop(start_s, None) or _Samples()
        return RunGauges(samples.users, samples.workers, samples.cpu_percent.so_far(), samples.memory_bytes.so_far())

    def _of(self, now_s: float) -> _Samples:
        """Return what is noted for the window of now; makes room where it is a new one."""
        start_s = window_start_s(now_s, self._resolution_s)
        if start_s not in self._samples:
            if len(self._samples) >= MAX_WINDOWS:
                del self._samples[min(self._samples)]
            self._samples[start_s] = _Samples()
        return self._samples[start_s]
