"""A request's body, off the wire: by length or in chunks, gzip or not, within 1 MB.

CloudWatch documents 1 MB for the body of a POST request and takes gzip. It doesn't say which of the two
sizes is meant, nor which megabyte. Here both sizes have to be within 1,000,000 bytes: what passes here
passes at AWS.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from locust_cw_dist.local_cloudwatch.errors import ApiError

if TYPE_CHECKING:
    from email.message import Message
    from io import BufferedIOBase

MAX_BODY_BYTES = 1_000_000

MAX_DISCARDED_BYTES = 64 * 2**20
"""A body that is too large is still read, up to here: a client that is cut off while it sends sees a
broken pipe instead of the answer."""

_PIECE_BYTES = 65_536
_MAX_LINE_BYTES = 1_024
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?\r?\n")
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class FramingError(Exception):
    """The request can't be told from the next one; the connection has to be closed."""


@dataclass(frozen=True, slots=True)
class Received:
    """A body.

    Attributes:
        content: decompressed; of a body that is too large only as much as was looked at.
        wire_bytes: how many bytes came.
        problem: why the content can't be used, or None.
    """

    content: bytes
    wire_bytes: int
    problem: ApiError | None = None


def receive(headers: Message, stream: BufferedIOBase) -> Received:
    """Read the whole body of a request.

    Raises:
        FramingError: its end can't be found, or it is larger than what is worth reading.
    """
    if "chunked" in headers.get("Transfer-Encoding", "").lower():
        raw, wire_bytes = _read_chunks(stream)
    else:
        wire_bytes = _content_length(headers)
        raw = _read(stream, wire_bytes, keep=MAX_BODY_BYTES)
    if wire_bytes > MAX_BODY_BYTES:
        return Received(raw, wire_bytes, too_large())
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "gzip":
        return _decompressed(raw)
    if encoding not in ("", "identity"):
        problem = ApiError("SerializationException", f"The content encoding {encoding!r} is not supported.", 415)
        return Received(b"", wire_bytes, problem)
    return Received(raw, wire_bytes)


def too_large() -> ApiError:
    """The body is over the limit, on the wire or after decompression."""
    return ApiError(
        "RequestEntityTooLarge", f"Request size exceeded the limit of {MAX_BODY_BYTES:,} bytes (1 MB).", 413
    )


def _content_length(headers: Message) -> int:
    text = headers.get("Content-Length", "0").strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise FramingError(f"bad Content-Length: {text[:40]!r}")
    if int(text) > MAX_DISCARDED_BYTES:
        raise FramingError(f"a body of {text} bytes")
    return int(text)


def _read(stream: BufferedIOBase, size: int, keep: int) -> bytes:
    """Read `size` bytes and keep the first `keep` of them."""
    kept = bytearray()
    left = size
    while left:
        piece = stream.read(min(left, _PIECE_BYTES))
        if not piece:
            raise FramingError("the body ended early")
        left -= len(piece)
        kept += piece[: max(0, keep - len(kept))]
    return bytes(kept)


def _read_chunks(stream: BufferedIOBase) -> tuple[bytes, int]:
    """Read a chunked body: what is kept of it, and how many bytes of content it had."""
    kept = bytearray()
    total = 0
    while size := _chunk_size(stream):
        total += size
        if total > MAX_DISCARDED_BYTES:
            raise FramingError(f"a body of more than {MAX_DISCARDED_BYTES} bytes")
        kept += _read(stream, size, keep=MAX_BODY_BYTES - len(kept))
        if stream.readline(_MAX_LINE_BYTES).strip():
            raise FramingError("a chunk without its end")
    while stream.readline(_MAX_LINE_BYTES).strip():
        pass  # trailer fields
    return bytes(kept), total


def _chunk_size(stream: BufferedIOBase) -> int:
    match = _CHUNK_SIZE.fullmatch(stream.readline(_MAX_LINE_BYTES))
    if not match:
        raise FramingError("bad chunk size")
    return int(match[1], 16)


def _decompressed(raw: bytes) -> Received:
    inflater = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        content = inflater.decompress(raw, MAX_BODY_BYTES + 1)  # no more is ever inflated, whatever the ratio
    except zlib.error:
        return Received(b"", len(raw), ApiError("SerializationException", "The body is not valid gzip."))
    if len(content) > MAX_BODY_BYTES:
        return Received(content, len(raw), too_large())
    if not inflater.eof or inflater.unused_data:
        return Received(b"", len(raw), ApiError("SerializationException", "The body is not one whole gzip member."))
    return Received(content, len(raw))
