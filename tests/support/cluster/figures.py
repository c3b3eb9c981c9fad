"""What the workers wrote down, what CloudWatch holds, and whether the two are equal."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from locust_cw_dist.testing import LocalCloudwatch, RecordedSeries

Endpoint = tuple[str, str]
"""(name, method)."""

DAY_MS = 24 * 3600 * 1000

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True)
class Figures:
    """What there is to compare of one endpoint, or of all together.

    Attributes:
        requests: How many there were.
        failures: Of those, the failed ones.
        times: Response time in ms -> how often it occurred, of those that have a usable one.
        sizes: Of the bytes of successful responses: count, sum, minimum, maximum; None where there is none.
    """

    requests: int
    failures: int
    times: Mapping[float, float]
    sizes: tuple[float, float, float, float] | None = None

    @property
    def total_ms(self) -> float:
        return math.fsum(value * count for value, count in self.times.items())

    def percentile(self, percent: int) -> float:
        """Return the exact nearest-rank value."""
        rank = -(-sum(self.times.values()) * percent // 100)
        for value, count in sorted(self.times.items()):
            rank -= count
            if rank <= 0:
                return value
        raise ValueError("no response times")


@dataclass(frozen=True)
class Request:
    """One line that a worker wrote down: a request as its client fired it."""

    pid: int
    at_s: float
    run: int
    name: Any
    method: Any
    time: Any
    length: Any
    failed: bool

    @property
    def is_timed(self) -> bool:
        """Whether the response time is one: a finite number from 0 to a day."""
        is_number = isinstance(self.time, int | float) and not isinstance(self.time, bool)
        return is_number and math.isfinite(self.time) and 0 <= self.time <= DAY_MS


@dataclass(frozen=True)
class WorkerTruth:
    """What one process wrote down.

    Attributes:
        pid: Its process id.
        requests: Its requests.
        runners: Class of Locust's runner at each test start.
        modules: Those of boto3 and botocore that it had imported when it ended.
        aws: Names of the AWS variables in its environment when it ended.
        has_ended: Whether it came to its regular end.
        locust: Locust's own numbers of requests and failures when it ended; None where it had no test.
    """

    pid: int
    requests: list[Request] = field(default_factory=list)
    runners: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    aws: list[str] = field(default_factory=list)
    has_ended: bool = False
    locust: tuple[int, int] | None = None

    @property
    def is_worker(self) -> bool:
        """Whether Locust's totals are those of one worker."""
        return "WorkerRunner" in self.runners


@dataclass(frozen=True)
class Truth:
    """What all processes wrote down."""

    processes: list[WorkerTruth]

    @property
    def requests(self) -> list[Request]:
        return [request for process in self.processes for request in process.requests]

    @property
    def workers(self) -> list[WorkerTruth]:
        """The processes that had users."""
        return [process for process in self.processes if process.requests]

    @property
    def locust(self) -> list[tuple[int, int]]:
        """Locust's own numbers of requests and failures, of each master or single process that ended."""
        return [one.locust for one in self.processes if one.locust is not None and not one.is_worker]


def read_truth(folder: Path) -> Truth:
    return Truth([_read_process(path) for path in sorted(folder.glob("*.jsonl"))])


def _read_process(path: Path) -> WorkerTruth:
    pid = int(path.stem)
    requests, runners, end = [], [], None
    # Of a line that goes on in the next page of the file, a reader may see the beginning alone.
    whole_lines = path.read_text().split("\n")[:-1]
    for line in whole_lines:
        record = json.loads(line)
        if "at" in record:
            at_s = record.pop("at")
            requests.append(Request(pid=pid, at_s=at_s, **record))
        elif "start" in record:
            runners.append(record["runner"])
        else:
            end = record
    if end is None:
        return WorkerTruth(pid, requests, runners)
    locust = next((tuple(totals) for totals in end["locust"]), None)
    return WorkerTruth(pid, requests, runners, end["modules"], end["aws"], has_ended=True, locust=locust)


