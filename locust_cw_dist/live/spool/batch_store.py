"""Parcels: batches on their way to CloudWatch, in memory or on disk, and the depot that moves them between the two.

State: touched on the hub only; `Depot` has files written and read by `OffHub`, so its methods yield.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.core.publish.window_datums import Entry
from locust_cw_dist.core.spool.batch_file import SpooledBatch, SpoolError, pack, unpack
from locust_cw_dist.core.spool.stored_batch import Parcel
from locust_cw_dist.live.platform.disk_thread import OffHub
from locust_cw_dist.live.platform.log_once import Once
from locust_cw_dist.live.spool.folder import REFUSED, Spool

T = TypeVar("T")

UNREADABLE = "unreadable on disk"
"""Why results are dropped whose file can't be read back."""


class Depot:
    """Keeps parcels on disk, where there is a spool; without one it keeps none."""

    def __init__(self, spool: Spool | None, off_hub: OffHub, once: Once) -> None:
        """Keep parcels in `spool`, which is open and touched by `off_hub` alone."""
        self._spool = spool
        self._off_hub = off_hub
        self._once = once

    @property
    def is_there(self) -> bool:
        """Whether parcels can be kept on disk at all."""
        return self._spool is not None

    def store(self, parcel: Parcel, *, is_doubtful: bool = False) -> bool:
        """Bring a parcel to disk; return False if it stays in memory.

        Args:
            parcel: One that is in memory; if it is on disk too, what is there is replaced.
            is_doubtful: Whether nobody knows if CloudWatch has taken it, and this process will not find out.
        """
        if self._spool is None:
            return False
        try:
            if len(parcel.entries) != parcel.filed:
                self._write(self._spool, parcel, is_doubtful=is_doubtful)
        except OSError as e:
            self._once.warning("disk", "locust-cw: the spool can't be written (%s): what waits stays in memory", e)
            return False
        if parcel.file is None:
            self._once.warning(
                "room", "locust-cw: the spool %s is full: what waits stays in memory", self._spool.folder
            )
            return False
        parcel.leave_memory()
        return True

    def _write(self, spool: Spool, parcel: Parcel, *, is_doubtful: bool) -> None:
        content = pack(SpooledBatch.of(parcel.namespace, parcel.entries))
        datums = len(parcel.entries)
        if parcel.file is None:
            if parcel.place is None:
                parcel.place = spool.new_path()
            parcel.file = self._off_hub.run(spool.put, content, parcel.place, trying=is_doubtful)
        else:
            self._off_hub.run(spool.replace, parcel.file, content)
        parcel.filed = datums if parcel.file is not None else 0

    def begin_try(self, parcel: Parcel) -> str | None:
        """Have a stored parcel in memory and its try marked on disk; return why not, if it can't be."""
        if self._spool is None or parcel.file is None:
            return None
        self._quietly(self._spool.mark, parcel.file)
        if parcel.entries:
            # The disk did not take what was left of it after the last try.
            return None
        try:
            parcel.return_to_memory(unpack(self._off_hub.run(self._spool.read, parcel.file)))
        except (OSError, SpoolError, ValueError) as e:
            self._once.warning_of(str(parcel.file), "unreadable", "locust-cw: %s is lost: %s", parcel.file, e)
            return UNREADABLE
        return None

    def end_try(self, parcel: Parcel) -> None:
        """Note on disk that a stored parcel's fate is known: it was not taken."""
        if self._spool is not None and parcel.file is not None:
            self._quietly(self._spool.unmark, parcel.file)

    def forget(self, parcel: Parcel) -> None:
        """Remove a parcel from disk: it was taken, or given up."""
        if self._spool is not None and parcel.file is not None:
            self._quietly(self._spool.remove, parcel.file)
            parcel.file = None

    def set_aside(self, parcel: Parcel, entries: Sequence[Entry], error: SendError) -> None:
        """Write down datums that CloudWatch refuses, with what it said."""
        if self._spool is None:
            return
        for entry in entries:
            refusal = {"namespace": parcel.namespace, "reason": str(error), "datum": entry.datum.to_json()}
            if self._quietly(self._spool.set_aside, json.dumps(refusal, separators=(",", ":")).encode()) is False:
                self._once.warning("refused", "locust-cw: %s is full: refused datums are only counted", REFUSED)

    def _quietly(self, call: Callable[..., T], *args: object) -> T | None:
        try:
            return self._off_hub.run(call, *args)
        except OSError as e:
            self._once.warning("disk", "locust-cw: the spool can't be written (%s)", e)
            return None
