"""`locust-cw watch` on a real terminal: the view is drawn in its place again and again, in whatever size there is."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios

import gevent
from gevent.socket import wait_read

from support.cluster.processes import DEADLINE_S
from support.state_server import StateServer, row, state

MANY = [row(f"/{number}", "GET") for number in range(100)]
UP, HIDE, SHOW, CLEAR = "\x1b[1A", "\x1b[?25l", "\x1b[?25h", "\x1b[2J\x1b[H"

MAX_CHARS = 20_000
"""Of a view that never has what is waited for: it is drawn each second."""


class Terminal:
    """A terminal that a program runs in, and what it has written since the last look."""

    def __init__(self, command, columns, rows):
        self._ours, theirs = pty.openpty()
        self._theirs = theirs
        self.resize(columns, rows)
        # The size is the terminal's, whatever it is where the tests run.
        env = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=env | {"TERM": "xterm"}, start_new_session=True
        )
        self.text = ""

    def resize(self, columns, rows):
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, wanted):
        """Return all that has come, up to the end of the first `wanted`, a pattern."""
        while not (found := re.search(wanted, self.text, re.DOTALL)):
            wait_read(self._ours, DEADLINE_S, AssertionError(f"{wanted!r} does not come after {self.text[-500:]!r}"))
            self.text += os.read(self._ours, 65536).decode()
            assert len(self.text) < MAX_CHARS, f"{wanted!r} is not in {self.text[-500:]!r}"
        text, self.text = self.text[: found.end()], self.text[found.end() :]
        return text

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for end in (self._ours, self._theirs):
            os.close(end)


def test_it_draws_in_place_follows_the_size_and_leaves_the_terminal_as_it_was():
    with StateServer() as server:
        server.state = state(endpoints=MANY)
        watch = (sys.executable, "-m", "locust_cw_dist.tools.cli.main", "watch", server.url, "--interval", "1")
        terminal = Terminal(watch, 80, 24)
        try:
            first = terminal.read_until("and [0-9]+ more")
            assert HIDE in first
            assert first.count("\r\n") == 23, "all of the terminal, and not a line more"
            server.state = state(endpoints=MANY, status={"name": "retrying", "reason": "no answer", "since_s": 1_003.0})
            second = terminal.read_until("RETRYING.*and [0-9]+ more")
            assert second.count(UP) % 23 == 0, "it stands where the first one stood"
            # What is wider than the terminal is by now would take more lines than it is known to.
            terminal.resize(60, 12)
            terminal.read_until(re.escape(CLEAR))
            third = terminal.read_until("and [0-9]+ more")
            assert third.split("RETRYING")[1].count("\r\n") == 11
            server.status = 503
            terminal.read_until("HTTP 503; what stands here is [0-9]+ s")
            os.killpg(terminal.process.pid, signal.SIGINT)
            assert "Traceback" not in terminal.read_until(re.escape(SHOW))
            with gevent.Timeout(DEADLINE_S):
                while terminal.process.poll() is None:
                    gevent.sleep(0.02)
            assert terminal.process.returncode == 130
        finally:
            terminal.end()
