"""The entry point of ``locust-cw``.

Only the module of the command that runs is imported: a load test must not pay for the demo, and nothing
here may load Locust, gevent or boto3 before that module decides in which order.

A command's module has ``add_parser(subparsers)``, which adds its parser and sets the default ``run``, a
function that takes the parsed arguments and returns an exit code. Those with ``--cw-*`` options are exceptions: they
have ``main(args)``, since their arguments are Locust's, and argparse has no way to leave them alone.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from locust_cw_dist.errors import LocustCwError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class _Command(NamedTuple):
    name: str
    help: str
    module: str


_RUN = _Command("run", "run locust with the plugin installed; all arguments are Locust's", "locust_cw_dist.run")

_DOCTOR = _Command("doctor", "check whether you can publish results from here", "locust_cw_dist.tools.cli.doctor")

_PLAN = _Command("plan", "show what a run would send and cost, without AWS", "locust_cw_dist.tools.cli.plan")

_RESEND = _Command("resend", "publish the batches in a spool folder", "locust_cw_dist.tools.cli.resend")

_ALARMS = _Command("alarms", "make CloudWatch alarms from the rules", "locust_cw_dist.tools.cli.alarms")

_DASHBOARD = _Command("dashboard", "make a CloudWatch dashboard of a load test", "locust_cw_dist.tools.cli.dashboard")

_WITH_OPTIONS = (_RUN, _DOCTOR, _PLAN, _RESEND, _ALARMS, _DASHBOARD)
"""Commands that take the --cw-* options, and so parse their arguments with Locust's own parser."""

_COMMANDS = (
    *_WITH_OPTIONS,
    _Command(
        "local-cloudwatch",
        "serve a CloudWatch on this machine, for trying things out without an AWS account",
        "locust_cw_dist.tools.cli.local_cloudwatch",
    ),
    _Command("watch", "watch a run in a terminal", "locust_cw_dist.tools.cli.watch"),
    _Command("report", "make an HTML page of a run record", "locust_cw_dist.tools.cli.report"),
    _Command("compare", "compare runs from their records, and gate on it", "locust_cw_dist.tools.cli.compare"),
    _Command("history", "show figures over many runs, and since when they changed", "locust_cw_dist.tools.cli.history"),
    _Command(
        "demo",
        "run a distributed load test against a local CloudWatch and show what arrived",
        "locust_cw_dist.tools.cli.demo",
    ),
)

_EXAMPLES = """\
examples:
  locust-cw demo
      see it work: no AWS account or options needed
  locust-cw run -f locustfile.py --headless -u 50 -t 5m --cw-service checkout
      one process, metrics in the namespace perf/checkout/loadtests
  locust-cw run -f locustfile.py --master --headless --expect-workers 3 -u 50 -t 5m --cw-service checkout
  locust-cw run -f - --worker --master-host 10.0.0.7
      distributed: the master publishes, workers need no options and no AWS access
  locust-cw run --help
      Locust's options and ours
  locust-cw watch http://localhost:8089
      watch a run of Locust's web UI in a terminal
  locust-cw doctor --cw-service checkout
      check credentials, endpoint and clock before the first run
  locust-cw plan --cw-service checkout
      what such a run would send and cost
  locust-cw resend /var/spool/locust-cw
      publish the batches that a master could not send before it ended
  locust-cw alarms plan --cw-service checkout --cw-rules rules.toml
  locust-cw dashboard apply --cw-service checkout --cw-rules rules.toml
      create alarms and a dashboard in your account, from the rules of the run
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage above it, and what may be meant."""

    def error(self, message: str) -> NoReturn:
        from locust_cw_dist.settings.near_words import with_suggestion

        self.exit(2, f"{self.prog}: error: {with_suggestion(message, self._words())}\n")

    def _words(self) -> list[str]:
        """All commands, and all options of this parser and of those below it."""
        found: list[str] = []
        for action in self._actions:
            found += action.option_strings
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - there is no public name for it
                found += action.choices
                found += [word for parser in action.choices.values() for word in parser._words()]  # noqa: SLF001
        return found


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: The arguments after the program's name; ``sys.argv`` by default.

    Returns:
        The exit code: 0, the command's own, 1 where it failed, 2 where the command line is wrong.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    special = next((command for command in _WITH_OPTIONS if arguments[:1] == [command.name]), None)
    if special is not None:
        module: Any = importlib.import_module(special.module)
        return _run(special.name, lambda: module.main(arguments[1:]))
    parser = _parser(arguments)
    parsed = parser.parse_args(arguments)
    if parsed.version:
        print(f"locust-cw-dist {_version()} (Python {sys.version.split()[0]})")
        return 0
    if parsed.command is None:
        parser.print_help(sys.stderr)
        return 2
    return _run(parsed.command, lambda: parsed.run(parsed))


def _run(name: str, command: Callable[[], int]) -> int:
    try:
        code = int(command())
        sys.stdout.flush()
    except LocustCwError as error:
        print(f"locust-cw {name}: {error}", file=sys.stderr)
        return 2 if isinstance(error, SettingsError) else 1
    except KeyboardInterrupt:
        return 130  # what a shell reports for a program that ctrl-C ended
    except BrokenPipeError:
        if not _is_stdout_gone():
            raise
        return 141  # what a shell reports for a program that wrote to `head` when that had seen enough
    else:
        return code


def _is_stdout_gone() -> bool:
    """Whether nobody reads our output any more; if so, what is left of it goes nowhere, or Python would complain."""
    try:
        os.write(sys.stdout.fileno(), b"\n")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="locust-cw",
        description="Publish Locust's load-test results to Amazon CloudWatch.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    wanted = next((argument for argument in arguments if not argument.startswith("-")), None)
    for command in _COMMANDS:
        if command.name == wanted:
            module: Any = importlib.import_module(command.module)
            module.add_parser(subparsers)
        else:
            subparsers.add_parser(command.name, help=command.help)
    return parser


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("locust-cw-dist")
    except metadata.PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
