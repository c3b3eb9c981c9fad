"""SpoolKeeper: the spool's life in a process: opened before any load, noted each second, closed at the end.

State: touched on the hub only; files are read and written by `DiskThread`, so methods yield.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import gevent

from locust_cw_dist.core.spool.run_state import RunState, pack_state
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.clock import WritingClock
from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.publish import other_publishers
from locust_cw_dist.live.publish.publisher import Publisher
from locust_cw_dist.live.publish.sender import LAST_DISK_S
from locust_cw_dist.live.runs import Runs
from locust_cw_dist.live.spool.batch_store import BatchStore
from locust_cw_dist.live.spool.folder import Spool
from locust_cw_dist.live.spool.recovery import Recovery
from locust_cw_dist.settings.settings import Settings

logger = logging.getLogger("locust_cw_dist")

NOTE_INTERVAL_S = 1.0
"""How often the state of the runs is noted on disk: what a killed process had noted is about a second old."""


class SpoolKeeper:
    """Keeps what CloudWatch has not taken, if the settings name a folder for it.

    Attributes:
        batch_store: Where batches go; it keeps none without a folder.
        recovery: What earlier processes left, once that is looked for.
    """

    def __init__(self, settings: Settings, runs: Runs, clock: WritingClock, once: LogOnce) -> None:
        """Keep in the folder that `settings` name."""
        self._settings = settings
        self._runs = runs
        self._clock = clock
        self._once = once
        self._disk_thread = DiskThread()
        self._spool: Spool | None = None
        if settings.spool_dir is not None:
            self._spool = Spool(Path(settings.spool_dir), runs.current.run_id, note=other_publishers.identity(settings))
        self.batch_store = BatchStore(self._spool, self._disk_thread, once)
        self.recovery: Recovery | None = None
        self._noted = b""
        self._recovering: gevent.Greenlet | None = None
        self._greenlets: list[gevent.Greenlet] = []

    def open(self) -> None:
        """Make the folder and take its lock.

        Raises:
            SettingsError: That is not possible.
        """
        if self._spool is None:
            return
        try:
            self._disk_thread.run(self._spool.open)
        except OSError as e:
            raise SettingsError(
                f"got {self._settings.spool_dir!r}, must be a folder that can be written ({e})",
                setting="--cw-spool-dir",
            ) from e
        if other_publishers.identity(self._settings) in self._disk_thread.run(self._spool.notes):
            other_publishers.warn(self._once, self._settings, "with the same spool folder")

    def start(self, publisher: Publisher) -> None:
        """Send what earlier processes left, and note from now on what becomes of this one's runs."""
        if self._spool is None:
            return
        self.recovery = Recovery(
            self._spool,
            self._disk_thread,
            publisher.sender,
            self._clock,
            resends_ambiguous=self._settings.ambiguous == "resend",
        )
        self._recovering = forks.spawn(self._recover)
        self._greenlets = [self._recovering, forks.spawn(self._note_forever, publisher)]

    def settle(self, timeout_s: float) -> None:
        """Wait until what earlier processes left is found: this one may have begun just now, and end already."""
        if self._recovering is not None:
            self._recovering.join(timeout_s)

    def finish(self, publisher: Publisher) -> None:
        """Note that this process has said what became of its runs, and of those found; again if more has come."""
        if self._spool is None:
            return
        if self.recovery is not None:
            self.recovery.log_end()
        gevent.killall(self._greenlets)
        self._at_end(lambda: self._note(publisher, ended=True))

    def close(self, publisher: Publisher) -> None:
        """Finish, and leave the rest to the next process."""
        self.finish(publisher)
        if self._spool is not None:
            spool = self._spool
            self._at_end(lambda: self._disk_thread.run(spool.close))

    def _at_end(self, work: Callable[[], None]) -> None:
        try:
            with gevent.Timeout(LAST_DISK_S):
                work()
        except OSError as e:
            self._once.warning("disk", "locust-cw: the spool can't be written (%s)", e)
        except gevent.Timeout:
            self._once.warning("hung", "locust-cw: the disk of the spool does not respond; the process ends now")

    def _recover(self) -> None:
        if self.recovery is None:
            return
        try:
            self.recovery.adopt()
        except Exception:
            self._once.error("recover", "locust-cw: could not read the batches of an earlier process in the spool")

    def _note_forever(self, publisher: Publisher) -> None:
        while True:
            gevent.sleep(NOTE_INTERVAL_S)
            try:
                self._note(publisher, ended=False)
            except OSError as e:
                self._once.warning("disk", "locust-cw: the spool can't be written (%s)", e)
            except Exception:
                self._once.error("note", "locust-cw: could not write the state of a run to the spool")

    def _note(self, publisher: Publisher, *, ended: bool) -> None:
        if self._spool is None:
            return
        safe_until_s = publisher.safe_until_s
        balances = [(run.run_id, publisher.balance(run)) for run in self._runs]
        states = [RunState.of(run_id, balance, safe_until_s) for run_id, balance in balances if balance.recorded]
        content = pack_state(states, ended=ended)
        if content != self._noted:
            self._disk_thread.run(self._spool.write_state, content)
            self._noted = content
