"""``locust-cw run ARGS...``: ``locust ARGS...`` with the plugin installed, for locustfiles that nobody edits.

It runs Locust in this process, as Locust's own console script does: the same module search path, the same
arguments, the same exit codes; the plugin's listeners are registered before those of any locustfile.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from locust_cw_dist import early_signals

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(args: Sequence[str]) -> int:
    """Runs Locust with ``args``, untouched.

    Args:
        args: Locust's own arguments, ``--help`` and ``--version`` included.

    Returns:
        The exit code, where Locust returns at all: it mostly ends in ``SystemExit``.
    """
    # Locust reads its arguments from here, not only at the start but for each view of its web form. The
    # name in front is used for one thing, to begin its error messages.
    sys.argv = ["locust", *args]

    early_signals.install()

    # Locust first: it patches the standard library for gevent, and what is imported after it is patched.
    import locust.main

    import locust_cw_dist.auto  # noqa: F401 - it registers the plugin

    _refuse_wrong_options(args)
    locust.main.main()
    return 0


def _refuse_wrong_options(args: Sequence[str]) -> None:
    """Exits with code 2 where one of our options is wrong, before Locust does anything.

    Locust parses options of plugins after it has the locustfile, and a worker with ``-f -`` asks the master
    for that: it could wait a minute for a master, only to say then that an option is wrong.
    """
    if {"-h", "--help", "-V", "--version"} & set(args):
        return

    from locust.argument_parser import get_empty_argument_parser

    from locust_cw_dist.settings import options

    parser = get_empty_argument_parser(add_help=False)
    # This parser knows none of the options that locustfiles declare: to it their `--cw` would be ours, cut short.
    parser.allow_abbrev = False
    options.add_arguments(parser)
    parser.parse_known_args(list(args))
