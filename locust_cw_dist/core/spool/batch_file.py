r"""SpooledBatch: a batch as it lies on disk, with the results that depend on it; packed and read here, never written.

A file is one line of text and a body:

    locust-cw-spool 1 <SHA-256 of the body, 64 hex digits>\n
    zlib(JSON: {"namespace": ..., "shares": [[run id, results, [numbers of datums]], ...], "data": [MetricDatum, ...]})

The version stands before everything that could change. `unpack` believes nothing: a file that is torn, foreign, of
another version or not what this program writes is refused with a `SpoolError` that says in words what is wrong.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.publish.datums import Datum, Distribution
from locust_cw_dist.core.publish.ledger import Account
from locust_cw_dist.core.publish.limits import (
    MAX_DATUMS_PER_CALL,
    MAX_DIMENSION_NAME_CHARS,
    MAX_DIMENSION_VALUE_CHARS,
    MAX_DIMENSIONS,
    MAX_MAGNITUDE,
    MAX_NAMESPACE_CHARS,
    MAX_VALUES_PER_DATUM,
    STORAGE_RESOLUTIONS_S,
)
from locust_cw_dist.core.publish.window_datums import Claim, Entry
from locust_cw_dist.core.summaries import checked_json, checked_values
from locust_cw_dist.core.summaries.gauges import StatisticSet
from locust_cw_dist.core.wire.frame import MAX_ID_CHARS

MAGIC = b"locust-cw-spool"
SPOOL_VERSION = 1

MAX_INFLATED_BYTES = 4 * 2**20
"""Four times what fits into a call: a file that inflates to more was not written here."""

MAX_CLAIMS = 2
"""Accounts that wait for one datum: results with a response time and results without."""

MAX_METRIC_CHARS = 255
MAX_TIMESTAMP_S = 10**11


class SpoolError(Exception):
    """A file of the spool can't be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Share:
    """Results that depend on datums of a batch.

    Attributes:
        run_id: Their run.
        results: How many this batch brings; 0 where another batch has the last of their datums.
        datums: Numbers of the datums, from 0, that must all be accepted.
    """

    run_id: str
    results: int
    datums: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SpooledBatch:
    """What one file holds.

    Attributes:
        namespace: Where the datums go.
        datums: The datums.
        shares: The results that depend on them.
    """

    namespace: str
    datums: tuple[Datum, ...]
    shares: tuple[Share, ...]

    @property
    def results(self) -> int:
        """Number of results that it brings."""
        return sum(share.results for share in self.shares)

    def entries(self, accounts: Sequence[Account]) -> tuple[Entry, ...]:
        """Return the datums with what depends on them, given the account of each share."""
        claims: defaultdict[int, list[Claim]] = defaultdict(list)
        for share, account in zip(self.shares, accounts, strict=True):
            for number in share.datums:
                claims[number].append(Claim(account, share.results if number == max(share.datums) else 0))
        return tuple(Entry(datum, tuple(claims[number])) for number, datum in enumerate(self.datums))

    @property
    def run_ids(self) -> frozenset[str]:
        """The runs that it has results of."""
        return frozenset(share.run_id for share in self.shares)

    @property
    def oldest_s(self) -> int:
        """The oldest timestamp in it."""
        return min(datum.timestamp_s for datum in self.datums)

    @classmethod
    def of(cls, namespace: str, entries: Sequence[Entry]) -> SpooledBatch:
        """Return what stands for `entries` on disk."""
        numbers: dict[Account, list[int]] = {}
        results: dict[Account, int] = {}
        claims = ((number, claim) for number, entry in enumerate(entries) for claim in entry.claims)
        for number, claim in claims:
            account = claim.account
            numbers.setdefault(account, []).append(number)
            # Of results that are booked already, the rest of the datums is sent and nothing counted.
            brought = 0 if account.is_settled else claim.results
            results[account] = results.get(account, 0) + brought
        shares = tuple(Share(a.run_id, results[a], tuple(at)) for a, at in numbers.items())
        return cls(namespace, tuple(entry.datum for entry in entries), shares)


def pack(batch: SpooledBatch) -> bytes:
    """Return the content of the file."""
    shares = json.dumps([[share.run_id, share.results, share.datums] for share in batch.shares], separators=(",", ":"))
    data = ",".join([datum.json for datum in batch.datums])
    document = f'{{"namespace":{json.dumps(batch.namespace)},"shares":{shares},"data":[{data}]}}'
    body = zlib.compress(document.encode(), 1)
    return b"%s %d %s\n%s" % (MAGIC, SPOOL_VERSION, hashlib.sha256(body).hexdigest().encode(), body)


def unpack(content: bytes) -> SpooledBatch:
    """Return what `pack` made `content` of.

    Raises:
        SpoolError: It was made by something else, or is not whole.
    """
    document = _document(_body(content))
    try:
        return _read(document)
    except ValueError as e:
        raise SpoolError(f"its content is not what a spool holds: {e}") from e


