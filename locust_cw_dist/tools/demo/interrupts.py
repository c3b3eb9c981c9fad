"""Signals that end the demo: noted when they come, and acted upon where nothing can be left behind half-started."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asked for the end.

    Attributes:
        exit_code: What a shell reports for a program that ended by this signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


class Interrupts:
    """Notes ctrl-C, SIGTERM and SIGHUP for the length of a `with` block; must be entered on the main thread.

    The first one only makes `check` raise, so that no process is forgotten between its start and the note that it has
    been started. Whoever presses ctrl-C again does not want to wait: from the second one on it is raised at once.
    """

    def __init__(self) -> None:
        self._came: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        # One that is ignored stays so: nohup does that with SIGHUP, a shell with a background job's SIGINT.
        wanted = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._note) for number in wanted}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise Interrupted if a signal has come."""
        if self._came is not None:
            raise Interrupted(self._came)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self._came is not None:
            raise Interrupted(number)
        self._came = number
