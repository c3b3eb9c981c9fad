"""`locust-cw watch`: the state of a run in a terminal, from any machine that reaches Locust's web UI."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from locust_cw_dist.tools.watch.client import Login, StateClient, UnreachableError, WatchError, base_url

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

VARIABLE = "LOCUST_CW_WATCH_PASSWORD"
"""Where the password is, if it is not to be asked for."""

GONE_S = 30.0
"""How long a web UI that was there may not answer: the process that served it has ended then."""

_DESCRIPTION = """\
Watch a run in a terminal: the state of publishing, published and lost results, rules, workers with trouble, and the
busiest endpoints. It reads the state from Locust's web UI, URL/cloudwatch/state.json.
"""
_EPILOG = f"""\
examples:
  locust-cw watch http://localhost:8089
  locust-cw watch https://locust.example/team-a --user anna
      with a login: Locust's --web-login with a form for user and password, or basic auth of a proxy; set the password
      in {VARIABLE}, or type it
  locust-cw watch https://locust.example --cookie 'session=...'
      with any other login: the cookie of a browser that is logged in
  locust-cw watch http://localhost:8089 --once
      for CI and pipes: print it once
  locust-cw watch http://localhost:8089 --json | jq .ledger

exit code: 0 shown; 1 the state can't be read: unreachable, no such page, a login, another version; 2 a wrong option;
130 ended by ctrl-C
"""


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "watch",
        help="watch a run in a terminal",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", type=_url, metavar="URL", help="Locust's web UI, as http://localhost:8089")
    parser.add_argument("--user", metavar="NAME", help="log in under this name")
    parser.add_argument("--cookie", metavar="COOKIE", help="send this cookie, as 'session=...'")
    parser.add_argument(
        "--interval", type=_interval, default=2.0, metavar="SECONDS", help="time between two looks; default: 2"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--once", action="store_true", help="print it once; so, too, without a terminal or with TERM=dumb"
    )
    form.add_argument("--json", action="store_true", help="print the state once, as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show the state.

    Raises:
        LocustCwError: It can't be had.
    """
    client = StateClient(arguments.url, _login(arguments))
    if arguments.json:
        print(json.dumps(client.read(), indent=1))
        return 0
    from locust_cw_dist.tools.cli.console import make_console

    console = make_console()
    state = client.read()
    if arguments.once or not console.is_terminal or console.is_dumb_terminal:
        console.print(_view(client, state, console))
    else:
        _watch(client, state, console, arguments.interval)
    return 0


def _watch(client: StateClient, state: dict[str, Any], console: Console, interval_s: float) -> None:
    """Show the state until the user or the web UI has enough."""
    from rich.live import Live

    seen_s, note, size = time.monotonic(), "", console.size
    # What does not fit all the same is cut.
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            if console.size != size:
                # A terminal that was made narrower has broken lines in two: nobody knows how far up the view begins.
                console.clear()
                size = console.size
            live.update(_view(client, state, console, rows=console.height, note=note), refresh=True)
            time.sleep(interval_s)
            try:
                state, note, seen_s = client.read(), "", time.monotonic()
            except UnreachableError as e:
                gone_s = time.monotonic() - seen_s
                if gone_s > GONE_S:
                    raise
                note = f"{e}; what stands here is {gone_s:.0f} s old"


def _view(
    client: StateClient, state: dict[str, Any], console: Console, *, rows: int | None = None, note: str = ""
) -> RenderableType:
    from locust_cw_dist.tools.watch.view import view

    try:
        return view(state, console, rows=rows, note=note)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as e:
        raise WatchError(f"{client.url} answers with something other than the state of a run ({e!r})") from e


def _login(arguments: argparse.Namespace) -> Login:
    if arguments.user is None:
        return Login(cookie=arguments.cookie)
    password = os.environ.get(VARIABLE)
    if password is None:
        if not sys.stdin.isatty():
            raise WatchError(f"there is no terminal to ask for the password: set {VARIABLE}")
        password = getpass.getpass(f"Password of {arguments.user}: ")
    return Login(arguments.user, password, arguments.cookie)


def _url(text: str) -> str:
    try:
        return base_url(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(f"got {text!r}, {e}") from None


def _interval(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1.0 <= value <= 3600.0:
        raise argparse.ArgumentTypeError(f"got {text!r}, must be 1 to 3600 seconds")
    return value
