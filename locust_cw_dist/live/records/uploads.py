"""Uploads: brings run records to S3, as runs go and at their end; on the master or in a single process.

A record is put whole each time: it is small, and S3 can't add to an object. On this machine it grows in a folder of
this process's own: in the spool's folder if there is one, where the next master finds what a killed one has left, else
among temporary files. A record that has arrived in its last form is removed here.

State: touched on the hub only; S3 is called in greenlets there, the disk by `DiskThread`.
"""

from __future__ import annotations

import logging
import shlex
import tempfile
from contextlib import suppress
from pathlib import Path

import gevent
from gevent.event import Event

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.records.location import SUFFIX, SUMMARY_SUFFIX, S3Location
from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.clock import monotonic_s
from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.records.s3 import RECORD_TYPE, S3, S3Error, Snapshot
from locust_cw_dist.live.spool.folder import Spool
from locust_cw_dist.settings.settings import Settings

logger = logging.getLogger("locust_cw_dist")

UPLOAD_INTERVAL_S = 120.0
"""How often a record that goes on is put: what a killed master leaves in S3 is no older. 30 calls an hour are cheap."""

CALL_TIMEOUT_S = 60.0
"""How long one put may take while the test goes on, with all its tries: 1.1 MB/s for the largest record."""

NO_TIME = "no time was left"

SPOOLED = "records"
"""The folder within the spool's."""


