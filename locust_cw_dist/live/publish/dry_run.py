"""DryRun: a sink that takes everything and sends nothing. It needs no boto3, no credentials and no network."""

from __future__ import annotations

from collections.abc import Sequence
from io import FileIO

from locust_cw_dist.core.publish.batches import body
from locust_cw_dist.core.publish.body_sizes import Payloads
from locust_cw_dist.core.publish.datums import Datum
from locust_cw_dist.core.publish.limits import MAX_BODY_BYTES, MAX_PAIRS_PER_BODY
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.live.platform.files import write_all
from locust_cw_dist.live.platform.log_once import LogOnce


class DryRun:
    """A `Sink` that counts what it is given, and writes it to a file if that is wanted.

    State: touched on the hub only; the file is written by a thread of its own.
    """

    max_pairs = MAX_PAIRS_PER_BODY
    max_bytes = MAX_BODY_BYTES

    def __init__(self, path: str | None, once: LogOnce) -> None:
        """Write bodies to the file `path`, one a line, once it is open; None writes none."""
        self._path = path
        self._once = once
        self._disk_thread = DiskThread()
        self._file: FileIO | None = None
        self._payloads = Payloads()

    def open(self) -> None:
        """Make the file.

        Raises:
            SettingsError: It can't be written.
        """
        if self._path is None:
            return
        try:
            self._file = self._disk_thread.run(FileIO, self._path, "wb")
        except OSError as e:
            raise SettingsError(
                f"got {self._path!r}, must be a file that can be written ({e})", setting="--cw-payloads"
            ) from e

    def warm_up(self) -> None:
        """See `Sink.warm_up`; there is nothing to do."""

    def check(self) -> None:
        """See `Sink.check`; nothing is in the way."""

    def send(self, namespace: str, batch: Sequence[Datum]) -> None:
        """See `Sink.send`; always takes it."""
        content = body(namespace, batch)
        self._payloads.note(content, batch)
        if self._file is not None:
            try:
                self._disk_thread.run(_write, self._file, content)
            except OSError as e:
                self._once.warning(
                    "payloads", "locust-cw: %s can't be written (%s): payloads are missing", self._path, e
                )

    def take(self) -> Payloads:
        """Return what was counted since this was called last."""
        taken, self._payloads = self._payloads, Payloads()
        return taken

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            try:
                self._disk_thread.run(self._file.close)
            except OSError as e:
                self._once.warning(
                    "payloads", "locust-cw: %s can't be written (%s): payloads are missing", self._path, e
                )
            self._file = None


def _write(file: FileIO, content: bytes) -> None:
    write_all(file, content + b"\n")
