"""What signals do to a process of Locust's command; library use has none of this.

SIGINT (ctrl-C) ends the test: KeyboardInterrupt in the main greenlet, where Locust waits for it. Python would raise it
in whatever computes just then: in a user between two listeners of one request, so that some count it and others don't,
or in a greenlet that makes or sends batches. Once the process has begun to end, it is raised nowhere but in the user's
own code; it shortens what is waited for (`Patience`), and the third one ends the process at once. Several at once are
one: a terminal sends it to a whole group, and a wrapper passes its own on.

SIGTERM is Locust's, which ends in order, however often it comes. Where Locust has no handler yet and a test runs, as
long as a headless load shape does, it ends the test as ctrl-C does. Before that it ends the process.

SIGHUP does what SIGTERM does, unless it is ignored (nohup). SIGQUIT and SIGKILL end the process where it stands. In the
last moments of a process, when all is done, the others are ignored.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import gevent

from locust_cw_dist.live.platform import at_exit, forks
from locust_cw_dist.live.platform.clock import monotonic_s
from locust_cw_dist.live.platform.patience import ENDS_AT_ONCE, Patience

logger = logging.getLogger("locust_cw_dist")

Early = Callable[[int, FrameType | None], object]

DUPLICATE_S = 0.8
"""Interrupts that come so soon after one are the same one. Two that are a second apart are two, also where a process
is busy and notices the first one late."""

WORDS = {
    1: "no longer waiting for others; again shortens everything else, a third time ends the process at once",
    2: "everything is shortened; press it again to end the process at once",
}
"""What is said about an interrupt during the end."""


class Signals:
    """The handlers of one process."""

    def __init__(self, patience: Patience, is_testing: Callable[[], bool], early: Early) -> None:
        """Handle nothing yet.

        Args:
            patience: The end's.
            is_testing: Whether a test runs.
            early: What handles SIGTERM and SIGHUP until now, if anything of ours does.
        """
        self._patience = patience
        self._is_testing = is_testing
        self._early = early
        self._ends_before_test: Early = end_at_once
        self._interrupted_s = -DUPLICATE_S
        self._is_pending = False
        self._is_abandoned = False

    def install(self) -> None:
        """Handle the signals that nobody else takes care of; does nothing but on the main thread."""
        if threading.current_thread() is not threading.main_thread():
            return
        gevent.get_hub()  # made now, and not as a signal is handled
        forks.watch(self)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._on_interrupt)
        if signal.getsignal(signal.SIGHUP) in (signal.SIG_DFL, self._early):
            signal.signal(signal.SIGHUP, self._on_hangup)
        before = signal.getsignal(signal.SIGTERM)
        if before in (signal.SIG_DFL, self._early):
            self._ends_before_test = self._early if before == self._early else end_at_once
            signal.signal(signal.SIGTERM, self._on_early_terminate)
        at_exit.register_last(self._ignore)

    def abandon(self) -> None:
        """Have SIGINT end what runs in a forked process, where nobody waits in the main greenlet."""
        self._is_abandoned = True
        if signal.getsignal(signal.SIGINT) == self._on_interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _ignore(self) -> None:
        """Ignore what was handled here: once Python has given its handlers up, a signal would replace the exit code."""
        handlers = (self._on_interrupt, self._on_hangup, self._on_early_terminate)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            if not self._is_abandoned and signal.getsignal(number) in handlers:
                signal.signal(number, signal.SIG_IGN)

    def _on_interrupt(self, _number: int, frame: FrameType | None) -> None:
        now_s = monotonic_s()
        if now_s - self._interrupted_s < DUPLICATE_S:
            return
        self._interrupted_s = now_s
        if self._patience.has_begun:
            self._hurry(frame)
        else:
            self._end_test()

    def _end_test(self) -> None:
        """Raise KeyboardInterrupt where the main greenlet waits."""
        hub: Any = gevent.get_hub()
        # If the hub never comes to it, a user computes for ever: the next one is for whoever runs then.
        if self._is_pending or gevent.getcurrent() is hub.parent:
            self._is_pending = False
            self._patience.begin()
            raise KeyboardInterrupt
        self._is_pending = True
        hub.loop.run_callback_threadsafe(self._interrupt, hub.parent)

    def _interrupt(self, main: Any) -> None:
        """Raise KeyboardInterrupt in the main greenlet, unless it has come to the end meanwhile; runs in the hub."""
        is_pending, self._is_pending = self._is_pending, False
        if is_pending and not self._patience.has_begun:
            self._patience.begin()
            main.throw(KeyboardInterrupt)

    def _hurry(self, frame: FrameType | None) -> None:
        """Count an interrupt of the end, which came as `frame` ran."""
        patience = self._patience
        patience.note_interrupt()
        if patience.interrupts >= ENDS_AT_ONCE:
            end_at_once(signal.SIGINT)
        # Code of ours that runs there is just entering or leaving: raised in it, the interrupt would skip a step.
        is_here = patience.is_in_user_code and not _is_ours(frame)
        gevent.get_hub().loop.run_callback_threadsafe(
            self._shorten, patience.interrupts, gevent.getcurrent() if is_here else None
        )
        if is_here:
            raise KeyboardInterrupt

    def _shorten(self, interrupts: int, raised_in: Any) -> None:
        self._patience.shorten(raised_in)
        # Not here: a log may have to wait, and the hub can't.
        forks.spawn(logger.warning, "locust-cw: ctrl-C at the end of the process: %s", WORDS[interrupts])

    def _on_hangup(self, number: int, frame: FrameType | None) -> None:
        if self._is_abandoned:
            end_at_once(number, frame)
        signal.raise_signal(signal.SIGTERM)

    def _on_early_terminate(self, number: int, frame: FrameType | None) -> None:
        """End the test, where Locust does not take care of SIGTERM yet."""
        if self._is_abandoned:
            end_at_once(number, frame)
        elif not self._patience.has_begun:
            self._end_test() if self._is_testing() else self._ends_before_test(number, frame)


def _is_ours(frame: FrameType | None) -> bool:
    return frame is not None and frame.f_globals.get("__name__", "").startswith("locust_cw_dist.")


def end_at_once(number: int, _frame: FrameType | None = None) -> None:
    """End the process by a signal, whatever is left of it."""
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    os._exit(128 + number)  # PID 1: the kernel has not delivered it
