"""Figures of one endpoint from three sources, and the comparison of what CloudWatch holds with the truth. Pure."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from locust_cw_dist.core.names.plural import counted

PERCENTS = (50, 95, 99)
"""The percentiles that are compared."""

TOLERANCE_PERCENT = 1.0
"""How far a percentile may be off: what the histogram guarantees."""


class Endpoint(NamedTuple):
    """A request's method and name."""

    method: str
    name: str

    def __str__(self) -> str:
        return f"{self.method} {self.name}".strip()


ALL = Endpoint("", "all together")
"""All endpoints together."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one source says of one endpoint over the whole run.

    Attributes:
        requests: How many there were, failed ones included.
        failures: How many of them failed.
        percentiles_ms: Of the response time, one for each of `PERCENTS`; None where the source has none.
    """

    requests: float
    failures: float
    percentiles_ms: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One endpoint, seen from three sides.

    Attributes:
        endpoint: Which one.
        cloudwatch: What CloudWatch holds.
        locust: Locust's own totals.
        exact: Counts by the target itself; percentiles of the raw times.
        raw_times: How many raw times there are.
    """

    endpoint: Endpoint
    cloudwatch: Figures
    locust: Figures
    exact: Figures
    raw_times: int

    def problems(self) -> list[str]:
        """Return what is wrong with what CloudWatch holds, a clause for each; nothing if all is well."""
        found = []
        for what in ("requests", "failures"):
            held, true = getattr(self.cloudwatch, what), getattr(self.exact, what)
            if held != true:
                found.append(f"{self.endpoint}: {held:,} {what} in CloudWatch, {true:,} at the target")
        if self.raw_times != self.exact.requests:
            found.append(
                f"{self.endpoint}: {counted(self.raw_times, 'raw time')}, "
                f"{counted(round(self.exact.requests), 'request')} at the target"
            )
        for percent, held, true in zip(
            PERCENTS, self.cloudwatch.percentiles_ms, self.exact.percentiles_ms, strict=True
        ):
            if not is_close(held, true):
                found.append(f"{self.endpoint}: p{percent} is {_ms(held)} in CloudWatch, {_ms(true)} in truth")
        return found


def off_percent(value: float | None, true: float | None) -> float | None:
    """Return by how many percent `value` differs from `true`; None where one is missing or the true one is 0."""
    if value is None or not true:
        return None
    return 100 * (value / true - 1)


def is_close(value: float | None, true: float | None) -> bool:
    """Whether a percentile is within the tolerance."""
    off = off_percent(value, true)
    return value == true if off is None else abs(off) <= TOLERANCE_PERCENT


def compare(
    cloudwatch: Mapping[Endpoint, Figures],
    locust: Mapping[Endpoint, Figures],
    served: Mapping[Endpoint, tuple[int, int]],
    raw_times_ms: Mapping[Endpoint, list[float]],
) -> list[Comparison]:
    """Put the sources side by side, one Comparison for each endpoint and one for all together, which comes last."""
    times = {endpoint: sorted(raw_times_ms.get(endpoint, [])) for endpoint in served}
    # From the files, not from the endpoints: a request under another name belongs to the total, too.
    times[ALL] = sorted(time_ms for each in raw_times_ms.values() for time_ms in each)
    counts = dict(served) | {ALL: (sum(n for n, _ in served.values()), sum(f for _, f in served.values()))}
    nothing = Figures(0, 0, (None,) * len(PERCENTS))
    return [
        Comparison(
            endpoint,
            cloudwatch.get(endpoint, nothing),
            locust.get(endpoint, nothing),
            Figures(requests, failures, tuple(nearest_rank(times[endpoint], percent) for percent in PERCENTS)),
            len(times[endpoint]),
        )
        for endpoint, (requests, failures) in counts.items()
    ]


def nearest_rank(ordered: list[float], percent: int) -> float | None:
    """Return the value of rank ceil(percent / 100 x n) of values in order; None if there are none."""
    return ordered[max(-(-percent * len(ordered) // 100), 1) - 1] if ordered else None


def read_raw_times(lines: Iterable[str]) -> dict[Endpoint, list[float]]:
    """Return the response times in ms, by endpoint, of what the demo's locustfile wrote."""
    times: defaultdict[Endpoint, list[float]] = defaultdict(list)
    for line in lines:
        method, name, response_time_ms, _ = json.loads(line)
        times[Endpoint(method, name)].append(response_time_ms)
    return dict(times)


def read_locust(entries: Iterable[Mapping[str, Any]]) -> dict[Endpoint, Figures]:
    """Return Locust's own figures, of the list that ``locust --json`` prints; all together included."""
    found = {}
    times: Counter[float] = Counter()
    requests = failures = 0
    for entry in entries:
        own_times = Counter({float(time_ms): int(count) for time_ms, count in entry["response_times"].items()})
        found[Endpoint(entry["method"], entry["name"])] = _locust_figures(
            entry["num_requests"], entry["num_failures"], own_times
        )
        times += own_times
        requests += entry["num_requests"]
        failures += entry["num_failures"]
    return found | {ALL: _locust_figures(requests, failures, times)}


def _locust_figures(requests: int, failures: int, times: Counter[float]) -> Figures:
    return Figures(requests, failures, tuple(locust_percentile(times, requests, percent) for percent in PERCENTS))


def locust_percentile(times: Mapping[float, int], requests: int, percent: int) -> float | None:
    """Return a percentile as Locust computes it from its rounded response times; None if there are none.

    The rule is that of ``locust.stats.calculate_response_time_percentile``; importing it here would patch this process.
    """
    rank = int(requests * (percent / 100))
    above = 0
    for time_ms in sorted(times, reverse=True):
        above += times[time_ms]
        if requests - above <= rank:
            return time_ms
    return None


def _ms(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.2f} ms"