def figures_of(requests: Iterable[Request]) -> Figures:
    """Return the exact figures of requests."""
    requests = list(requests)
    sizes = [request.length for request in requests if not request.failed and _is_size(request.length)]
    return Figures(
        requests=len(requests),
        failures=sum(request.failed for request in requests),
        times=Counter(float(request.time) for request in requests if request.is_timed),
        sizes=(len(sizes), sum(sizes), min(sizes), max(sizes)) if sizes else None,
    )


def _is_size(length: Any) -> bool:
    return isinstance(length, int) and length >= 0


def by_endpoint(requests: Iterable[Request]) -> dict[Endpoint, Figures]:
    groups: dict[Endpoint, list[Request]] = {}
    for request in requests:
        groups.setdefault((request.name, request.method), []).append(request)
    return {endpoint: figures_of(group) for endpoint, group in groups.items()}


@dataclass(frozen=True)
class Published:
    """What CloudWatch holds of one namespace.

    Attributes:
        series: Everything.
        endpoints: Figures of each endpoint.
        together: Figures of all together; None where there is no such series.
        hosts: Values of the dimension Host.
    """

    series: list[RecordedSeries]
    endpoints: dict[Endpoint, Figures]
    together: Figures | None
    hosts: set[str]

    def names(self) -> set[str]:
        """Return the names of all metrics."""
        return {one.name for one in self.series}

    def named(self, name: str) -> list[RecordedSeries]:
        return [one for one in self.series if one.name == name]


def read_published(cloudwatch: LocalCloudwatch, namespace: str) -> Published:
    series = cloudwatch.dump(namespace)
    groups: dict[Endpoint | None, dict[str, RecordedSeries]] = {}
    for one in series:
        group = groups.setdefault(_endpoint_of(one), {})
        assert one.name not in group, f"two series for {one.name} of {_endpoint_of(one)}: {one.dimensions}"
        group[one.name] = one
    together = groups.pop(None, {})
    return Published(
        series=series,
        endpoints={endpoint: _figures_in(group) for endpoint, group in groups.items() if endpoint is not None},
        together=_figures_in(together) if "RequestCount" in together else None,
        hosts={one.dimensions["Host"] for one in series if "Host" in one.dimensions},
    )


def _endpoint_of(series: RecordedSeries) -> Endpoint | None:
    dimensions = series.dimensions
    return (dimensions["Request"], dimensions["Method"]) if "Request" in dimensions else None


def _figures_in(group: Mapping[str, RecordedSeries]) -> Figures:
    requests, failures = group["RequestCount"], group["FailureCount"]
    assert requests.total == requests.count == failures.count, "RequestCount and FailureCount disagree"
    size = group.get("ResponseSize_Bytes")
    return Figures(
        requests=int(requests.total),
        failures=int(failures.total),
        times=group["ResponseTime_ms"].values if "ResponseTime_ms" in group else {},
        sizes=None if size is None else (size.count, size.total, size.minimum, size.maximum),
    )


def assert_equal_figures(truth: Figures, published: Figures, what: object) -> None:
    """Assert that CloudWatch holds what was counted: exact counts and extremes, sums to 1e-6, percentiles to 1 %."""
    assert (published.requests, published.failures) == (truth.requests, truth.failures), what
    assert sum(published.times.values()) == sum(truth.times.values()), what
    if not truth.times:
        return
    assert min(published.times) == min(truth.times), what
    assert max(published.times) == max(truth.times), what
    assert math.isclose(published.total_ms, truth.total_ms, rel_tol=1e-6), what
    for percent in PERCENTILES:
        expected, got = truth.percentile(percent), published.percentile(percent)
        assert math.isclose(got, expected, rel_tol=0.01), f"p{percent} of {what}: {got}, exactly {expected}"


def assert_equal(truth: Iterable[Request], published: Published) -> None:
    """Assert that CloudWatch holds these requests and no others, for each endpoint and all together."""
    truth = list(truth)
    expected = by_endpoint(truth)
    assert expected, "nobody did anything"
    assert set(published.endpoints) == set(expected)
    for endpoint, figures in expected.items():
        assert_equal_figures(figures, published.endpoints[endpoint], endpoint)
        assert published.endpoints[endpoint].sizes == figures.sizes, endpoint
    assert published.together is not None
    assert_equal_figures(figures_of(truth), published.together, "all together")
