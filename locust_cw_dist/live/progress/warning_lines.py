"""WarningLines: remembers the last warnings and errors of this program, for whoever looks at a run later on."""

from __future__ import annotations

import logging
from collections import deque

from locust_cw_dist.core.progress.progress import MAX_WARNINGS, WarningLine
from locust_cw_dist.live.platform.clock import WritingClock

PREFIX = "locust-cw: "
"""What each line begins with in the log, where lines of others stand too."""

MAX_LINE_CHARS = 2000
"""Of each line: names in it may be long."""


class WarningLines(logging.Handler):
    """Takes what our logger logs, whoever else does."""

    def __init__(self, clock: WritingClock) -> None:
        """Remember nothing yet; `clock` tells when a line was written."""
        super().__init__(logging.WARNING)
        self._clock = clock
        self._lines: deque[WarningLine] = deque(maxlen=MAX_WARNINGS)

    @property
    def lines(self) -> tuple[WarningLine, ...]:
        """The last ones, the newest last."""
        return tuple(self._lines)

    def emit(self, record: logging.LogRecord) -> None:
        """Remember a line; called by `logging`."""
        try:
            text = record.getMessage().removeprefix(PREFIX)[:MAX_LINE_CHARS]
            self._lines.append(WarningLine(self._clock.written_s(self._clock.now_s()), text))
        except Exception:
            self.handleError(record)
