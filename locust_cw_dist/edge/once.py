"""Once: log a thing once per kind, however often it happens."""

from __future__ import annotations

import logging
from collections import Counter

logger = logging.getLogger("locust_cw_dist")

MAX_KINDS = 1000
"""Kinds that are remembered; beyond these nothing is logged, so that strangers can't fill memory or disk."""


class Once:
    """Logs each kind of message once and counts the rest.

    Attributes:
        counts: How often each kind happened.
    """

    def __init__(self) -> None:
        """Start with nothing said."""
        self.counts: Counter[str] = Counter()

    def info(self, kind: str, message: str, *args: object) -> None:
        """Log at level INFO, the first time for this kind."""
        self._log(logging.INFO, kind, message, *args)

    def warning(self, kind: str, message: str, *args: object) -> None:
        """Log at level WARNING, the first time for this kind."""
        self._log(logging.WARNING, kind, message, *args)

    def error(self, kind: str, message: str, *args: object) -> None:
        """Log at level ERROR with the current exception, the first time for this kind."""
        self._log(logging.ERROR, kind, message, *args, exc_info=True)

    def _log(self, level: int, kind: str, message: str, *args: object, exc_info: bool = False) -> None:
        if kind not in self.counts and len(self.counts) >= MAX_KINDS:
            return
        self.counts[kind] += 1
        if self.counts[kind] == 1:
            logger.log(level, message, *args, exc_info=exc_info)
