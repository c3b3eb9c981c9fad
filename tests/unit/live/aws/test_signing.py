"""Calls are signed by the time that we know, not by a wall clock that is wrong or frozen."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError

from locust_cw_dist.live.aws.signing import sign_by

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
