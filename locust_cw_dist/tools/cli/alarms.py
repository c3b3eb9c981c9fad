"""`locust-cw alarms`: CloudWatch alarms from the rules, as files or in the user's own account."""

from __future__ import annotations

import argparse
import json
import re
from typing import TYPE_CHECKING, Any

from locust_cw_dist.errors import LocustCwError, SettingsError
from locust_cw_dist.tools.cli import as_code

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from locust_cw_dist.settings.settings import Settings
    from locust_cw_dist.tools.as_code.alarms import Alarm, Choices, NoAlarm

PROG = "locust-cw alarms"

_USAGE = "[show|plan|apply|delete] [--format FORMAT] [--alarm-action ARN] [--cw-rules FILE] [--cw-... ...]"
_DESCRIPTION = """\
Create CloudWatch alarms from the rules of a load test, one for each rule that an alarm can watch. Other rules are named
with the reason. Pass the options of the run, so that the alarms watch the series that the run publishes.

show prints the alarms, or a file (--format), and does not call AWS. plan compares them with those in your account and
shows what would be created (+), changed (~) and deleted (-). apply does that, after a confirmation. delete removes all
alarms of this set. Only alarms that apply created for this set are ever changed or deleted. The command uses your own
credentials, never the master's.
"""
_EPILOG = """\
examples:
  locust-cw alarms --cw-service checkout --cw-rule 'p95 < 300' --cw-rule 'failure_ratio < 1 %'
      what they watch, and what they cost
  locust-cw alarms plan --cw-service checkout --cw-rules rules.toml -H https://shop.test
      what apply would do; use the run's -H, because rules on an endpoint need the Host dimension
  locust-cw alarms apply --yes --cw-service checkout --cw-rules rules.toml -H https://shop.test \\
      --alarm-action arn:aws:sns:eu-central-1:123456789012:oncall --tag team=shop
      for CI: no confirmation, an e-mail or a page through SNS
  locust-cw alarms --format cloudformation --cw-service checkout --cw-rules rules.toml -H - > alarms.json
      a template, for 'aws cloudformation deploy'; -H - for a run without a host
  locust-cw alarms delete --cw-service checkout
      all alarms of this set, and no other

exit code: 0 done, or nothing to do; 1 AWS failed, or somebody else's alarm has the same name; 2 a wrong option or rule,
or no terminal and no --yes
"""
_MISSING = ("notBreaching", "breaching", "ignore", "missing")
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:[!-~]{1,900}")
MAX_ACTIONS = 5


def main(args: Sequence[str]) -> int:
    """Show, compare, apply or delete the alarms.

    Args:
        args: The arguments behind ``alarms``.

    Returns:
        The exit code, 0.

    Raises:
        SettingsError: An option or a rule is wrong.
        LocustCwError: AWS did not do it, or an alarm of somebody else's is in the way.
        SystemExit: A wrong option, with code 2.
    """
    arguments, settings = _parse(args)
    namespace = as_code.check_namespace(settings)
    as_code.check_format(arguments)
    arguments.name = arguments.name or namespace
    if arguments.action == "delete":
        return _delete(arguments, settings)
    tags = _tags(arguments)
    alarms, skipped = _make(arguments, settings)
    for one in skipped:
        as_code.note(PROG, one.line())
    if arguments.action == "show":
        return _select_and_tell(arguments, settings, alarms, tags)
    return _apply(arguments, settings, alarms, tags)


def _parse(args: Sequence[str]) -> tuple[argparse.Namespace, Settings]:
    from locust_cw_dist.tools.cli.parsing import CommandParser, timespan

    parser = CommandParser(PROG, _USAGE, _DESCRIPTION, _EPILOG, as_code.FIELDS)
    as_code.add_arguments(parser)
    add: Any = parser.add_argument
    add("--format", choices=("table", "json", "cloudformation"), default="table", help="of show (default: table)")
    for flag, who in (
        ("--alarm-action", "when a rule is broken"),
        ("--warn-action", "in its place for rules of severity warn"),
        ("--ok-action", "when all is well again"),
    ):
        add(
            flag,
            type=_arn,
            action="append",
            metavar="ARN",
            help=f"SNS topic or other action {who}; up to {MAX_ACTIONS}",
        )
    add("--tag", type=_tag, action="append", default=[], metavar="KEY=VALUE", help="a tag of each alarm; repeatable")
    add("--missing", choices=_MISSING, default="notBreaching", help="periods without data (default: notBreaching)")
    add(
        "--low-samples",
        choices=("ignore", "evaluate"),
        default="ignore",
        help="percentiles of too few results: below 200 for p95, 1,000 for p99 (default: ignore)",
    )
    add(
        "--window", type=timespan, default=60, metavar="TIME", help="looked at for rules on the whole run (default: 1m)"
    )
    add(
        "--datapoints",
        type=_datapoints,
        default=(1, 1),
        metavar="M/N",
        help="alarm when M of the last N periods are broken (default: 1/1)",
    )
    return parser.parse(args)


