"""A load that a plan is computed for, made up of what the user says about it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from locust_cw_dist.core.summaries.grid import CEILING_MS
from locust_cw_dist.core.summaries.sections import EndpointKey

MAX_MADE_UP = 5_000
"""Results of one endpoint and window that are made up; more fill hardly any more bins."""


MAX_MADE_UP_IN_ALL = 500_000
"""The same for all endpoints: this takes a second."""


_P99_SIGMAS = 2.3263478740408408
"""How far the 99th percentile of a normal distribution is from its middle."""


_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class Load:
    """A load that is made up.

    Attributes:
        endpoints: (request name, method) of each; they share the requests evenly.
        host: Their Host dimension.
        requests_per_s: All together.
        p50_ms: Median of the response times; that of an endpoint is between half of it and twice as much.
        p99_ms: Their 99th percentile, likewise.
    """

    endpoints: tuple[EndpointKey, ...]
    host: str
    requests_per_s: float
    p50_ms: float
    p99_ms: float


def made_up_times_ms(count: int, p50_ms: float, p99_ms: float, start: float = 0.0) -> list[float]:
    """Return log-normal response times, always the same for the same arguments.

    Instead of chance, two even sequences go into the transformation of Box and Muller; `start`, from 0 to 1, is where
    the second one begins.
    """
    sigma = math.log(p99_ms / p50_ms) / _P99_SIGMAS
    times = []
    for number in range(count):
        radius = math.sqrt(-2 * math.log((number + 0.5) / count))
        normal = radius * math.cos(2 * math.pi * ((start + number * _GOLDEN) % 1))
        times.append(min(CEILING_MS, p50_ms * math.exp(sigma * normal)))
    return times
