"""What commands with ``--cw-*`` options have in common: Locust's own parser, which knows where options come from."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from locust_cw_dist.errors import SettingsError
from locust_cw_dist.settings.near_words import with_suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from locust_cw_dist.settings.settings import Settings


MAX_SPAN_S = 365 * 24 * 3600


class CommandParser:
    """A parser of one command: flags, environment variables, ``locust.conf`` and ``[tool.locust]``, as for Locust.

    Importing Locust patches the standard library for gevent, so what is imported after this is made is patched.

    Attributes:
        add_argument: As that of argparse, for the command's own arguments.
    """

    def __init__(
        self, prog: str, usage: str, description: str, epilog: str, fields: Collection[str] | None = None
    ) -> None:
        """Parse for the command `prog`; `fields` are the settings that it takes options for, all by default."""
        from locust.argument_parser import get_empty_argument_parser

        from locust_cw_dist.settings import options

        self._options = options
        self._fields = fields
        self._parser = _quiet(get_empty_argument_parser())
        self._parser.prog, self._parser.usage = prog, f"{prog} {usage}"
        self._parser.description, self._parser.epilog = description, epilog
        self.add_argument: Callable[..., Any] = self._parser.add_argument

    def parse(self, args: Sequence[str]) -> tuple[argparse.Namespace, Settings]:
        """Return the arguments and the settings of the options.

        Raises:
            SystemExit: With code 2 and one line, if something is wrong; with 0 for ``--help``.
        """
        self._options.add_arguments(self._parser, self._fields)
        arguments, rest = self._parser.parse_known_args(list(args))
        # Of what is left over, that from files are Locust's own options; a mistake is what was typed.
        if typed := [text for text in rest if text in args]:
            self._parser.error(f"unrecognized arguments: {' '.join(typed)}")
        try:
            return arguments, self._options.settings_from_options(arguments)
        except SettingsError as wrong:
            self._parser.error(str(wrong))
            raise  # error() does not return


def _quiet(parser: Any) -> Any:
    """Make Locust's parser one of ours: its own options are taken and not shown, and an error is one line."""
    for action in parser._actions:  # noqa: SLF001 - there is no public way to hide an option
        if action.dest != "help":
            action.help = argparse.SUPPRESS

    def refuse(message: str) -> NoReturn:
        # Locust's own options are taken so that its files may hold them; nobody means one of them here.
        shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]  # noqa: SLF001
        words = [word for action in shown for word in (*action.option_strings, *(action.choices or ()))]
        sys.stderr.write(f"{parser.prog}: error: {with_suggestion(message, words)}\n")
        sys.exit(2)

    parser.error = refuse
    return parser


def number(
    kind: Callable[[str], float], lowest: float, highest: float, *, above: bool = False
) -> Callable[[str], float]:
    """Return what reads a number from `lowest` to `highest`, or above `lowest`."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = float("nan")
        if lowest <= value <= highest and not (above and value == lowest):
            return value
        span = f"above {lowest:g} and at most {highest:g}" if above else f"from {lowest:g} to {highest:g}"
        whole = "a whole number " if kind is int else ""
        raise argparse.ArgumentTypeError(f"got {text!r}, must be {whole}{span}")

    return read


def timespan(text: str) -> int:
    """Return the seconds of a length of time as Locust's own ``--run-time`` takes it: 90s, 10m, 1h30m, 3600."""
    from locust.util.timespan import parse_timespan

    try:
        seconds = int(parse_timespan(text))
    except ValueError:
        seconds = 0
    if 0 < seconds <= MAX_SPAN_S:
        return seconds
    raise argparse.ArgumentTypeError(f"got {text!r}, must be a time as 90s, 10m or 1h30m, at most a year")
