"""`locust-cw plan`: what a run would send to CloudWatch and cost, without a run and without AWS."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locust_cw_dist.errors import SettingsError
from locust_cw_dist.settings.settings import OPTIONS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from locust_cw_dist.core.costs.plan import Plan
    from locust_cw_dist.settings.settings import Settings

PROG = "locust-cw plan"
MAX_MADE_UP_ENDPOINTS = 10_000

_USAGE = "[--endpoints N | NAME ...] [--duration 1h] [--rate N] [--json] [--payloads FILE] [--cw-... ...]"
_DESCRIPTION = """\
Show what a run would send to CloudWatch: metrics, calls, sizes, the IAM policy that it needs, and the cost of writing
and reading. It does not call AWS and needs no credentials. The code of a real run makes the calls, from made-up
response times: log-normal, with endpoint medians from half of --p50-ms to twice as much. Costs are estimates.
"""
_EPILOG = """\
examples:
  locust-cw plan --cw-service checkout
      20 endpoints, one hour, 100 requests a second
  locust-cw plan --cw-service checkout --endpoints 'GET /product' 'POST /cart' --duration 10m --rate 500
      with your own endpoints
  locust-cw plan --cw-service checkout --cw-metrics all,-ResponseSize_Bytes --cw-resolution 60
      what fewer metrics and longer windows save
  locust-cw plan --cw-service checkout --refresh 10 --alarms 3 --cw-price metric_month=0.25
      a dashboard that refreshes every 10 s, three alarms, your own price
  locust-cw plan --cw-service checkout --payloads window.jsonl
      the calls of one window, one PutMetricData body per line; other windows differ only in their timestamps

