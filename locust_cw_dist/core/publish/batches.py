r"""Batches: datums cut into PutMetricData calls, in order, each within the documented limits and our own.

A body's size is counted before it exists. `estimated_bytes` is the size of what botocore makes of a datum
(JSON with ``", "`` and ``": "`` between things, non-ASCII as ``\uNNNN``), a few bytes too high and never
too low.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache

from locust_cw_dist.core.publish.datums import Datum, Distribution
from locust_cw_dist.core.publish.limits import (
    MAX_BODY_BYTES,
    MAX_DATUMS_PER_CALL,
    MAX_NAMESPACE_CHARS,
    MAX_PAIRS_PER_CALL,
    PAIRS_PER_DATUM,
)
from locust_cw_dist.core.publish.window_datums import Entry
from locust_cw_dist.core.summaries.gauges import StatisticSet

ENVELOPE_BYTES = len('{"Namespace": "", "MetricData": []}') + MAX_NAMESPACE_CHARS
"""What a body has besides its datums; a namespace has only characters that JSON leaves alone."""

_DATUM_FRAME_BYTES = len(
    '{"MetricName": , "Dimensions": [], "Timestamp": , "Unit": , "StorageResolution": , "Values": , "Counts": }, '
)
_DIMENSION_FRAME_BYTES = len('{"Name": , "Value": }, ')
_STATISTICS_FRAME_BYTES = len('"StatisticValues": {"SampleCount": , "Sum": , "Minimum": , "Maximum": }')


def batches(
    entries: Iterable[Entry],
    *,
    max_datums: int = MAX_DATUMS_PER_CALL,
    max_pairs: int = MAX_PAIRS_PER_CALL,
    max_bytes: int = MAX_BODY_BYTES,
) -> Iterator[tuple[Entry, ...]]:
    """Yield the entries in batches, in order, each as long as the limits let it be.

    A datum that is over `max_pairs` or `max_bytes` by itself goes alone; with the default limits there is
    none.

    Args:
        entries: What to send; read only as far as the batch at hand needs.
        max_datums: Datums in a batch.
        max_pairs: Sum of `weight_pairs` in a batch.
        max_bytes: Uncompressed JSON body of the call, envelope included.
    """
    batch: list[Entry] = []
    pairs, size = 0, ENVELOPE_BYTES
    for entry in entries:
        more_pairs, more_bytes = weight_pairs(entry.datum), estimated_bytes(entry.datum)
        if batch and (len(batch) >= max_datums or pairs + more_pairs > max_pairs or size + more_bytes > max_bytes):
            yield tuple(batch)
            batch = []
            pairs, size = 0, ENVELOPE_BYTES
        batch.append(entry)
        pairs += more_pairs
        size += more_bytes
    if batch:
        yield tuple(batch)


def body(namespace: str, batch: Iterable[Datum]) -> bytes:
    """Return the JSON body of the call that sends `batch`."""
    data = ",".join([datum.render() for datum in batch])
    return f'{{"Namespace":{json.dumps(namespace)},"MetricData":[{data}]}}'.encode()


def weight_pairs(datum: Datum) -> int:
    """Return what a datum costs to serialise, in value/count pairs."""
    return PAIRS_PER_DATUM + (len(datum.value.values) if isinstance(datum.value, Distribution) else 1)


def estimated_bytes(datum: Datum) -> int:
    """Return an upper bound, close to the truth, of the bytes that a datum adds to a JSON body."""
    size = _DATUM_FRAME_BYTES + _text_bytes(datum.metric) + _text_bytes(datum.unit)
    for name, value in datum.dimensions:
        size += _DIMENSION_FRAME_BYTES + _text_bytes(name) + _text_bytes(value)
    size += len(str(datum.timestamp_s)) + len(str(datum.storage_resolution_s))
    return size + _value_bytes(datum.value)


def _value_bytes(value: float | StatisticSet | Distribution) -> int:
    if isinstance(value, Distribution):
        # botocore puts a blank after each comma. A tuple's repr is as long as the list's JSON.
        return len(value.values_json) + len(value.values) + len(repr(value.counts))
    if isinstance(value, StatisticSet):
        numbers = (value.count, value.sum, value.minimum, value.maximum)
        return _STATISTICS_FRAME_BYTES + len(repr(numbers))
    return len(repr(value))


@lru_cache(maxsize=4096)  # names of metrics and endpoints, the same in each window
def _text_bytes(text: str) -> int:
    """Return the length of `text` as a JSON string, quotes included."""
    if text.isascii() and text.isprintable():
        return len(text) + 2 + text.count('"') + text.count("\\")
    return len(json.dumps(text))
