"""CBOR (RFC 8949), as far as AWS's protocol smithy-rpc-v2-cbor needs it. Pure.

Maps with text keys, arrays, text, integers, floats of all three sizes, booleans, null and undefined; lengths may be
left open. A time is a number under tag 1. Byte strings and large integers occur in no operation of CloudWatch and are
refused, like whatever is not well-formed or nested deeper than any document of CloudWatch.

Written here because the local CloudWatch has to run on the standard library alone.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from locust_cw_dist.local_cloudwatch.operations.fields import Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH = 24

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _OTHER = range(8)
_OPEN = 31  # as length: until the break; as a simple value: the break
_EPOCH_TAG = 1
_SIMPLE = {20: False, 21: True, 22: None, 23: None}
_FLOATS = {25: struct.Struct(">e"), 26: struct.Struct(">f"), 27: struct.Struct(">d")}
_LENGTHS = {24: 1, 25: 2, 26: 4, 27: 8}


class CborError(ValueError):
    """The bytes are not the CBOR that is understood here."""


def loads(content: bytes) -> Any:
    """The one value that the bytes hold; a time becomes its number of seconds.

    Raises:
        CborError: they hold none, or more than one.
    """
    reader = _Reader(content)
    value = reader.value(MAX_DEPTH)
    if reader.position != len(content):
        raise CborError("there is more after the value")
    return value


class _Break:
    """Ends what has an open length."""


_BREAK = _Break()


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self.position = 0

    def _take(self, size: int) -> bytes:
        piece = self._content[self.position : self.position + size]
        if len(piece) < size:
            raise CborError("it ends early")
        self.position += size
        return piece

    def _length(self, info: int) -> int | None:
        """What a head says behind its kind; None for an open length."""
        if info < 24:
            return info
        if info == _OPEN:
            return None
        if info not in _LENGTHS:
            raise CborError("it has a length of a reserved form")
        return int.from_bytes(self._take(_LENGTHS[info]), "big")

    def value(self, depth: int) -> Any:
        """The next value."""
        found = self._item(depth)
        if found is _BREAK:
            raise CborError("it has a break outside of anything open")
        return found

    def _item(self, depth: int) -> Any:
        """The next value, or the break."""
        if depth == 0:
            raise CborError(f"it is nested deeper than {MAX_DEPTH}")
        kind, info = divmod(self._take(1)[0], 32)
        if kind == _OTHER:
            return self._simple(info)
        length = self._length(info)
        if kind == _TEXT:
            return self._text(length, depth)
        if kind == _ARRAY:
            return self._many(length, lambda: self._item(depth - 1))
        if kind == _MAP:
            return dict(self._many(length, lambda: self._entry(depth - 1)))
        if length is None:
            raise CborError("it has an open length where there is none")
        return self._number(kind, length, depth)

    def _number(self, kind: int, length: int, depth: int) -> Any:
        if kind == _UNSIGNED:
            return length
        if kind == _NEGATIVE:
            return -1 - length
        if kind == _TAG and length == _EPOCH_TAG:
            return self.value(depth - 1)
        raise CborError(f"it has a byte string or the tag {length}")

    def _simple(self, info: int) -> Any:
        if info == _OPEN:
            return _BREAK
        if info in _FLOATS:
            form = _FLOATS[info]
            return form.unpack(self._take(form.size))[0]
        if info in _SIMPLE:
            return _SIMPLE[info]
        raise CborError(f"it has the simple value {info}")

    def _text(self, length: int | None, depth: int) -> str:
        if length is None:
            pieces = self._many(None, lambda: self._item(depth - 1))
            if not all(isinstance(piece, str) for piece in pieces):
                raise CborError("it has a text with other than text in it")
            return "".join(pieces)
        try:
            return self._take(length).decode()
        except UnicodeDecodeError as error:
            raise CborError("it has a text that is not UTF-8") from error

    def _many(self, length: int | None, read: Callable[[], Any]) -> list[Any]:
        found: list[Any] = []
        while length is None or len(found) < length:
            item = read()
            if item is _BREAK:
                if length is None:
                    break
                raise CborError("it has a break outside of anything open")
            found.append(item)
        return found

    def _entry(self, depth: int) -> tuple[str, Any] | _Break:
        key = self._item(depth)
        if isinstance(key, _Break):
            return key
        if not isinstance(key, str):
            raise CborError("it has a key that is not text")
        return key, self.value(depth)


def dumps(value: Any) -> bytes:
    """A document as CBOR; floats with 8 bytes, a `Timestamp` under tag 1.

    Raises:
        CborError: it holds something that no answer has.
    """
    written = bytearray()
    _write(value, written)
    return bytes(written)


def _write(value: Any, written: bytearray) -> None:
    if isinstance(value, Timestamp):
        written += _head(_TAG, _EPOCH_TAG) + _integer(value)
    elif value is None or isinstance(value, bool):
        written += _head(_OTHER, {False: 20, True: 21, None: 22}[value])
    elif isinstance(value, int):
        written += _integer(value)
    elif isinstance(value, float):
        written += b"\xfb" + _FLOATS[27].pack(value)
    elif isinstance(value, str):
        text = value.encode()
        written += _head(_TEXT, len(text)) + text
    elif isinstance(value, list):
        written += _head(_ARRAY, len(value))
        for item in value:
            _write(item, written)
    elif isinstance(value, dict):
        written += _head(_MAP, len(value))
        for key, item in value.items():
            _write(key, written)
            _write(item, written)
    else:
        raise CborError(f"no answer has a {type(value).__name__}")


def _integer(number: int) -> bytes:
    return _head(_UNSIGNED, number) if number >= 0 else _head(_NEGATIVE, -1 - number)


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind * 32 + number])
    for info, size in _LENGTHS.items():
        if number < 1 << (8 * size):
            return bytes([kind * 32 + info]) + number.to_bytes(size, "big")
    raise CborError(f"{number} takes more than 8 bytes")