exit code: 0, or 2 for a wrong option
"""
# Those of no use here are taken, too, so that a run's options can be pasted.
_FIELDS = OPTIONS.keys() - {"rules", "rule", "junit", "rules_json", "required", "dry_run", "payloads"}


def main(args: Sequence[str]) -> int:
    """Show the plan.

    Args:
        args: The arguments behind ``plan``.

    Returns:
        The exit code, 0.

    Raises:
        SettingsError: Nothing would be published, or the file can't be written.
        SystemExit: A wrong option, with code 2.
    """
    arguments, settings = _parse(args)
    plan = _plan(arguments, settings)
    if arguments.payloads is not None:
        _write(arguments.payloads, plan)
    if arguments.json:
        sys.stdout.write(json.dumps(plan.as_json(), indent=2) + "\n")
        return 0

    from locust_cw_dist.tools.cli.console import make_console
    from locust_cw_dist.tools.cli.plan_display import show

    show(make_console(), plan)
    return 0


def _parse(args: Sequence[str]) -> tuple[argparse.Namespace, Settings]:
    from locust_cw_dist.tools.cli.parsing import CommandParser, number, timespan

    parser = CommandParser(PROG, _USAGE, _DESCRIPTION, _EPILOG, _FIELDS)
    add: Any = parser.add_argument
    add(
        "--endpoints",
        nargs="+",
        default=["20"],
        metavar="N|NAME",
        help="number of endpoints, or their names, such as 'GET /cart' (default: 20)",
    )
    add("--duration", type=timespan, default=3600, metavar="TIME", help="of a run: 90s, 10m or 1h30m (default: 1h)")
    add(
        "--rate",
        type=number(float, 0, 1e6, above=True),
        default=100.0,
        metavar="N",
        help="requests a second (default: 100)",
    )
    add(
        "--p50-ms",
        type=number(float, 0.001, 1e7),
        default=100.0,
        metavar="MS",
        help="median response time (default: 100)",
    )
    add(
        "--p99-ms", type=number(float, 0.001, 1e7), default=1000.0, metavar="MS", help="99th percentile (default: 1000)"
    )
    add(
        "--refresh",
        type=number(float, 1, 86400),
        default=60.0,
        metavar="SECONDS",
        help="how often a dashboard reads all metrics (default: 60)",
    )
    count = number(int, 0, 100_000)
    add("--alarms", type=count, default=0, metavar="N", help="alarms with periods of a minute or more")
    add("--high-resolution-alarms", type=count, default=0, metavar="N", help="alarms with periods of 10 or 30 s")
    add("--composite-alarms", type=count, default=0, metavar="N", help="composite alarms")
    add("--dashboards", type=count, default=0, metavar="N", help="CloudWatch dashboards; Grafana's cost nothing there")
    add("--payloads", metavar="FILE", help="write the calls of one window, one PutMetricData body per line")
    add("--json", action="store_true", help="print one JSON object, for machines")
    return parser.parse(args)


def _plan(arguments: argparse.Namespace, settings: Settings) -> Plan:
    from locust_cw_dist.core.costs import made_up_load, plan
    from locust_cw_dist.core.costs.bill import Usage
    from locust_cw_dist.core.publish.datums import MetricPlan
    from locust_cw_dist.core.publish.selection import Selection
    from locust_cw_dist.core.records.location import S3Location, is_url
    from locust_cw_dist.core.summaries.windows import window_start_s

    if settings.resolved_namespace is None:
        raise SettingsError("is required (or --cw-namespace): without it, nothing is published", setting="--cw-service")
    if arguments.p99_ms < arguments.p50_ms:
        raise SettingsError(
            f"got {arguments.p99_ms:g}, must be at least --p50-ms ({arguments.p50_ms:g})", setting="--p99-ms"
        )
    publishing = plan.PublishingPlan(
        namespace=settings.resolved_namespace,
        metrics=MetricPlan(
            metrics=settings.metrics,
            endpoint_percentiles=settings.endpoint_percentiles,
            total_percentiles=settings.total_percentiles,
            static_dimensions=settings.dimensions,
            storage_resolution_s=settings.storage_resolution_s,
        ),
        resolution_s=settings.resolution_s,
        max_endpoints=settings.max_endpoints,
        selection=Selection(settings.groups, settings.include, settings.exclude),
        role_arn=settings.role_arn,
        record=S3Location.parse(settings.record) if settings.record and is_url(settings.record) else None,
        region=settings.region or os.environ.get("AWS_REGION"),
    )
    load = made_up_load.Load(
        _endpoints(arguments.endpoints), settings.host or "-", arguments.rate, arguments.p50_ms, arguments.p99_ms
    )
    usage = Usage(
        duration_s=arguments.duration,
        refresh_s=arguments.refresh,
        alarms=arguments.alarms,
        high_resolution_alarms=arguments.high_resolution_alarms,
        composite_alarms=arguments.composite_alarms,
        dashboards=arguments.dashboards,
    )
    start_s = window_start_s(time.time(), settings.resolution_s)
    return plan.make_plan(publishing, load, usage, settings.price_table, start_s=start_s)


def _endpoints(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return (request name, method) of each; of a number, as many made-up ones."""
    if len(texts) == 1 and texts[0].isdecimal():
        if not 1 <= int(texts[0]) <= MAX_MADE_UP_ENDPOINTS:
            raise SettingsError(
                f"got {texts[0]}, must be from 1 to {MAX_MADE_UP_ENDPOINTS}, or names", setting="--endpoints"
            )
        return tuple((f"/endpoint/{number}", "GET") for number in range(1, int(texts[0]) + 1))
    return tuple(dict.fromkeys(_endpoint(text) for text in texts))


def _endpoint(text: str) -> tuple[str, str]:
    method, blank, name = text.strip().partition(" ")
    return (name.strip(), method) if blank and method.isalpha() and method.isupper() else (text.strip(), "GET")


def _write(path: str, plan: Plan) -> None:
    try:
        Path(path).write_bytes(b"".join(body + b"\n" for body in plan.bodies))
    except OSError as e:
        raise SettingsError(f"got {path!r}, must be a file that can be written ({e})", setting="--payloads") from e
