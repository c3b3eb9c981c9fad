"""What `locust-cw alarms` and `locust-cw dashboard` have in common: actions, rules, endpoints, asking before doing."""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from locust_cw_dist.core.names.plural import counted
from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.errors import LocustCwError, SettingsError
from locust_cw_dist.settings.settings import OPTIONS
from locust_cw_dist.tools.cli import records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from locust_cw_dist.core.rules.rule import Rule
    from locust_cw_dist.core.summaries.sections import EndpointKey
    from locust_cw_dist.settings.settings import Settings
    from locust_cw_dist.tools.as_code.changes import Change, Changes
    from locust_cw_dist.tools.cli.parsing import CommandParser

ACTIONS = ("show", "plan", "apply", "delete")
# Those of no use here are taken, too, so that a run's options can be pasted. The role is the publisher's.
FIELDS = OPTIONS.keys() - {"required", "dry_run", "payloads"}
_COLOURS = {"+": "32", "~": "33", "-": "31"}
_SET_NAME = re.compile(r"[0-9A-Za-z.\-_/#:]{1,120}")


class Known(NamedTuple):
    """What is known of the run's endpoints.

    Attributes:
        endpoints: (request name, method), the busiest first where a record tells.
        host: Their Host dimension; None if nobody said.
    """

    endpoints: tuple[EndpointKey, ...]
    host: str | None


def add_arguments(parser: CommandParser) -> None:
    """Add the arguments that both commands have."""
    add: Any = parser.add_argument
    add(
        "action",
        nargs="?",
        choices=ACTIONS,
        default="show",
        metavar="ACTION",
        help="show (default), plan, apply, delete",
    )
    add("--name", type=_set_name, metavar="NAME", help="of this set, where a namespace has several (default: its name)")
    add(
        "--endpoint",
        type=_endpoint,
        action="append",
        default=[],
        metavar="'GET /x'",
        help="endpoint; repeatable",
    )
    help_ = "take endpoints and host from a run record, or a folder's newest one; s3://BUCKET/PREFIX, too"
    add("--record", type=records.place, metavar="RECORD", help=help_)
    add(
        "-H",
        "--host",
        env_var="LOCUST_HOST",
        metavar="HOST",
        help="Locust's --host: the Host dimension, unless --cw-host is set",
    )
    add("--yes", action="store_true", help="apply and delete without a confirmation")


def check_namespace(settings: Settings) -> str:
    """Return the namespace.

    Raises:
        SettingsError: There is none.
    """
    if settings.resolved_namespace is None:
        raise SettingsError("is required (or --cw-namespace): without it, nothing is published", setting="--cw-service")
    return settings.resolved_namespace


def check_format(arguments: argparse.Namespace) -> None:
    """Check that a format is asked for only where something is printed in it.

    Raises:
        SettingsError: It is not.
    """
    if arguments.format != "table" and arguments.action != "show":
        raise SettingsError(
            f"got {arguments.format} with {arguments.action}, must be left out, or be with show", setting="--format"
        )


def rules_of(settings: Settings) -> tuple[Rule, ...]:
    """Return the rules of --cw-rules and --cw-rule.

    Raises:
        SettingsError: One is wrong.
    """
    from locust_cw_dist.settings.rule_file import gather

    return gather(settings.rules, settings.rule, settings.resolution_s).rules


def known(arguments: argparse.Namespace, settings: Settings) -> Known:
    """Return what is known of the run's endpoints from --endpoint, --record and the host's options.

    Raises:
        LocustCwError: The record can't be read.
    """
    from locust_cw_dist.core.publish.selection import Selection

    found, host = list(arguments.endpoint), settings.host or arguments.host
    if arguments.record is not None:
        record = records.read_and_warn(arguments.record, 1)
        found += record.endpoints()
        host = host or _text(record.options.get("host"))
    selection = Selection(settings.groups, settings.include, settings.exclude)
    published = [(name, method) for one, method in found if (name := selection.name_of(one)) is not None]
    return Known(tuple(dict.fromkeys(published)), host)


def confirm(arguments: argparse.Namespace, question: str) -> bool:
    """Whether the user wants it done.

    Raises:
        SettingsError: There is nobody to ask.
    """
    if arguments.yes:
        return True
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SettingsError("is required without a terminal to ask on", setting="--yes")
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def print_changes(changes: Changes) -> None:
    """Print what is to be done, a sign before each: + created, ~ changed, - deleted."""
    for change in changes.changes:
        print(f"{signed(change)} {printable(change.name)}")
        for line in change.lines:
            print(f"      {printable(line)}")
    print(("" if not changes.changes else "\n") + changes.summary())


def signed(change: Change) -> str:
    """Return a change's sign, in colour on a terminal."""
    sign = change.kind.value
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"  \x1b[{_COLOURS[sign]}m{sign}\x1b[0m" if coloured else f"  {sign}"


def carry_out(
    arguments: argparse.Namespace,
    changes: Changes,
    what: str,
    work: Callable[[Sequence[Change], Callable[[Change], None]], list[str] | None],
) -> int:
    """Show changes, and make them if the action says so and the user agrees.

    Args:
        arguments: Action and --yes.
        changes: What is to be done.
        what: Of what, as ``alarms``.
        work: Does it; calls back after each; returns what AWS says about it, if anything.

    Returns:
        The exit code.

    Raises:
        LocustCwError: AWS did not do it; the message says how far it got.
    """
    print_changes(changes)
    if arguments.action == "plan" or not changes.changes:
        return 0
    verb = "Delete" if arguments.action == "delete" else "Apply"
    if not confirm(arguments, f"{verb} these {what}?"):
        print("nothing was changed")
        return 0
    done: list[Change] = []
    try:
        said = work(changes.changes, done.append) or []
    except LocustCwError as e:
        made = f"{len(done)} of {counted(len(changes.changes), 'change')} made"
        raise LocustCwError(f"{e} ({made}; run it again)") from e
    for line in said:
        print(f"CloudWatch says: {printable(line)}", file=sys.stderr)
    print(f"done: {counted(len(done), 'change')} made")
    return 0


def note(prog: str, text: str) -> None:
    """Print a line beside the output."""
    print(f"{prog}: {text}", file=sys.stderr)


def note_role(prog: str, settings: Settings) -> None:
    """Say whose account it is, where the publisher has a role in another one."""
    if settings.role_arn is not None:
        note(prog, f"your own credentials are used, not {settings.role_arn}: that role is for publishing")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _set_name(text: str) -> str:
    if _SET_NAME.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError(f"got {text!r}, must be 1 to 120 letters, digits and . - _ / # :")


def _endpoint(text: str) -> EndpointKey:
    method, blank, name = text.strip().partition(" ")
    if blank and name.strip() and method.isupper():
        return name.strip(), method
    raise argparse.ArgumentTypeError(f"got {text!r}, must be a method and a name, such as 'GET /cart'")
