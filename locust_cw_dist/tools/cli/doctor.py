"""`locust-cw doctor`: check whether results could be published from here."""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from locust_cw_dist.tools.cli.parsing import CommandParser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from locust_cw_dist.tools.doctor.result import Result

PROG = "locust-cw doctor"
MAX_TIMEOUT_S = 300

_USAGE = "[--send] [--json] [--timeout SECONDS] [--cw-... ...]"
_DESCRIPTION = """\
Check whether you can publish the results of a load test from here: versions, Locust's interfaces, Region, credentials,
proxy, endpoint, clock, role, identity. Run it where the master runs; workers need no AWS access.
It sends nothing and AWS bills nothing, unless you add --send.
"""
_EPILOG = """\
examples:
  locust-cw doctor
      with the settings that boto3 finds
  locust-cw doctor --cw-service checkout --cw-region eu-central-1
      with the settings of 'locust-cw run --cw-service checkout --cw-region eu-central-1'
  locust-cw doctor --cw-service checkout --send
      check the permission, too: sends one datum, which creates a metric that AWS bills
  locust-cw doctor --cw-service checkout --json
      for machines: one JSON object on stdout

exit code: 0 nothing fails, 1 something does, 2 a wrong option
"""
_WORDS = {"ok": "ok", "warning": "WARNING", "failed": "FAILED", "skipped": "-"}
_COLOURS = {"ok": "32", "warning": "33", "failed": "31", "skipped": "2"}
_INDENT = " " * 10


def main(args: Sequence[str]) -> int:
    """Examine, and print each result as soon as it is there.

    Args:
        args: the arguments behind `doctor`.

    Returns:
        The exit code: 0, or 1 where a check failed. A wrong option ends in `SystemExit` with code 2.
    """
    try:
        # Behind the parser, which imports Locust: that patches the standard library, and boto3 has to find it patched.
        parser = CommandParser(PROG, _USAGE, _DESCRIPTION, _EPILOG)
        from locust_cw_dist.tools.doctor.examination import Examination
    except Exception as error:
        print(f"{PROG}: Locust cannot be imported: {error}; install this package again", file=sys.stderr)
        return 1
    _add_arguments(parser)
    arguments, settings = parser.parse(args)
    examination = Examination(
        settings,
        os.environ,
        timeout_s=arguments.timeout,
        send=arguments.send,
        tell=lambda line: print(f"{PROG}: {line}", file=sys.stderr, flush=True),
    )
    show = _collect if arguments.json else _print_each
    return show(examination)


def _add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--send", action="store_true", help="send one datum: it leaves a metric that AWS bills")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for machines")
    parser.add_argument(
        "--timeout",
        type=_timeout,
        default=10.0,
        metavar="SECONDS",
        help=f"how long each check may take, up to {MAX_TIMEOUT_S} (default: %(default)g)",
    )


def _timeout(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if 0 < seconds <= MAX_TIMEOUT_S:
        return seconds
    raise argparse.ArgumentTypeError(f"got {text!r}, must be above 0 and at most {MAX_TIMEOUT_S} (seconds)")


def _collect(examination: Any) -> int:
    results = list(examination.results())
    code = _exit_code(results)
    checks = [
        {"name": one.name, "status": one.status.value, "found": one.found, "advice": one.advice or None}
        for one in results
    ]
    print(json.dumps({"ok": code == 0, "checks": checks}, indent=2))
    return code


def _print_each(examination: Any) -> int:
    results = []
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for result in examination.results():
        results.append(result)
        print(_lines(result, colours=colours), flush=True)
    return _exit_code(results)


def _lines(result: Result, *, colours: bool) -> str:
    status = result.status.value
    word = f"{_WORDS[status]:<8}"
    if colours:
        word = f"\x1b[{_COLOURS[status]}m{word}\x1b[0m"
    text = f"{word}  {result.name}: {result.found}"
    return f"{text}\n{textwrap.indent(result.advice, _INDENT + '-> ')}" if result.advice else text


def _exit_code(results: Sequence[Result]) -> int:
    return int(any(result.status.value == "failed" for result in results))
