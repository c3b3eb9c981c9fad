"""The publisher: CPU from a closed window to bytes sent, and calls of a long run."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import gevent
from locust.env import Environment

import locust_cw_dist
from bench.figures import Figure, interleave, ratios
from bench.traffic import Report, SimulatedWorker
from locust_cw_dist.core.publish.batches import batches
from locust_cw_dist.core.publish.ledger import RunLedger
from locust_cw_dist.core.publish.window_datums import window_datums
from locust_cw_dist.core.summaries.gauges import RunGauges, StatisticSet
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import ClosedWindow
from locust_cw_dist.core.wire.frame import decode
from locust_cw_dist.core.wire.messages import REPORT_KEY
from locust_cw_dist.live.publish.publisher import plan_of
from locust_cw_dist.testing import LocalCloudwatch

ENDPOINTS, RESULTS = 100, 4_000
"""So many log-normal results come to about 250 pairs."""

RUN_S, RUN_ENDPOINTS = 3600, 20
GAUGES = RunGauges(20, 1, StatisticSet.of([1.0]), StatisticSet.of([1.0]), 0, 1.0)


def figures(*, full: bool) -> list[Figure]:
    """Measure CPU, and count calls."""
    with LocalCloudwatch() as cloudwatch, aws(cloudwatch):
        report = SimulatedWorker(1, endpoints=ENDPOINTS, results=RESULTS).report(time.time() // 10 * 10)
        calls = _calls_of(report)
        spent = interleave(
            11 if full else 3,
            {
                "nothing": lambda: _closing_cpu_s("bench/nothing", None),
                "ours": lambda: _closing_cpu_s("bench/ours", report),
                "botocore": lambda: _botocore_cpu_s("bench/botocore", calls),
            },
        )
        pairs = _same_pairs(cloudwatch)
    ours_s = [something_s - nothing_s for something_s, nothing_s in zip(spent["ours"], spent["nothing"], strict=True)]
    samples = tuple(spent_s / ENDPOINTS * 1e3 for spent_s in ours_s)
    what = f"publisher's CPU for each endpoint and window, from closed window to bytes sent, {pairs:.0f} pairs"
    return [
        Figure(
            "publish_ratio",
            "publisher's CPU, from closed window to bytes sent, of a plain boto3 client's for sending the same datums",
            ratios(ours_s, spent["botocore"]),
            "",
            0.45,
            details=dict(spent),
        ),
        Figure("publish_cpu", what, samples, "ms", details={"pairs": pairs}),
        Figure(
            "calls",
            f"PutMetricData calls of a run of 1 h with {RUN_ENDPOINTS} endpoints, windows of 10 s, no retries",
            (float(_calls()),),
            "",
            361,
        ),
    ]


@contextmanager
def aws(cloudwatch: LocalCloudwatch) -> Iterator[None]:
    """Let boto3 in this process find the local CloudWatch."""
    before = {name: os.environ.get(name) for name in cloudwatch.env()}
    os.environ.update(cloudwatch.env())
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _closing_cpu_s(namespace: str, report: Report | None) -> float:
    """CPU of a master's last publication, of the one window of a report; without one, of all that is around it."""
    environment = Environment()
    environment.create_master_runner("127.0.0.1", 0)
    plugin = locust_cw_dist.install(environment, locust_cw_dist.Settings(namespace=namespace))
    gevent.sleep(1.0)  # the client is made
    if report is not None:
        environment.events.worker_report.fire(client_id=report.worker_id, data=report.data | {REPORT_KEY: report.frame})
    begin_s = time.process_time()
    plugin.close(timeout_s=20)
    return time.process_time() - begin_s


def _calls_of(report: Report) -> list[list[dict[str, Any]]]:
    """Return the datums that a master publishes of a report, by call, as boto3 takes them."""
    sections = [section for frame in report.frames for section in decode(frame).sections]
    settings = locust_cw_dist.Settings(namespace="bench")
    summaries: dict[EndpointKey, Summary] = {}
    for section in sections:
        summaries |= section.summaries
    window = ClosedWindow("run", sections[0].start_s, summaries, GAUGES)
    made = window_datums(plan_of(settings), window, "-", RunLedger())
    return [[entry.datum.to_api() for entry in batch] for batch in batches(made)]


def _botocore_cpu_s(namespace: str, calls: list[list[dict[str, Any]]]) -> float:
    """CPU of sending the datums as whoever has no publisher would, with a client that is there."""
    client = boto3.client("cloudwatch")
    client.put_metric_data(Namespace=f"{namespace}/first", MetricData=[{"MetricName": "first", "Value": 1.0}])
    begin_s = time.process_time()
    for call in calls:
        client.put_metric_data(Namespace=namespace, MetricData=call)
    return time.process_time() - begin_s


def _same_pairs(cloudwatch: LocalCloudwatch) -> float:
    """Return how many pairs an endpoint has; see that both ways have sent the same."""
    pairs = []
    for namespace in ("bench/ours", "bench/botocore"):
        series = cloudwatch.dump(namespace, "ResponseTime_ms")
        pairs.append(sum(len(one.values) for one in series if "Request" in one.dimensions) / ENDPOINTS)
    assert pairs[0] == pairs[1], pairs
    return pairs[0]


def _calls() -> int:
    """Count the batches that an hour's windows make, by the stages that make them."""
    settings = locust_cw_dist.Settings(namespace="bench")
    plan, calls = plan_of(settings), 0
    worker = SimulatedWorker(1, endpoints=RUN_ENDPOINTS, results=RESULTS)
    summaries = {}
    for section in decode(worker.report(1_795_000_000.0).frame).sections:
        summaries |= section.summaries
    for start_s in range(1_795_000_000, 1_795_000_000 + RUN_S, settings.resolution_s):
        window = ClosedWindow("run", start_s, summaries, GAUGES)
        made = window_datums(plan, window, "-", RunLedger())
        calls += sum(1 for _ in batches(made))
    return calls
