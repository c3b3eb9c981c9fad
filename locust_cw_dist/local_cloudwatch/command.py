"""The process `locust-cw local-cloudwatch`: its arguments, its lines on stdout, and its end."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from locust_cw_dist.local_cloudwatch.http.server import LocalServer

if TYPE_CHECKING:
    import argparse
    from types import FrameType

DEFAULT_PORT = 4582
READY_PREFIX = "local CloudWatch listens on "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        help="port to listen on, 0 for a free one (default: %(default)s)",
    )
    parser.add_argument("--quiet", action="store_true", help="print only its address")
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="end when standard input closes, so that the server can't outlive the program that started it",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM, ctrl-C, or the end of standard input where that was asked for.

    Must be called on the main thread, which takes the signals.

    Returns:
        The exit code: 0, or 1 where the address can't be had.
    """
    try:
        server = LocalServer(arguments.host, arguments.port, say=_silence if arguments.quiet else _complain)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        sys.stderr.write(f"local CloudWatch: cannot listen on {arguments.host}:{arguments.port}: {reason}\n")
        return 1
    end = threading.Event()
    _end_on_signals(end)
    if arguments.until_stdin_closes:
        threading.Thread(target=_end_with_stdin, args=(end,), daemon=True).start()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    _announce(server.url, quiet=arguments.quiet)
    end.wait()
    server.stop()
    return 0


def _announce(url: str, *, quiet: bool) -> None:
    lines = [f"{READY_PREFIX}{url}"]
    if not quiet:
        lines.append(
            f"use it with AWS_ENDPOINT_URL_CLOUDWATCH={url} or --cw-endpoint-url {url}; any credentials will do"
        )
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _end_on_signals(end: threading.Event) -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        end.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def _end_with_stdin(end: threading.Event) -> None:
    # By descriptor: a thread that waits in sys.stdin's buffer makes the interpreter abort when it ends.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    end.set()


def _complain(line: str) -> None:
    sys.stderr.write(f"local CloudWatch: {line}\n")


def _silence(_line: str) -> None:
    pass
