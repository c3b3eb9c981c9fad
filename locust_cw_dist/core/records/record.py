"""Record: what a reader has of one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from locust_cw_dist.core.records.blocks import Damage, Kind, RecordError, read_blocks
from locust_cw_dist.core.records.documents import a_time_s, an_object, objects, tidy
from locust_cw_dist.core.records.points import Gatherer, Point
from locust_cw_dist.core.records.points_json import Unpacker
from locust_cw_dist.core.summaries.gauges import StatisticSet
from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary

MAX_SPAN_S = 86_400

BASE_BYTES, BYTES_FOR_EACH = 32 * 2**20, 24
"""What points may take in memory: so much, and so much for each byte of the file. A row of few results, 30 bytes of
the file, takes 700; a crafted file has rows that take a thousand times what they have."""


@dataclass(frozen=True, slots=True)
class Record:
    """One run, as its record tells it.

    Attributes:
        begin: What was known at its start; see docs/record.md for the fields of this and the next two.
        status: What was noted last of its ledger and its workers; empty if the process was killed before.
        outcome: Rules and the verdict, if they were noted.
        points: Its results over time, of one span, oldest first.
        span_s: That span.
        damage: Where the file is torn, if it is.
    """

    begin: dict[str, Any]
    status: dict[str, Any]
    outcome: dict[str, Any]
    points: tuple[Point, ...]
    span_s: int
    damage: Damage = field(default_factory=Damage)

    @property
    def run_id(self) -> str:
        """The run."""
        return str(self.begin.get("run_id") or "-")

    @property
    def labels(self) -> dict[str, str]:
        """The user's labels."""
        return {str(key): str(value) for key, value in an_object(self.begin, "labels").items()}

    @property
    def options(self) -> dict[str, Any]:
        """How the run was started."""
        return an_object(self.begin, "options")

    @property
    def workers(self) -> list[dict[str, Any]]:
        """The workers, as they were when the status was noted last."""
        return objects(self.status, "workers")

    @property
    def rules(self) -> list[dict[str, Any]]:
        """What became of the rules."""
        return objects(self.outcome, "rules")

    @property
    def ledger(self) -> dict[str, Any]:
        """What became of the results."""
        return an_object(self.status, "ledger")

    @property
    def verdict(self) -> str:
        """What was said of the run itself: valid, suspect or invalid; empty if nothing was."""
        return str(an_object(self.outcome, "verdict").get("state") or "")

    @property
    def has_ended(self) -> bool:
        """Whether the process that wrote it ended in order."""
        return bool(self.status.get("ended"))

    @property
    def start_s(self) -> float:
        """When the test started, or its first results came; seconds since the epoch."""
        return a_time_s(self.begin, "started_s") or (float(self.points[0].start_s) if self.points else 0.0)

    @property
    def end_s(self) -> float:
        """When the test stopped; in the record of a killed process, the end of its last point."""
        last_s = float(self.points[-1].start_s + self.span_s) if self.points else self.start_s
        return max(a_time_s(self.status, "stopped_s") or last_s, self.start_s)

    @property
    def duration_s(self) -> float:
        """How long the test ran."""
        return self.end_s - self.start_s

    def endpoints(self) -> dict[EndpointKey, Summary]:
        """Return the results of the whole run by endpoint, those with most results first."""
        whole: dict[EndpointKey, Summary] = {}
        for point in self.points:
            for key, summary in point.summaries.items():
                whole.setdefault(key, Summary()).merge(summary)
        return dict(sorted(whole.items(), key=lambda item: (-item[1].count, item[0])))

    def untimed_count(self) -> int:
        """Return the number of results that have no usable response time."""
        return sum(summary.untimed_count for point in self.points for summary in point.summaries.values())

    def reasons(self) -> Counter[tuple[str, str, str]]:
        """Return the failures of the run by (name, method, reason)."""
        found: Counter[tuple[str, str, str]] = Counter()
        # Not of the endpoints' Summaries: over a whole run an endpoint may have more reasons than one of them names.
        for point in self.points:
            for (name, method), summary in point.summaries.items():
                found.update({(name, method, reason): count for reason, count in summary.reasons.items()})
        return found

    def gauge(self, name: str) -> StatisticSet | None:
        """Return a gauge over the whole run."""
        whole = Point(0, 1)
        for point in self.points:
            whole.add(Point(0, 1, {}, point.gauges))
        return whole.gauges.get(name)


def read_record(read: Callable[[int], bytes], max_points: int) -> Record:
    """Read a record; its points are gathered so that there are at most `max_points`.

    Args:
        read: Returns the next so many bytes of the file, or fewer at its end.
        max_points: How fine time is to be.

    Raises:
        RecordError: It is no record, or of a version that this program does not know.
    """
    damage, unpacker = Damage(), Unpacker()
    documents: dict[Kind, dict[str, Any]] = {}
    gatherer: Gatherer | None = None
    for kind, document in read_blocks(read, damage):
        if kind is not Kind.POINTS:
            documents[kind] = document
        if kind is Kind.BEGIN:
            gatherer = gatherer or Gatherer(_resolution_s(document), max_points)
        elif kind is Kind.POINTS:
            if gatherer is None:
                raise RecordError("it does not begin with what was known at the start")
            gatherer.max_bytes = BASE_BYTES + BYTES_FOR_EACH * damage.at_byte
            try:
                for point in unpacker.unpack(document):
                    gatherer.add(point)
            except (ValueError, TypeError) as e:
                damage.reason = f"a block can't be read: {e}"
                break
    if gatherer is None:
        raise RecordError("it is empty: the process ended before it had written anything")
    return Record(
        tidy(documents[Kind.BEGIN]),
        tidy(documents.get(Kind.STATUS, {})),
        tidy(documents.get(Kind.OUTCOME, {})),
        tuple(gatherer.in_order()),
        gatherer.span_s,
        damage,
    )


def _resolution_s(begin: dict[str, Any]) -> int:
    if begin.get("edges_ms") != list(EDGES):
        raise RecordError("its histograms have other bins than this program's")
    resolution_s = begin.get("resolution_s")
    if not (type(resolution_s) is int and 1 <= resolution_s <= MAX_SPAN_S):
        raise RecordError("the length of its windows is missing")
    return resolution_s
