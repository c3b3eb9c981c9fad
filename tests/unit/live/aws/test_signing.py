"""Calls are signed by the time that we know, not by a wall clock that is wrong or frozen."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from botocore.exceptions import ClientError

from locust_cw_dist.core.records.location import S3Location
from locust_cw_dist.live.aws.signing import sign_by
from locust_cw_dist.live.platform.clock import SystemClock
from locust_cw_dist.live.platform.timeline import Timeline
from locust_cw_dist.live.publish.cloudwatch import Cloudwatch
from locust_cw_dist.live.records.s3 import S3
from locust_cw_dist.settings.settings import Settings
from support.publishing.strange_http import http, strange_server

HOUR_S = 3600


@pytest.fixture(autouse=True)
def _clean(cloudwatch):
    yield
    cloudwatch.conditions(clock_skew_s=None)


def test_a_call_is_signed_by_the_time_that_is_given(cloudwatch):
    cloudwatch.conditions(clock_skew_s=3 * HOUR_S)
    with pytest.raises(ClientError, match="Signature expired"):
        cloudwatch.client().list_metrics()
    for client in (cloudwatch.client(), cloudwatch.client()):
        sign_by(client, lambda: time.time() + 3 * HOUR_S)
        assert client.list_metrics()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_each_client_has_a_time_of_its_own(cloudwatch):
    right, wrong = cloudwatch.client(), cloudwatch.client()
    sign_by(right, time.time)
    sign_by(wrong, lambda: time.time() + HOUR_S)
    right.list_metrics()
    with pytest.raises(ClientError, match="Signature not yet current"):
        wrong.list_metrics()


TOO_SKEWED = b"<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>"


def s3_whose_clock_is_ahead(ahead_s):
    """A server that refuses signatures as S3 does; `requests` has all that have come."""

    def answer(head):
        signed = re.search(r"x-amz-date: (\S+)", head, re.IGNORECASE)[1]
        signed_s = datetime.strptime(signed, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        now_s = time.time() + ahead_s
        signs = {"x_amz_request_id": "1", "Date": formatdate(now_s, usegmt=True)}
        return http(200, **signs) if abs(signed_s - now_s) < 300 else http(403, TOO_SKEWED, **signs)

    return strange_server(answer)


PLACE = S3Location("perf", "x")


@pytest.mark.parametrize("hours", [3, -3])
def test_a_record_is_signed_by_the_clock_of_the_process(environ, hours):
    with s3_whose_clock_is_ahead(hours * HOUR_S) as server:
        environ(AWS_ENDPOINT_URL_S3=server.url)
        clock = Timeline(SystemClock())
        clock.note_answer(formatdate(time.time() + hours * HOUR_S, usegmt=True))
        store = S3(Settings(), clock=clock)
        store.prepare(PLACE)
        store.put(b"content", PLACE.below("a.cwrecord"))
        assert len(server.requests) == 1, "at the first try"


def test_a_record_that_is_the_first_to_be_refused_for_the_time_is_signed_again(environ):
    with s3_whose_clock_is_ahead(3 * HOUR_S) as server:
        environ(AWS_ENDPOINT_URL_S3=server.url)
        clock = Timeline(SystemClock())
        S3(Settings(), clock=clock).put(b"content", PLACE.below("a.cwrecord"))
        assert len(server.requests) == 2
    assert clock.offset_s == 3 * HOUR_S


@pytest.mark.parametrize("hours", [3, -3])
def test_a_role_is_assumed_by_the_time_of_sts_and_lasts_as_long_as_that_says(environ, cloudwatch, hours):
    cloudwatch.conditions(clock_skew_s=hours * HOUR_S)
    environ(**cloudwatch.env())
    role = "arn:aws:iam::123456789012:role/metrics"
    sink = Cloudwatch(Settings(service="x", role_arn=role), clock=Timeline(SystemClock()))
    sink.warm_up()
    sink.check()
    assert sink._connection.session.get_credentials().access_key.startswith("ASIA")
