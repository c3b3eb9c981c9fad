"""LocalCloudwatch: a local CloudWatch in a process of its own, and what is in it.

Only the standard library is imported with this module; boto3 is imported by `LocalCloudwatch.client`.
"""

from __future__ import annotations

import http.client
import json
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, fields
from typing import IO, TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit

from locust_cw_dist.local_cloudwatch.command import READY_PREFIX
from locust_cw_dist.local_cloudwatch.storage.journal import Counts

if TYPE_CHECKING:
    from types import TracebackType

_REGION = "eu-central-1"
_CREDENTIAL = "local"
_REQUEST_TIMEOUT_S = 60.0
_EXIT_TIMEOUT_S = 5.0

Count = int | float
"""How often a value occurred: an int where it is whole."""


@dataclass(frozen=True, slots=True)
class RecordedSets:
    """What came as StatisticSets of different values, added up."""

    count: Count
    total: float
    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True)
class RecordedPoint:
    """All data of one series at one timestamp.

    Attributes:
        timestamp_s: epoch seconds, rounded down to the storage resolution.
        resolution_s: storage resolution, 1 or 60.
        count: data points, those of StatisticSets included.
        total: their sum.
        minimum: the smallest.
        maximum: the largest.
        values: value -> count, without StatisticSets.
        sets: the StatisticSets, or None.
    """

    timestamp_s: int
    resolution_s: int
    count: Count
    total: float
    minimum: float
    maximum: float
    values: dict[float, Count]
    sets: RecordedSets | None


@dataclass(frozen=True, slots=True)
class RecordedSeries:
    """One metric, dimension set and unit, with all its data in order of time."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    unit: str
    points: tuple[RecordedPoint, ...]

    @property
    def count(self) -> Count:
        """Data points at all timestamps."""
        return sum(point.count for point in self.points)

    @property
    def total(self) -> float:
        """Sum over all timestamps."""
        return sum(point.total for point in self.points)

    @property
    def minimum(self) -> float:
        """Smallest data point."""
        return min(point.minimum for point in self.points)

    @property
    def maximum(self) -> float:
        """Largest data point."""
        return max(point.maximum for point in self.points)

    @property
    def values(self) -> dict[float, Count]:
        """Value -> count over all timestamps, without StatisticSets."""
        merged: dict[float, Count] = {}
        for point in self.points:
            for value, count in point.values.items():
                merged[value] = merged.get(value, 0) + count
        return merged


@dataclass(frozen=True, slots=True)
class CloudwatchStats(Counts):
    """What the server counted since its start or the last reset, and what it holds now.

    Attributes:
        series: series that are stored now.
        cells: timestamps that are stored now, over all series.
        values: distinct values that are stored now, over all cells.
        evicted_series: series that had to go because memory is bounded.
        evicted_cells: cells that had to go.
    """

    series: int
    cells: int
    values: int
    evicted_series: int
    evicted_cells: int


class LocalCloudwatchError(Exception):
    """The local CloudWatch didn't start, or refused what a test asked of it."""


