"""UnsentBatches: where batches wait that CloudWatch has not taken; `live.spool.batch_store` is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.core.publish.window_datums import Entry
from locust_cw_dist.core.spool.stored_batch import StoredBatch


class UnsentBatches(Protocol):
    """Keeps batches, on disk if it can. All of its methods may yield."""

    @property
    def is_there(self) -> bool:
        """Whether batches can be kept on disk at all."""
        ...

    def store(self, stored: StoredBatch, *, is_doubtful: bool = False) -> bool:
        """Bring a batch to disk; return False if it stays in memory.

        Args:
            stored: One that is in memory; if it is on disk too, what is there is replaced.
            is_doubtful: Whether nobody knows if CloudWatch has taken it, and this process will not find out.
        """
        ...

    def begin_try(self, stored: StoredBatch) -> str | None:
        """Have a stored batch in memory and its try marked on disk; return why not, if it can't be."""
        ...

    def end_try(self, stored: StoredBatch) -> None:
        """Note on disk that a stored batch's fate is known: it was not taken."""
        ...

    def forget(self, stored: StoredBatch) -> None:
        """Remove a batch from disk: it was taken, or given up."""
        ...

    def set_aside(self, stored: StoredBatch, entries: Sequence[Entry], error: SendError) -> None:
        """Write down datums that CloudWatch refuses, with what it said."""
        ...
