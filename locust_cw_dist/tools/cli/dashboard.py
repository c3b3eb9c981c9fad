"""`locust-cw dashboard`: a CloudWatch dashboard of a load test, as a file or in the user's own account."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from locust_cw_dist.errors import SettingsError
from locust_cw_dist.tools.cli import as_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from locust_cw_dist.settings.settings import Settings
    from locust_cw_dist.tools.as_code.account import Account
    from locust_cw_dist.tools.as_code.dashboard import Dashboard
    from locust_cw_dist.tools.as_code.service_metrics import ServiceMetric

PROG = "locust-cw dashboard"

_USAGE = "[show|plan|apply|delete] [--format FORMAT] [--service-metric METRIC] [--cw-... ...]"
_DESCRIPTION = """\
Create a CloudWatch dashboard for a load test: throughput, failures, users, workers, response times of all requests and
by endpoint, the publisher's lag, the limits of the rules as lines, and the metrics of your service beside them. Pass
the options of the run, so that the dashboard shows the series that the run publishes.

show prints the contents, or the file (--format), and does not call AWS. plan compares it with the dashboard in your
account. apply creates or changes it, after a confirmation. delete removes it. The command never touches a dashboard
that apply did not create for this set. It uses your own credentials, never the master's.
"""
_EPILOG = """\
examples:
  locust-cw dashboard --cw-service checkout
      the contents; all endpoints, by a search
  locust-cw dashboard apply --cw-service checkout --cw-rules rules.toml -H https://shop.test \\
      --service-metric 'AWS/ApplicationELB:TargetResponseTime:LoadBalancer=app/shop/0123456789abcdef:p95'
      rules as lines, and the load balancer's response time beside those of the test
  locust-cw dashboard plan --cw-service checkout --record records/
      the endpoints of the newest run, the busiest first
  locust-cw dashboard --format cloudformation --cw-service checkout > dashboard.json
      a template, for 'aws cloudformation deploy'
  locust-cw dashboard --format json --cw-service checkout --cw-region eu-central-1 > body.json
      the body, for 'aws cloudwatch put-dashboard --dashboard-body file://body.json'

