"""The metrics that a run sends to CloudWatch. The names and units are part of the public interface.

| metric | unit | form | per |
|---|---|---|---|
| ResponseTime_ms | Milliseconds | Values/Counts | endpoint, and all together |
| RequestCount | Count | Values [1], Counts [N] | endpoint, and all together |
| FailureCount | Count | Values [0, 1], Counts [N - F, F] | endpoint, and all together |
| ResponseSize_Bytes | Bytes | StatisticSet of successful responses | endpoint |
| ResponseTime_pNN_ms | Milliseconds | Value | endpoint, and all together |
| FailureRate_Percent | Percent | StatisticSet: SampleCount = requests, Sum = 100 x failures | all together |
| Users, Workers | Count | Value | run |
| WorkerCpu_Percent | Percent | StatisticSet over workers | run |
| WorkerMemory_Bytes | Bytes | StatisticSet over workers | run |
| ResultsLost | Count | Value | run |
| PublishLag_Seconds | Seconds | Value | run |

``ResponseTime_pNN_ms`` stands for one metric per chosen percentile: ``ResponseTime_p95_ms``,
``ResponseTime_p99.9_ms``. They are switched on and off together, under this name.

The names, units and dimensions of the first four are those of the CloudWatch listener of locust-plugins, so
that dashboards which were made for it keep working.
"""

from __future__ import annotations

METRIC_NAMES = (
    "ResponseTime_ms",
    "RequestCount",
    "FailureCount",
    "ResponseSize_Bytes",
    "ResponseTime_pNN_ms",
    "FailureRate_Percent",
    "Users",
    "Workers",
    "WorkerCpu_Percent",
    "WorkerMemory_Bytes",
    "ResultsLost",
    "PublishLag_Seconds",
)

LEGACY = "legacy"
"""Stands among the chosen names where the old four are sent as the CloudWatch listener of locust-plugins sends them."""

LEGACY_METRICS = frozenset({"ResponseTime_ms", "RequestCount", "FailureCount", "ResponseSize_Bytes"})
"""The metrics of that listener. It sends them for each endpoint, and none for all of them together."""