def _body(content: bytes) -> bytes:
    line, newline, body = content[:200].partition(b"\n")
    fields = line.split(b" ")
    if not newline or fields[0] != MAGIC or len(fields) != 3:
        raise SpoolError("it is not a file of a spool")
    if fields[1] != b"%d" % SPOOL_VERSION:
        raise SpoolError(
            f"its version is {fields[1].decode('ascii', 'replace')[:20]}, this program reads {SPOOL_VERSION}"
        )
    body = content[len(line) + 1 :]
    if hashlib.sha256(body).hexdigest().encode() != fields[2]:
        raise SpoolError("it is damaged: its checksum does not match")
    return body


def _document(body: bytes) -> Any:
    try:
        return checked_json.parse(checked_json.inflate(body, MAX_INFLATED_BYTES))
    except ValueError as e:
        raise SpoolError(f"its content can't be read: {e}") from e


def _read(document: Any) -> SpooledBatch:
    namespace, shares, data = _fields(document, "namespace", "shares", "data")
    datums = tuple(_read_datum(entry) for entry in checked_values.listing(data, MAX_DATUMS_PER_CALL))
    checked_values.require(bool(datums), "no datum")
    shares = checked_values.listing(shares, MAX_CLAIMS * len(datums))
    read = tuple(_read_share(share, len(datums)) for share in shares)
    claims = Counter(number for share in read for number in share.datums)
    checked_values.require(max(claims.values(), default=0) <= MAX_CLAIMS, "a datum with too many accounts")
    return SpooledBatch(checked_values.string(namespace, MAX_NAMESPACE_CHARS), datums, read)


def _read_share(share: Any, datums: int) -> Share:
    run_id, results, numbers = checked_values.listing(share, 3, 3)
    at = tuple(checked_values.integer(number, 0, datums - 1) for number in checked_values.listing(numbers, datums))
    checked_values.require(bool(at) and len(set(at)) == len(at), "results of no datum, or of one twice")
    return Share(
        printable(checked_values.identifier(run_id, MAX_ID_CHARS)),
        checked_values.integer(results, 0, checked_values.MAX_COUNT),
        at,
    )


def _read_datum(entry: Any) -> Datum:
    names = ("MetricName", "Dimensions", "Timestamp", "Unit", "StorageResolution")
    metric, dimensions, timestamp_s, unit, resolution_s = _fields(entry, *names, more=2)
    checked_values.require(resolution_s in STORAGE_RESOLUTIONS_S, "an unknown storage resolution")
    return Datum(
        checked_values.string(metric, MAX_METRIC_CHARS),
        tuple(_read_dimension(one) for one in checked_values.listing(dimensions, MAX_DIMENSIONS)),
        checked_values.integer(timestamp_s, 0, MAX_TIMESTAMP_S),
        checked_values.string(unit, MAX_METRIC_CHARS),
        resolution_s,
        _read_value(entry),
    )


def _read_dimension(dimension: Any) -> tuple[str, str]:
    name, value = _fields(dimension, "Name", "Value")
    return checked_values.string(name, MAX_DIMENSION_NAME_CHARS), checked_values.string(
        value, MAX_DIMENSION_VALUE_CHARS
    )


def _read_value(entry: dict[str, Any]) -> float | StatisticSet | Distribution:
    if "Values" in entry:
        counts = _numbers(entry.get("Counts"), {int}, 0, checked_values.MAX_COUNT)
        return Distribution(_numbers(entry["Values"], {int, float}, -MAX_MAGNITUDE, MAX_MAGNITUDE), counts)
    if "StatisticValues" in entry:
        count, *numbers = _fields(entry["StatisticValues"], "SampleCount", "Sum", "Minimum", "Maximum")
        total, low, high = (_number(number) for number in numbers)
        return StatisticSet(checked_values.integer(count, 1, checked_values.MAX_COUNT), total, low, high)
    return _number(entry.get("Value"))


def _numbers(values: Any, types: set[type], low: float, high: float) -> tuple[Any, ...]:
    # All at once: a full batch has thousands, and the hub waits meanwhile.
    numbers = checked_values.listing(values, MAX_VALUES_PER_DATUM)
    is_right = types.issuperset(map(type, numbers)) and all(low <= number <= high for number in numbers)
    checked_values.require(is_right, f"numbers from {low} to {high} expected")
    return tuple(numbers)


def _number(value: Any) -> float:
    # Whole numbers stay whole, so that what is read is what was written.
    checked_values.number(value, -MAX_MAGNITUDE, MAX_MAGNITUDE)
    return value  # type: ignore[no-any-return]


def _fields(document: Any, *names: str, more: int = 0) -> list[Any]:
    checked_values.require(
        type(document) is dict and len(document) <= len(names) + more, f"{', '.join(names)} expected"
    )
    checked_values.require(all(name in document for name in names), f"{', '.join(names)} expected")
    return [document[name] for name in names]
