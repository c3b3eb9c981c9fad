"""RecordingClient: a CloudWatch client that keeps what it is given."""

from __future__ import annotations

from typing import Any


class RecordingClient:
    """Takes every call of PutMetricData and keeps its datums.

        client = RecordingClient()
        plugin = install(environment, Settings(service="checkout"), client=client)
        ...
        plugin.close()
        assert client.totals("RequestCount") == {"/cart": 120, "/checkout": 40}

    Attributes:
        datums: (namespace, datum) of each datum, in order; a datum is a dict as boto3 takes it.
    """

    def __init__(self) -> None:
        """Have nothing recorded."""
        self.datums: list[tuple[str, dict[str, Any]]] = []

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803 - boto3's names
        """Keep the datums of a call."""
        self.datums += [(Namespace, datum) for datum in MetricData]

    def totals(self, metric: str, dimension: str = "Request") -> dict[str, float]:
        """Return the sum of a metric for each value of a dimension, over all series that have the dimension."""
        totals: dict[str, float] = {}
        for _, datum in self.datums:
            dimensions = {one["Name"]: one["Value"] for one in datum["Dimensions"]}
            if datum["MetricName"] == metric and dimension in dimensions:
                value = dimensions[dimension]
                totals[value] = totals.get(value, 0.0) + _sum(datum)
        return totals


def _sum(datum: dict[str, Any]) -> float:
    if "StatisticValues" in datum:
        return float(datum["StatisticValues"]["Sum"])
    values = datum.get("Values", [datum.get("Value")])
    counts = datum.get("Counts", [1.0] * len(values))
    return float(sum(value * count for value, count in zip(values, counts, strict=True)))
