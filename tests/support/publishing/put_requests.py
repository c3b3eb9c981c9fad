"""Building PutMetricData calls, and sending them so that only the server judges them."""

from __future__ import annotations

import time

from botocore.config import Config
from botocore.exceptions import ClientError

NAMESPACE = "perf/checkout/loadtests"
ONE_TRY = Config(parameter_validation=False, retries={"total_max_attempts": 1})
"""botocore neither checks the call nor repeats it."""


def a_datum(**members):
    """A datum that is accepted, with members replaced; a member that is None is left out."""
    if not {"Values", "StatisticValues"} & set(members):
        members = {"Value": 1.0} | members
    return {name: value for name, value in ({"MetricName": "RequestCount"} | members).items() if value is not None}


def a_call(*datums, namespace=NAMESPACE):
    """A whole call."""
    return {"Namespace": namespace, "MetricData": list(datums)}


def dimensions(*pairs):
    """Dimensions as the API takes them."""
    return [{"Name": name, "Value": value} for name, value in pairs]


def refusal(client, call):
    """The error that a PutMetricData call gets: (code, HTTP status, message), or None if it is accepted."""
    try:
        client.put_metric_data(**call)
    except ClientError as error:
        answer = error.response
        return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]
    return None


def from_now(seconds):
    """A timestamp that far from now, in epoch seconds."""
    return time.time() + seconds
