"""What a test or a demo may ask of the server itself, under /_local. Documents in, documents out.

GET    /_local/stats                            the journal's counters, and what is stored
GET    /_local/metrics?namespace=...&name=...   every series with all its data, exactly
POST   /_local/reset                            forget data and counters, take faults and conditions away
POST   /_local/faults                           let a fault wait (see `faults`)
DELETE /_local/faults                           take the faults away
GET    /_local/conditions                       clock, quota and sessions as they are (see `conditions`)
POST   /_local/conditions                       change them
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from locust_cw_dist.local_cloudwatch.errors import ApiError
from locust_cw_dist.local_cloudwatch.faults.faults import parse_fault

if TYPE_CHECKING:
    from locust_cw_dist.local_cloudwatch.faults.conditions import Surroundings
    from locust_cw_dist.local_cloudwatch.faults.faults import FaultPlan
    from locust_cw_dist.local_cloudwatch.operations.fields import Document
    from locust_cw_dist.local_cloudwatch.storage.aggregate import Sample
    from locust_cw_dist.local_cloudwatch.storage.journal import Journal
    from locust_cw_dist.local_cloudwatch.storage.store import CellKey, SeriesKey, Store

MAX_DUMPED_VALUES = 500_000


class Control:
    """The endpoints under /_local."""

    def __init__(self, store: Store, journal: Journal, faults: FaultPlan, surroundings: Surroundings) -> None:
        self._store = store
        self._journal = journal
        self._faults = faults
        self._surroundings = surroundings

    def handle(self, method: str, target: str, document: Document) -> Document:
        """Answer one request.

        Args:
            method: HTTP method.
            target: path and query.
            document: the body's JSON; empty where there is none.

        Raises:
            ApiError: NotFound (404), a bad fault or condition (400), or a dump that is too large (413).
        """
        parts = urlsplit(target)
        route = (method, parts.path)
        if route == ("GET", "/_local/stats"):
            return asdict(self._journal.counts()) | asdict(self._store.usage())
        if route == ("GET", "/_local/metrics"):
            query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            return {"series": self._dump(query.get("namespace"), query.get("name"))}
        if route == ("GET", "/_local/conditions"):
            return asdict(self._surroundings.conditions)
        self._change(route, document)
        return {}

    def _change(self, route: tuple[str, str], document: Document) -> None:
        if route == ("POST", "/_local/reset"):
            self._store.clear()
            self._journal.clear()
            self._faults.clear()
            self._surroundings.clear()
        elif route == ("POST", "/_local/conditions"):
            self._surroundings.change(document)
        elif route == ("POST", "/_local/faults"):
            self._faults.add(parse_fault(document))
        elif route == ("DELETE", "/_local/faults"):
            self._faults.clear()
        else:
            raise ApiError("NotFound", f"There is no {route[0]} {route[1]} here.", 404)

    def _dump(self, namespace: str | None, name: str | None) -> list[Document]:
        series: dict[tuple[SeriesKey, str], list[Document]] = {}
        size = 0
        for key, cells in self._store.cells(namespace, name):
            for cell_key, sample in cells:
                size += 1 + len(sample.values)
                series.setdefault((key, cell_key.unit), []).append(_point(cell_key, sample))
            if size > MAX_DUMPED_VALUES:
                message = f"More than {MAX_DUMPED_VALUES:,} values: ask for one namespace and name."
                raise ApiError("RequestEntityTooLarge", message, 413)
        return [_series(key, unit, points) for (key, unit), points in series.items()]


def _series(key: SeriesKey, unit: str, points: list[Document]) -> Document:
    return {
        "namespace": key.namespace,
        "name": key.name,
        "dimensions": dict(key.dimensions),
        "unit": unit,
        "points": points,
    }


def _point(key: CellKey, sample: Sample) -> dict[str, Any]:
    return {
        "timestamp_s": key.start_s,
        "resolution_s": key.resolution_s,
        "count": sample.count,
        "total": sample.total,
        "minimum": sample.minimum,
        "maximum": sample.maximum,
        "values": sorted(sample.values.items()),
        "sets": None if sample.sets is None else asdict(sample.sets),
    }
