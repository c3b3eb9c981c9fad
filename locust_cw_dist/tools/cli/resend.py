"""`locust-cw resend DIR`: publish what masters left in their spool folder."""

from __future__ import annotations

import logging
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from locust_cw_dist.core.names.plural import counted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from types import TracebackType

    from locust_cw_dist.live.spool.resend import Resending
    from locust_cw_dist.settings.settings import Settings

PROG = "locust-cw resend"

_USAGE = "DIR [--dry-run] [--timeout SECONDS] [--cw-... ...]"
_DESCRIPTION = """\
Publish the batches that a master could not send before it ended: those in the folder of its --cw-spool-dir, with their
own timestamps. Batches that CloudWatch accepts are removed from the folder, so you can repeat this command without
sending anything twice. A new master with the same folder publishes them automatically.
"""
_EPILOG = """\
examples:
  locust-cw resend /var/spool/locust-cw --dry-run
      show what would be sent: runs, results, batches and their age; changes nothing on disk, does not call AWS
  locust-cw resend /var/spool/locust-cw --cw-region eu-central-1
  locust-cw resend /var/spool/locust-cw --timeout 600
      wait longer for a CloudWatch that does not answer
  locust-cw resend /var/spool/locust-cw --cw-ambiguous drop
      drop batches that were in flight when their process was killed: they can't count twice, but may be lost

It skips files of a running process, files that are damaged or not of a spool, and data older than two weeks, which
CloudWatch does not accept. It gives up at once if a permission is denied or an AWS setting is wrong. ctrl-C lets calls
in flight end. In all these cases the rest stays in the folder.

exit code: 0 everything is sent, or there was nothing; 1 something was not sent (left in the folder, refused by
CloudWatch, or dropped because of --cw-ambiguous); 2 a wrong option; 130 ctrl-C, 143 SIGTERM
"""
_FIELDS = frozenset({"region", "role_arn", "external_id", "endpoint_url", "ambiguous"})

DEFAULT_TIMEOUT_S = 60
LINE_EVERY_S = 5.0


def main(args: Sequence[str]) -> int:
    """Send what is there.

    Must be called on the main thread of a process that does nothing else: it takes the signals.

    Args:
        args: The arguments behind ``resend``.

    Returns:
        The exit code: 0, 1 if something was not sent, 128 and the number of the signal that ended it.

    Raises:
        SettingsError: The folder is no spool's, or can't be written.
        SystemExit: A wrong option, with code 2.
    """
    arguments, settings = _parse(args)
    # Behind the parser, which has patched the standard library for gevent.
    from locust_cw_dist.live.publish.cloudwatch import Cloudwatch
    from locust_cw_dist.live.spool.resend import Resending

    signals = _Signals()
    with _Progress() as progress:
        _log_to(progress)
        resending = Resending(
            Path(arguments.dir), Cloudwatch(settings), resends_ambiguous=settings.ambiguous == "resend"
        )
        if arguments.dry_run:
            return _look(resending, progress)
        return _send(resending, progress, signals, arguments.timeout)


def _parse(args: Sequence[str]) -> tuple[argparse.Namespace, Settings]:
    from locust_cw_dist.tools.cli.parsing import CommandParser, number

    parser = CommandParser(PROG, _USAGE, _DESCRIPTION, _EPILOG, _FIELDS)
    parser.add_argument("dir", metavar="DIR", help="the folder of --cw-spool-dir")
    parser.add_argument("--dry-run", action="store_true", help="show what would be sent; change nothing")
    parser.add_argument(
        "--timeout",
        type=number(float, 0, 86_400, above=True),
        default=DEFAULT_TIMEOUT_S,
        metavar="SECONDS",
        help="give up when CloudWatch has accepted nothing for this long (default: %(default)s)",
    )
    return parser.parse(args)


def _look(resending: Resending, progress: _Progress) -> int:
    resending.look()
    if not resending.batches:
        progress.line("nothing to send")
        return int(resending.skipped > 0)
    batches, results = counted(resending.batches, "batch", "batches"), counted(resending.found, "result")
    progress.line(f"dry run: {batches} with {results} can be sent")
    if resending.doubtful:
        fate = "would be sent again, and may count twice" if resending.resends_ambiguous else "would not be sent"
        progress.line(f"{resending.doubtful:,} in flight when the process ended: {fate}")
    return int(resending.skipped > 0)


def _send(resending: Resending, progress: _Progress, signals: _Signals, timeout_s: float) -> int:
    resending.adopt()
    try:
        if not resending.batches_left:
            if not resending.batches:
                progress.line("nothing to send")
        elif (error := resending.check()) and not error.is_harmless:
            progress.line(f"nothing was sent: {error}")
        else:
            resending.send(timeout_s, lambda: signals.number != 0, lambda: progress.show(resending))
    finally:
        resending.close()
    for line in _end(resending):
        progress.line(line)
    if signals.number and resending.batches_left:
        return 128 + signals.number
    return int(resending.skipped + resending.dropped + resending.batches_left > 0)


def _end(resending: Resending) -> list[str]:
    if not resending.batches:
        return []
    left = resending.batches_left
    batches, results = counted(resending.batches, "batch", "batches"), counted(resending.found, "result")
    sent = f"{resending.published:,} of {results} sent, {resending.batches - left:,} of {batches} done"
    lines = [sent + (f"; left in the folder: {left:,}" if left else "")]
    if resending.ambiguous:
        fate = "sent again, may count twice" if resending.resends_ambiguous else "not sent again, may be lost"
        lines.append(f"{counted(resending.ambiguous, 'batch', 'batches')} without an answer: {fate}")
    return lines


class _Signals:
    """Takes ctrl-C and SIGTERM.

    Attributes:
        number: The signal that came; 0 as long as there is none.
    """

    def __init__(self) -> None:
        import gevent

        self.number = 0
        self._handlers = [gevent.signal_handler(one, self._take, one) for one in (signal.SIGINT, signal.SIGTERM)]

    def _take(self, number: int) -> None:
        self.number = number


class _Progress:
    """A bar on a terminal; elsewhere a line now and then."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._line_s = time.monotonic()
        if sys.stdout.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("sending"),
                BarColumn(bar_width=32),
                MofNCompleteColumn(),
                TextColumn("batches"),
                transient=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, resending: Resending) -> None:
        """Show how far it is."""
        done = resending.batches - resending.batches_left
        if self._bar is not None:
            if not self._bar.task_ids:
                self._bar.add_task("", total=resending.batches)
                self._bar.start()
            self._bar.update(self._bar.task_ids[0], completed=done)
        elif time.monotonic() - self._line_s >= LINE_EVERY_S:
            self._line_s = time.monotonic()
            batches, results = counted(resending.batches, "batch", "batches"), counted(resending.published, "result")
            self.line(f"{done:,} of {batches} done, {results} sent")

    def line(self, text: str) -> None:
        """Print a line, above the bar if there is one."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, flush=True)


def _log_to(progress: _Progress) -> None:
    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            progress.line(record.getMessage().removeprefix("locust-cw: "))

    logger = logging.getLogger("locust_cw_dist")
    logger.setLevel(logging.INFO)
    logger.addHandler(Lines())
    # Of runs as JSON: for a master's log.
    logging.getLogger("locust_cw_dist.summary").propagate = False
