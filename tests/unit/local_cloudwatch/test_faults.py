"""Faults on demand, as boto3 sees them, and what the journal says afterwards."""

from __future__ import annotations

import time

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from locust_cw_dist.testing import LocalCloudwatch, LocalCloudwatchError
from support.publishing.put_requests import NAMESPACE, ONE_TRY, a_call, a_datum, dimensions, refusal

pytestmark = pytest.mark.once

A_CALL = a_call(a_datum(), a_datum(MetricName="Other"))


def outcome(client):
    found = refusal(client, A_CALL)
    return "taken" if found is None else found[0]


def eventually(condition, timeout_s=10):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("kind", "details", "code", "status"),
    [
        ("throttling", {}, "Throttling", 400),
        ("throttling", {"status": 429}, "Throttling", 429),
        ("request_timeout", {}, "RequestTimeout", 408),
        ("request_too_large", {}, "RequestEntityTooLarge", 413),
        ("server_error", {}, "InternalServiceError", 500),
        ("server_error", {"status": 503}, "InternalServiceError", 503),
        ("expired_credentials", {}, "ExpiredToken", 403),
        ("access_denied", {}, "AccessDenied", 403),
    ],
)
def test_errors(cloudwatch, client, kind, details, code, status):
    cloudwatch.faults(kind, count=1, **details)
    assert refusal(client, A_CALL)[:2] == (code, status)
    assert cloudwatch.dump() == []
    assert outcome(client) == "taken"
    stats = cloudwatch.stats()
    assert (stats.put_calls, stats.put_refused, stats.put_accepted) == (2, 1, 1)
    assert stats.refusals == {code: 1}
    assert stats.faults == {kind: 1}


@pytest.mark.parametrize("kind", ["throttling", "server_error", "request_timeout", "request_too_large"])
@pytest.mark.parametrize(("retry_after_s", "header"), [(7, "7"), (0.5, "0.5"), (None, None)])
def test_errors_say_when_to_try_again_if_asked_to(cloudwatch, client, kind, retry_after_s, header):
    cloudwatch.faults(kind, retry_after_s=retry_after_s)
    with pytest.raises(ClientError) as caught:
        client.put_metric_data(**A_CALL)
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"].get("retry-after") == header


def test_a_timed_out_request_ends_its_connection(cloudwatch, client):
    cloudwatch.faults("request_timeout", count=1)
    with pytest.raises(ClientError) as caught:
        client.put_metric_data(**A_CALL)
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["connection"] == "close"
    assert outcome(client) == "taken"


def test_boto3_repeats_what_is_throttled_and_what_fails(cloudwatch):
    client = cloudwatch.client(config=Config(retries={"mode": "standard", "total_max_attempts": 3}))
    cloudwatch.faults("throttling", count=1)
    cloudwatch.faults("server_error", count=1)
    client.put_metric_data(**A_CALL)
    assert (cloudwatch.stats().put_calls, cloudwatch.stats().put_accepted) == (3, 1)


def test_latency(cloudwatch, client):
    cloudwatch.faults("latency", latency_s=0.3, count=1)
    started = time.monotonic()
    assert outcome(client) == "taken"
    assert time.monotonic() - started >= 0.3


def test_hang_ends_with_the_client(cloudwatch):
    client = cloudwatch.client(config=ONE_TRY.merge(Config(read_timeout=0.3)))
    cloudwatch.faults("hang")
    with pytest.raises(ReadTimeoutError):
        client.put_metric_data(**A_CALL)
    eventually(lambda: cloudwatch.stats().put_unanswered == 1)
    assert cloudwatch.dump() == []


def test_hang_for_a_while(cloudwatch, client):
    cloudwatch.faults("hang", latency_s=0.2)
    started = time.monotonic()
    with pytest.raises(ConnectionClosedError):
        client.put_metric_data(**A_CALL)
    assert 0.2 <= time.monotonic() - started < 10


def test_a_server_with_a_hanging_call_still_ends(monkeypatch):
    monkeypatch.setattr("locust_cw_dist.testing.local_server._EXIT_TIMEOUT_S", 60.0)
    with LocalCloudwatch() as own:
        own.faults("hang")
        with pytest.raises(ReadTimeoutError):
            own.client(config=ONE_TRY.merge(Config(read_timeout=0.1))).put_metric_data(**A_CALL)
        process = own._process
        started = time.monotonic()
    assert process.returncode == 0
    assert time.monotonic() - started < 20


def test_reset(cloudwatch, client):
    cloudwatch.faults("reset", count=1)
    with pytest.raises(ConnectionClosedError) as caught:
        client.put_metric_data(**A_CALL)
    assert "reset" in repr(caught.value.__cause__ or caught.value.__context__).lower()
    assert cloudwatch.dump() == []
    assert cloudwatch.stats().put_unanswered == 1
    assert outcome(client) == "taken"


def test_lost_reply_means_the_data_is_there(cloudwatch, client):
    cloudwatch.faults("lost_reply", count=1)
    with pytest.raises(ConnectionClosedError):
        client.put_metric_data(**A_CALL)
    assert [one.count for one in cloudwatch.dump()] == [1, 1]
    stats = cloudwatch.stats()
    assert (stats.put_accepted, stats.replies_lost, stats.put_unanswered) == (1, 1, 0)
    assert outcome(client) == "taken"
    assert [one.count for one in cloudwatch.dump()] == [2, 2]


