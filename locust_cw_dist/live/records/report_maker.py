"""ReportMaker: has the report of a run made when its record is closed, by a child process: nothing renders here.

The child is `locust-cw report`. What goes wrong with it is one line of the log and nothing else: the record is safe by
then, and an exit code does not depend on a page.

State: touched on the hub only.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.live.platform import child_process
from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.live.platform.files import check_writable
from locust_cw_dist.live.platform.patience import OutOfTime

logger = logging.getLogger("locust_cw_dist")

PROGRAM = "locust_cw_dist.tools.cli.main"
"""By its name alone: no process of a load test loads a tool."""

HTML = ".html"
CONTENT_TYPES = {
    HTML: "text/html; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}


class ReportMaker:
    """Makes the report that the settings ask for, if they do.

    Attributes:
        file: Where it goes; None if there is to be none.
    """

    def __init__(self, file: str | None, disk_thread: DiskThread) -> None:
        """Write to `file`."""
        self.file = None if file is None else Path(file)
        self._disk_thread = disk_thread
        self._folder: Path | None = None

    def open(self) -> None:
        """Find out whether the file can be written.

        Raises:
            SettingsError: It can't.
        """
        if self.file is None:
            return
        try:
            self._disk_thread.run(check_writable, self.file)
        except OSError as e:
            raise SettingsError(
                f"got {str(self.file)!r}, must be a file that can be written ({e})", setting="--cw-report"
            ) from None

    def folder(self) -> Path:
        """Return a folder of this process's own for records that nobody keeps; `close` removes it.

        Raises:
            OSError: There is no place for it.
        """
        if self._folder is None:
            self._folder = Path(self._disk_thread.run(tempfile.mkdtemp, prefix="locust-cw-report-"))
        return self._folder

    def keep(self, record: Path) -> Path:
        """Return a copy of a record that is about to leave.

        Raises:
            OSError: There is no place for it.
        """
        return Path(self._disk_thread.run(shutil.copyfile, record, self.folder() / record.name))

    def make(self, run_id: str, record: Path, timeout_s: float) -> bool:
        """Have the report made; return whether it was. A failure is a line.

        Args:
            run_id: The run, for the log.
            record: Its record, whole.
            timeout_s: How long that may take.
        """
        command = [sys.executable, "-P", "-m", PROGRAM, "report", str(record), "-o", str(self.file)]
        try:
            code, said = child_process.run(command, os.environ, output=2, timeout_s=timeout_s)
        except OSError as e:
            code, said = 1, str(e)
        except OutOfTime:
            self.warn(run_id, "the process was told to end sooner")
            raise
        if code == 0:
            logger.info("locust-cw: run %s: its report is %s", run_id, printable(str(self.file)))
            return True
        reason = (said.splitlines() or [f"it was not there after {timeout_s:.0f} s"])[-1]
        self.warn(run_id, reason.removeprefix("locust-cw report: "))
        return False

    def warn(self, run_id: str, reason: str) -> None:
        """Say that there is no report, and why."""
        logger.warning("locust-cw: run %s: its report was not made (%s)", run_id, printable(reason))

    def close(self) -> None:
        """Remove what was kept for the report alone."""
        if self._folder is not None:
            self._disk_thread.run(shutil.rmtree, self._folder, ignore_errors=True)
            self._folder = None
