"""`locust_cw_dist.testing.LocalCloudwatch`: what other tests stand on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import fields
from urllib.parse import urlsplit

import pytest

from locust_cw_dist.testing import LocalCloudwatch, LocalCloudwatchError, RecordedSets
from support.publishing.put_requests import NAMESPACE, a_call, a_datum, dimensions

pytestmark = [pytest.mark.once, pytest.mark.slow]

NOW_S = int(time.time())


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def listens(address):
    try:
        socket.create_connection((address.hostname, address.port), timeout=1).close()
    except ConnectionError:  # refused, or reset by a server that is just ending
        return False
    return True


def stops_to_listen(address, timeout_s=20):
    deadline = time.monotonic() + timeout_s
    while listens(address):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_the_process_ends_with_the_block():
    with LocalCloudwatch() as cloudwatch:
        pid = cloudwatch._process.pid
        assert is_running(pid)
    assert not is_running(pid)


def test_the_process_ends_with_a_failing_block():
    cloudwatch = LocalCloudwatch()

    def failing_block():
        with cloudwatch:
            raise KeyError(cloudwatch._process.pid)

    with pytest.raises(KeyError) as caught:
        failing_block()
    assert not is_running(caught.value.args[0])


def test_the_process_ends_when_the_test_is_killed():
    program = (
        "import time\nfrom locust_cw_dist.testing import LocalCloudwatch\n"
        "with LocalCloudwatch() as cloudwatch:\n print(cloudwatch.endpoint_url, flush=True)\n time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        address = urlsplit(parent.stdout.readline().strip())
        assert listens(address)
        parent.send_signal(signal.SIGKILL)
    assert stops_to_listen(address)


def test_a_failed_start_says_why():
    with LocalCloudwatch() as first:
        port = int(first.endpoint_url.rpartition(":")[2])
        with pytest.raises(LocalCloudwatchError, match="Address already in use"):
            LocalCloudwatch(port).__enter__()


def test_env_points_any_boto3_process_here():
    program = (
        "import boto3\n"
        "boto3.client('cloudwatch').put_metric_data(Namespace='n', MetricData=[{'MetricName': 'm', 'Value': 2}])\n"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with LocalCloudwatch() as cloudwatch:
        subprocess.run([sys.executable, "-c", program], env=clean | cloudwatch.env(), check=True, timeout=60)
        [series] = cloudwatch.dump("n")
    assert (series.name, series.total) == ("m", 2.0)


def test_dump_tells_everything_exactly():
    a_set = {"SampleCount": 2, "Sum": 30.0, "Minimum": 10.0, "Maximum": 20.0}
    fine = {"Dimensions": dimensions(("b", "2"), ("a", "1")), "StorageResolution": 1, "Unit": "Milliseconds"}
    with LocalCloudwatch() as cloudwatch:
        client = cloudwatch.client()
        client.put_metric_data(
            **a_call(
                a_datum(Timestamp=NOW_S, Values=[0.1, 7.0], Counts=[10**15 + 1, 2], **fine),
                a_datum(Timestamp=NOW_S, StatisticValues=a_set, **fine),
                a_datum(Timestamp=NOW_S + 1, Value=7.0, **fine),
                a_datum(MetricName="Other", Timestamp=NOW_S),
            )
        )
        [series] = cloudwatch.dump(NAMESPACE, "RequestCount")
        assert len(cloudwatch.dump()) == len(cloudwatch.dump(NAMESPACE)) == 2
        assert cloudwatch.dump("other") == cloudwatch.dump(NAMESPACE, "none") == []
    assert series.dimensions == {"a": "1", "b": "2"}
    assert (series.namespace, series.unit) == (NAMESPACE, "Milliseconds")
    first, second = series.points
    assert (first.timestamp_s, first.resolution_s, second.timestamp_s) == (NOW_S, 1, NOW_S + 1)
    assert first.values == {0.1: 10**15 + 1, 7.0: 2}
    assert first.sets == RecordedSets(2, 30.0, 10.0, 20.0)
    assert (first.count, first.minimum, first.maximum) == (10**15 + 5, 0.1, 20.0)
    assert first.total == pytest.approx(1e14 + 0.1 + 14 + 30)
    assert second.sets is None
    assert series.count == 10**15 + 6
    assert series.values == {0.1: 10**15 + 1, 7.0: 3}
    assert (series.minimum, series.maximum) == (0.1, 20.0)


def test_dump_is_bounded():
    values = [float(value) for value in range(150)]
    with LocalCloudwatch() as cloudwatch:
        client = cloudwatch.client()
        for call in range(6):
            data = [a_datum(MetricName=f"m{call}-{i}", Values=values) for i in range(600)]
            client.put_metric_data(**a_call(*data))
        assert cloudwatch.stats().values == 540_000
        with pytest.raises(LocalCloudwatchError, match="ask for one namespace and name"):
            cloudwatch.dump(NAMESPACE)
        assert len(cloudwatch.dump(NAMESPACE, "m3-17")[0].values) == 150


def test_stats_have_a_field_for_everything_that_the_server_counts():
    with LocalCloudwatch() as cloudwatch:
        told = cloudwatch._ask("GET", "/_local/stats")
        assert set(told) == {field.name for field in fields(cloudwatch.stats())}
        assert json.dumps(told)