def test_lost_reply_of_a_bad_call_takes_nothing(cloudwatch, client):
    cloudwatch.faults("lost_reply", count=1)
    assert refusal(client, a_call(a_datum(Unit="x")))[0] == "InvalidParameterValue"
    assert cloudwatch.stats().replies_lost == 0


def test_trickle(cloudwatch, client):
    cloudwatch.faults("trickle", operation="ListMetrics", latency_s=0.3)
    client.put_metric_data(**A_CALL)
    started = time.monotonic()
    assert len(client.list_metrics()["Metrics"]) == 2
    assert time.monotonic() - started >= 0.25


def test_a_trickle_keeps_a_read_timeout_from_striking(cloudwatch):
    client = cloudwatch.client(config=ONE_TRY.merge(Config(read_timeout=2)))
    cloudwatch.faults("trickle", latency_s=5)
    started = time.monotonic()
    client.put_metric_data(**A_CALL)  # its body alone would be two bytes, 2.5 s apart
    assert time.monotonic() - started >= 4.9


def test_bad_datum_refuses_calls_that_hold_it(cloudwatch, client):
    cloudwatch.faults("bad_datum", match="/odd")
    odd = a_datum(Dimensions=dimensions(("Request", "/a/odd/one")))
    code, status, message = refusal(client, a_call(a_datum(), odd))
    assert (code, status) == ("InvalidParameterValue", 400)
    assert "MetricData.member.2" in message
    assert outcome(client) == "taken"
    assert refusal(client, a_call(odd))[0] == "InvalidParameterValue"
    assert cloudwatch.stats().faults == {"bad_datum": 2}


def test_faults_strike_the_operation_that_they_name(cloudwatch, client):
    cloudwatch.faults("throttling", operation="ListMetrics")
    assert outcome(client) == "taken"
    with pytest.raises(ClientError, match="Rate exceeded"):
        client.list_metrics()
    cloudwatch.faults("access_denied", operation=None)
    assert outcome(client) == "AccessDenied"


def test_count_and_skip(cloudwatch, client):
    cloudwatch.faults("throttling", skip=2, count=2)
    assert [outcome(client) for _ in range(6)] == ["taken", "taken", "Throttling", "Throttling", "taken", "taken"]


def test_probability_is_repeatable(cloudwatch, client):
    runs = []
    for _ in range(2):
        cloudwatch.faults("throttling", probability=0.5, seed=7)
        runs.append([outcome(client) for _ in range(40)])
        cloudwatch.clear_faults()
    assert runs[0] == runs[1]
    assert 8 < runs[0].count("Throttling") < 32


def test_several_faults_strike_in_order(cloudwatch, client):
    cloudwatch.faults("latency", latency_s=0.2)
    cloudwatch.faults("throttling", count=1)
    cloudwatch.faults("server_error", count=1)
    started = time.monotonic()
    assert [outcome(client) for _ in range(3)] == ["Throttling", "InternalServiceError", "taken"]
    assert time.monotonic() - started >= 0.6
    assert cloudwatch.stats().faults == {"latency": 3, "throttling": 1, "server_error": 1}


def test_cleared_faults_are_gone(cloudwatch, client):
    cloudwatch.faults("throttling")
    assert outcome(client) == "Throttling"
    cloudwatch.clear_faults()
    assert outcome(client) == "taken"


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("gremlin", {}),
        ("latency", {"seconds": 1}),
        ("latency", {"latency_s": -1}),
        ("latency", {"latency_s": "1"}),
        ("throttling", {"probability": 1.5}),
        ("throttling", {"count": -1}),
        ("throttling", {"count": 1.5}),
        ("throttling", {"count": True}),
        ("bad_datum", {}),
        ("server_error", {"status": 200}),
        ("access_denied", {"status": 400}),
        ("throttling", {"retry_after_s": -1}),
        ("latency", {"retry_after_s": 1}),
    ],
)
def test_bad_faults_are_refused(cloudwatch, client, kind, details):
    with pytest.raises(LocalCloudwatchError, match="fault"):
        cloudwatch.faults(kind, **details)
    assert outcome(client) == "taken"


def test_only_so_many_faults_wait(cloudwatch):
    for _ in range(100):
        cloudwatch.faults("throttling")
    with pytest.raises(LocalCloudwatchError, match="clear them"):
        cloudwatch.faults("throttling")


def test_the_calls_add_up(cloudwatch, client):
    for kind in ("throttling", "reset", "lost_reply"):
        cloudwatch.faults(kind, probability=0.3, seed=len(kind))
    seen = {"taken": 0, "Throttling": 0, "cut": 0}
    for _ in range(60):
        try:
            seen[outcome(client)] += 1
        except ConnectionClosedError:
            seen["cut"] += 1
    stats = cloudwatch.stats()
    assert all(seen.values())
    assert stats.put_calls == stats.put_accepted + stats.put_refused + stats.put_unanswered == 60
    assert stats.put_refused == seen["Throttling"]
    assert stats.put_unanswered + stats.replies_lost == seen["cut"]
    assert [one.count for one in cloudwatch.dump(NAMESPACE)] == [stats.put_accepted] * 2
