"""The IAM policies that publishing, records and roles need."""

from __future__ import annotations

from typing import Any

from locust_cw_dist.core.records.location import S3Location

_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eusc-", "aws-eusc"),
)
"""What the names of Regions begin with that are not in the partition `aws`."""


def iam_policy(namespace: str) -> dict[str, Any]:
    """Return the policy that the publishing process needs, and no more.

    PutMetricData has no resources; the namespace is a condition key: see "Using condition keys to limit access to
    CloudWatch namespaces" in the user guide of CloudWatch.
    """
    return _policy(
        {
            "Sid": "PublishLoadTestMetrics",
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": namespace}},
        }
    )


def record_policy(place: S3Location | None, region: str | None) -> dict[str, Any] | None:
    """Return the policy that the process needs where it puts run records to S3, and no more; None if it does not."""
    if place is None:
        return None
    resource = f"arn:{partition_of(region)}:s3:::{place.bucket}/{place.prefix}*"
    return _policy({"Sid": "PutLoadTestRecords", "Effect": "Allow", "Action": "s3:PutObject", "Resource": resource})


def partition_of(region: str | None) -> str:
    """Return the partition of a Region, as ARNs name it; see "partition" in the AWS General Reference."""
    return next((name for start, name in _PARTITIONS if (region or "").startswith(start)), "aws")


def assume_role_policy(role_arn: str | None) -> dict[str, Any] | None:
    """Return the policy of the process's own identity, where it assumes a role for publishing."""
    if role_arn is None:
        return None
    return _policy({"Sid": "AssumePublishingRole", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role_arn})


def _policy(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}
