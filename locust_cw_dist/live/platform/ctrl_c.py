"""Ctrl-C for the main greenlet alone.

Python raises KeyboardInterrupt in whatever it computes just then: in a user between two listeners of one request, so
that some count it and others don't, or in a greenlet that makes or sends batches, which ends by it. Locust waits for it
in the main greenlet, so that is where it is raised here.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

import gevent

from locust_cw_dist.live.platform import forks


def install() -> None:
    """Have SIGINT raise KeyboardInterrupt in the main greenlet; does nothing where somebody else takes care of it."""
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        gevent.get_hub()  # made now, and not as a signal is handled
        forks.watch(_INTERRUPTS)
        signal.signal(signal.SIGINT, _on_interrupt)


class _Interrupts:
    """What a forked process inherits of this."""

    def abandon(self) -> None:
        """Have SIGINT end what runs in a forked process, where nobody waits in the main greenlet."""
        if signal.getsignal(signal.SIGINT) is _on_interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)


_INTERRUPTS = _Interrupts()


def _on_interrupt(_number: int, _frame: FrameType | None) -> None:
    hub: Any = gevent.get_hub()
    if gevent.getcurrent() is hub.parent:
        raise KeyboardInterrupt
    # If the hub never comes to it, a user computes for ever: the next one is for whoever runs then.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    hub.loop.run_callback_threadsafe(_interrupt, hub.parent)


def _interrupt(main: Any) -> None:
    """Raise KeyboardInterrupt where the main greenlet waits; runs in the hub."""
    signal.signal(signal.SIGINT, _on_interrupt)
    main.throw(KeyboardInterrupt)
