"""What a call that failed means: by what has left, by the name of what AWS answered, and by who answered."""

from __future__ import annotations

import gzip
import json
import socket
import time

import gevent
import pytest
from botocore import exceptions as aws
from botocore.exceptions import ClientError

from locust_cw_dist.core.publish.datums import Datum
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.aws.call import Stage, begin
from locust_cw_dist.live.aws.errors import explain, is_denied
from locust_cw_dist.live.aws.prompts import PromptError
from locust_cw_dist.live.publish import cloudwatch
from locust_cw_dist.live.publish.cloudwatch import Cloudwatch
from locust_cw_dist.settings.settings import Settings
from support.publishing.strange_http import HTML, http, strange_server

ROLE = "arn:aws:iam::123456789012:role/metrics"


def failure_of(settings=None, limit_s=20.0, client=None):
    """What a call that fails means, and whether it may have left."""
    sink = Cloudwatch(settings or Settings(service="x"), client)
    sink.warm_up()
    call = begin()
    try:
        with gevent.Timeout(limit_s):
            sink.send("x", [Datum("m", (), int(time.time()), "Count", 1, 1.0)])
    except gevent.Timeout:
        return call.cut_off("in time"), call.may_have_left
    except SendError as e:
        return e, call.may_have_left
    return None, call.may_have_left


# -- who answers


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500, 503, 511])
def test_a_page_is_no_answer_of_cloudwatchs_whatever_its_status(environ, status):
    with strange_server(http(status, HTML, Content_Type="text/html", Server="portal")) as server:
        environ(AWS_ENDPOINT_URL=server.url)
        error, is_billed = failure_of()
    assert (error.failure, is_billed) == (Failure.FOREIGN, False)
    host = server.url.removeprefix("http://")
    assert str(error).startswith(rf"HTTP {status}, text/html, from {host}, Server portal, 'Hotel \x1b[31mlogin'")


@pytest.mark.parametrize("status", [408, 502, 504])
def test_a_gateway_that_has_passed_the_call_on_leaves_a_doubt(environ, status):
    with strange_server(http(status, HTML)) as server:
        environ(AWS_ENDPOINT_URL=server.url)
        assert failure_of()[0].failure is Failure.AMBIGUOUS


@pytest.mark.parametrize("answer", [http(200), http(200, b"{}"), http(200, b"{}", Content_Type="text/html")])
def test_what_cloudwatch_answers_is_its_word_without_any_other_sign(environ, answer):
    with strange_server(answer) as server:
        environ(AWS_ENDPOINT_URL=server.url)
        assert failure_of() == (None, True)


def test_an_endless_answer_is_not_read(environ):
    endless = http(200, b"x" * 10_000_000, Content_Length=str(2**31))
    with strange_server(endless) as server:
        environ(AWS_ENDPOINT_URL=server.url)
        assert "more than 65,536 bytes" in str(failure_of()[0])


def test_a_torn_answer_leaves_a_doubt(environ):
    with strange_server(http(200, b'{"a', Content_Length="500")) as server:
        environ(AWS_ENDPOINT_URL=server.url)
        assert failure_of()[0].failure is Failure.AMBIGUOUS


def test_a_client_of_the_users_from_boto3_is_looked_at_too(environ):
    import boto3

    with strange_server(http(200, HTML)) as server:
        environ(AWS_ENDPOINT_URL=server.url, AWS_DEFAULT_REGION="eu-central-1")
        error, _ = failure_of(client=boto3.client("cloudwatch"))
    assert error.failure is Failure.FOREIGN


@pytest.mark.parametrize("body", [HTML, b"OK", b'{"token": 1}'])
def test_a_stranger_in_place_of_sts_gives_no_credentials(environ, body):
    with strange_server(http(200, body)) as server:
        environ(AWS_ENDPOINT_URL_STS=server.url)
        error, may_have_left = failure_of(Settings(service="x", role_arn=ROLE))
    assert (error.failure, may_have_left) == (Failure.CREDENTIALS, False)
    assert "AWS credentials could not be fetched: something other than STS answers there: HTTP 200" in str(error)


# -- what has left


def test_a_port_that_is_closed_was_never_reached(environ):
    error, may_have_left = failure_of()
    assert (error.failure, may_have_left) == (Failure.UNREACHABLE, False)


def hanging_server():
    """A port that takes connections and never says a word."""
    return strange_server(None)


