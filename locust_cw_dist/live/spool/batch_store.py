"""BatchStore: moves batches that are on their way to CloudWatch between memory and disk.

State: touched on the hub only; `BatchStore` has files written and read by `DiskThread`, so its methods yield.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.core.publish.window_datums import Entry
from locust_cw_dist.core.spool.batch_file import SpooledBatch, SpoolError, pack, unpack
from locust_cw_dist.core.spool.stored_batch import StoredBatch
from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.spool.folder import REFUSED, Spool

T = TypeVar("T")

UNREADABLE = "unreadable on disk"
"""Why results are dropped whose file can't be read back."""


class BatchStore:
    """Keeps batches on disk, where there is a spool; without one it keeps none."""

    def __init__(self, spool: Spool | None, disk_thread: DiskThread, once: LogOnce) -> None:
        """Keep batches in `spool`, which is open and touched by `disk_thread` alone."""
        self._spool = spool
        self._disk_thread = disk_thread
        self._once = once

    @property
    def is_there(self) -> bool:
        """Whether batches can be kept on disk at all."""
        return self._spool is not None

    def store(self, stored: StoredBatch, *, is_doubtful: bool = False) -> bool:
        """Bring a batch to disk; return False if it stays in memory.

        Args:
            stored: One that is in memory; if it is on disk too, what is there is replaced.
            is_doubtful: Whether nobody knows if CloudWatch has taken it, and this process will not find out.
        """
        if self._spool is None:
            return False
        try:
            if len(stored.entries) != stored.filed:
                self._write(self._spool, stored, is_doubtful=is_doubtful)
        except OSError as e:
            self._once.warning("disk", "locust-cw: the spool can't be written (%s): unsent batches stay in memory", e)
            return False
        if stored.file is None:
            self._once.warning(
                "room", "locust-cw: the spool %s is full: unsent batches stay in memory", self._spool.folder
            )
            return False
        stored.leave_memory()
        return True

    def _write(self, spool: Spool, stored: StoredBatch, *, is_doubtful: bool) -> None:
        content = pack(SpooledBatch.of(stored.namespace, stored.entries))
        datums = len(stored.entries)
        if stored.file is None:
            if stored.place is None:
                stored.place = spool.new_path()
            stored.file = self._disk_thread.run(spool.put, content, stored.place, trying=is_doubtful)
        else:
            self._disk_thread.run(spool.replace, stored.file, content)
        stored.filed = datums if stored.file is not None else 0

    def begin_try(self, stored: StoredBatch) -> str | None:
        """Have a stored batch in memory and its try marked on disk; return why not, if it can't be."""
        if self._spool is None or stored.file is None:
            return None
        self._quietly(self._spool.mark, stored.file)
        if stored.entries:
            # The disk did not take what was left of it after the last try.
            return None
        try:
            stored.return_to_memory(unpack(self._disk_thread.run(self._spool.read, stored.file)))
        except (OSError, SpoolError, ValueError) as e:
            self._once.warning_of(
                str(stored.file), "unreadable", "locust-cw: %s is lost: %s", printable(stored.file), e
            )
            return UNREADABLE
        return None

    def end_try(self, stored: StoredBatch) -> None:
        """Note on disk that a stored batch's fate is known: it was not taken."""
        if self._spool is not None and stored.file is not None:
            self._quietly(self._spool.unmark, stored.file)

    def forget(self, stored: StoredBatch) -> None:
        """Remove a batch from disk: it was taken, or given up."""
        if self._spool is not None and stored.file is not None:
            self._quietly(self._spool.remove, stored.file)
            stored.file = None

    def set_aside(self, stored: StoredBatch, entries: Sequence[Entry], error: SendError) -> None:
        """Write down datums that CloudWatch refuses, with what it said."""
        if self._spool is None:
            return
        for entry in entries:
            namespace, reason = json.dumps(stored.namespace), json.dumps(str(error))
            refusal = f'{{"namespace":{namespace},"reason":{reason},"datum":{entry.datum.json}}}'
            if self._quietly(self._spool.set_aside, refusal.encode()) is False:
                self._once.warning("refused", "locust-cw: %s is full: further refused datums are only counted", REFUSED)

    def _quietly(self, call: Callable[..., T], *args: object) -> T | None:
        try:
            return self._disk_thread.run(call, *args)
        except OSError as e:
            self._once.warning("disk", "locust-cw: the spool can't be written (%s)", e)
            return None
