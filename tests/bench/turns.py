"""Turns: looks on while greenlets take turns on the hub, and times each turn."""

from __future__ import annotations

import gc
import time
from typing import Any

import greenlet


class Turns:
    """Times turns by the clock of the processor: what else the machine did meanwhile is not theirs.

    Nor is Python's search through all old objects, Locust's and the benchmark's too, for garbage; it is told apart.

    Attributes:
        garbage_ms: The longest of these searches.
    """

    def __init__(self) -> None:
        """Begin."""
        self.garbage_ms = 0.0
        self._collecting_since_s = 0.0
        gc.callbacks.append(self._on_collection)
        self._since_s = time.thread_time()
        greenlet.settrace(self._on_switch)

    def stop(self) -> None:
        """End."""
        greenlet.settrace(None)
        gc.callbacks.remove(self._on_collection)

    def take(self, held_ms: float, before: Any, after: Any) -> None:
        """Take a turn of `before`, which `after` comes next to."""
        raise NotImplementedError

    def _on_collection(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since_s = time.thread_time()
        elif info["generation"] == 2:
            spent_s = time.thread_time() - self._collecting_since_s
            self._since_s += spent_s
            self.garbage_ms = max(self.garbage_ms, spent_s * 1e3)

    def _on_switch(self, _: str, pair: tuple[Any, Any]) -> None:
        now_s = time.thread_time()
        held_ms, self._since_s = (now_s - self._since_s) * 1e3, now_s
        self.take(held_ms, *pair)
