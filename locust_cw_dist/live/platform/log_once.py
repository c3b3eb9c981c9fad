"""LogOnce: log a thing once per kind, however often it happens."""

from __future__ import annotations

import logging

logger = logging.getLogger("locust_cw_dist")

MAX_NAMED = 1000
"""Messages that name somebody, such as a worker, that are remembered; beyond these none is logged: names are whatever a
stranger says, and must neither fill memory or disk nor keep other messages from being logged."""


class LogOnce:
    """Logs each kind of message once; kinds are this program's own, and few."""

    def __init__(self) -> None:
        """Start with nothing said."""
        self._said: set[str] = set()
        self._named: set[tuple[str, str]] = set()

    def info(self, kind: str, message: str, *args: object) -> None:
        """Log at level INFO, the first time for this kind."""
        self._log(logging.INFO, kind, message, *args)

    def warning(self, kind: str, message: str, *args: object) -> None:
        """Log at level WARNING, the first time for this kind."""
        self._log(logging.WARNING, kind, message, *args)

    def warning_of(self, name: str, kind: str, message: str, *args: object) -> None:
        """Log at level WARNING, the first time for this kind and whoever it is about."""
        if (name, kind) not in self._named and len(self._named) < MAX_NAMED:
            self._named.add((name, kind))
            logger.warning(message, *args)

    def error(self, kind: str, message: str, *args: object) -> None:
        """Log at level ERROR with the current exception, the first time for this kind."""
        self._log(logging.ERROR, kind, message, *args, exc_info=True)

    def _log(self, level: int, kind: str, message: str, *args: object, exc_info: bool = False) -> None:
        if kind not in self._said:
            self._said.add(kind)
            logger.log(level, message, *args, exc_info=exc_info)