@pytest.mark.parametrize("way", ["TLS", "proxy"])
def test_a_handshake_that_hangs_has_sent_nothing(environ, monkeypatch, way):
    monkeypatch.setattr(cloudwatch, "READ_TIMEOUT_S", 0.3)
    monkeypatch.setattr(cloudwatch, "CONNECT_TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        if way == "TLS":
            environ(AWS_ENDPOINT_URL=f"https://{address}")
        else:
            environ(AWS_ENDPOINT_URL=None, HTTPS_PROXY=f"http://{address}")
        error, may_have_left = failure_of()
    assert (error.failure, may_have_left) == (Failure.UNREACHABLE, False)


def test_a_proxy_that_refuses_is_told_from_one_that_is_away(environ):
    with strange_server(http(407, HTML, Proxy_Authenticate="Basic")) as proxy:
        environ(AWS_ENDPOINT_URL=None, HTTPS_PROXY=proxy.url.replace("//", "//me:s3cret@"))
        error, may_have_left = failure_of()
    assert (error.failure, may_have_left) == (Failure.UNREACHABLE, False)
    assert str(error).startswith("the proxy refuses to let this through (407 Whatever): correct HTTPS_PROXY")


def test_a_name_service_that_hangs_has_sent_nothing(environ, monkeypatch):
    environ(AWS_ENDPOINT_URL="http://cloudwatch.example")
    resolver = gevent.get_hub().resolver
    monkeypatch.setattr(resolver, "getaddrinfo", lambda *_, **__: gevent.sleep(3600), raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: gevent.sleep(3600))
    error, may_have_left = failure_of(limit_s=0.5)
    assert (error.failure, may_have_left) == (Failure.UNREACHABLE, False)


def test_an_answer_that_does_not_come_may_have_been_lost(environ, monkeypatch):
    monkeypatch.setattr(cloudwatch, "READ_TIMEOUT_S", 0.3)
    with hanging_server() as server:
        environ(AWS_ENDPOINT_URL=server.url)
        error, may_have_left = failure_of()
    assert (error.failure, may_have_left) == (Failure.AMBIGUOUS, True)


def test_credentials_that_hang_have_sent_nothing(environ, profile):
    with hanging_server() as server:
        environ(AWS_ENDPOINT_URL_STS=server.url)
        error, may_have_left = failure_of(Settings(service="x", role_arn=ROLE), limit_s=0.5)
        assert (error.failure, may_have_left) == (Failure.CREDENTIALS, False)
        profile("[profile perf]\ncredential_process = sleep 3600\n")
        error, may_have_left = failure_of(limit_s=0.5)
        assert (error.failure, may_have_left) == (Failure.CREDENTIALS, False)


def test_sts_has_our_time_outs(environ, monkeypatch):
    from locust_cw_dist.live.aws import session

    monkeypatch.setattr(session, "READ_TIMEOUT_S", 0.2)
    with hanging_server() as server:
        environ(AWS_ENDPOINT_URL_STS=server.url)
        error, _ = failure_of(Settings(service="x", role_arn=ROLE))
        assert len(server.requests) == session.CREDENTIAL_TRIES
    assert error.failure is Failure.CREDENTIALS
    assert "no answer in time" in str(error)


# -- what AWS answers


def answered(status, code, headers=None):
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers or {}}
    return ClientError({"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": metadata}, "PutMetricData")


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (400, "NotAuthorized", Failure.PERMISSION),
        (400, "AccessDeniedException", Failure.PERMISSION),
        (403, "OptInRequired", Failure.PERMISSION),
        (400, "IncompleteSignature", Failure.CREDENTIALS),
        (400, "RequestExpired", Failure.CREDENTIALS),
        (403, "InvalidClientTokenId", Failure.CREDENTIALS),
        (400, "ThrottlingException", Failure.THROTTLED),
        (503, "SlowDown", Failure.THROTTLED),
        (400, "LimitExceededException", Failure.THROTTLED),
        (400, "RequestTimeoutException", Failure.AMBIGUOUS),
        (400, "InternalFailure", Failure.TRANSIENT),
        (504, "InternalServiceError", Failure.AMBIGUOUS),
        (400, "InvalidParameterValue", Failure.REFUSED),
        (400, "NewNameOfARefusal", Failure.REFUSED),
        (413, "RequestEntityTooLarge", Failure.REFUSED),
        (400, "400", Failure.TRANSIENT),
        (403, "403", Failure.TRANSIENT),
        (404, "404", Failure.TRANSIENT),
        (429, "429", Failure.THROTTLED),
        (502, "502", Failure.AMBIGUOUS),
    ],
)
def test_an_answer_is_judged_by_name_and_by_its_status_only_where_it_has_none(status, code, failure):
    assert explain(answered(status, code)).failure is failure


def test_a_nameless_answer_with_a_request_id_is_awss():
    headers = {"x-amzn-RequestId": "1", "Retry-After": "7"}
    assert explain(answered(400, "400", headers)).failure is Failure.REFUSED
    assert explain(answered(403, "403", headers)).failure is Failure.PERMISSION
    assert explain(answered(503, "503", headers)).retry_after_s == 7.0


def test_a_packed_answer_is_read_as_any_other(environ):
    body = gzip.compress(json.dumps({"__type": "com.amazonaws#Throttling", "message": "Rate exceeded"}).encode())
    with strange_server(http(400, body, Content_Encoding="gzip")) as server:
        environ(AWS_ENDPOINT_URL=server.url)
        error, _ = failure_of()
    assert error.failure is Failure.THROTTLED
    assert "Rate exceeded" in str(error)


# -- exceptions


def every_exception():
    """All that botocore has."""
    kinds = [kind for kind in vars(aws).values() if isinstance(kind, type) and issubclass(kind, aws.BotoCoreError)]
    return sorted(kinds, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", every_exception())
def test_every_exception_of_botocores_is_explained_in_each_stage(kind):
    try:
        error = kind(error=ValueError("x"))
    except (KeyError, TypeError):
        error = kind.__new__(kind)
        Exception.__init__(error, "text")
    error.response = None
    for stage in Stage:
        found = explain(error, stage)
        assert "\n" not in found.line
        assert found.failure is not Failure.AMBIGUOUS or stage is Stage.LEFT
    assert not is_denied(error)


@pytest.mark.parametrize(
    "error",
    [aws.HTTPClientError(error=OSError("x")), aws.EndpointConnectionError(endpoint_url="x", error=OSError("x"))],
    ids=lambda error: type(error).__name__,
)
def test_what_fails_before_it_has_left_is_no_doubt(error):
    assert explain(error, Stage.CONNECTING).failure is Failure.UNREACHABLE
    assert explain(error, Stage.CREDENTIALS).failure is Failure.CREDENTIALS


def test_what_asks_is_told_what_to_do():
    found = explain(PromptError("asks"), Stage.CREDENTIALS)
    assert found.failure is Failure.CREDENTIALS
    assert "aws configure export-credentials" in found.advice
