"""Prints what a CloudWatch holds, as a JSON list of [method, path, requests, failures].

`read_counts.py ENDPOINT_URL NAMESPACE`

A program, since it has to run where the containers' ports are.
"""

from __future__ import annotations

import datetime as dt
import json
import sys

import boto3


def main(endpoint_url: str, namespace: str) -> None:
    client = boto3.client(
        "cloudwatch",
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    now = dt.datetime.now(dt.UTC)
    span = {"StartTime": now - dt.timedelta(hours=2), "EndTime": now + dt.timedelta(hours=1), "Period": 3600}

    def total(metric: str, dimensions: list[dict[str, str]]) -> int:
        found = client.get_metric_statistics(
            Namespace=namespace, MetricName=metric, Dimensions=dimensions, Statistics=["Sum"], **span
        )
        return round(sum(point["Sum"] for point in found["Datapoints"]))

    rows = []
    for metric in client.list_metrics(Namespace=namespace, MetricName="RequestCount")["Metrics"]:
        names = {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]}
        if "Request" in names:
            counts = [total(name, metric["Dimensions"]) for name in ("RequestCount", "FailureCount")]
            rows.append([names["Method"], names["Request"], *counts])
    json.dump(sorted(rows), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
