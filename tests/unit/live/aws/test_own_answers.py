"""What the local CloudWatch answers, in every protocol and with every fault, is never taken for a stranger's."""

from __future__ import annotations

from contextlib import suppress

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from locust_cw_dist.testing import LocalCloudwatch
from support.publishing.answer_watch import AnswerWatch
from support.publishing.protocols import PROTOCOLS, client_of

ONE_TRY = Config(retries={"total_max_attempts": 1}, read_timeout=5, parameter_validation=False)
FAULTS = ("throttling", "server_error", "expired_credentials", "access_denied")
NAMESPACE = "perf/shop/loadtests"
DATUM = {"MetricName": "RequestCount", "Value": 1.0}


@pytest.fixture(scope="module")
def server():
    with LocalCloudwatch() as running:
        yield running


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_whatever_it_answers(server, protocol):
    watch = AnswerWatch()
    client = watch.of(client_of(server, protocol, config=ONE_TRY))
    calls = [
        lambda: client.put_metric_data(Namespace=NAMESPACE, MetricData=[DATUM]),
        lambda: client.put_metric_data(Namespace=NAMESPACE, MetricData=[DATUM | {"Value": float("nan")}]),
        lambda: client.put_metric_data(Namespace="AWS/x", MetricData=[DATUM]),
        lambda: client.list_metrics(Namespace=NAMESPACE),
        lambda: client.get_metric_statistics(Namespace=NAMESPACE),
        client.describe_alarms,
        lambda: client.get_dashboard(DashboardName="none"),
    ]
    for call in calls:
        with suppress(ClientError):
            call()
    for fault in FAULTS:
        server.faults(fault)
        with suppress(ClientError, BotoCoreError):
            calls[0]()
        server.clear_faults()
    assert watch.strange == []
    statuses = {status for _, status in watch.seen}
    assert {200, 400} <= statuses
    assert len(watch.seen) == len(calls) + len(FAULTS)
