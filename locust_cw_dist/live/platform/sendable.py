"""Sendable: reports of Locust's that can be packed whatever users have put into them.

Locust packs its statistics with msgpack, which takes no Decimal, no numpy scalar, no integer of more than 64 bits, no
lone surrogate and no object. One request with such a name, time or length, or one such value from a listener of
`report_to_master`, and a worker can send no report at all any more: neither Locust's numbers nor ours reach the master.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

MESSAGES = ("stats", "exception")
"""Locust's own messages that hold what users made up."""

MAX_DEPTH = 16
MIN_INT, MAX_INT = -(2**63), 2**64 - 1
UNREADABLE = "(unreadable)"


class SendableMessage:
    """A message of Locust's that is mended when it can't be packed; one that can be costs nothing more."""

    def __init__(self, message: Any) -> None:
        """Stand in for `message`."""
        self._message = message

    def __getattr__(self, name: str) -> Any:
        """Return what the message has."""
        return getattr(self._message, name)

    def serialize(self) -> Any:
        """Return the message as bytes, as Locust packs it."""
        try:
            return self._message.serialize()
        except Exception:
            self._message.data = sendable(self._message.data)
            return self._message.serialize()


def sendable(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return `value` of what msgpack takes: numbers stay numbers, all that is unknown becomes text."""
    # Locust packs times itself.
    if value is None or isinstance(value, bool | bytes | datetime):
        return value
    if isinstance(value, dict | list | tuple | set | frozenset):
        return _collection(value, depth - 1) if depth else UNREADABLE
    if isinstance(value, str):
        return str.__str__(value).encode(errors="replace").decode()
    return _number_or_text(value)


def _collection(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        return {_key(key, depth): sendable(item, depth) for key, item in value.items()}
    return [sendable(item, depth) for item in value]


def _key(key: Any, depth: int) -> Any:
    made = sendable(key, depth)
    # The master would find no list among its keys.
    return str(made) if isinstance(made, list | dict) else made


def _number_or_text(value: Any) -> Any:
    try:
        number = value if isinstance(value, int | float) else float(value)
        whole = int(number) if number == number // 1 else None
    except Exception:
        return _text(value)
    return float(number) if whole is None else min(max(int(whole), MIN_INT), MAX_INT)


def _text(value: Any) -> str:
    try:
        return str(value).encode(errors="replace").decode()
    except Exception:
        return UNREADABLE
