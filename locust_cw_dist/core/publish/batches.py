"""Batches: datums cut into PutMetricData calls, in order, each within the documented limits and our own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from locust_cw_dist.core.publish.datums import Datum, Distribution
from locust_cw_dist.core.publish.limits import (
    MAX_BODY_BYTES,
    MAX_DATUMS_PER_CALL,
    MAX_NAMESPACE_CHARS,
    MAX_PAIRS_PER_BODY,
    PAIRS_PER_DATUM,
)
from locust_cw_dist.core.publish.window_datums import Entry

_ENVELOPE_BYTES = len('{"Namespace":"","MetricData":[]}') + MAX_NAMESPACE_CHARS - len(",")
"""What a body has, at most, besides its datums with a comma after each but the last."""


def batches(
    entries: Iterable[Entry],
    *,
    max_datums: int = MAX_DATUMS_PER_CALL,
    max_pairs: int = MAX_PAIRS_PER_BODY,
    max_bytes: int = MAX_BODY_BYTES,
) -> Iterator[tuple[Entry, ...]]:
    """Yield the entries in batches, in order, each as long as the limits let it be.

    A datum that is over `max_pairs` or `max_bytes` by itself goes alone; with the default limits there is
    none.

    Args:
        entries: What to send; read only as far as the batch at hand needs.
        max_datums: Datums in a batch.
        max_pairs: Sum of `weight_pairs` in a batch.
        max_bytes: Uncompressed length of what `body` returns.
    """
    batch: list[Entry] = []
    pairs, size = 0, _ENVELOPE_BYTES
    for entry in entries:
        more_pairs, more_bytes = weight_pairs(entry.datum), len(entry.datum.json) + len(",")
        if batch and (len(batch) >= max_datums or pairs + more_pairs > max_pairs or size + more_bytes > max_bytes):
            yield tuple(batch)
            batch = []
            pairs, size = 0, _ENVELOPE_BYTES
        batch.append(entry)
        pairs += more_pairs
        size += more_bytes
    if batch:
        yield tuple(batch)


def body(namespace: str, batch: Iterable[Datum]) -> bytes:
    """Return the JSON body of the call that sends `batch`."""
    data = ",".join([datum.json for datum in batch])
    return f'{{"Namespace":{json.dumps(namespace)},"MetricData":[{data}]}}'.encode()


def weight_pairs(datum: Datum) -> int:
    """Return what a datum costs to serialise, in value/count pairs."""
    return PAIRS_PER_DATUM + (len(datum.value.values) if isinstance(datum.value, Distribution) else 1)
