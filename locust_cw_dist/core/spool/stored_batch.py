"""StoredBatch: a batch on its way to CloudWatch, in memory or on disk."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from locust_cw_dist.core.publish.window_datums import Claim, Entry
from locust_cw_dist.core.spool.batch_file import SpooledBatch


@dataclass(slots=True, eq=False)
class StoredBatch:
    """A batch on its way.

    Attributes:
        namespace: Where it goes.
        entries: Its datums; empty while they are on disk only.
        file: Where it is on disk, if it is.
        claims: While it is on disk only: for each datum what depends on it.
        offset_s: What its timestamps have been moved by from the timeline of this process: its windows' own offset,
            whatever has become of the clock since; None for a batch of another process.
        start_s: The oldest timestamp in it.
        calls: Calls that it has cost.
        is_retried: Whether it had cost some before the try that is under way.
        place: The file that is its own from the first attempt to write it on, so that one which was cut off leaves no
            second file.
        filed: Number of datums in the file, if it is on disk; what was settled meanwhile may still be among them.
    """

    namespace: str
    entries: tuple[Entry, ...]
    file: Path | None = None
    claims: tuple[tuple[Claim, ...], ...] = ()
    offset_s: int | None = None
    start_s: int = field(init=False)
    calls: int = 0
    is_retried: bool = False
    place: Path | None = None
    filed: int = field(init=False)

    def __post_init__(self) -> None:
        """Note how old it is."""
        self.start_s = min(entry.datum.timestamp_s for entry in self.entries)
        self.filed = 0 if self.file is None else len(self.entries)

    def move(self, offset_s: int) -> bool:
        """Give what is left of it the timestamps of another offset; return whether that changes anything.

        It was refused, perhaps for its time, and by now that is known better.
        """
        if self.offset_s is None or self.offset_s == offset_s:
            return False
        by_s, self.offset_s = offset_s - self.offset_s, offset_s
        self.entries = tuple(replace(entry, datum=entry.datum.moved(by_s)) for entry in self.entries)
        self.start_s += by_s
        # What is on disk is no longer what is here.
        self.filed = -1
        return True

    def leave_memory(self) -> None:
        """Keep of the datums only what is booked on them: they are on disk."""
        self.claims = tuple(entry.claims for entry in self.entries)
        self.entries = ()
        for claim in chain.from_iterable(self.claims):
            claim.account.spool()

    def return_to_memory(self, batch: SpooledBatch) -> None:
        """Take the datums back that were on disk."""
        self.entries = tuple(map(Entry, batch.datums, self.claims))
        self.claims = ()