class LocalCloudwatch:
    """A local CloudWatch in a process of its own, for the length of a `with` block.

    The process ends with the block, whatever happens in it, and with this process if that is killed.

    Args:
        port: port to listen on; 0 for a free one.
        start_timeout_s: how long the start may take.

    Attributes:
        endpoint_url: where it listens; set when the block is entered.
    """

    def __init__(self, port: int = 0, start_timeout_s: float = 30.0) -> None:
        self.endpoint_url = ""
        self._port = port
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None

    def __enter__(self) -> Self:
        module = "locust_cw_dist.local_cloudwatch"
        command = [sys.executable, "-m", module, "--port", str(self._port), "--quiet", "--until-stdin-closes"]
        self._stderr = tempfile.TemporaryFile()
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr
        )
        try:
            self.endpoint_url = self._ready_url(self._process)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process; a second call does nothing."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(_EXIT_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None

    def env(self) -> dict[str, str]:
        """Environment variables that point any boto3 process at this server."""
        return {
            "AWS_ENDPOINT_URL_CLOUDWATCH": self.endpoint_url,
            "AWS_ENDPOINT_URL_STS": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": _CREDENTIAL,
            "AWS_SECRET_ACCESS_KEY": _CREDENTIAL,
            "AWS_DEFAULT_REGION": _REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, **kwargs: Any) -> Any:
        """A boto3 CloudWatch client of this server; `kwargs` are those of `boto3.client`."""
        import boto3  # heavy, and tests without it use this module, too

        settings: dict[str, Any] = {
            "endpoint_url": self.endpoint_url,
            "region_name": _REGION,
            "aws_access_key_id": _CREDENTIAL,
            "aws_secret_access_key": _CREDENTIAL,
        }
        return boto3.client("cloudwatch", **(settings | kwargs))

    def stats(self) -> CloudwatchStats:
        """What the server has counted."""
        answer = self._ask("GET", "/_local/stats")
        return CloudwatchStats(**{field.name: answer[field.name] for field in fields(CloudwatchStats)})

    def dump(self, namespace: str | None = None, name: str | None = None) -> list[RecordedSeries]:
        """Every series with all its data, of a namespace and a metric name if given.

        Raises:
            LocalCloudwatchError: more than 500,000 values match.
        """
        query = {"namespace": namespace, "name": name}
        text = urlencode({key: value for key, value in query.items() if value is not None})
        return [_series(raw) for raw in self._ask("GET", f"/_local/metrics?{text}")["series"]]

    def faults(self, kind: str, operation: str | None = "PutMetricData", **details: float | str | None) -> None:
        """Let a fault wait for calls.

        Args:
            kind: latency, throttling, server_error, request_timeout, request_too_large, hang, reset,
                expired_credentials, access_denied, bad_datum, lost_reply or trickle.
            operation: the operation that it strikes; None for every one.
            **details: probability (0 to 1), count (strikes before it is used up), skip (calls that pass
                first), latency_s, status (of throttling and server_error), retry_after_s (of the first four
                errors), match (text of a bad_datum), seed.

        Raises:
            LocalCloudwatchError: there is no such fault.
        """
        self._ask("POST", "/_local/faults", {"kind": kind, "operation": operation} | details)

    def clear_faults(self) -> None:
        """Take all faults away."""
        self._ask("DELETE", "/_local/faults")

    def conditions(self, **changes: float | str | None) -> None:
        """Change how the server is until `reset`; None restores a default.

        Args:
            **changes: clock_skew_s (how far its clock is ahead, negative for behind), put_calls_per_s (its quota, 500
                by default), session_s (how long the credentials of AssumeRole are good), external_id (what AssumeRole
                must bring).

        Raises:
            LocalCloudwatchError: there is no such condition, or no such value of it.
        """
        self._ask("POST", "/_local/conditions", changes)

    def reset(self) -> None:
        """Forget all data and counters, take all faults away, and restore the conditions."""
        self._ask("POST", "/_local/reset")

    def _ready_url(self, process: subprocess.Popen[bytes]) -> str:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        deadline = time.monotonic() + self._start_timeout_s
        while time.monotonic() < deadline:
            # The line is written and flushed at once: where there is something to read, there is all of it.
            if select.select([process.stdout], [], [], 0.1)[0]:
                line = process.stdout.readline().decode()
                if line.startswith(READY_PREFIX):
                    return line.removeprefix(READY_PREFIX).strip()
                break
        raise LocalCloudwatchError(f"the local CloudWatch did not start: {self._said() or 'no ready line'}")

    def _said(self) -> str:
        if self._stderr is None:
            return ""
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace").strip()

    def _ask(self, method: str, target: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection(urlsplit(self.endpoint_url).netloc, timeout=_REQUEST_TIMEOUT_S)
        try:
            connection.request(method, target, None if document is None else json.dumps(document))
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise LocalCloudwatchError(f"{method} {target}: {answer.get('message', response.reason)}")
        return answer


def _series(raw: dict[str, Any]) -> RecordedSeries:
    return RecordedSeries(**(raw | {"points": tuple(_point(point) for point in raw["points"])}))


def _point(raw: dict[str, Any]) -> RecordedPoint:
    sets = raw["sets"]
    values = {float(value): count for value, count in raw["values"]}
    return RecordedPoint(**(raw | {"values": values, "sets": sets and RecordedSets(**sets)}))
