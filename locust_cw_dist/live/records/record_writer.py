"""RecordWriter: keeps the record of each run on disk, as the run goes; on the master or in a single process.

Closed windows wait here until one greenlet packs them, an endpoint at a time so that the hub is held for a few
milliseconds at most, and hands them to the thread of the disk. The load test never waits for it, and an error of the
disk ends the record and nothing else.

State: touched on the hub only; files are written by `DiskThread`.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event

from locust_cw_dist.core.records.blocks import Kind
from locust_cw_dist.core.records.location import SUFFIX, S3Location, is_url
from locust_cw_dist.core.records.points import MAX_ENDPOINTS_PER_RECORD, Point, gauges_of
from locust_cw_dist.core.summaries.endpoint_cap import EndpointCap
from locust_cw_dist.core.summaries.reason_cap import ReasonCap
from locust_cw_dist.core.summaries.window import ClosedWindow
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.clock import monotonic_s
from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.live.platform.files import EVERYONE, OWNER_ONLY
from locust_cw_dist.live.platform.hub_slice import HubSlice
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.timeline import Timeline
from locust_cw_dist.live.records.record_file import RecordFile
from locust_cw_dist.live.records.report_maker import CONTENT_TYPES, HTML, ReportMaker
from locust_cw_dist.live.records.run_summaries import summarize
from locust_cw_dist.live.records.s3 import S3
from locust_cw_dist.live.records.uploads import Uploads
from locust_cw_dist.live.runs import Run, Runs
from locust_cw_dist.settings.settings import Settings

logger = logging.getLogger("locust_cw_dist")

MAX_WAITING = 60
"""Windows that wait for the disk: ten minutes at 10 s. Then the oldest is left out and counted."""

STATUS_INTERVAL_S = 60.0
"""How often the ledger and the workers are noted, and the file is synced."""

SETTLED_S = 300.0
"""How long after its stop the status of a run is noted no more, until the process ends."""

SUMMARIES_S = 5.0
"""What S3 has for the summaries, once the records have arrived."""

LAST_DISK_S = 20.0
"""How long the disk may take at the end of the process."""


@dataclass(slots=True)
class _RunRecord:
    """The record of one run.

    Attributes:
        file: None before its first window, and once the disk has failed.
        has_begun: Whether its first window has come.
        cap: Its endpoints.
        reasons: Its failure reasons.
        outcome: Its rules and verdict, once that is known.
        left_out: Results for which the disk had no time.
        is_settled: Whether nothing more is expected.
        is_named: Whether the log says where it is.
    """

    file: RecordFile | None = None
    has_begun: bool = False
    cap: EndpointCap = field(default_factory=lambda: EndpointCap(MAX_ENDPOINTS_PER_RECORD))
    reasons: ReasonCap = field(default_factory=ReasonCap)
    outcome: dict[str, Any] | None = None
    left_out: int = 0
    is_settled: bool = False
    is_named: bool = False


class RecordWriter:
    """Writes records into the folder that the settings name, or by way of one of its own to S3; or does nothing."""

    def __init__(
        self,
        settings: Settings,
        runs: Runs,
        clock: Timeline,
        once: LogOnce,
        *,
        begin: Callable[[Run], dict[str, Any]],
        status: Callable[[Run, bool], dict[str, Any]],
    ) -> None:
        """Record the runs of this process.

        Args:
            settings: They name the folder, or the place in S3.
            runs: The runs.
            clock: Tells when to note the status, and signs what is put to S3.
            once: Logs.
            begin: Returns what is known of a run at its start.
            status: Returns what became of a run so far, and whether that is the last word.
        """
        self._resolution_s = settings.resolution_s
        self._runs = runs
        self._clock = clock
        self._once = once
        self._begin = begin
        self._status = status
        self._disk_thread = DiskThread()
        self._report = ReportMaker(settings.report, self._disk_thread)
        # Of its own, and removed at the end: a record that is for the report alone.
        self._is_temporary = settings.record is None and settings.report is not None
        self._folder, self._uploads = None if settings.record is None else Path(settings.record), None
        self._copy: Path | None = None
        if settings.record is not None and is_url(settings.record):
            place = S3Location.parse(settings.record)
            self._uploads = Uploads(settings, place, S3(settings, clock=clock), self._disk_thread, once)
        self._records: defaultdict[Run, _RunRecord] = defaultdict(_RunRecord)
        self._waiting: deque[ClosedWindow] = deque()
        self._work = Event()
        self._is_writing = False
        # None before that was tried.
        self._is_uploaded: bool | None = None
        self._noted_s = 0.0
        self._greenlet: gevent.Greenlet | None = None

    def place_of(self, run: Run) -> str | None:
        """Return where the record of a run is, or is to be in S3; None if there is none."""
        file = self._records[run].file if run in self._records else None
        if file is None or self._is_temporary:
            return None
        is_away = self._uploads is not None and self.is_recorded
        return str(self._uploads.place.below(file.path.name)) if self._uploads and is_away else str(file.path)

    def planned_place(self, run: Run) -> str | None:
        """Return where the record of a run that begins goes; None if there will be none."""
        if self._folder is None or self._is_temporary:
            return None
        name = f"{run.run_id}{SUFFIX}"
        return str(self._folder / name) if self._uploads is None else str(self._uploads.place.below(name))

    def open(self) -> None:
        """Make the folder and find out whether it can be written.

        Raises:
            SettingsError: That is not possible.
        """
        self._report.open()
        if self._is_temporary:
            self._folder = self._report.folder()
        if self._folder is None:
            return
        name = self._runs.current.run_id
        try:
            if self._uploads is None:
                self._disk_thread.run(_try_folder, self._folder, name)
            else:
                self._folder = self._uploads.open(name)
        except OSError as e:
            if self._uploads is not None:
                raise SettingsError(
                    f"got {str(self._uploads.place)!r}, must be left out, or have a folder on this machine where the "
                    f"record can grow: --cw-spool-dir or TMPDIR ({e})",
                    setting="--cw-record",
                ) from e
            raise SettingsError(
                f"got {str(self._folder)!r}, must be a folder that can be written ({e})", setting="--cw-record"
            ) from e
        self._greenlet = forks.spawn(self._write_forever)

    def take(self, window: ClosedWindow) -> None:
        """Keep a window; never yields."""
        # Of a run that an earlier process began, that process has left a record.
        if self._folder is None or not self._runs.get(window.run_id).is_own:
            return
        if len(self._waiting) >= MAX_WAITING:
            oldest = self._waiting.popleft()
            self._records[self._runs.get(oldest.run_id)].left_out += oldest.results
            self._once.warning("record slow", "locust-cw: the disk is too slow, so the record is incomplete")
        if window.summaries or gauges_of(window):
            self._waiting.append(window)
            self._work.set()

    def note_outcome(self, run: Run, outcome: dict[str, Any]) -> None:
        """Keep the rules and the verdict of a run: the OUTCOME block of docs/record.md; the last one counts."""
        self._records[run].outcome = outcome

    def write_rest(self) -> None:
        """Write what waits. It may be cut off; `write_end` must follow, and once more has come both again."""
        with gevent.Timeout(LAST_DISK_S, False):
            while self._folder is not None and (self._waiting or self._is_writing):
                self._work.set()
                gevent.sleep(0.02)

    def write_end(self) -> None:
        """Write the last status and the outcome. It may be cut off."""
        with gevent.Timeout(LAST_DISK_S, False):
            self._end()

    def upload(self, timeout_s: float) -> None:
        """Put the files to S3 if they belong there, once: what comes later is not in S3. It may be cut off."""
        if self._uploads is not None and self._is_uploaded is None:
            self._is_uploaded = False
            self._keep_copy()
            with gevent.Timeout(timeout_s + LAST_DISK_S, False):
                self._is_uploaded = self._uploads.finish(timeout_s)
            # Only now: what is cut off here leaves no record in doubt.
            self._uploads.put_summaries(SUMMARIES_S)

    @property
    def is_recorded(self) -> bool:
        """Whether no record stayed here that belongs to S3, as far as that was tried."""
        return self._is_uploaded is not False

    def close_files(self) -> None:
        """Write nothing any more; after `write_end`. It may be cut off."""
        if self._greenlet is not None:
            self._greenlet.kill()
        with gevent.Timeout(LAST_DISK_S, False):
            for run in self._runs:
                record = self._records[run]
                if record.file is not None:
                    self._try(run, record.file.close)

    def make_report(self, timeout_s: float) -> None:
        """Have the report of the last run made, after `close_files`, and put beside a record in S3. It may be cut off.

        A failure of it is one line.
        """
        if self._report.file is None:
            return
        end_s = monotonic_s() + timeout_s
        run, record = self._last_record()
        try:
            if record is None:
                self._report.warn(run.run_id, "it has no record")
            elif self._report.make(run.run_id, record, timeout_s) and self._uploads is not None:
                self._put_report(run, self._uploads, end_s - monotonic_s())
        except Exception as e:
            self._report.warn(run.run_id, str(e) or type(e).__name__)

    def remove_temporary(self) -> None:
        """Remove what was kept for the report alone."""
        self._report.close()

    def _last_record(self) -> tuple[Run, Path | None]:
        """Return the last run that has a record, and where that is now."""
        for run in reversed(list(self._runs)):
            if (file := self._records[run].file) is not None:
                return run, self._copy if self._uploads is not None else file.path
        return self._runs.current, None

    def _keep_copy(self) -> None:
        """Keep a copy of the last record for the report: what has arrived in S3 is removed here."""
        try:
            files = [file for run in self._runs if (file := self._records[run].file) is not None]
            if self._report.file is not None and files:
                self._copy = self._report.keep(files[-1].path)
        except OSError as e:
            logger.warning("locust-cw: the report can't be made (%s)", e)

    def _put_report(self, run: Run, uploads: Uploads, timeout_s: float) -> None:
        report = self._report.file or Path()
        suffix = report.suffix if report.suffix in CONTENT_TYPES else HTML
        error = uploads.put_beside(report, f"{run.run_id}{suffix}", CONTENT_TYPES[suffix], max(1.0, timeout_s))
        if error is not None:
            logger.warning("locust-cw: run %s: its report could not be put to S3 (%s)", run.run_id, error)

    def sum_up_for_upload(self) -> None:
        """Write summaries beside the records that go to S3; after `write_end`. It may be cut off."""
        if self._uploads is not None and self._is_uploaded is None:
            self._sum_up()

    def sum_up_here(self) -> None:
        """Write summaries beside the records that stay here; after `close_files`. It may be cut off."""
        if self._uploads is None and not self._is_temporary:
            self._sum_up()

    def _sum_up(self) -> None:
        for run in self._runs:
            file = self._records[run].file
            if file is not None:
                summarize(file.path)

    def _end(self) -> None:
        for run in self._runs:
            record = self._records[run]
            if record.file is None:
                continue
            self._note(run, ended=True)
            if record.outcome is not None:
                self._write(run, Kind.OUTCOME, [_text(record.outcome)])
            if record.file is not None:
                # What is put to S3 goes from here.
                self._try(run, record.file.sync if self._uploads is None else record.file.close)
            if record.file is not None and self._uploads is None and not record.is_named and not self._is_temporary:
                record.is_named = True
                logger.info("locust-cw: run %s: its record is %s", run.run_id, record.file.path)

    def _write_forever(self) -> None:
        while True:
            self._work.wait(STATUS_INTERVAL_S)
            self._work.clear()
            self._is_writing = True
            try:
                while self._waiting:
                    self._write_window(self._waiting.popleft())
                self._note_now_and_then()
            except Exception:
                self._once.error("record", "locust-cw: could not write the record")
            self._is_writing = False

    def _write_window(self, window: ClosedWindow) -> None:
        run = self._runs.get(window.run_id)
        record = self._begun(run)
        if record.file is None:
            return
        within = replace(window, summaries=record.reasons.apply(record.cap.apply(window.summaries)))
        hub_slice = HubSlice()
        for _ in record.file.packer.pack(Point.of(within, self._resolution_s)):
            hub_slice.breathe()
        record.file.packer.flush()
        self._write(run, Kind.POINTS, record.file.packer.take(), (window.written_start_s,))

    def _note_now_and_then(self) -> None:
        if self._clock.now_s() - self._noted_s < STATUS_INTERVAL_S:
            return
        self._noted_s = self._clock.now_s()
        for run in self._runs:
            record = self._records[run]
            if record.file is not None and not record.is_settled:
                record.is_settled = run.stopped_s is not None and run.stopped_s < self._noted_s - SETTLED_S
                self._note(run, ended=False)
                if record.file is not None:
                    self._try(run, record.file.sync)

    def _note(self, run: Run, *, ended: bool) -> None:
        self._write(run, Kind.STATUS, [_text(self._status(run, ended) | {"left_out": self._records[run].left_out})])

    def _begun(self, run: Run) -> _RunRecord:
        """Return a run's record, whose file is made now if this is the first that is kept of it."""
        record = self._records[run]
        if not record.has_begun:
            record.has_begun = True
            path = (self._folder or Path()) / f"{run.run_id}{SUFFIX}"
            # What waits for S3 is in the spool, or among temporary files.
            mode = EVERYONE if self._uploads is None else OWNER_ONLY
            file = record.file = RecordFile(path, self._resolution_s, mode=mode)
            self._try(run, file.begin, _text(self._begin(run)))
            if self._uploads is not None and record.file is not None:
                self._uploads.add(file.path)
        return record

    def _write(self, run: Run, kind: Kind, texts: list[bytes], starts_s: tuple[int, ...] = ()) -> None:
        file = self._records[run].file
        if file is not None:
            self._try(run, file.append, kind, texts, starts_s)

    def _try(self, run: Run, call: Callable[..., None], *args: Any) -> None:
        try:
            self._disk_thread.run(call, *args)
        except OSError as e:
            self._records[run].file = None
            logger.warning("locust-cw: the record of run %s ends here, it can't be written (%s)", run.run_id, e)


def _try_folder(folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".{name}"
    probe.touch(exist_ok=False)
    probe.unlink()


def _text(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
