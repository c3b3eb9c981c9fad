"""Test aids that ship with the program, for tests of locustfiles, of scripts and of the plugin itself.

    LocalCloudwatch   a local CloudWatch in a process of its own; boto3 talks to it
    LinkedPair        a master and a worker of Locust in this process, each with the plugin
    RecordingClient   a client that keeps what it is given, for `install(..., client=...)`
    ScriptedSink      a sink that takes or refuses batches by a script, for a `Publisher`
    ManualClock       a clock that stands until it is moved

    with LocalCloudwatch() as cloudwatch:
        subprocess.run([...], env=os.environ | cloudwatch.env())
        series = cloudwatch.dump("perf/checkout/loadtests", "RequestCount")
        assert sum(one.total for one in series) == 1_000

Neither Locust nor boto3 is imported with this module: making a `LinkedPair` imports Locust, and
`LocalCloudwatch.client` boto3.
"""

from __future__ import annotations

from locust_cw_dist.testing.linked_pair import LinkedPair
from locust_cw_dist.testing.local_server import (
    CloudwatchStats,
    LocalCloudwatch,
    LocalCloudwatchError,
    RecordedPoint,
    RecordedSeries,
    RecordedSets,
)
from locust_cw_dist.testing.manual_clock import ManualClock
from locust_cw_dist.testing.recording_client import RecordingClient
from locust_cw_dist.testing.scripted_sink import ScriptedSink

__all__ = [
    "CloudwatchStats",
    "LinkedPair",
    "LocalCloudwatch",
    "LocalCloudwatchError",
    "ManualClock",
    "RecordedPoint",
    "RecordedSeries",
    "RecordedSets",
    "RecordingClient",
    "ScriptedSink",
]
