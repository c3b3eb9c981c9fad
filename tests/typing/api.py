"""Uses of the public API that must type-check, and some that must not; read by mypy, never run.

With `warn_unused_ignores` an ignored line that turns out right is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

import boto3
from locust import User
from locust.env import Environment

import locust_cw_dist
from locust_cw_dist import (
    CloudwatchAdapter,
    CloudwatchClient,
    LocustCwError,
    Plugin,
    Settings,
    SettingsError,
    install,
)
from locust_cw_dist.live.platform.clock import Clock
from locust_cw_dist.live.publish.sink import Sink
from locust_cw_dist.testing import (
    LinkedPair,
    LocalCloudwatch,
    ManualClock,
    RecordedSeries,
    RecordingClient,
    ScriptedSink,
)

environment = Environment()
version: str = locust_cw_dist.__version__
locust_cw_dist.instal  # type: ignore[attr-defined]

# install: what it takes and gives
plugin: Plugin = install(environment)
install(environment, None)
install(environment, Settings(service="checkout"))
install(environment, settings=Settings(namespace="perf/checkout"), client=None)
install(environment, Settings(service="checkout"), client=boto3.client("cloudwatch"))
install("perf")  # type: ignore[arg-type]
install(environment.events)  # type: ignore[arg-type]
install(environment, {"service": "checkout"})  # type: ignore[arg-type]
install(environment, None, boto3.client("cloudwatch"))  # type: ignore[call-arg]

# Settings: every field has its type
full = Settings(
    service="checkout",
    environment="staging",
    resolution_s=10,
    metrics=["RequestCount", "FailureCount"],
    percentiles=[50, 99.9],
    dimensions={"Team": "payments"},
    labels=[("build", "7")],
    groups={"/item/.*": "/item/{id}"},
    include=("/item/.*",),
    rule=["count > 5"],
    prices={"metric": 0.1},
    required=True,
    spool_dir=None,
)
namespace: str | None = full.namespace
metrics: frozenset[str] = full.metrics
dimensions: tuple[tuple[str, str], ...] = full.dimensions
rules: tuple[str, ...] = full.rule
percentiles: tuple[float, ...] | None = full.percentiles
dollars: tuple[tuple[str, float], ...] = full.prices
resolution_s: int = full.resolution_s
Settings(servce="checkout")  # type: ignore[call-arg]
Settings(service="checkout", resolution_s="10")  # type: ignore[arg-type]
Settings(service="checkout", dimensions=["Team"])  # type: ignore[list-item]
Settings(service="checkout", rule="count > 5")  # type: ignore[arg-type]
Settings(service="checkout", dimensions={"Team": 7})  # type: ignore[dict-item]
full.metrics = ["RequestCount"]  # type: ignore[misc]
full.service = "cart"  # type: ignore[misc]

# Plugin
chosen: Settings | None = plugin.settings
plugin.close()
plugin.close(timeout_s=5)
plugin.close("5")  # type: ignore[arg-type]
service: str = plugin.settings.service  # type: ignore[union-attr, assignment]


# Clients: whatever has put_metric_data
class Datum(TypedDict):
    """A datum with types, as boto3's stubs have it, in short."""

    MetricName: str
    Timestamp: datetime


class Input(TypedDict):
    """The arguments of a call, as boto3's stubs have them."""

    Namespace: str
    MetricData: Sequence[Datum]


class WithStubs:
    """As boto3's stubs."""

    def put_metric_data(self, **kwargs: Unpack[Input]) -> None:
        """Take anything that boto3 takes."""


class ByHand:
    """As people write it."""

    def put_metric_data(self, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803
        """Take the arguments by name or place."""


class Anything:
    """As people write it who don't look at the arguments."""

    def put_metric_data(self, **kwargs: object) -> dict[str, str]:
        """Take whatever comes."""
        return {}


class WithoutNamespace:
    """Can't be called as it will be."""

    def put_metric_data(self, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803
        """Take too little."""


clients: list[CloudwatchClient] = [WithStubs(), ByHand(), Anything()]
install(environment, client=ByHand())
install(environment, client=WithoutNamespace())  # type: ignore[arg-type]
install(environment, client=print)  # type: ignore[arg-type]

# The adapter takes what locust-plugins' takes
CloudwatchAdapter(environment, "checkout").plugin.close()
CloudwatchAdapter(environment, "checkout", "perf", ByHand())
CloudwatchAdapter(environment, service_name="checkout", environment="perf", cloudwatch=Anything())
CloudwatchAdapter(environment)  # type: ignore[call-arg]
CloudwatchAdapter("checkout", "perf")  # type: ignore[arg-type]

# Errors
try:
    Settings()
except SettingsError as wrong:
    error: LocustCwError = wrong

# Test aids stand where the real ones do
clock: Clock = ManualClock(1_800_000_000.0)
sink: Sink = ScriptedSink(None, ValueError("no"))
clients.append(RecordingClient())
totals: dict[str, float] = RecordingClient().totals("RequestCount", "Request")
ScriptedSink("no")  # type: ignore[arg-type]
RecordingClient().put_metric_data("n", [])  # type: ignore[call-arg]
locust_cw_dist.testing.LinkedPears  # type: ignore[attr-defined]


class Buyer(User):
    """A user."""


with LinkedPair([Buyer], Settings(service="checkout"), report_interval_s=0.5) as pair:
    pair.start(users=3)
    pair.finish()
    of_the_worker: Plugin = pair.worker_plugin
LinkedPair([Buyer(environment)])  # type: ignore[list-item]
LinkedPair(client=Anything())  # type: ignore[arg-type]

with LocalCloudwatch() as cloudwatch:
    series: list[RecordedSeries] = cloudwatch.dump("perf/checkout/loadtests")
