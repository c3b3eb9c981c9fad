"""ChildProcess: runs another program beside a load test, and reads what it says; other greenlets run meanwhile."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress

import gevent
from gevent.socket import wait_read

END_TIMEOUT_S = 2.0
"""How long a program that was killed may take to be gone."""

MAX_READ_BYTES = 64 * 1024

POLL_S = 0.005


def run(command: Sequence[str], environ: Mapping[str, str], *, output: int, timeout_s: float) -> tuple[int | None, str]:
    """Run a program that reads nothing, until it ends or its time is over; then it is killed.

    Args:
        command: The program, looked for as a shell does, and its arguments.
        environ: Its variables.
        output: What is read of it, 1 or 2, the first `MAX_READ_BYTES`; the rest goes nowhere.
        timeout_s: How long it may take.

    Returns:
        Its exit code, None if it is not known or the program was killed; and what it wrote.

    Raises:
        OSError: There is no such program.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as answer:
        try:
            process = _spawn(command, environ, output, writing)
        finally:
            os.close(writing)
        text, code = b"", None
        try:
            with gevent.Timeout(timeout_s, False):
                while piece := _next(answer.fileno(), len(text)):
                    text += piece
                code = _wait(process)
        finally:
            if code is None:
                _kill(process)
    return code, text.decode(errors="replace").strip()


def _spawn(command: Sequence[str], environ: Mapping[str, str], output: int, file: int) -> int:
    """Start a program, which writes to a file descriptor; return its process id.

    Not with `subprocess`: gevent's forks, which copies the page tables of this process and holds the hub for 40 ms at
    500 MB. This takes 2 ms.
    """
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [(os.POSIX_SPAWN_DUP2, file, output)]
    actions.append((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0))
    actions.append((os.POSIX_SPAWN_OPEN, 3 - output, os.devnull, os.O_WRONLY, 0))
    # In a group of its own, so that ctrl-C on the terminal is this process's to answer.
    return os.posix_spawnp(command[0], list(command), dict(environ), file_actions=actions, setpgroup=0)


def _next(file: int, have_bytes: int) -> bytes:
    wait_read(file)
    piece = os.read(file, MAX_READ_BYTES)
    return piece[: MAX_READ_BYTES - have_bytes]


def _wait(process: int) -> int | None:
    """Return the exit code; None where somebody else has taken it."""
    # Not a blocking wait: a process that hangs in the file system of a dead server can't be killed.
    with suppress(ChildProcessError):
        while True:
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            gevent.sleep(POLL_S)
    return None


def _kill(process: int) -> None:
    """End a program, if it has not ended, and forget it."""
    with suppress(OSError), gevent.Timeout(END_TIMEOUT_S, False):
        os.kill(process, signal.SIGKILL)
        _wait(process)
