"""moto's answers (CloudWatch, S3, STS), good and bad, are never taken for a stranger's: what it takes stays taken."""

from __future__ import annotations

import os
import time
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError

from locust_cw_dist.core.publish.datums import Datum
from locust_cw_dist.core.records.location import S3Location
from locust_cw_dist.live.publish.cloudwatch import Cloudwatch
from locust_cw_dist.live.records.s3 import S3, S3Error
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.tools.as_code.account import Account
from locust_cw_dist.tools.as_code.changes import Change, Kind
from support.publishing.answer_watch import AnswerWatch

ROLE = "arn:aws:iam::123456789012:role/metrics"


@pytest.fixture
def everywhere(moto, monkeypatch):
    """Have boto3 in this process use moto for everything."""
    for name, value in moto.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto.url)
    return moto


def test_what_is_sent_put_and_applied_is_taken(everywhere):
    bucket = f"answers-{os.getpid()}"
    everywhere.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    settings = Settings(service="answers", role_arn=ROLE)
    sink = Cloudwatch(settings)
    sink.check()
    sink.send("answers", [Datum("m", (), int(time.time()), "Count", 1, 1.0)])
    place = S3Location(bucket, "x")
    store = S3(settings)
    target = place.below("a.cwrecord")
    store.put(b"content", target)
    assert [record for record, _ in store.newest_first(place)] == [target]
    assert store.get(target) == b"content"
    with pytest.raises(S3Error, match="there is no bucket"):
        store.put(b"content", S3Location(f"{bucket}-none", "x").below("a.cwrecord"))
    account = Account(Settings())
    assert account.alarms("none") == []
    assert account.dashboard("none") is None
    request = {"widgets": []}
    account.apply_to_dashboards([Change(Kind.CREATE, "answers", request=request)], lambda _: None)
    assert account.dashboard("answers") is not None


def test_none_of_its_answers_has_any_sign_of_a_stranger(everywhere):
    watch = AnswerWatch()
    cloudwatch, s3, sts = (watch.of(everywhere.client(name)) for name in ("cloudwatch", "s3", "sts"))
    bucket = f"signs-{os.getpid()}"
    datum = {"MetricName": "m", "Value": 1}
    alarm = {"MetricName": "m", "Namespace": "x", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    alarm |= {"AlarmName": "a", "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
    calls = [
        lambda: cloudwatch.put_metric_data(Namespace="x", MetricData=[datum]),
        lambda: cloudwatch.put_metric_data(Namespace="x", MetricData=[datum | {"Values": [1.0], "Counts": [1.0, 2.0]}]),
        lambda: cloudwatch.list_metrics(Namespace="x"),
        lambda: cloudwatch.put_metric_alarm(**alarm),
        cloudwatch.describe_alarms,
        lambda: cloudwatch.delete_alarms(AlarmNames=["a"]),
        lambda: cloudwatch.put_dashboard(DashboardName="d", DashboardBody="{}"),
        lambda: cloudwatch.get_dashboard(DashboardName="none"),
        lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x"),
        lambda: s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}),
        lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x"),
        lambda: s3.list_objects_v2(Bucket=bucket),
        lambda: s3.get_object(Bucket=bucket, Key="none"),
        sts.get_caller_identity,
        lambda: sts.assume_role(RoleArn=ROLE, RoleSessionName="answers"),
        lambda: sts.assume_role(RoleArn="x" * 20, RoleSessionName="yy"),
    ]
    for call in calls:
        with suppress(ClientError):
            call()
    assert watch.strange == []
    assert len(watch.seen) >= len(calls)
