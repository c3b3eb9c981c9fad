"""The countdown, on a real terminal and elsewhere."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import sys
import termios

import gevent
import pytest

from locust_cw_dist.live.terminal import countdown as module
from locust_cw_dist.live.terminal.countdown import countdown
from support.publishing.publisher import wait_until_gevent


@pytest.fixture(autouse=True)
def _soon(monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(module, "FIRST_S", 0.05)
    monkeypatch.setattr(module, "STEP_S", 0.05)
    monkeypatch.setattr(module, "LOG_STEP_S", 0.05)


class Terminal:
    """A terminal that is this process's standard error, from `open` on: pytest has its own until the test begins."""

    def __init__(self, monkeypatch):
        self._monkeypatch = monkeypatch
        self._ours, theirs = pty.openpty()
        os.set_blocking(self._ours, False)
        self._stream = os.fdopen(theirs, "w", encoding="utf-8")

    def open(self):
        self._monkeypatch.setenv("TERM", "xterm")
        self._monkeypatch.setattr(sys, "stderr", self._stream)

    def shown(self):
        """What has been written, all of it: a terminal hands it on when it has time."""
        self._stream.write("end")
        self._stream.flush()
        parts = []

        def is_whole():
            with contextlib.suppress(BlockingIOError):
                parts.append(os.read(self._ours, 65_536).decode())
            return "".join(parts).endswith("end")

        wait_until_gevent(is_whole)
        return "".join(parts).removesuffix("end")

    def close(self):
        self._stream.close()
        os.close(self._ours)


@pytest.fixture
def terminal(monkeypatch):
    terminal = Terminal(monkeypatch)
    yield terminal
    monkeypatch.undo()
    terminal.close()


@pytest.mark.parametrize(("columns", "kept"), [(40, 39), (200, 79), (0, 79)])
def test_it_is_one_line_on_a_narrow_terminal_too(terminal, columns, kept):
    terminal.open()
    fcntl.ioctl(sys.stderr, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    told = []

    def what():
        told.append(1)
        return "CloudWatch to take 1,234,567 results " + "x" * 99

    with countdown(what, 30.0):
        wait_until_gevent(lambda: len(told) >= 2)
    (_, line, *_) = terminal.shown().split("\x1b[2K")
    assert len(line.rstrip("\r")) == kept


def test_on_a_terminal_it_is_one_line_that_is_gone_in_the_end(terminal, caplog):
    terminal.open()
    told = []

    def what():
        told.append(len(told))
        return f"CloudWatch to take {len(told)} results"

    with countdown(what, 30.0):
        wait_until_gevent(lambda: len(told) >= 3)
    shown = terminal.shown()
    assert "\n" not in shown
    lines = shown.split("\r\x1b[2K")
    assert lines[2] == "waiting 30 s for CloudWatch to take 2 results; ctrl-C stops the waiting\r"
    assert lines[-1] == "", "it is gone"
    assert caplog.records == []


def test_its_line_never_breaks(terminal):
    terminal.open()
    asked = []
    with countdown(lambda: asked.append(1) or "CloudWatch to take " + "9" * 200, 30.0):
        wait_until_gevent(lambda: asked)
    assert max(map(len, terminal.shown().replace("\x1b[2K", "").split("\r"))) == 79


def test_elsewhere_it_is_lines_of_the_log(caplog):
    with countdown(lambda: "the last results of 2 workers", 30.0):
        wait_until_gevent(lambda: len(caplog.records) >= 2)
    assert caplog.messages[0] == ("locust-cw: waiting 30 s for the last results of 2 workers; ctrl-C stops the waiting")


def test_of_a_short_wait_nothing_is_told(terminal, caplog, monkeypatch):
    terminal.open()
    monkeypatch.setattr(module, "FIRST_S", 60.0)
    with countdown(lambda: "CloudWatch", 30.0):
        gevent.sleep(0.1)
    assert (terminal.shown(), caplog.records) == ("", [])


def test_nothing_is_told_of_while_nothing_is_waited_for(caplog):
    asked = []
    with countdown(lambda: asked.append(1) or "", 30.0):
        wait_until_gevent(lambda: len(asked) >= 3)
    assert caplog.records == []
