"""The local CloudWatch's clock, quota and sessions, as boto3 meets them."""

from __future__ import annotations

import datetime as dt
import time
from email.utils import parsedate_to_datetime

import boto3
import pytest
from botocore.exceptions import ClientError

from locust_cw_dist.local_cloudwatch.faults.conditions import Surroundings
from locust_cw_dist.local_cloudwatch.operations.api import Api
from locust_cw_dist.local_cloudwatch.operations.identities import Identities
from locust_cw_dist.local_cloudwatch.storage.store import Store
from locust_cw_dist.testing import LocalCloudwatchError
from support.publishing.aws_json import operate
from support.publishing.put_requests import ONE_TRY, a_call, a_datum, refusal

pytestmark = pytest.mark.once

A_CALL = a_call(a_datum())
ROLE = "arn:aws:iam::210987654321:role/team/publisher"
HOUR_S = 3600
DAY_S = 24 * HOUR_S


def boto_client(cloudwatch, service, credentials=None):
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    if credentials:
        keys = {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }
    return boto3.client(
        service, endpoint_url=cloudwatch.endpoint_url, region_name="eu-central-1", config=ONE_TRY, **keys
    )


def date_of(answer):
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()


# The quota


def test_calls_over_the_quota_are_throttled(cloudwatch, client):
    began_s = time.monotonic()
    cloudwatch.conditions(put_calls_per_s=5)
    outcomes = [refusal(client, A_CALL) for _ in range(60)]
    refused = [outcome for outcome in outcomes if outcome]
    earned = 5 * (time.monotonic() - began_s)
    assert 55 - earned <= len(refused) <= 55  # 5 at once
    assert {outcome[:2] for outcome in refused} == {("Throttling", 400)}
    assert cloudwatch.stats().refusals == {"Throttling": len(refused)}
    client.list_metrics()  # the quota is PutMetricData's
    time.sleep(1.1)
    assert [refusal(client, A_CALL) for _ in range(4)] == [None] * 4


def test_500_calls_a_second_by_default():
    began_s = time.monotonic()
    surroundings = Surroundings()
    for _ in range(500):
        surroundings.admit_put()
    refused = 0
    for _ in range(1000):
        try:
            surroundings.admit_put()
        except Exception as error:
            assert "Rate exceeded" in str(error)  # noqa: PT017
            refused += 1
    earned = 500 * (time.monotonic() - began_s)
    assert 1000 - earned <= refused <= 1000


# The clock


@pytest.mark.parametrize("skew_s", [-200, 200])
def test_the_date_header_is_skewed(cloudwatch, skew_s):
    client = cloudwatch.client(config=ONE_TRY)
    cloudwatch.conditions(clock_skew_s=skew_s)
    assert abs(date_of(client.list_metrics()) - time.time() - skew_s) < 60
    cloudwatch.reset()
    assert abs(date_of(client.list_metrics()) - time.time()) < 60


def test_a_signature_of_another_time_is_refused(cloudwatch, client):
    for skew_s, says in ((310, "Signature expired"), (-310, "Signature not yet current")):
        cloudwatch.conditions(clock_skew_s=skew_s)
        code, status, message = refusal(client, A_CALL)
        assert (code, status) == ("SignatureDoesNotMatch", 403)
        assert says in message
    assert cloudwatch.stats().put_refused == 2
    cloudwatch.conditions(clock_skew_s=None)
    assert refusal(client, A_CALL) is None


def test_timestamps_are_judged_by_the_servers_clock(cloudwatch):
    cloudwatch.conditions(clock_skew_s=-HOUR_S)
    datum = {"MetricName": "m", "Value": 1, "Timestamp": time.time() + 1.5 * HOUR_S}
    answer = operate(cloudwatch.endpoint_url, "PutMetricData", a_call(datum))  # not signed
    assert answer.code == "InvalidParameterValue"


