r"""Blocks: the frame of a run record's file, whatever the blocks hold.

    locust-cw-record 2\n
    block, block, block, ...

A block is its kind (one letter), the length of its body, a CRC-32 of kind, length and body (both integers of four
bytes, little-endian), and the body: JSON, compressed by zlib. The file only grows at its end, so a process that is
killed leaves at most one torn block, the last one; what stands before it is whole.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from locust_cw_dist.core.summaries import checked_json, checked_values

MAGIC = b"locust-cw-record "
VERSION = 2
"""Version 1 had no results without a response time: it is read as one in which there were none."""

FIRST_LINE = MAGIC + b"%d\n" % VERSION
READABLE = tuple(map(str, range(1, VERSION + 1)))

MAX_FIRST_LINE_BYTES = 40

MAX_BODY_BYTES = 4 * 2**20
"""Compressed. What is written has 256 kB before it is compressed, but for the topology of thousands of workers."""

MAX_INFLATED_BYTES = 4 * 2**20
"""A body that inflates to more was not written here: the status of 10,000 workers has 2.5 MB."""

MAX_POINTS_BYTES = 2**20
"""The same of points: 256 kB and one row more, which has less than as much again."""

COMPRESSION_LEVEL = 6

_HEAD = struct.Struct("<cII")
_SIGNED = struct.Struct("<cI")
"""What the checksum covers, before the body."""


class Kind(Enum):
    """What a block holds. A reader skips kinds that it does not know."""

    BEGIN = b"B"
    POINTS = b"P"
    STATUS = b"S"
    OUTCOME = b"O"


class RecordError(Exception):
    """A file is no record that can be read; the message says why."""


@dataclass(slots=True)
class Damage:
    """Where a file stops being readable, and why; empty as long as nothing is wrong.

    Attributes:
        at_byte: How many bytes are whole.
        reason: What is wrong behind them.
    """

    at_byte: int = 0
    reason: str = ""


def pack_block(kind: Kind, text: bytes) -> bytes:
    """Return a block; `text` is its JSON."""
    body = zlib.compress(text, COMPRESSION_LEVEL)
    return _HEAD.pack(kind.value, len(body), _checksum(kind.value, body)) + body


def read_blocks(read: Callable[[int], bytes], damage: Damage) -> Iterator[tuple[Kind, dict[str, Any]]]:
    """Yield the blocks of a file, in order, up to the first one that is not whole.

    Args:
        read: Returns the next so many bytes, or fewer at the end of the file.
        damage: Told where the file ends, and why if that is before its end.

    Raises:
        RecordError: It is no record, or one of a version that this program does not know.
    """
    damage.at_byte = _read_first_line(read)
    while head := read(_HEAD.size):
        if len(head) < _HEAD.size:
            damage.reason = "the last block is incomplete"
            return
        letter, length, checksum = _HEAD.unpack(head)
        body = read(length) if length <= MAX_BODY_BYTES else b""
        if len(body) < length or _checksum(letter, body) != checksum:
            damage.reason = "a block is incomplete or damaged"
            return
        kind = _KINDS.get(letter)
        if kind is not None:
            try:
                document = _document(kind, body)
            except ValueError as e:
                damage.reason = f"a block can't be read: {e}"
                return
        damage.at_byte += _HEAD.size + length
        if kind is not None:
            yield kind, document


_KINDS = {kind.value: kind for kind in Kind}


def _checksum(letter: bytes, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(_SIGNED.pack(letter, len(body))))


def _read_first_line(read: Callable[[int], bytes]) -> int:
    line = read(len(FIRST_LINE))
    while not line.endswith(b"\n") and len(line) < MAX_FIRST_LINE_BYTES and (more := read(1)):
        line += more
    if not line.startswith(MAGIC) or not line.endswith(b"\n"):
        raise RecordError("it is not a run record")
    version = line[len(MAGIC) : -1].decode("ascii", "replace")
    if version not in READABLE:
        raise RecordError(f"it is a record of version {version}, this program reads up to {VERSION}: upgrade it")
    return len(line)


def _document(kind: Kind, body: bytes) -> dict[str, Any]:
    text = checked_json.inflate(body, MAX_POINTS_BYTES if kind is Kind.POINTS else MAX_INFLATED_BYTES)
    document = checked_json.parse(text)
    checked_values.require(type(document) is dict, "it is not a JSON object")
    return document  # type: ignore[no-any-return]
