"""Large ends of the tools: a long record, a full spool, many datums, many endpoints. Each at a tenth of it, too."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import Figure
from locust_cw_dist.core.records.points import Point
from locust_cw_dist.testing import LocalCloudwatch
from support.publishing.aws_json import operate
from support.records.records import RESOLUTION_S, START_S, Simulation, Traffic
from support.records.spools import NAMESPACE, batch, leave

POINTS, ENDPOINTS = 720, 500
"""What a record of 8 hours and windows of 10 s has left: beyond 1,000 points it becomes coarser."""
BATCHES = 10_000
CALLS, DATUMS = 1_000, 1_000
"""A million datums."""
LINEAR = 1.2


@dataclass(frozen=True)
class Spent:
    """What a command took: CPU time, wall-clock time, and the most memory that it had."""

    cpu_s: float
    wall_s: float
    memory_mib: float


def figures(*, full: bool) -> list[Figure]:
    """Measure each tool at its large end and at a tenth of that."""
    del full  # It is in full runs alone.
    with tempfile.TemporaryDirectory() as folder, LocalCloudwatch() as cloudwatch:
        env = os.environ | cloudwatch.env() | {"HOME": folder}
        measured = {
            f"report of a record of {POINTS} points, {ENDPOINTS} endpoints": _of_sizes(
                POINTS, lambda points: _report(Path(folder), env, points)
            ),
            f"compare of two such records, {ENDPOINTS} endpoints": _of_sizes(
                POINTS, lambda points: _compare(Path(folder), env, points)
            ),
            f"resend of a spool of {BATCHES:,} batches": _of_sizes(
                BATCHES, lambda batches: _resend(Path(folder), env, batches)
            ),
            f"dashboard of {ENDPOINTS} endpoints": _of_sizes(
                ENDPOINTS, lambda endpoints: _as_code(env, "dashboard", endpoints)
            ),
            f"alarms of {ENDPOINTS} endpoints": _of_sizes(
                ENDPOINTS, lambda endpoints: _as_code(env, "alarms", endpoints)
            ),
            f"local CloudWatch, {CALLS * DATUMS:,} datums taken and read": _of_sizes(
                CALLS, lambda calls: _local_cloudwatch(cloudwatch, calls)
            ),
        }
    return list(itertools.chain.from_iterable(map(_told, measured, measured.values())))


def _of_sizes(size: int, run: Callable[[int], Spent]) -> tuple[Spent, Spent]:
    return run(size // 10), run(size)


def _told(what: str, spent: tuple[Spent, Spent]) -> Iterator[Figure]:
    few, many = spent
    name = f"tools_{what.split(maxsplit=1)[0]}"
    details = {"tenth": vars(few), "all": vars(many)}
    yield Figure(name, f"{what}: CPU time", (many.cpu_s,), "s", details=details)
    yield Figure(f"{name}_memory", f"{what}: the most memory", (many.memory_mib,), "MiB")
    growth = many.cpu_s / few.cpu_s / 10
    yield Figure(f"{name}_growth", f"{what}: growth from a tenth of it, of linear growth", (growth,), "", LINEAR)


class _Long(Simulation):
    """A run whose windows are six ones over and over."""

    def points(self) -> Iterator[Point]:
        made = list(itertools.islice(super().points(), 6))
        for number in range(self.windows):
            point = made[number % len(made)]
            yield Point(START_S + number * RESOLUTION_S, RESOLUTION_S, point.summaries, point.gauges)


def _record(folder: Path, points: int, seed: int) -> Path:
    traffic = {(f"/items/{number}", "GET"): Traffic(50, 0.5, 4.0, 0.01) for number in range(ENDPOINTS)}
    run_id = f"20270115T{points:06}Z-{seed:08x}"
    return _Long(traffic=traffic, windows=points, seed=seed, run_id=run_id).write(folder)


def _report(folder: Path, env: dict[str, str], points: int) -> Spent:
    return _spent(["report", str(_record(folder, points, 1)), "-o", str(folder / "report.html")], env)


def _compare(folder: Path, env: dict[str, str], points: int) -> Spent:
    return _spent(["compare", *(str(_record(folder, points, seed)) for seed in (2, 3))], env, exit_codes={0, 1})


def _resend(folder: Path, env: dict[str, str], batches: int) -> Spent:
    spool = folder / f"spool-{batches}"
    spool.mkdir()
    leave(spool, "gone", [batch(f"run-{number % 10}", 5) for number in range(batches)])
    return _spent(["resend", str(spool), "--timeout", "600"], env)


def _as_code(env: dict[str, str], command: str, endpoints: int) -> Spent:
    named = [f"--endpoint=GET /items/{number}" for number in range(endpoints)]
    options = ["--cw-service", "bench", "-H", "https://shop.test", "--cw-rule", "p95(GET /items/.*) < 300 ms"]
    return _spent([command, *options, "--cw-region", "us-east-1", *named], env)


def _spent(args: list[str], env: dict[str, str], exit_codes: frozenset[int] | set[int] = frozenset({0})) -> Spent:
    """Run a command of `locust-cw`."""
    begin_s = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "locust_cw_dist.tools.cli.main", *args], env=env, stdout=out, stderr=out
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        assert process.returncode in exit_codes, out.read().decode()[-2000:]
    return Spent(used.ru_utime + used.ru_stime, time.monotonic() - begin_s, used.ru_maxrss / 1024)


def _local_cloudwatch(cloudwatch: LocalCloudwatch, calls: int) -> Spent:
    """Have it take so many calls, a datum of each of 50 series a second, and answer for one of them."""
    import psutil

    cloudwatch.reset()
    server = psutil.Process(cloudwatch._process.pid)
    before, begin_s = server.cpu_times(), time.monotonic()
    now_s = int(time.time()) // 60 * 60
    for call in range(calls):
        datums = [_datum(number, now_s - (call * DATUMS + number) // 50 % 86_400) for number in range(DATUMS)]
        answer = operate(cloudwatch.endpoint_url, "PutMetricData", {"Namespace": NAMESPACE, "MetricData": datums})
        assert answer.status == 200, answer.document
    metric = {"Namespace": NAMESPACE, "MetricName": "Time", "Dimensions": _datum(0, now_s)["Dimensions"]}
    query = {"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "p99"}}
    span = {"StartTime": now_s - 86_400, "EndTime": now_s + 60}
    answer = operate(cloudwatch.endpoint_url, "GetMetricData", span | {"MetricDataQueries": [query]})
    assert answer.document["MetricDataResults"][0]["Values"], answer.document
    after = server.cpu_times()
    cpu_s = after.user + after.system - before.user - before.system
    return Spent(cpu_s, time.monotonic() - begin_s, server.memory_info().rss / 2**20)


def _datum(number: int, at_s: int) -> dict[str, Any]:
    dimensions = [{"Name": "Request", "Value": f"/items/{number % 50}"}]
    return {"MetricName": "Time", "Dimensions": dimensions, "Timestamp": at_s, "Value": float(number)}
