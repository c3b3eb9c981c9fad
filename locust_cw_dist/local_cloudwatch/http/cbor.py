"""CBOR (RFC 8949), as far as AWS's protocol smithy-rpc-v2-cbor needs it, by cbor2.

A time is a number under tag 1. Every other tag is refused: cbor2 knows tags for references, by which few bytes become a
large document, and for regular expressions. So are keys that are not text, and deeper nesting than CloudWatch has.

cbor2 is imported with the first document: whoever speaks JSON or the query protocol needs the standard library alone.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from locust_cw_dist.local_cloudwatch.operations.fields import Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_DEPTH = 24

_EPOCH_TAG = 1


class CborError(ValueError):
    """The bytes are not the CBOR that is understood here."""


def is_installed() -> bool:
    """Whether there is cbor2, which all else here needs."""
    return find_spec("cbor2") is not None


def loads(content: bytes) -> Any:
    """The one value that the bytes hold; a time becomes its number of seconds.

    Raises:
        CborError: They hold none, or more than one.
    """
    import cbor2

    stream = io.BytesIO(content)
    decoder = cbor2.CBORDecoder(
        stream, semantic_decoders=_Tags(), object_hook=_checked, max_depth=MAX_DEPTH, strict_hashable_types=True
    )
    try:
        value = decoder.decode()
    except cbor2.CBORDecodeError as error:
        raise CborError(f"{error}: {error.__cause__}" if error.__cause__ else str(error)) from error
    if stream.tell() != len(content):
        raise CborError("there is more after the value")
    return None if value is cbor2.undefined else value


class _Tags(Mapping[int, "Callable[[Any, bool], Any]"]):
    """What each tag means."""

    def __getitem__(self, tag: int) -> Callable[[Any, bool], Any]:
        return _as_is if tag == _EPOCH_TAG else _refuse

    def __iter__(self) -> Iterator[int]:
        return iter((_EPOCH_TAG,))

    def __len__(self) -> int:
        return 1


def _as_is(value: Any, _: bool) -> Any:
    return value


def _refuse(_value: Any, _: bool) -> Any:
    raise ValueError("it has a tag that no document has")


def _checked(found: Mapping[Any, Any], _: bool) -> dict[str, Any]:
    from cbor2 import undefined

    if not all(isinstance(key, str) for key in found):
        raise ValueError("it has a key that is not text")
    return {key: None if value is undefined else value for key, value in found.items()}


def dumps(value: Any) -> bytes:
    """A document as CBOR; floats with 8 bytes, a `Timestamp` under tag 1.

    Raises:
        CborError: It holds something that no answer has.
    """
    import cbor2

    try:
        return cbor2.dumps(value, encoders={Timestamp: _write_time})
    except cbor2.CBOREncodeError as error:
        raise CborError(str(error)) from error


def _write_time(encoder: Any, time: Timestamp) -> None:
    import cbor2

    encoder.encode(cbor2.CBORTag(_EPOCH_TAG, int(time)))