exit code: 0 done, or nothing to do; 1 AWS failed, or somebody else's dashboard has the same name; 2 a wrong option or
rule, or no terminal and no --yes
"""


def main(args: Sequence[str]) -> int:
    """Show, compare, apply or delete the dashboard.

    Args:
        args: The arguments behind ``dashboard``.

    Returns:
        The exit code, 0.

    Raises:
        SettingsError: An option or a rule is wrong.
        LocustCwError: AWS did not do it, or a dashboard of somebody else's is in the way.
        SystemExit: A wrong option, with code 2.
    """
    arguments, settings = _parse(args)
    namespace = as_code.check_namespace(settings)
    as_code.check_format(arguments)
    arguments.name = arguments.name or namespace
    if arguments.action == "show":
        return _select_and_tell(arguments, settings)
    return _apply(arguments, settings)


def _parse(args: Sequence[str]) -> tuple[argparse.Namespace, Settings]:
    from locust_cw_dist.tools.cli.parsing import CommandParser

    parser = CommandParser(PROG, _USAGE, _DESCRIPTION, _EPILOG, as_code.FIELDS)
    as_code.add_arguments(parser)
    add: Any = parser.add_argument
    add("--format", choices=("table", "json", "cloudformation"), default="table", help="of show (default: table)")
    add(
        "--service-metric",
        type=_service_metric,
        action="append",
        default=[],
        metavar="METRIC",
        help="of your service: NAMESPACE:METRIC:DIMENSION=VALUE,...:STATISTIC; repeatable",
    )
    add(
        "--period",
        type=_period,
        default=60,
        metavar="SECONDS",
        help="of a point: 1, 5, 10, 30 or minutes (default: 60)",
    )
    add(
        "--find-endpoints",
        action="store_true",
        help="with plan and apply: name the endpoints that CloudWatch has (ListMetrics), in place of a search",
    )
    return parser.parse(args)


def _make(
    arguments: argparse.Namespace, settings: Settings, region: str, account: Account | None = None, **more: str
) -> Dashboard:
    from locust_cw_dist.tools.as_code.dashboard import MAX_SERVICE_METRICS, View, make_dashboard

    if arguments.period < settings.storage_resolution_s:
        raise SettingsError(
            f"got {arguments.period}, must be at least 60: windows of 60 s are kept by the minute",
            setting="--period",
        )
    if len(arguments.service_metric) > MAX_SERVICE_METRICS:
        raise SettingsError(f"got over {MAX_SERVICE_METRICS}, which no page shows", setting="--service-metric")
    known = as_code.known(arguments, settings)
    endpoints = known.endpoints
    if account is not None and arguments.find_endpoints:
        endpoints = tuple(dict.fromkeys([*endpoints, *account.endpoints(settings, known.host)]))
    view = View(
        set_name=arguments.name,
        region=region,
        host=known.host,
        rules=as_code.rules_of(settings),
        endpoints=endpoints,
        service_metrics=tuple(arguments.service_metric),
        period_s=arguments.period,
        **more,
    )
    return make_dashboard(settings, view)


def _select_and_tell(arguments: argparse.Namespace, settings: Settings) -> int:
    from locust_cw_dist.tools.as_code.template import MAX_INLINE_BYTES, REGION, dashboard_template, made_by_stack

    if arguments.find_endpoints:
        raise SettingsError(
            "got it with show, must be with plan or apply: show calls no AWS", setting="--find-endpoints"
        )
    if arguments.format == "cloudformation":
        dashboard = _make(arguments, settings, REGION, made_by=made_by_stack(arguments.name))
        text = json.dumps(dashboard_template(dashboard, arguments.name), indent=2)
        print(text)
        _note_all(dashboard)
        if len(text) > MAX_INLINE_BYTES:
            as_code.note(PROG, f"{len(text):,} bytes: CloudFormation takes templates over 51,200 from S3 only")
        return 0
    if arguments.format == "json":
        from locust_cw_dist.tools.as_code.account import region_of

        dashboard = _make(arguments, settings, region_of(settings))
        print(json.dumps(dashboard.body, indent=2))
        _note_all(dashboard)
        return 0
    return _show_table(arguments, settings)


def _show_table(arguments: argparse.Namespace, settings: Settings) -> int:
    from locust_cw_dist.tools.cli.console import make_console
    from locust_cw_dist.tools.cli.dashboard_display import show

    dashboard = _make(arguments, settings, settings.region or "-")
    show(make_console(), dashboard, settings.price_table)
    _note_all(dashboard)
    return 0


def _apply(arguments: argparse.Namespace, settings: Settings) -> int:
    from locust_cw_dist.core.progress.console_links import dashboard_name
    from locust_cw_dist.tools.as_code.account import Account, region_of
    from locust_cw_dist.tools.as_code.changes import dashboard_changes

    as_code.note_role(PROG, settings)
    account, name = Account(settings), dashboard_name(arguments.name)
    body = None
    if arguments.action != "delete":
        dashboard = _make(arguments, settings, region_of(settings), account)
        body, prices = dashboard.body, settings.price_table
        _note_all(dashboard)
        print(f"Dashboard {name}: about ${prices.dashboard_month:,.2f} a month ({prices.source}), without free tier")
    changes = dashboard_changes(name, body, account.dashboard(name), arguments.name)
    return as_code.carry_out(arguments, changes, "changes to dashboards", account.apply_to_dashboards)


def _note_all(dashboard: Dashboard) -> None:
    for line in dashboard.notes:
        as_code.note(PROG, f"not shown: {line}")


def _service_metric(text: str) -> ServiceMetric:
    from locust_cw_dist.tools.as_code.service_metrics import parse

    try:
        return parse(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e)) from None


def _period(text: str) -> int:
    seconds = int(text) if text.isascii() and text.isdecimal() and len(text) <= 6 else 0
    if seconds in (1, 5, 10, 30) or (seconds and seconds % 60 == 0 and seconds <= 86_400):
        return seconds
    raise argparse.ArgumentTypeError(f"got {text!r}, must be 1, 5, 10, 30 or a multiple of 60, at most 86400 (seconds)")
