"""JSON from elsewhere, parsed within bounds; every way in which that fails is a ValueError.

Python keeps 64 bytes for each `[]`, and a thousand times as many compressed brackets fit into a file. So what is
inflated has a bound, and so has the number of lists and objects in it.
"""

from __future__ import annotations

import json
import zlib
from typing import Any, NoReturn

MAX_CONTAINERS = 100_000
"""Lists and objects in one document. A block of a record has up to 30,000, the status of 5,000 workers 5,000."""


def parse(text: bytes) -> Any:
    """Return what a JSON text holds; numbers may be of any size, but none is NaN.

    Raises:
        ValueError: It is not JSON in UTF-8, is nested too deeply, or has more than `MAX_CONTAINERS` lists and objects.
    """
    if text.count(b"[") + text.count(b"{") > MAX_CONTAINERS:
        raise ValueError("it has too many lists and objects")
    try:
        return json.loads(text.decode(), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def inflate(body: bytes, max_bytes: int) -> bytes:
    """Return what zlib has compressed.

    Raises:
        ValueError: It is torn, or inflates to more than `max_bytes`.
    """
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(body, max_bytes)
    except zlib.error as e:
        raise ValueError("it is damaged") from e
    if not inflater.eof:
        raise ValueError(f"it inflates to more than {max_bytes:,} bytes, or is incomplete")
    return text


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} in it")
