"""The CloudWatch sink against the local CloudWatch over HTTP: what is sent, and how each failure is understood."""

from __future__ import annotations

import gzip
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar
from urllib.parse import parse_qs

import gevent
import pytest
from botocore.exceptions import ClientError

from locust_cw_dist.core.publish import limits
from locust_cw_dist.core.publish.batches import body
from locust_cw_dist.core.publish.datums import Datum, Distribution
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.core.summaries.gauges import StatisticSet
from locust_cw_dist.live.platform.clock import SystemClock
from locust_cw_dist.live.platform.timeline import Timeline
from locust_cw_dist.live.publish import cloudwatch as edge
from locust_cw_dist.live.publish.cloudwatch import Cloudwatch
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.testing import LocalCloudwatch

NAMESPACE = "perf/shop/loadtests"


@pytest.fixture(scope="module")
def server():
    with LocalCloudwatch() as running:
        yield running


@pytest.fixture
def aws(server, monkeypatch):
    for name, value in server.env().items():
        monkeypatch.setenv(name, value)
    server.reset()
    return server


def datum(server_time_s, value=1.0, metric="RequestCount"):
    return Datum(metric, (("Request", "/a"), ("Method", "GET"), ("Host", "-")), server_time_s, "Count", 1, value)


@pytest.fixture
def now_s():
    import time

    return int(time.time())


def test_every_form_of_datum_arrives(aws, now_s):
    sink = Cloudwatch(Settings(service="shop"))
    sink.check()
    sink.send(
        NAMESPACE,
        [
            datum(now_s, 3.5, "Plain"),
            datum(now_s, StatisticSet(4, 10.0, 1.0, 4.0), "Statistics"),
            datum(now_s, Distribution((1.0, 2.0), (3, 4)), "Values"),
        ],
    )
    series = {one.name: one for one in aws.dump("perf/shop/loadtests")}
    assert {name: (one.count, one.total) for name, one in series.items()} == {
        "Plain": (1, 3.5),
        "Statistics": (4, 10.0),
        "Values": (7, 11.0),
    }
    assert series["Values"].points[0].timestamp_s == now_s


def sent_by(monkeypatch, aws_settings, batch):
    """Return the headers and the body of the call that sends a batch."""
    for name, value in aws_settings.items():
        monkeypatch.setenv(name, value)
    sink, calls = Cloudwatch(Settings(service="shop")), []
    client = sink._connected().client
    client.meta.events.register("before-send", lambda request, **_: calls.append((request.headers, request.body)))
    sink.send(NAMESPACE, batch)
    (call,) = calls
    return call


