"""Processes of a test: started with their output in files, watched by conditions with deadlines, always ended.

Each process leads a process group of its own, so that what it forks (`--processes`) ends with it.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import gevent
import psutil

from support.cluster.forked import Forked, can_fork, server

DEADLINE_S = 60.0
"""For what takes a few seconds on an idle machine."""

POLL_S = 0.02


SPAWNED = r"All users spawned|Spawning is complete"
"""Locust's master says the second where it has not heard of all users within a second."""


class ConditionError(AssertionError):
    """A condition did not become true in time."""


def wait_until(condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait until `condition` is true; fail with `what` if it is not within `deadline_s`."""
    end_s = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() >= end_s:
            raise ConditionError(f"not within {deadline_s:g} s: {what}")
        # By gevent: servers of tests may be greenlets of this process.
        gevent.sleep(POLL_S)


class Process:
    """One process, and whatever it forks.

    Attributes:
        name: How the test calls it.
        exit_code: Its exit code, negative for a signal; None while it runs.
        ended_after_s: How long it ran, to the precision of the test's polling; None while it runs.
    """

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, env: Mapping[str, str], *, anew: bool = False
    ) -> None:
        """Start `command` in `folder` with exactly `env` as environment; fork it where that can be, unless `anew`."""
        self.name = name
        self.ended_after_s: float | None = None
        self._out, self._err = folder / f"{name}.out", folder / f"{name}.err"
        self._started_s = time.monotonic()
        self._popen: subprocess.Popen[bytes] | Forked
        with self._out.open("wb") as out, self._err.open("wb") as err:
            if not anew and can_fork(command, env):
                forking = server(publishes="AWS_ACCESS_KEY_ID" in env)
                self._popen = Forked(forking, command, folder, env, self._out, self._err)
                return
            self._popen = subprocess.Popen(
                command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """Process id, and id of its group."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        code = self._popen.poll()
        if code is not None and self.ended_after_s is None:
            self.ended_after_s = time.monotonic() - self._started_s
        return code

    @property
    def out(self) -> str:
        """What it has written to stdout."""
        return self._out.read_text(errors="replace")

    @property
    def log(self) -> str:
        """What it has written to stderr, where Locust logs."""
        return self._err.read_text(errors="replace")

    def log_has(self, pattern: str) -> bool:
        """Whether a regular expression is found in the log, in which each entry of the last lines is one line."""
        return re.search(pattern, unwrapped(self.log)) is not None

    def last_words_have(self, pattern: str) -> bool:
        """Whether the last line that the process wrote about its end is of this form, after its mark."""
        *_, last = unwrapped(self.log).rstrip().splitlines()
        return re.fullmatch(rf"[✓✗+x] {pattern}.*", last) is not None

    def log_times_s(self, text: str) -> list[float]:
        """Return when Locust logged the lines with `text`, in seconds since the epoch."""
        times = re.findall(rf"^\[([-\d]+ [:\d]+,\d+)\] .*{re.escape(text)}", self.log, re.MULTILINE)
        return [datetime.strptime(time, "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp() for time in times]

    def wait_for_log(self, pattern: str, deadline_s: float = DEADLINE_S) -> None:
        """Wait for a log line; fail at once if the process ends without it."""

        def is_there() -> bool:
            ended = self.exit_code is not None  # before the log is read: it may write and then end
            if self.log_has(pattern):
                return True
            if ended:
                raise ConditionError(f"{self.name} ended with {self.exit_code} without logging {pattern!r}")
            return False

        wait_until(is_there, f"{self.name} logs {pattern!r}", deadline_s)

    def wait(self, deadline_s: float = DEADLINE_S) -> int:
        """Wait for its end and return the exit code."""
        wait_until(lambda: self.exit_code is not None, f"{self.name} ends", deadline_s)
        assert self.exit_code is not None
        return self.exit_code

    def wait_for_group(self, deadline_s: float = DEADLINE_S) -> None:
        """Wait until nothing that it forked runs any more."""
        wait_until(lambda: not self.members(), f"all processes of {self.name} end", deadline_s)

    def members(self) -> list[psutil.Process]:
        """Return what runs in its process group, itself included."""
        return [process for process in psutil.process_iter() if _is_running_in(process, self.pid)]

    def signal(self, number: int) -> None:
        """Send a signal to the process alone, if it still runs."""
        self._popen.send_signal(number)

    def signal_group(self, number: int) -> None:
        """Send a signal to everything in its process group, as a terminal does for ctrl-C."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def freeze(self) -> None:
        """Stop it where it stands."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it and all that it forked; does nothing where nothing runs."""
        self.signal_group(signal.SIGKILL)
        self._popen.wait()


def unwrapped(log: str) -> str:
    """Return a log with the last lines of a run, of 80 columns, as they were before they were wrapped."""
    return re.sub(r"\n {8,}(?! *requests )", " ", log)


def _is_running_in(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False
