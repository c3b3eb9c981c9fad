"""A dry run with real processes: nothing leaves, and what is written down is exactly what a run would have sent."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from support.cluster.figures import assert_equal

pytestmark = pytest.mark.once

NOWHERE = {"AWS_ENDPOINT_URL_CLOUDWATCH": "http://127.0.0.1:1"}
"""In place of the local CloudWatch; and no credentials, no region."""

LOOK_FOR_BOTO3 = """
import sys
from locust import events
@events.quit.add_listener
def look(**_):
    print("BOTO3", "boto3" in sys.modules or "botocore" in sys.modules, flush=True)
"""


def replay(path, cloudwatch):
    """Send what a file holds by boto3."""
    calls = [json.loads(line) for line in path.read_text().splitlines()]
    for call in calls:
        for datum in call["MetricData"]:
            datum["Timestamp"] = datetime.fromtimestamp(datum["Timestamp"], UTC)
        cloudwatch.client().put_metric_data(**call)
    return calls


@pytest.mark.parametrize("workers", [0, 2])
def test_what_is_written_down_is_what_users_did(cluster, cloudwatch, workers):
    before = cloudwatch.stats().put_calls
    (cluster.folder / "look.py").write_text(LOOK_FOR_BOTO3)
    options = ("--cw-dry-run", "--cw-payloads", "calls.jsonl", "--cw-spool-dir", "spool", "--cw-required")
    locustfile = "shopper.py,plugin.py,look.py"
    if workers:
        publishing = cluster.distributed(*options, workers=workers, env=NOWHERE, locustfile=locustfile)
    else:
        publishing = cluster.single(*options, env=NOWHERE, locustfile=locustfile)
    cluster.wait(60)
    assert cloudwatch.stats().put_calls == before
    truth, summary = cluster.truth(), cluster.summary()
    assert "BOTO3 False" in publishing.out
    assert not (cluster.folder / "spool").exists()
    assert summary["complete"]
    assert summary["published"] == len(truth.requests)
    assert publishing.log_has(r"dry run: nothing is sent to CloudWatch")
    assert publishing.log_has(r"results would be published: DRY RUN, nothing was sent")
    assert publishing.log_has(r"bytes a call, [\d,]+ at most; as sent \(gzip from 10,240 bytes on\): ")
    assert publishing.log_has(r"the bodies of the calls are in calls\.jsonl")
    calls = replay(cluster.folder / "calls.jsonl", cloudwatch)
    assert summary["put_metric_data_calls"] == len(calls)
    assert summary["datums"] == sum(len(call["MetricData"]) for call in calls)
    lines = (cluster.folder / "calls.jsonl").read_bytes().splitlines()
    assert summary["dry_run"]["body_bytes"] == sum(map(len, lines))
    assert summary["dry_run"]["largest_body_bytes"] == max(map(len, lines))
    assert_equal(truth.requests, cluster.published())
    series = {(one.name, *one.dimensions.items()) for one in cloudwatch.dump(cluster.namespace)}
    assert summary["metrics"] == len(series)


def test_own_prices_are_in_the_estimate_and_a_commit_as_dimension_is_warned_of(cluster):
    own = ("--cw-price", "metric_month=73", "--cw-price", "put_calls_1000=0", "--cw-dimension", "Commit=3f2a91c")
    single = cluster.single("--cw-dry-run", *own, env=NOWHERE, run_time_s=2)
    cluster.wait()
    summary = cluster.summary()
    # A metric costs ten cents an hour then; the run takes two clock hours at most.
    hours = summary["cost_usd"] / 0.1 / summary["metrics"]
    assert round(hours, 6) in (1, 2) or 1 < hours < 2
    assert summary["own_prices"] == {"metric_month": 73.0, "put_calls_1000": 0.0}
    assert single.log_has(r"\(us-east-1, prices of 2026-11, your own for metric_month, put_calls_1000\)")
    assert single.log_has(r"dimension Commit=3f2a91c looks like a commit hash")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ("--cw-dry-run", "--cw-payloads", "none/calls.jsonl"),
            r"--cw-payloads: got 'none/calls\.jsonl', must be a file",
        ),
        (("--cw-payloads", "calls.jsonl"), r"--cw-payloads: got 'calls\.jsonl', must be left out, or set together"),
        (("--cw-dry-run", "--cw-price", "metric=1"), r"--cw-price: got 'metric', must be one out of metric_month"),
    ],
)
def test_a_wrong_option_ends_it_before_any_load(cluster, options, says):
    single = cluster.single(*options, env=NOWHERE)
    assert single.wait() == 2
    assert len([line for line in single.log.splitlines() if re.search(says, line)]) == 1
    assert cluster.truth().requests == []


def test_two_processes_that_publish_the_same_are_noticed_by_the_second(cluster):
    first = cluster.single(run_time_s=120, users=1, name="first")
    first.wait_for_log("Ramping to")
    second = cluster.single(run_time_s=1, users=1, name="second")
    other = cluster.single("--cw-dimension", "Team=a", run_time_s=1, users=1, name="other")
    second.wait()
    other.wait()
    warned = [
        name for name, one in cluster.processes.items() if one.log_has("another process on this machine publishes")
    ]
    assert warned == ["second"]
    assert second.log.count("another process on this machine") == 1
