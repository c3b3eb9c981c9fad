"""What `locust-cw doctor` finds, against a local CloudWatch that fails in every way that matters."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore import exceptions as aws

from locust_cw_dist.live.aws.errors import explain
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.testing import LocalCloudwatch
from locust_cw_dist.tools.doctor import endpoint, software
from locust_cw_dist.tools.doctor.endpoint import Contact, check_clock, check_endpoint, check_proxy, kind_of
from locust_cw_dist.tools.doctor.examination import Examination
from locust_cw_dist.tools.doctor.result import Status

pytestmark = pytest.mark.slow

ROLE = "arn:aws:iam::210987654321:role/publisher"
NAMESPACE = "perf/checkout/loadtests"


@pytest.fixture(scope="module")
def server():
    with LocalCloudwatch() as running:
        yield running


@pytest.fixture
def cloudwatch(server, monkeypatch, tmp_path):
    """A fresh server, and a process environment that points at it and at nothing else."""
    server.reset()
    for name in os.environ:
        if name.startswith(("AWS_", "LOCUST_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in server.env().items():
        monkeypatch.setenv(name, value)
    return server


def examine(*, send=False, timeout_s=20.0, tell=lambda _line: None, **settings):
    """Name of the check -> its result."""
    chosen = Settings(**({"service": "checkout"} | settings))
    examination = Examination(chosen, os.environ, send=send, timeout_s=timeout_s, tell=tell)
    return {result.name: result for result in examination.aws_results()}


def words(results):
    return {name: result.status.value for name, result in results.items()}


def test_all_is_well(cloudwatch):
    results = examine()
    assert words(results) == {
        "namespace": "ok",
        "region": "ok",
        "credentials": "ok",
        "proxy": "ok",
        "endpoint": "ok",
        "clock": "ok",
        "role": "skipped",
        "identity": "ok",
        "permission": "skipped",
    }
    assert results["namespace"].found == NAMESPACE
    assert results["region"].found == "eu-central-1 (partition aws) from AWS_DEFAULT_REGION"
    assert results["credentials"].found.startswith("access key ...ocal from env (long-lived")
    assert "on this machine" in results["endpoint"].found
    assert results["identity"].found == "arn:aws:iam::123456789012:user/local (account 123456789012)"


def test_nothing_is_sent_unless_asked_for(cloudwatch):
    assert "leaves a metric that AWS bills" in examine()["permission"].advice
    assert "PutMetricData" not in cloudwatch.stats().operations


def test_one_datum_is_sent_after_it_was_said(cloudwatch):
    said = []

    def tell(line):
        assert cloudwatch.stats().put_calls == 0
        said.append(line)

    results = examine(send=True, tell=tell)
    assert results["permission"].status is Status.OK
    [series] = cloudwatch.dump()
    assert (series.namespace, series.count, series.dimensions) == (NAMESPACE, 1, {})
    [line] = said
    assert "sending one datum" in line
    assert "bills" in line
    assert series.name in line


def test_sending_needs_a_namespace(cloudwatch):
    said = []
    results = examine(send=True, service=None, tell=said.append)
    assert words(results)["namespace"] == "skipped"
    assert results["permission"].status is Status.FAILED
    assert (said, cloudwatch.stats().put_calls) == ([], 0)


def test_denied_permission_gives_the_statement_that_is_missing(cloudwatch):
    cloudwatch.faults("access_denied")
    denied = examine(send=True)["permission"]
    assert denied.status is Status.FAILED
    assert denied.found.startswith(f"cloudwatch:PutMetricData on {NAMESPACE}: An error occurred (AccessDenied)")
    statement = json.loads(denied.advice.partition(": ")[2])
    assert statement["Action"] == "cloudwatch:PutMetricData"
    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": NAMESPACE}}


@pytest.mark.parametrize("kind", ["throttling", "server_error", "reset", "lost_reply"])
def test_sending_fails_in_other_ways(cloudwatch, kind):
    cloudwatch.faults(kind)
    assert examine(send=True)["permission"].status is Status.FAILED


def test_expired_credentials(cloudwatch):
    cloudwatch.faults("expired_credentials", operation=None)
    results = examine(send=True)
    assert words(results)["endpoint"] == "ok"  # it does answer
    for name in ("identity", "permission"):
        assert results[name].status is Status.FAILED
        assert "ExpiredToken" in results[name].found
        assert results[name].advice.startswith("renew them")


def test_a_role(cloudwatch):
    cloudwatch.conditions(external_id="shop")
    results = examine(role_arn=ROLE, external_id="shop", send=True)
    assert results["role"].found == f"{ROLE} can be assumed with the external id"
    assert results["identity"].found.startswith("arn:aws:sts::210987654321:assumed-role/publisher/")
    assert results["permission"].status is Status.OK


@pytest.mark.parametrize("external_id", [None, "guess"])
def test_a_role_that_can_not_be_assumed(cloudwatch, external_id):
    cloudwatch.conditions(external_id="shop")
    results = examine(role_arn=ROLE, external_id=external_id, send=True)
    assert results["role"].status is Status.FAILED
    assert "sts:AssumeRole" in results["role"].found
    assert "--cw-external-id" in results["role"].advice
    assert results["identity"].found == results["permission"].found == "needs the role"
    assert cloudwatch.stats().put_calls == 0


@pytest.mark.parametrize(("skew_s", "words_of_it"), [(60, "60 s behind"), (-61, "60 s ahead of")])
def test_a_clock_that_is_off(cloudwatch, skew_s, words_of_it):
    cloudwatch.conditions(clock_skew_s=skew_s)
    results = examine()
    assert results["clock"].status is Status.WARNING
    assert words_of_it in results["clock"].found.replace("61", "60").replace("59", "60")
    assert results["identity"].status is Status.OK


@pytest.mark.parametrize("skew_s", [400, -400])
def test_a_clock_that_spoils_signatures(cloudwatch, skew_s):
    cloudwatch.conditions(clock_skew_s=skew_s)
    results = examine(send=True)
    for name in ("clock", "identity", "permission"):
        assert results[name].status is Status.FAILED
        assert "clock" in results[name].advice


def test_a_deadline_ends_what_hangs(cloudwatch):
    cloudwatch.faults("hang", operation=None)
    started = time.monotonic()
    results = examine(timeout_s=0.7, send=True)
    assert time.monotonic() - started < 45
    assert words(results)["endpoint"] == words(results)["permission"] == "failed"
    assert words(results)["identity"] == "warning"
    assert results["endpoint"].found == "no result within 0.7 s"
    assert results["clock"].status is Status.SKIPPED


def test_a_hanging_endpoint_has_a_line_of_its_own(cloudwatch, monkeypatch):
    monkeypatch.setattr(endpoint, "READ_TIMEOUT_S", 0.3)
    cloudwatch.faults("hang", operation="ListMetrics")
    assert "connected, but no answer" in examine()["endpoint"].found


def test_a_closed_port(cloudwatch):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    results = examine(endpoint_url=url, send=True)
    assert results["endpoint"].status is Status.FAILED
    assert url in results["endpoint"].found
    assert "interface endpoint" in results["endpoint"].advice
    assert results["permission"].status is Status.FAILED


class Portal(BaseHTTPRequestHandler):
    """What a hotel or a proxy answers in place of AWS."""

    def do_POST(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>please log in</html>")

    def log_message(self, *_):
        pass


def test_something_else_that_answers(cloudwatch):
    with HTTPServer(("127.0.0.1", 0), Portal) as portal:
        threading.Thread(target=portal.serve_forever, daemon=True).start()
        results = examine(endpoint_url=f"http://127.0.0.1:{portal.server_port}")
        portal.shutdown()
    assert "something other than CloudWatch answers there: HTTP 200, text/html" in results["endpoint"].found


def test_without_credentials_the_network_is_checked_all_the_same(cloudwatch, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    results = examine(send=True)
    assert results["credentials"].found == "no AWS credentials found"
    assert results["endpoint"].status is results["clock"].status is Status.OK
    assert results["identity"].found == results["permission"].found == "needs credentials"


def test_without_a_region_there_is_no_endpoint(cloudwatch, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    results = examine()
    assert results["region"].status is Status.FAILED
    assert {words(results)[name] for name in ("proxy", "endpoint", "clock", "role", "identity")} == {"skipped"}
    assert examine(region="us-gov-west-1")["region"].found == "us-gov-west-1 (partition aws-us-gov) from --cw-region"


@pytest.mark.parametrize("region", ["eu-centrall-1", "nowhere"])
def test_a_region_that_may_be_a_typo(cloudwatch, region):
    assert examine(region=region)["region"].status is Status.WARNING


def test_a_profile_that_is_not_there(cloudwatch, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "perf")
    results = examine()
    assert results["credentials"].status is Status.FAILED
    assert "(perf)" in results["credentials"].found
    assert "AWS_PROFILE" in results["credentials"].advice


@pytest.mark.parametrize(
    ("variables", "status"),
    [
        ({"AWS_MAX_ATTEMPTS": "abc"}, Status.WARNING),
        ({"AWS_RETRY_MODE": "sometimes"}, Status.WARNING),
        ({"AWS_CA_BUNDLE": ""}, Status.FAILED),
        ({"AWS_STS_REGIONAL_ENDPOINTS": "never"}, Status.FAILED),
        ({"AWS_ENDPOINT_URL_CLOUDWATCH": "junk"}, Status.FAILED),
    ],
    ids=str,
)
def test_odd_settings_of_awss(cloudwatch, monkeypatch, variables, status):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = examine()["settings"]
    assert settings.status is status
    assert next(iter(variables)) in settings.found + settings.advice
    assert examine(required=True)["settings"].status is Status.FAILED


def test_the_token_service_is_not_asked_about_a_local_endpoint(cloudwatch, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL_STS")
    identity = examine()["identity"]
    assert identity.status is Status.SKIPPED
    assert "AWS_ENDPOINT_URL_STS" in identity.advice


def test_an_unreachable_token_service_is_a_warning(cloudwatch, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    results = examine(send=True)
    assert results["identity"].status is Status.WARNING
    assert "publishing needs no STS" in results["identity"].advice
    assert results["permission"].status is Status.OK


def test_behind_a_proxy_no_name_is_resolved(monkeypatch):
    def resolve(*_, **__):
        raise AssertionError

    monkeypatch.setattr(endpoint.socket, "getaddrinfo", resolve)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert kind_of("https://monitoring.eu-central-1.amazonaws.com") == "AWS's public endpoint"


def test_proxies(cloudwatch, monkeypatch):
    remote = Settings(endpoint_url="http://monitoring.example:80")
    assert check_proxy(remote, os.environ).found == "no proxy variable is set"
    monkeypatch.setenv("http_proxy", "http://user:s3cret@127.0.0.1:9")
    found = check_proxy(remote, os.environ).found
    assert found == "http_proxy set: the endpoint is reached through 127.0.0.1:9"
    results = examine(endpoint_url="http://monitoring.example:80", send=True)
    assert results["endpoint"].found == "the proxy can't be reached"
    assert not [result for result in results.values() if "s3cret" in f"{result}"]
    monkeypatch.setenv("NO_PROXY", "monitoring.example")
    assert check_proxy(remote, os.environ).found.endswith("NO_PROXY set: not used for the endpoint")


@pytest.mark.parametrize(
    ("url", "addresses", "kind"),
    [
        ("http://127.0.0.1:4582", [], "on this machine"),
        ("http://[::1]:4582", [], "on this machine"),
        ("http://localhost:4582", [], "on this machine"),
        ("https://vpce-1-2.monitoring.eu-central-1.vpce.amazonaws.com", [], "VPC endpoint"),
        ("https://monitoring.eu-central-1.amazonaws.com", ["52.1.2.3"], "AWS's public endpoint"),
        ("https://monitoring.eu-central-1.amazonaws.com", ["10.0.1.2", "10.0.2.2"], "VPC endpoint with private DNS"),
        ("https://monitoring-fips.us-east-1.amazonaws.com", ["52.1.2.3"], "AWS's public endpoint, FIPS"),
        ("https://monitoring.cn-north-1.amazonaws.com.cn", ["52.1.2.3"], "AWS's public endpoint"),
        ("https://metrics.example", ["10.0.1.2"], "custom endpoint"),
    ],
)
def test_kinds_of_endpoints(monkeypatch, url, addresses, kind):
    def resolve(*_, **__):
        return [(None, None, None, None, (address, 443)) for address in addresses]

    monkeypatch.setattr(endpoint.socket, "getaddrinfo", resolve)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert kind_of(url) == kind
    expected = Status.OK if url.startswith("https") or "on this" in kind else Status.WARNING
    assert check_endpoint(Contact(url, 0.02, 0.0)).status is expected


def test_an_endpoint_without_tls_is_warned_of():
    assert check_endpoint(Contact("http://metrics.example", 0.02, 0.0)).status is Status.WARNING


def test_an_answer_without_a_date():
    assert check_clock(Contact("https://metrics.example", 0.02, None)).status is Status.SKIPPED


# Software


def test_versions_are_those_that_are_installed():
    result = software.check_versions()
    assert result.status is Status.OK, result
    for name in ("Python", *(f"{name} " for name in (*software.minimums(), "botocore"))):
        assert name in result.found


@pytest.mark.parametrize(("installed", "says"), [("1.2.3", "1.2.3 is below 1.42.7"), (None, "(missing) is below")])
def test_a_version_that_is_too_old(monkeypatch, installed, says):
    real = software._version
    monkeypatch.setattr(software, "minimums", lambda: {"boto3": "1.42.7", "locust": "2.32"})
    monkeypatch.setattr(software, "_version", lambda name: installed if name == "boto3" else real(name))
    result = software.check_versions()
    assert result.status is Status.FAILED
    assert says in result.found
    assert "pip install --upgrade" in result.advice


@pytest.mark.parametrize(
    ("gevent", "greenlet", "status"),
    [("25.9.1", "3.5.6", Status.WARNING), ("25.9.1", "3.5.0", Status.OK), ("26.5.0", "3.5.6", Status.OK)],
)
def test_an_older_gevent_with_a_newer_greenlet_is_noisy_at_exit(monkeypatch, gevent, greenlet, status):
    real, ours = software._version, {"gevent": gevent, "greenlet": greenlet}
    monkeypatch.setattr(software, "_version", lambda name: ours.get(name) or real(name))
    monkeypatch.setattr(software, "minimums", dict)
    result = software.check_versions()
    assert result.status is status, result
    assert ("'greenlet is being finalized'" in result.found) == (status is Status.WARNING)
    assert ("greenlet<3.5.1" in result.advice) == (status is Status.WARNING)


def test_versions_are_compared_as_numbers():
    assert software._numbers("2.9") < software._numbers("2.32.0")
    assert software._numbers("1.42.7") <= software._numbers("1.42.7+local.2")


def test_this_locust_has_what_is_used_of_it():
    result = software.check_interfaces(60)
    assert result.status is Status.OK, result


@pytest.mark.parametrize(
    ("program", "status", "says"),
    [
        ("raise ImportError('no locust here')", Status.FAILED, "ImportError: no locust here"),
        ("print('[\"results are lost\"]')", Status.WARNING, "this Locust lacks something: results are lost"),
        ("print('odd')", Status.FAILED, "no output"),
        ("import time; time.sleep(60)", Status.FAILED, "within 1 s"),
    ],
)
def test_a_locust_that_lacks_something(monkeypatch, tmp_path, program, status, says):
    (tmp_path / "odd_probe.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setattr(software, "_PROBE", "odd_probe")
    result = software.check_interfaces(1 if "sleep" in program else 60)
    assert result.status is status
    assert says in result.found


# Errors in words


def answered(code, operation="PutMetricData", message="no"):
    return aws.ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (aws.NoCredentialsError(), "give the master a role"),
        (aws.PartialCredentialsError(provider="env", cred_var="x"), "both halves"),
        (aws.NoRegionError(), "--cw-region"),
        (aws.CredentialRetrievalError(provider="custom-process", error_msg="x"), "the program"),
        (aws.TokenRetrievalError(provider="sso", error_msg="x"), "aws sso login"),
        (aws.SSLError(endpoint_url="https://x", error="self-signed"), "AWS_CA_BUNDLE"),
        (aws.ConnectTimeoutError(endpoint_url="https://x"), "interface endpoint"),
        (aws.ConnectionClosedError(endpoint_url="https://x"), "interface endpoint"),
        (answered("InvalidClientTokenId"), "no such access key"),
        (answered("UnrecognizedClientException"), "no such access key"),
        (answered("SignatureDoesNotMatch"), "AWS_SECRET_ACCESS_KEY"),
        (answered("InvalidSignatureException", message="Signature expired: x"), "clock"),
        (answered("AccessDenied", "GetCallerIdentity"), "sts:GetCallerIdentity"),
        (answered("InternalFailure"), "AWS's message"),
        (RuntimeError("odd\nerror"), "see the message"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_errors_come_with_advice(error, advice):
    explained = explain(error)
    assert advice in explained.advice
    assert explained.found
    assert "\n" not in explained.found
