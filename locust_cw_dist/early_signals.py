"""SIGTERM and SIGHUP where Locust has no handler for them.

Locust installs one for SIGTERM when its runner is there. Until then, as it imports a locustfile or asks a master for
one (`-f -`), and for ever in the parent of ``--worker --processes N``, which only waits for its children, a signal
finds the default: a process dies of it, the parent without its children. And PID 1 of a container does not even die:
the kernel keeps from it every signal that it has no handler for, so a container would be killed when its grace period
is over.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_forks = [0]
"""How often this process has forked without starting another program. Written by the hooks of `install` alone."""


def install() -> None:
    """Handles SIGTERM until Locust does, and SIGHUP, unless somebody has decided about it already.

    Must be called on the main thread. Forked children inherit it.
    """
    free = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    if free:
        os.register_at_fork(after_in_parent=_count_fork, after_in_child=_forget_forks)
    for number in free:
        signal.signal(number, end_or_pass_on)


def _count_fork() -> None:
    _forks[0] += 1


def _forget_forks() -> None:
    _forks[0] = 0


def end_or_pass_on(number: int, _frame: FrameType | None) -> None:
    """Ends this process or, if it has forked, asks its children to end: Locust waits for them, and takes their code."""
    if _forks[0]:
        import psutil  # in memory by then: Locust needs it

        for child in psutil.Process().children():
            with contextlib.suppress(psutil.NoSuchProcess):
                child.send_signal(number)
        return
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # PID 1: the kernel has not delivered it
