"""`locust-cw demo`: see it work, without an AWS account and without an option."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from locust_cw_dist.tools.demo.play import Outcome

DEFAULT_DURATION_S = 20
MAX_DURATION_S = 3600

_DESCRIPTION = """\
Run a distributed load test on this machine: a local CloudWatch, a small HTTP target, one Locust master and three
workers. Then read the metrics back and compare them with the target's own counts and with the raw response times.
You need no AWS account. Everything stays on 127.0.0.1 and stops at the end.
"""


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the command; its `run` default plays the demo and returns the exit code."""
    parser = subparsers.add_parser(
        "demo",
        help="run a distributed load test against a local CloudWatch and show what arrived",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--duration",
        type=_duration,
        default=DEFAULT_DURATION_S,
        metavar="SECONDS",
        help="how long the load test lasts (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def _duration(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= MAX_DURATION_S:
        return int(text)
    raise argparse.ArgumentTypeError(f"got {text!r}, must be whole seconds from 1 to {MAX_DURATION_S}")


def run(arguments: argparse.Namespace) -> int:
    """Play the demo.

    Must be called on the main thread of a process that does nothing else: it takes the signals and changes
    ``os.environ``.

    Returns:
        The exit code: 0, or 128 and the number of the signal that ended it.

    Raises:
        LocustCwError: A part is missing, something failed, or CloudWatch differs from the truth.
    """
    from locust_cw_dist.tools.cli.console import make_console
    from locust_cw_dist.tools.demo.interrupts import Interrupted, Interrupts
    from locust_cw_dist.tools.demo.isolation import isolate

    isolate(os.environ)
    try:
        with Interrupts() as interrupts:
            _play(make_console(), arguments.duration, interrupts.check)
    except Interrupted as interrupted:
        print("locust-cw demo: interrupted; everything is stopped", file=sys.stderr)
        return interrupted.exit_code
    return 0


def _play(console: Console, duration_s: int, check: Callable[[], None]) -> None:
    from locust_cw_dist.tools.demo.display import Progressing
    from locust_cw_dist.tools.demo.play import USERS, WORKERS, play

    console.print(f"A load test on this machine: {USERS} users on {WORKERS} Locust workers, {duration_s} s.")
    console.print("The master publishes to a local CloudWatch; no AWS account is used.")
    try:
        with Progressing(console, duration_s) as progress:
            outcome = play(duration_s, progress, check)
    except Exception:
        check()  # a part that ctrl-C ended, too, is no failure
        raise
    report(console, outcome)


def report(console: Console, outcome: Outcome) -> None:
    """Show what came out.

    Raises:
        DemoError: CloudWatch differs from the truth; the table is shown before.
    """
    from locust_cw_dist.core.costs.prices import Prices
    from locust_cw_dist.tools.demo import display
    from locust_cw_dist.tools.demo.costs import costs
    from locust_cw_dist.tools.demo.processes import DemoError

    display.show_figures(console, outcome.comparisons)
    if problems := outcome.problems():
        raise DemoError(f"CloudWatch differs from the truth: {'; '.join(problems)}")
    display.show_verdict(console, outcome.comparisons)
    prices = Prices()
    display.show_costs(console, costs(outcome.summary, outcome.comparisons, prices), prices)
    display.show_next(console)