class Uploads:
    """Puts the records of one process to S3.

    Attributes:
        place: Where to.
    """

    def __init__(
        self, settings: Settings, place: S3Location, store: S3, disk_thread: DiskThread, once: LogOnce
    ) -> None:
        """Put them below `place` by way of `store`; in a dry run, keep them on this machine."""
        self.place = place
        self._is_dry_run = settings.dry_run
        self._spool_dir = settings.spool_dir
        self._store = store
        self._disk_thread = disk_thread
        self._once = once
        self._spool: Spool | None = None
        self._paths: list[Path] = []
        self._sent: dict[Path, bytes] = {}
        self._summaries: dict[S3Location, bytes] = {}
        self._work = Event()
        self._greenlet: gevent.Greenlet | None = None

    def open(self, name: str) -> Path:
        """Make and return the folder for this machine's side; `name` is this process's own. Begin to put what comes.

        Raises:
            OSError: It can't be written.
        """
        self._spool = self._disk_thread.run(_open_spool, self._spool_dir, self.place, name)
        if not self._is_dry_run:
            self._store.warm_up()
            self._greenlet = forks.spawn(self._put_forever)
        return self._spool.folder / name

    def add(self, path: Path) -> None:
        """Put this record from now on, at once for the first time: a bucket that refuses it is told of early."""
        self._paths.append(path)
        self._work.set()

    def finish(self, timeout_s: float) -> bool:
        """Put the last form of all records; return whether all have arrived. Those that have not stay here.

        It may be cut off.

        Args:
            timeout_s: How long that may take.
        """
        if self._greenlet is not None:
            self._greenlet.kill()
        end_s = monotonic_s() + timeout_s
        # Of earlier runs of this process there is something in S3 already.
        left = dict.fromkeys(reversed(self._paths), NO_TIME)
        try:
            for path in list(left):
                error = self._finish_one(path, end_s - monotonic_s())
                if error is None:
                    del left[path]
                else:
                    left[path] = error
        finally:
            # Also where this is cut off.
            for path, reason in left.items():
                self._say_that_it_stays(path, reason)
        if self._spool is not None:
            with suppress(OSError):
                self._disk_thread.run(_close_spool, self._spool, is_temporary=self._spool_dir is None)
        return not left

    def put_beside(self, path: Path, name: str, content_type: str, timeout_s: float) -> str | None:
        """Put another file beside the records, as `name`, or not in a dry run; return what is in the way."""
        if self._is_dry_run:
            return None
        error = self._put(path, timeout_s, name, content_type)
        if error is None:
            logger.info("locust-cw: %s is %s", printable(str(path)), self.place.below(name))
        return error

    def _finish_one(self, path: Path, left_s: float) -> str | None:
        """Put the last form of a record, or not in a dry run; return what is in the way."""
        target = self.place.below(path.name)
        if self._is_dry_run:
            logger.info("locust-cw: dry run: the record of run %s is %s, and not put to %s", path.stem, path, target)
            return None
        error = self._put(path, left_s) if left_s > 0 else NO_TIME
        if error is None:
            logger.info("locust-cw: run %s: its record is %s", path.stem, target)
            self._keep_summary(path, target)
            self._remove(path)
        return error

    def put_summaries(self, timeout_s: float) -> None:
        """Put the summaries of the records that have arrived, after `finish`; nobody misses those that are not put."""
        with suppress(S3Error), gevent.Timeout(timeout_s, False):
            for place, content in self._summaries.items():
                self._store.put(content, place)

    def _keep_summary(self, path: Path, record: S3Location) -> None:
        """Have the summary of a record that has arrived in memory, if there is one, and not on the disk."""
        summary = path.with_suffix(SUMMARY_SUFFIX)
        with suppress(OSError):
            key = record.key.removesuffix(SUFFIX) + SUMMARY_SUFFIX
            self._summaries[S3Location(record.bucket, key)] = self._disk_thread.run(summary.read_bytes)
        self._remove(summary)

    def _say_that_it_stays(self, path: Path, reason: str) -> None:
        command = f"aws s3 cp {shlex.quote(str(path))} {self.place.below(path.name)}"
        logger.warning(
            "locust-cw: run %s: its record could not be put to S3 (%s); it stays here: %s", path.stem, reason, command
        )

    def _put_forever(self) -> None:
        try:
            self._store.prepare(self.place)
        except S3Error as e:
            self._warn(str(e))
        self._put_left_behind()
        while True:
            self._work.wait(UPLOAD_INTERVAL_S)
            self._work.clear()
            for path in list(self._paths):
                error = self._put(path, CALL_TIMEOUT_S)
                if error is not None:
                    self._warn(error)

    def _put_left_behind(self) -> None:
        """Put the records of processes with this spool that are gone."""
        if self._spool is None:
            return
        try:
            for orphan in self._disk_thread.run(self._spool.adopt):
                if orphan.error:
                    self._warn(printable(f"{orphan.folder}: {orphan.error}"))
                    continue
                for path in orphan.foreign:
                    self._put_one_left_behind(path)
                self._disk_thread.run(self._spool.forget, orphan.folder)
        except OSError as e:
            self._warn(str(e))

    def _put_one_left_behind(self, path: Path) -> None:
        target = self.place.below(path.name)
        if not target.is_record:
            return
        error = self._put(path, CALL_TIMEOUT_S)
        if error is not None:
            self._warn(error)
            return
        logger.info("locust-cw: the record of run %s, which an earlier process left, is now %s", path.stem, target)
        self._remove(path)

    def _put(
        self, path: Path, timeout_s: float, name: str | None = None, content_type: str = RECORD_TYPE
    ) -> str | None:
        """Put a file as it is now, if it is not there so; return what is in the way, in one line.

        Args:
            path: A record, or another file.
            timeout_s: How long that may take.
            name: What it is called there; by default as here.
            content_type: What is in it.
        """
        timeout = gevent.Timeout(timeout_s)
        try:
            with timeout, Snapshot(path, self._disk_thread) as snapshot:
                if self._sent.get(path) != snapshot.sha256:
                    self._store.put(snapshot, self.place.below(name or path.name), content_type)
                    self._sent[path] = snapshot.sha256
        except gevent.Timeout as e:
            if e is not timeout:
                raise
            return f"no answer within {timeout_s:.0f} s"
        except Exception as e:
            return str(e) or type(e).__name__
        return None

    def _remove(self, path: Path) -> None:
        with suppress(OSError):
            self._disk_thread.run(path.unlink)

    def _warn(self, reason: str) -> None:
        self._once.warning(
            "upload", "locust-cw: the record can't be put to S3 yet (%s); it is kept here and retried", reason
        )


def _open_spool(folder: str | None, place: S3Location, name: str) -> Spool:
    """Return a spool of records: its locks tell which processes live. Each place has its own."""
    if folder is None:
        root = Path(tempfile.mkdtemp(prefix="locust-cw-"))
    else:
        root = Path(folder) / SPOOLED / place.bucket / place.key
    spool = Spool(root, name)
    spool.open()
    return spool


def _close_spool(spool: Spool, *, is_temporary: bool) -> None:
    spool.close()
    if is_temporary and not any(spool.folder.iterdir()):
        spool.folder.rmdir()