@pytest.mark.parametrize(
    ("aws_settings", "datums", "is_gzip"),
    [
        ({}, 1, False),
        ({}, 100, True),
        ({"AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "100"}, 1, True),
        ({"AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "1000000"}, 100, False),
        ({"AWS_DISABLE_REQUEST_COMPRESSION": "true"}, 100, False),
    ],
    ids=str,
)
def test_a_long_body_is_compressed_once_as_the_aws_settings_say(aws, now_s, monkeypatch, aws_settings, datums, is_gzip):
    batch = [datum(now_s, float(value)) for value in range(datums)]
    headers, sent = sent_by(monkeypatch, aws_settings, batch)
    assert headers.get("Content-Encoding", b"") == (b"gzip" if is_gzip else b"")
    assert (gzip.decompress(sent) if is_gzip else sent) == body(NAMESPACE, batch)
    assert sum(one.count for one in aws.dump(NAMESPACE)) == datums


@pytest.mark.parametrize(
    ("fault", "details", "failure"),
    [
        ("throttling", {}, Failure.THROTTLED),
        ("server_error", {}, Failure.TRANSIENT),
        ("server_error", {"status": 503}, Failure.TRANSIENT),
        ("server_error", {"status": 502}, Failure.AMBIGUOUS),
        ("server_error", {"status": 504}, Failure.AMBIGUOUS),
        ("expired_credentials", {}, Failure.CREDENTIALS),
        ("access_denied", {}, Failure.PERMISSION),
        ("bad_datum", {"match": "RequestCount"}, Failure.REFUSED),
        ("reset", {}, Failure.AMBIGUOUS),
        ("lost_reply", {}, Failure.AMBIGUOUS),
        ("hang", {"latency_s": 30.0}, Failure.AMBIGUOUS),
    ],
    ids=str,
)
def test_failures_are_told_apart_and_no_call_is_repeated_here(aws, now_s, monkeypatch, fault, details, failure):
    monkeypatch.setattr(edge, "READ_TIMEOUT_S", 0.5 if fault == "hang" else 10)
    aws.faults(fault, **details)
    sink = Cloudwatch(Settings(service="shop"))
    with pytest.raises(SendError) as caught:
        sink.send(NAMESPACE, [datum(now_s)])
    aws.clear_faults()
    assert caught.value.failure is failure
    assert aws.stats().operations["PutMetricData"] == 1


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("RequestThrottled", Failure.THROTTLED),
        ("SlowDown", Failure.THROTTLED),
        ("LimitExceededException", Failure.THROTTLED),
        ("RequestTimeoutException", Failure.AMBIGUOUS),
        ("InvalidParameterValue", Failure.REFUSED),
    ],
)
def test_a_400_that_speaks_of_something_else_than_the_batch_is_no_refusal(code, failure):
    class Client:
        def put_metric_data(self, **_):
            answer = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
            raise ClientError(answer, "PutMetricData")

    with pytest.raises(SendError) as caught:
        Cloudwatch(Settings(service="shop"), Client()).send(NAMESPACE, [datum(1_800_000_000)])
    assert caught.value.failure is failure


def test_denied_permission_names_the_action_and_the_namespace(aws, now_s):
    aws.faults("access_denied")
    with pytest.raises(SendError, match=r"cloudwatch:PutMetricData is not allowed on namespace perf/shop/loadtests"):
        Cloudwatch(Settings(service="shop")).send(NAMESPACE, [datum(now_s)])
    aws.clear_faults()


def test_a_closed_port_is_unreachable(aws, now_s, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(SendError) as caught:
        Cloudwatch(Settings(service="shop", endpoint_url=url)).send(NAMESPACE, [datum(now_s)])
    assert caught.value.failure is Failure.UNREACHABLE


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_may_stand_in_either_variable(aws, now_s, monkeypatch, variable):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv(variable, "eu-west-3")
    sink = Cloudwatch(Settings(service="shop"))
    sink.send(NAMESPACE, [datum(now_s)])
    assert sink._connection.client.meta.region_name == "eu-west-3"


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "no AWS credentials found"),
        (("AWS_DEFAULT_REGION",), "no AWS Region is set: use --cw-region or AWS_REGION"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_sent(aws, monkeypatch, tmp_path, missing, says):
    for name in ("AWS_PROFILE", "AWS_REGION", *missing):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(SendError, match=says) as caught:
        Cloudwatch(Settings(service="shop")).check()
    assert caught.value.failure is Failure.CREDENTIALS


def test_a_client_of_the_users_needs_one_method_only(now_s):
    calls = []

    class Client:
        def put_metric_data(self, Namespace, MetricData):  # noqa: N803 - boto3's names
            calls.append((Namespace, MetricData))

    sink = Cloudwatch(Settings(service="shop"), Client())
    sink.check()
    sink.send(NAMESPACE, [datum(now_s)])
    assert [(namespace, len(data)) for namespace, data in calls] == [("perf/shop/loadtests", 1)]


def test_an_unknown_error_of_a_users_client_may_pass(now_s):
    class Client:
        def put_metric_data(self, **_):
            raise RuntimeError("busy")

    with pytest.raises(SendError, match="RuntimeError: busy") as caught:
        Cloudwatch(Settings(service="shop"), Client()).send(NAMESPACE, [datum(now_s)])
    assert caught.value.failure is Failure.TRANSIENT


class StsAndCloudwatch(BaseHTTPRequestHandler):
    """Answers AssumeRole with made-up credentials, and takes any PutMetricData."""

    assumed: ClassVar[list[dict[str, list[str]]]] = []
    put_with: ClassVar[list[str]] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "X-Amz-Target" in self.headers:
            self.put_with.append(self.headers["Authorization"])
            self._answer(b"{}", "application/x-amz-json-1.0")
        else:
            self.assumed.append(parse_qs(body.decode()))
            self._answer(ASSUMED.encode(), "text/xml")

    def _answer(self, body, content_type):
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/metrics/x</Arn><AssumedRoleId>A:x</AssumedRoleId>
</AssumedRoleUser><Credentials><AccessKeyId>ASSUMEDKEY</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>
</AssumeRoleResponse>"""


def test_a_role_is_assumed_with_its_external_id_and_its_credentials_sign_the_calls(aws, now_s, monkeypatch):
    with HTTPServer(("127.0.0.1", 0), StsAndCloudwatch) as http:
        # A greenlet: its sockets are gevent's, and threads may be real ones (see conftest.py).
        serving = gevent.spawn(http.serve_forever)
        url = f"http://127.0.0.1:{http.server_port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        role = "arn:aws:iam::123456789012:role/metrics"
        sink = Cloudwatch(Settings(service="shop", role_arn=role, external_id="load-tests", endpoint_url=url))
        sink.check()
        sink.send(NAMESPACE, [datum(now_s)])
        serving.kill()
    assert [(call["RoleArn"], call["ExternalId"]) for call in StsAndCloudwatch.assumed] == [([role], ["load-tests"])]
    assert len(StsAndCloudwatch.put_with) == 1
    assert "Credential=ASSUMEDKEY/" in StsAndCloudwatch.put_with[0]


def test_a_body_written_by_us_is_what_botocore_would_have_sent(aws, now_s):
    values = Distribution(tuple(0.1 + i / 7 for i in range(150)), tuple(range(1, 151)))
    batch = [datum(now_s, values, "Values"), datum(now_s, StatisticSet(2, 3.5, 1.25, 2.25), "Statistics")]
    batch *= 3
    Cloudwatch(Settings(namespace="ours")).send("ours", batch)
    aws.client().put_metric_data(Namespace="botocores", MetricData=[one.to_api() for one in batch])
    ours, botocores = aws.dump("ours"), aws.dump("botocores")
    assert [one.points for one in ours] == [one.points for one in botocores]
    assert [one.dimensions for one in ours] == [one.dimensions for one in botocores]
    assert aws.stats().wire_bytes < aws.stats().body_bytes, "a body of this size is compressed"


def test_without_json_botocore_writes_the_body(aws, now_s, monkeypatch):
    monkeypatch.setattr(edge, "_speaks_json", lambda _: False)
    sink = Cloudwatch(Settings(service="shop"))
    sink.send(NAMESPACE, [datum(now_s)])
    assert (sink.max_pairs, sink.max_bytes) == (limits.MAX_PAIRS_PER_CALL, limits.MAX_BYTES_PER_CALL)
    assert [one.total for one in aws.dump("perf/shop/loadtests")] == [1.0]


@pytest.mark.parametrize("skew_s", [3 * 3600, -3 * 3600])
def test_a_clock_that_is_hours_off_is_put_right_by_cloudwatchs_own_answers(aws, now_s, skew_s):
    aws.conditions(clock_skew_s=skew_s)
    clock = Timeline(SystemClock())
    sink = Cloudwatch(Settings(service="shop"), clock=clock)
    sink.check()
    with pytest.raises(SendError):
        sink.send(NAMESPACE, [datum(now_s)])
    assert clock.offset_s == skew_s
    sink.send(NAMESPACE, [datum(now_s + clock.offset_s)])
    assert aws.stats().cells == 1
