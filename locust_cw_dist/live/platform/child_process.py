"""Children: a Python program of ours in a process of its own, for what computes longer than the hub may be held."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from time import monotonic

import gevent

POLL_S = 0.02

LAST_WAIT_S = 2.0
"""How long a child that was killed is waited for."""


def run_module(module: str, *arguments: str, timeout_s: float) -> bool:
    """Run a module in another process until it ends or its time is over; return whether it succeeded.

    Other greenlets run meanwhile. Not with `subprocess`: gevent's forks, which holds the hub for 40 ms at 500 MB.

    Raises:
        OSError: It could not be started.
    """
    # -P: a user's folder has modules of any name, and the current one is where Python looks first with -m.
    command = [sys.executable, "-P", "-m", module, *arguments]
    nowhere = [(os.POSIX_SPAWN_OPEN, n, os.devnull, os.O_RDWR, 0) for n in range(3)]
    process = os.posix_spawn(sys.executable, command, os.environ, file_actions=nowhere)
    end_s = monotonic() + timeout_s
    try:
        while True:
            found, status = os.waitpid(process, os.WNOHANG)
            if found:
                return os.waitstatus_to_exitcode(status) == 0
            if monotonic() >= end_s:
                return False
            gevent.sleep(POLL_S)
    except ChildProcessError:
        # Somebody else has waited for it.
        return True
    finally:
        _end(process)


def _end(process: int) -> None:
    """End a process that has not ended; one that was waited for is not there."""
    with suppress(OSError):
        if os.waitpid(process, os.WNOHANG)[0] == 0:
            os.kill(process, signal.SIGKILL)
            # Not a blocking wait: a process that hangs in the file system of a dead server can't be killed.
            with gevent.Timeout(LAST_WAIT_S, False):
                while os.waitpid(process, os.WNOHANG)[0] == 0:
                    gevent.sleep(POLL_S)
