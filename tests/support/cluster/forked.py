"""Processes that `module_server.py` forks, with the part of `subprocess` that tests use.

    run_module("locust", "--version", folder=tmp_path, env={})

With `EACH_ANEW` in the environment, as by night, each is started anew.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import gevent

SERVER = Path(__file__).with_name("module_server.py")
FORKS = "EACH_ANEW" not in os.environ
IN_NAMESPACE = ("ip", "netns", "exec")
MODULE = (sys.executable, "-m")


def can_fork(command: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether it is ``python -m MODULE``, maybe in a network namespace: ``ip netns exec NAME python -m MODULE``.

    Python reads variables of its own as it starts, so what has others than this process is started anew.
    """
    if any(name.startswith("PYTHON") and os.environ.get(name) != value for name, value in env.items()):
        return False
    start = len(IN_NAMESPACE) + 1 if tuple(command[: len(IN_NAMESPACE)]) == IN_NAMESPACE else 0
    return FORKS and tuple(command[start : start + len(MODULE)]) == MODULE


MODULES = ("locust_cw_dist.plugin",)
PUBLISHING = ("boto3", "botocore.httpsession", "botocore.endpoint", "botocore.parsers", "locust_cw_dist.live.process")
"""What a process that publishes imports besides, and others must not."""


class Server:
    """One process that forks."""

    def __init__(self, modules: Sequence[str]) -> None:
        """Start it, with these modules imported."""
        self.statuses: dict[int, int] = {}
        self._started: list[int] = []
        self._rest = b""
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(SERVER), *modules], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)

    def start(self, command: Sequence[str], folder: Path, env: Mapping[str, str], out: Path, err: Path) -> int:
        """Return the id of the process that does what this command would do; `can_fork` says which do."""
        *namespace, _, _, module = command[: command.index("-m") + 2]
        wanted = {
            "module": module,
            "argv": command[command.index("-m") + 2 :],
            "folder": str(folder),
            "env": dict(env),
            "out": str(out),
            "err": str(err),
            "netns": namespace[-1] if namespace else "",
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wanted).encode() + b"\n")
        while not self._started:
            assert self._process.poll() is None, "the process that forks has ended"
            self.read()
            time.sleep(0.001)
        return self._started.pop()

    def close(self) -> None:
        """End it; what it has started goes on."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def read(self) -> None:
        """Take what has been answered."""
        assert self._process.stdout is not None
        while True:
            try:
                part = os.read(self._process.stdout.fileno(), 1 << 16)
            except BlockingIOError:
                return
            if not part:
                return
            *lines, self._rest = (self._rest + part).split(b"\n")
            for line in lines:
                what, pid, *status = line.split()
                if what == b"started":
                    self._started.append(int(pid))
                else:
                    self.statuses[int(pid)] = int(status[0])


@cache
def server(*, publishes: bool) -> Server:
    """Return the one of this process."""
    server = Server((*MODULES, *(PUBLISHING if publishes else ())))
    atexit.register(server.close)
    return server


class Forked:
    """A process, of which `Popen` would say the same."""

    def __init__(
        self, server: Server, command: Sequence[str], folder: Path, env: Mapping[str, str], out: Path, err: Path
    ) -> None:
        """Start it."""
        self._server = server
        self.pid = server.start(command, folder, env, out, err)
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        if self._code is None:
            self._server.read()
            if self.pid in self._server.statuses:
                self._code = os.waitstatus_to_exitcode(self._server.statuses.pop(self.pid))
        return self._code

    def send_signal(self, number: int) -> None:
        """Send a signal if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self) -> int:
        """Wait until it has ended."""
        while (code := self.poll()) is None:
            time.sleep(0.005)
        return code


def run_module(
    *command: str, folder: Path, env: Mapping[str, str], publishes: bool = False, timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m COMMAND`` with exactly this environment and without input; return it when it has ended."""
    if not FORKS:
        return subprocess.run(
            [*MODULE, *command],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    with TemporaryDirectory() as outputs:
        out, err = Path(outputs, "out"), Path(outputs, "err")
        process = Forked(server(publishes=publishes), [*MODULE, *command], folder, env, out, err)
        end_s = time.monotonic() + timeout_s
        while process.poll() is None:
            if time.monotonic() > end_s:
                os.killpg(process.pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(command, timeout_s, out.read_bytes(), err.read_bytes())
            gevent.sleep(0.005)
        return subprocess.CompletedProcess(command, process.wait(), out.read_text(), err.read_text())
