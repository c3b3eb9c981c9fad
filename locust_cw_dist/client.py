"""CloudwatchClient: what a client of your own must have, so that results are sent with it."""

from __future__ import annotations

from typing import Any, Protocol


class CloudwatchClient(Protocol):
    """A client for PutMetricData: boto3's CloudWatch client, or any object with this method."""

    def put_metric_data(self, *, Namespace: str, MetricData: Any) -> Any:  # noqa: N803 - boto3's names
        """Send the datums of one call.

        Args:
            Namespace: The namespace of all of them.
            MetricData: A list of up to 1,000 datums, each a dict as boto3 takes it, with ``MetricName``,
                ``Dimensions``, ``Timestamp``, ``Unit``, ``StorageResolution`` and its numbers.

        Returns:
            Anything; it is not looked at.
        """
        ...
