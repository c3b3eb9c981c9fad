"""Countdown: says what the end of the process waits for, how long yet, and how to stop the waiting.

On a terminal it is one line, written anew each second and gone when the waiting is over. Elsewhere, as in a CI log, it
is a line of the log when the waiting is noticed, and one each 10 s. A wait of less than a second is told of by nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent

from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.clock import monotonic_s
from locust_cw_dist.live.terminal import stderr

logger = logging.getLogger("locust_cw_dist")

FIRST_S = 1.0
"""How long something is waited for before that is told."""

STEP_S = 1.0
LOG_STEP_S = 10.0

_CLEAR_LINE = "\r\x1b[2K"


@contextmanager
def countdown(what: Callable[[], str], timeout_s: float) -> Iterator[None]:
    """Tell of the waiting in the `with` block.

    Args:
        what: Returns what is waited for, as ``CloudWatch to take 1,200 results``; empty: nothing is.
        timeout_s: How long it is waited for at most.
    """
    line = _OneLine() if stderr.is_terminal() else _LogLines()
    greenlet = forks.spawn(_tell_forever, line, what, monotonic_s() + timeout_s)
    try:
        yield
    finally:
        greenlet.kill(block=False)
        line.end()


class _OneLine:
    """The line on a terminal."""

    def __init__(self) -> None:
        self.step_s = STEP_S
        self._is_there = False

    def tell(self, text: str) -> None:
        # A line that the terminal breaks in two could not be written anew. The cursor goes back to the beginning, so
        # that a line of the log that comes now does not hang on to this one.
        stderr.write(f"{_CLEAR_LINE}{text[: stderr.columns() - 1]}\r")
        self._is_there = True

    def end(self) -> None:
        if self._is_there:
            stderr.write(_CLEAR_LINE)


class _LogLines:
    """Lines of the log."""

    def __init__(self) -> None:
        self.step_s = LOG_STEP_S

    def tell(self, text: str) -> None:
        logger.info("locust-cw: %s", text)

    def end(self) -> None:
        """Leave them."""


def _tell_forever(line: _OneLine | _LogLines, what: Callable[[], str], end_s: float) -> None:
    gevent.sleep(FIRST_S)
    while True:
        if awaited := what():
            left_s = max(0.0, end_s - monotonic_s())
            line.tell(f"waiting {left_s:.0f} s for {awaited}; ctrl-C stops the waiting")
        gevent.sleep(line.step_s)
