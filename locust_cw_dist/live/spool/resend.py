"""Resending: publishes what a spool folder holds, in a process that does nothing else.

It is the sender and the recovery of a master, without a load test: what is sent is marked before and removed after, so
that a batch is sent once however often this runs, and one whose fate is unknown is known as such.

State: touched on the hub only.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import gevent

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.live.platform.clock import SystemClock, monotonic_s
from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.timeline import Timeline
from locust_cw_dist.live.publish.sender import Sender
from locust_cw_dist.live.publish.sink import Sink, outcome
from locust_cw_dist.live.spool.batch_store import BatchStore
from locust_cw_dist.live.spool.folder import BATCH, LOCK, Spool
from locust_cw_dist.live.spool.recovery import Recovery

logger = logging.getLogger("locust_cw_dist")

POLL_S = 0.2

LAST_CALLS_S = 10.0
"""How long calls under way may take when the user wants to end: cut off, their batches would be in doubt."""


class Resending:
    """Sends the batches of one folder.

    Attributes:
        in_use: Folders of processes that live, which are left alone.
        resends_ambiguous: Whether a batch is sent again if nobody knows whether it was taken.
    """

    def __init__(self, folder: Path, sink: Sink, *, resends_ambiguous: bool) -> None:
        """Send what is in `folder` to `sink`.

        Raises:
            SettingsError: It is no spool's folder.
        """
        _require_spool(folder)
        self.in_use: list[Path] = []
        self.resends_ambiguous = resends_ambiguous
        self._folder = folder
        self._sink = sink
        clock, once = Timeline(SystemClock()), LogOnce()
        stamp = datetime.fromtimestamp(clock.now_s(), UTC).strftime("%Y%m%dT%H%M%SZ")
        self._spool = Spool(folder, f"resend-{stamp}-{os.getpid()}")
        self._disk_thread = DiskThread()
        batch_store = BatchStore(self._spool, self._disk_thread, once)
        self._sender = Sender(
            sink, batch_store, clock, once, on_accepted=lambda _: None, resends_ambiguous=resends_ambiguous
        )
        self._sender.failures.is_load_test = False
        self._recovery = Recovery(
            self._spool, self._disk_thread, self._sender, clock, resends_ambiguous=resends_ambiguous
        )

    @property
    def found(self) -> int:
        """Results that were found."""
        return sum(run.ledger.taken for run in self._recovery.runs.values())

    @property
    def published(self) -> int:
        """Of these, the ones that CloudWatch has taken."""
        return sum(run.ledger.published for run in self._recovery.runs.values())

    @property
    def batches(self) -> int:
        """Batches that were found and can be sent."""
        return self._recovery.batches

    @property
    def doubtful(self) -> int:
        """Of these, the ones that were being sent when their process ended."""
        return self._recovery.doubtful

    @property
    def batches_left(self) -> int:
        """Batches that are not sent yet."""
        return self._sender.batches

    @property
    def skipped(self) -> int:
        """Files and folders that were left where they are."""
        return len(self._recovery.skipped) + len(self.in_use)

    @property
    def dropped(self) -> int:
        """Datums that CloudWatch refused, or that are not sent again as the user chose."""
        return self._sender.ledger.dropped.total()

    @property
    def ambiguous(self) -> int:
        """Batches that CloudWatch may have got twice, or may not have got if they are not sent again."""
        return self._sender.ledger.ambiguous + self._recovery.doubtful

    def look(self) -> None:
        """Say what there is; touch nothing."""
        self._look_at_others()
        self._recovery.adopt(dry_run=True)

    def adopt(self) -> None:
        """Take over what processes that are gone have left, and say what it is.

        Raises:
            SettingsError: The folder can't be written.
        """
        self._look_at_others()
        if not self._disk_thread.run(self._spool.look):
            return
        try:
            self._disk_thread.run(self._spool.open)
        except OSError as e:
            raise SettingsError(
                f"got {str(self._folder)!r}, must be a folder that can be written ({e})", setting="DIR"
            ) from e
        self._recovery.adopt()

    def check(self) -> SendError | None:
        """Return what is in the way of sending, if anything."""
        return outcome(self._sink.check)

    def send(self, timeout_s: float, is_interrupted: Callable[[], bool], on_progress: Callable[[], None]) -> None:
        """Send what was adopted.

        Until it is sent, nothing of it can be sent, CloudWatch takes nothing for `timeout_s`, or the user ends it.
        """
        self._sender.start()
        changed_s, seen = monotonic_s(), self._progress
        while not self._sender.is_idle:
            on_progress()
            gevent.sleep(POLL_S)
            if is_interrupted():
                self._sender.pause(LAST_CALLS_S)
                break
            if (obstacle := self._sender.obstacle) is not None:
                logger.warning(
                    "locust-cw: %s: giving up, nothing more can be sent; the rest stays on disk", obstacle.failure.value
                )
                self._sender.pause(LAST_CALLS_S)
                break
            if self._progress != seen:
                changed_s, seen = monotonic_s(), self._progress
            elif monotonic_s() - changed_s > timeout_s:
                logger.warning(
                    "locust-cw: CloudWatch has accepted nothing for %g s (%s): giving up, the rest stays on disk",
                    timeout_s,
                    self._sender.outlook.last_failure.value,
                )
                break
        on_progress()
        self._sender.stop()
        self._sender.store_rest()
        self._sender.book_rest()

    def close(self) -> None:
        """Say what became of each run, and leave to the next process what is left."""
        self._recovery.log_end()
        self._disk_thread.run(self._spool.close)

    @property
    def _progress(self) -> tuple[int, int]:
        return self._sender.ledger.accepted, self.dropped

    def _look_at_others(self) -> None:
        self.in_use = self._disk_thread.run(self._spool.in_use)
        for path in self.in_use:
            logger.warning("locust-cw: skipped %s: a running process uses it", printable(path))


def _require_spool(folder: Path) -> None:
    if not folder.is_dir():
        raise SettingsError(f"got {str(folder)!r}, must be the folder of --cw-spool-dir", setting="DIR")
    if (folder / LOCK).exists() or any(folder.glob(f"*{BATCH}")):
        raise SettingsError(
            f"got {str(folder)!r}, must be the folder of --cw-spool-dir: this is what one process left in it; use "
            f"{str(folder.resolve().parent)!r}",
            setting="DIR",
        )
