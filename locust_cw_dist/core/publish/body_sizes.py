"""Payloads: how large the bodies of PutMetricData calls are, before and after gzip."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from locust_cw_dist.core.publish.datums import Datum

COMPRESSED_FROM_BYTES = 10_240
"""Bodies of at least this many bytes are compressed, smaller ones are sent as they are: botocore's own default."""

_GZIP_LEVEL = 3
"""A quarter of the time of level 9, which botocore takes, for a body that is a quarter larger."""

_GZIP_WRAPPER = 31
"""zlib's sign for a gzip header with the largest window."""


@dataclass(slots=True)
class Payloads:
    """Sizes of calls that were made, or would have been.

    Attributes:
        calls: How many there were.
        datums: Datums in them.
        body_bytes: Sum of their JSON bodies.
        wire_bytes: The same as they are sent: compressed from 10,240 bytes on.
        largest_body_bytes: The largest body.
        largest_wire_bytes: The largest as it is sent.
        first_s: The oldest timestamp in them.
        last_s: The newest timestamp in them.
    """

    calls: int = 0
    datums: int = 0
    body_bytes: int = 0
    wire_bytes: int = 0
    largest_body_bytes: int = 0
    largest_wire_bytes: int = 0
    first_s: float = math.inf
    last_s: float = -math.inf

    def note(self, body: bytes, batch: Sequence[Datum]) -> None:
        """Count a call that sends `batch` as `body`."""
        wire_bytes = _wire_bytes(body)
        self.calls += 1
        self.datums += len(batch)
        self.body_bytes += len(body)
        self.wire_bytes += wire_bytes
        self.largest_body_bytes = max(self.largest_body_bytes, len(body))
        self.largest_wire_bytes = max(self.largest_wire_bytes, wire_bytes)

        self.first_s = min(self.first_s, *(datum.timestamp_s for datum in batch))
        self.last_s = max(self.last_s, *(datum.timestamp_s for datum in batch))

    def calls_per_hour(self, resolution_s: int) -> float:
        """Return how many calls an hour takes at this rate: at least one for each window of `resolution_s`.

        At the end of a run several windows share a call, so a short run alone would tell too few.
        """
        return 3600 * max(1 / resolution_s, self.calls / self.span_s(resolution_s))

    def span_s(self, resolution_s: int) -> float:
        """Return the time from the first window to the end of the last."""
        return max(resolution_s, self.last_s - self.first_s + resolution_s)

    def line(self) -> str:
        """Return the sizes for people."""
        calls = max(1, self.calls)
        return (
            f"{self.body_bytes // calls:,} bytes a call, {self.largest_body_bytes:,} at most; "
            f"as sent (gzip from {COMPRESSED_FROM_BYTES:,} bytes on): {self.wire_bytes // calls:,}, "
            f"{self.largest_wire_bytes:,} at most"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the sizes for machines."""
        return {
            "body_bytes": self.body_bytes,
            "wire_bytes": self.wire_bytes,
            "largest_body_bytes": self.largest_body_bytes,
            "largest_wire_bytes": self.largest_wire_bytes,
        }


def gzipped(body: bytes) -> bytes:
    """Return a body as it is sent with `Content-Encoding: gzip`."""
    return zlib.compress(body, _GZIP_LEVEL, _GZIP_WRAPPER)


def _wire_bytes(body: bytes) -> int:
    return len(body) if len(body) < COMPRESSED_FROM_BYTES else len(gzipped(body))