def _make(arguments: argparse.Namespace, settings: Settings) -> tuple[tuple[Alarm, ...], tuple[NoAlarm, ...]]:
    from locust_cw_dist.tools.as_code.alarms import make_alarms

    rules = as_code.rules_of(settings)
    if not rules:
        raise SettingsError("is required (or --cw-rule): alarms are made from rules", setting="--cw-rules")
    return make_alarms(rules, settings, _choices(arguments, settings))


def _choices(arguments: argparse.Namespace, settings: Settings) -> Choices:
    from locust_cw_dist.tools.as_code.alarms import Choices

    known = as_code.known(arguments, settings)
    for flag in ("alarm_action", "warn_action", "ok_action"):
        if len(getattr(arguments, flag) or ()) > MAX_ACTIONS:
            raise SettingsError(f"got more than {MAX_ACTIONS}, which CloudWatch allows", setting=_flag(flag))
    return Choices(
        set_name=arguments.name,
        host=known.host,
        known=known.endpoints,
        alarm_actions=tuple(arguments.alarm_action or ()),
        warn_actions=None if arguments.warn_action is None else tuple(arguments.warn_action),
        ok_actions=tuple(arguments.ok_action or ()),
        missing=arguments.missing,
        low_samples=arguments.low_samples,
        run_window_s=arguments.window,
        breaching=arguments.datapoints[0],
        periods=arguments.datapoints[1],
    )


def _tags(arguments: argparse.Namespace) -> dict[str, str]:
    from locust_cw_dist.tools.as_code.names import tag_problems

    if wrong := tag_problems(arguments.tag):
        raise SettingsError(wrong, setting="--tag")
    return dict(arguments.tag)


def _select_and_tell(
    arguments: argparse.Namespace, settings: Settings, alarms: Sequence[Alarm], tags: Mapping[str, str]
) -> int:
    if arguments.format == "json":
        added = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}
        print(json.dumps([{**alarm.request, **added} for alarm in alarms], indent=2))
        return 0
    if arguments.format == "cloudformation":
        return _show_template(arguments, alarms, tags)
    from locust_cw_dist.tools.cli.alarms_display import show
    from locust_cw_dist.tools.cli.console import make_console

    show(make_console(), alarms, settings.price_table)
    return 0


def _show_template(arguments: argparse.Namespace, alarms: Sequence[Alarm], tags: Mapping[str, str]) -> int:
    from locust_cw_dist.tools.as_code.template import MAX_INLINE_BYTES, alarms_template

    if not alarms:
        raise LocustCwError(
            "there is no alarm to put into a template, and CloudFormation takes none without a resource"
        )
    text = json.dumps(alarms_template(alarms, arguments.name, tags), indent=2)
    print(text)
    if len(text) > MAX_INLINE_BYTES:
        as_code.note(PROG, f"{len(text):,} bytes: CloudFormation takes templates over 51,200 from S3 only")
    return 0


def _apply(arguments: argparse.Namespace, settings: Settings, alarms: Sequence[Alarm], tags: Mapping[str, str]) -> int:
    from locust_cw_dist.tools.as_code.account import Account
    from locust_cw_dist.tools.as_code.alarms import month_usd
    from locust_cw_dist.tools.as_code.changes import alarm_changes

    as_code.note_role(PROG, settings)
    account = Account(settings)
    changes = alarm_changes(alarms, account.alarms(arguments.name), arguments.name, tags)
    prices = settings.price_table
    print(
        f"Alarms of {arguments.name}: about ${month_usd(alarms, prices):,.2f} a month for all of them ({prices.source})"
    )
    return as_code.carry_out(arguments, changes, "changes to alarms", account.apply_to_alarms)


def _delete(arguments: argparse.Namespace, settings: Settings) -> int:
    from locust_cw_dist.tools.as_code.account import Account
    from locust_cw_dist.tools.as_code.changes import alarm_changes

    as_code.note_role(PROG, settings)
    account = Account(settings)
    changes = alarm_changes((), account.alarms(arguments.name), arguments.name, {})
    return as_code.carry_out(arguments, changes, "alarms", account.apply_to_alarms)


def _flag(dest: str) -> str:
    return f"--{dest.replace('_', '-')}"


def _arn(text: str) -> str:
    if _ARN.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError(f"got {text!r}, must be an ARN, as arn:aws:sns:eu-central-1:123456789012:topic")


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise argparse.ArgumentTypeError(f"got {text!r}, must be KEY=VALUE")
    return key.strip(), value.strip()


def _datapoints(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text)
    if match and 1 <= int(match[1]) <= int(match[2]):
        return int(match[1]), int(match[2])
    raise argparse.ArgumentTypeError(f"got {text!r}, must be M/N with M from 1 to N, as 3/5")
