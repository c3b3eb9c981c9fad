"""A fault that passes is tried again: nothing of the machine, of STS or of a program is taken for a wrong setting."""

from __future__ import annotations

import errno
import ssl
import sys
import time
from pathlib import Path

import botocore
import gevent
import gevent.event
import pytest

from locust_cw_dist.core.publish.datums import Datum
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.aws.call import begin
from locust_cw_dist.live.publish import cloudwatch
from locust_cw_dist.live.publish.cloudwatch import Cloudwatch
from locust_cw_dist.settings.settings import Settings
from support.publishing.strange_http import http, strange_server

ROLE = "arn:aws:iam::123456789012:role/metrics"

ASSUMED = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/metrics/x</Arn><AssumedRoleId>A:x</AssumedRoleId>
</AssumedRoleUser><Credentials><AccessKeyId>ASSUMEDKEY</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>token</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult>
</AssumeRoleResponse>"""

PROGRAM = """
import json, os, pathlib, sys
tried = pathlib.Path({tried!r})
if not tried.exists():
    tried.touch()
    {fault}
else:
    print(json.dumps({{"Version": 1, "AccessKeyId": "SOURCE", "SecretAccessKey": "x"}}))
"""

FAULTS = {
    "garbage": "print('the vault is sealed')",
    "nothing": "pass",
    "no object": "print('[]')",
    "no key": "print(json.dumps({'Version': 1}))",
    "no text": "os.write(1, bytes([255, 254]))",
    "exit": "sys.exit('the vault is sealed')",
    "exit without text": "os.write(2, bytes([255, 254])); sys.exit(1)",
    "killed": "os.kill(os.getpid(), 9)",
}

NOW_AND_THEN = [
    *(OSError(number, errno.errorcode[number]) for number in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)),
    MemoryError(),
]


def send(sink):
    sink.send("x", [Datum("m", (), int(time.time()), "Count", 1, 1.0)])


def sts(expires=b"2099-01-01T00:00:00Z"):
    return strange_server(http(200, ASSUMED % expires, Content_Type="text/xml"))


def assert_passes(sink, says):
    """The first look fails, is not for ever, and the next one is as if nothing had been."""
    sink.warm_up()
    with pytest.raises(SendError, match=says) as caught:
        sink.check()
    assert not caught.value.is_final
    sink.check()
    return caught.value


@pytest.mark.parametrize("role", [None, ROLE], ids=["its own", "of a role"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_program_that_gives_no_credentials_once_is_asked_again(environ, profile, tmp_path, fault, role):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(tried=str(tmp_path / "tried"), fault=FAULTS[fault]))
    profile(f"[profile perf]\ncredential_process = {sys.executable} {program}\n")
    with sts() as server:
        environ(AWS_ENDPOINT_URL_STS=server.url)
        error = assert_passes(Cloudwatch(Settings(service="x", role_arn=role)), "program|AWS profile")
    assert error.failure is Failure.CREDENTIALS
    assert len(server.requests) == (role is not None)


def test_an_instance_that_has_no_credentials_yet_is_asked_again(environ):
    environ(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    with sts() as server:
        environ(AWS_ENDPOINT_URL_STS=server.url)
        sink = Cloudwatch(Settings(service="x", role_arn=ROLE))
        sink.warm_up()
        with pytest.raises(SendError, match="no AWS credentials found") as caught:
            send(sink)
        assert (caught.value.failure, caught.value.is_final) == (Failure.CREDENTIALS, False)
        environ(AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY="x")
        sink.check()


@pytest.mark.parametrize("error", NOW_AND_THEN, ids=str)
@pytest.mark.parametrize(
    "step", ["make_session", "look_for_credentials", "make_client", "check_way", "fetch_credentials"]
)
def test_a_machine_that_has_run_out_of_something_is_no_wrong_setting(environ, monkeypatch, step, error):
    real, left = getattr(cloudwatch, step), [error]

    def fail_once(*args, **kwargs):
        if left:
            raise left.pop()
        return real(*args, **kwargs)

    monkeypatch.setattr(cloudwatch, step, fail_once)
    assert_passes(Cloudwatch(Settings(service="x")), "this machine ran out of a resource")


def test_a_ca_bundle_that_can_not_be_opened_now_is_no_wrong_one(environ, monkeypatch):
    environ(AWS_ENDPOINT_URL="https://127.0.0.1:9", AWS_CA_BUNDLE=str(Path(botocore.__file__).with_name("cacert.pem")))
    real, left = ssl.create_default_context, [OSError(errno.EMFILE, "Too many open files")]

    def fail_once(*args, **kwargs):
        if left:
            raise left.pop()
        return real(*args, **kwargs)

    monkeypatch.setattr(ssl, "create_default_context", fail_once)
    assert_passes(Cloudwatch(Settings(service="x")), "Too many open files")


def test_credentials_that_can_not_be_renewed_are_looked_for_anew(environ):
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60)).encode()
    valid = ["OLD"]

    def answer(head):
        if "Credential=ASSUMEDKEY" in head:
            return http(200, b"{}")
        if f"Credential={valid[0]}" in head:
            return http(200, ASSUMED % expires, Content_Type="text/xml")
        return http(403, REVOKED, Content_Type="text/xml")

    with strange_server(answer) as server:
        environ(AWS_ENDPOINT_URL=server.url, AWS_ACCESS_KEY_ID="OLD")
        sink = Cloudwatch(Settings(service="x", role_arn=ROLE))
        sink.warm_up()
        send(sink)
        valid[0] = "NEW"
        environ(AWS_ACCESS_KEY_ID="NEW")
        with pytest.raises(SendError, match="security token included in the request is invalid") as caught:
            send(sink)
        assert caught.value.failure is Failure.CREDENTIALS
        send(sink)


REVOKED = b"""<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>
<Message>The security token included in the request is invalid.</Message></Error></ErrorResponse>"""


def test_all_who_send_share_one_session(environ, monkeypatch):
    made = []

    def slow(*args, **kwargs):
        made.append(args)
        gevent.sleep(0.1)
        return make_session(*args, **kwargs)

    make_session = cloudwatch.make_session
    monkeypatch.setattr(cloudwatch, "make_session", slow)
    with strange_server(http(200, b"{}")) as server:
        environ(AWS_ENDPOINT_URL=server.url)
        sink = Cloudwatch(Settings(service="x"))
        sink.warm_up()
        lanes = [gevent.spawn(sink.check), *(gevent.spawn(send, sink) for _ in range(3))]
        gevent.joinall(lanes, timeout=30, raise_error=True)
    assert len(made) == 1


def test_one_that_fails_leaves_the_session_of_another_alone(environ):
    """A call that began with credentials which were replaced meanwhile says nothing of the new ones."""
    answered = gevent.event.Event()

    def answer(head):
        if "Credential=OLD" not in head:
            return http(200, b"{}")
        if not server.requests[1:]:
            answered.wait()
        return http(403, b'{"__type": "InvalidClientTokenId", "message": "no"}')

    with strange_server(answer) as server:
        environ(AWS_ENDPOINT_URL=server.url, AWS_ACCESS_KEY_ID="OLD")
        sink = Cloudwatch(Settings(service="x"))
        sink.warm_up()
        sink.check()
        first = gevent.spawn(send, sink)
        with gevent.Timeout(30):
            while not server.requests:
                gevent.sleep(0.01)
        with pytest.raises(SendError):
            send(sink)
        environ(AWS_ACCESS_KEY_ID="NEW")
        send(sink)
        new = sink._connection
        answered.set()
        with pytest.raises(SendError):
            first.get(timeout=30)
        assert sink._connection is new


def test_who_waits_for_the_session_of_another_has_sent_nothing(environ, profile):
    profile("[profile perf]\ncredential_process = sleep 3600\n")
    sink = Cloudwatch(Settings(service="x"))
    sink.warm_up()
    first = gevent.spawn(send, sink)
    with gevent.Timeout(30):
        while not sink._making.locked():
            gevent.sleep(0.01)
    call = begin()
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.2):
        send(sink)
    first.kill()
    assert not call.may_have_left
    assert call.cut_off("in time").failure is Failure.CREDENTIALS