def test_list_metrics_forgets_after_two_weeks():
    now = [1_800_000_000.0]
    surroundings = Surroundings(lambda: now[0])
    api = Api(Store(), surroundings, Identities(surroundings))
    api.handle("PutMetricData", a_call({"MetricName": "m", "Value": 1}))

    def listed(**filters):
        return len(api.handle("ListMetrics", filters)["Metrics"])

    now[0] += 4 * HOUR_S
    assert (listed(), listed(RecentlyActive="PT3H")) == (1, 0)
    now[0] += 14 * DAY_S
    assert listed() == 0


# Sessions


def test_who_calls(cloudwatch):
    sts = boto_client(cloudwatch, "sts")
    assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/local"
    assumed = sts.assume_role(RoleArn=ROLE, RoleSessionName="locust")
    left_s = (assumed["Credentials"]["Expiration"] - dt.datetime.now(dt.UTC)).total_seconds()
    assert 3590 < left_s <= 3600
    caller = boto_client(cloudwatch, "sts", assumed["Credentials"]).get_caller_identity()
    assert caller["Arn"] == "arn:aws:sts::210987654321:assumed-role/publisher/locust"
    assert caller["Account"] == "210987654321"
    assert refusal(boto_client(cloudwatch, "cloudwatch", assumed["Credentials"]), A_CALL) is None


def test_a_session_ends(cloudwatch):
    cloudwatch.conditions(session_s=1)
    assumed = boto_client(cloudwatch, "sts").assume_role(RoleArn=ROLE, RoleSessionName="locust")
    client = boto_client(cloudwatch, "cloudwatch", assumed["Credentials"])
    deadline_s = time.monotonic() + 20
    while (found := refusal(client, A_CALL)) is None:
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    assert found[:2] == ("ExpiredToken", 403)


def test_an_external_id_may_be_needed(cloudwatch):
    sts = boto_client(cloudwatch, "sts")
    cloudwatch.conditions(external_id="secret")
    for more in ({}, {"ExternalId": "guess"}):
        with pytest.raises(ClientError, match="sts:AssumeRole"):
            sts.assume_role(RoleArn=ROLE, RoleSessionName="locust", **more)
    sts.assume_role(RoleArn=ROLE, RoleSessionName="locust", ExternalId="secret")
    with pytest.raises(ClientError, match="ValidationError"):
        sts.assume_role(RoleArn="arn:aws:iam::1:role/short-account", RoleSessionName="locust")


def test_faults_strike_the_token_service_too(cloudwatch):
    sts = boto_client(cloudwatch, "sts")
    cloudwatch.faults("access_denied", operation="AssumeRole")
    assert sts.get_caller_identity()["Account"] == "123456789012"
    with pytest.raises(ClientError, match="sts:AssumeRole") as caught:
        sts.assume_role(RoleArn=ROLE, RoleSessionName="locust")
    assert caught.value.response["Error"]["Code"] == "AccessDenied"


# Telling it


@pytest.mark.parametrize(
    "changes",
    [
        {"weather": 1},
        {"put_calls_per_s": 0},
        {"put_calls_per_s": True},
        {"clock_skew_s": "1"},
        {"clock_skew_s": 1e12},
        {"session_s": -1},
        {"external_id": ""},
    ],
    ids=str,
)
def test_bad_conditions_are_refused(cloudwatch, changes):
    with pytest.raises(LocalCloudwatchError, match="condition"):
        cloudwatch.conditions(**changes)


def test_conditions_add_up_and_can_be_read(cloudwatch):
    cloudwatch.conditions(clock_skew_s=5)
    cloudwatch.conditions(session_s=9)
    told = cloudwatch._ask("GET", "/_local/conditions")
    assert told == {"clock_skew_s": 5, "put_calls_per_s": 500.0, "session_s": 9, "external_id": None}
    cloudwatch.conditions(session_s=None)
    assert cloudwatch._ask("GET", "/_local/conditions")["session_s"] is None
