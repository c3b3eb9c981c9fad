"""Records on disk: one file for each run, which grows at its end and is now and then rewritten coarser.

Rewriting is atomic: the new file is whole and synced before it takes the old one's name, so a process that is killed at
any moment leaves a file that can be read.

Every method of `RecordFile` blocks. State: touched by one thread at a time (`DiskThread`); nothing here logs.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import perf_counter
from typing import BinaryIO

import gevent.monkey

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.records.blocks import FIRST_LINE, Damage, Kind, RecordError, pack_block, read_blocks
from locust_cw_dist.core.records.points import MAX_POINTS, Point, fitting_span_s
from locust_cw_dist.core.records.points_json import Packer, Unpacker
from locust_cw_dist.core.records.record import Record, read_record
from locust_cw_dist.core.summaries.windows import window_start_s
from locust_cw_dist.errors import LocustCwError
from locust_cw_dist.live.platform.files import EVERYONE, new_part, replacing, write_all
from locust_cw_dist.regular_files import open_regular, reason

MAX_RECORD_BYTES = 64 * 2**20
"""What a record may have, on disk and in S3. Who writes one makes it coarser before, whatever the number of its points,
so who reads one takes nothing longer. A thousand endpoints would come to 150 MB otherwise, and a master puts the whole
record to S3 every two minutes."""

COARSER_FROM_BYTES = MAX_RECORD_BYTES * 3 // 4
"""There is a place for the window that makes it too long: a process may be killed before it has made it coarser."""

BURST_S = 0.002
"""How long rewriting computes before it rests as long again: the interpreter is one, and users' code runs in it too."""


class RecordFile:
    """The record of one run, as it is written.

    Attributes:
        path: The file.
        packer: Makes the texts of its points; it knows which endpoints the file has named.
    """

    def __init__(
        self,
        path: Path,
        resolution_s: int,
        *,
        max_points: int = MAX_POINTS,
        max_bytes: int = COARSER_FROM_BYTES,
        mode: int = EVERYONE,
    ) -> None:
        """Write to `path`, which `begin` makes for those that `mode` names."""
        self.path = path
        self.packer = Packer()
        self._mode = mode
        self._resolution_s = resolution_s
        self._max_points = max_points
        self._max_bytes = max_bytes
        self._starts: set[int] = set()
        # Without a buffer: a process that is forked now would write what is in it a second time.
        self._file: io.FileIO | None = None

    def begin(self, text: bytes) -> None:
        """Make the file; `text` is the JSON of its first block.

        Raises:
            OSError: It is there already, or can't be written.
        """
        if self.path.exists():
            raise FileExistsError(f"{self.path} already exists")
        # Under another name until there is something to read in it.
        part, self._file = new_part(self.path, self._mode)
        write_all(self._file, FIRST_LINE + pack_block(Kind.BEGIN, text))
        part.rename(self.path)

    def append(self, kind: Kind, texts: Iterable[bytes], starts_s: Iterable[int] = ()) -> None:
        """Add blocks.

        Args:
            kind: What they hold.
            texts: Their JSON.
            starts_s: Where the points in them begin.

        Raises:
            OSError: The disk did not take them.
        """
        if self._file is None:
            return
        self._starts.update(starts_s)
        write_all(self._file, b"".join(pack_block(kind, text) for text in texts))
        # Coarser points are fewer, and not always smaller: each may have endpoints of its own.
        while len(self._starts) > self._max_points or (self._is_long and len(self._starts) > 1):
            self._coarsen()

    def sync(self) -> None:
        """Have the disk keep what was written.

        Raises:
            OSError: It did not.
        """
        if self._file is not None:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Sync and close; does nothing the second time."""
        if self._file is not None:
            self.sync()
            self._file.close()
            self._file = None

    @property
    def _is_long(self) -> bool:
        return self._file is not None and self._file.tell() > self._max_bytes

    def _coarsen(self) -> None:
        """Rewrite the file with half as many points as are allowed, or as there are if it is too long."""
        wanted = min(len(self._starts), self._max_points) // 2
        span_s = fitting_span_s(self._starts, self._resolution_s, wanted)
        packer = Packer()
        with open_regular(self.path, self.path.stat().st_size) as old, replacing(self.path, self._mode) as new:
            new.write(FIRST_LINE)
            for kind, text in _coarser(old, packer, span_s):
                new.write(pack_block(kind, text))
        self.close()
        self._file = self.path.open("ab", buffering=0)
        self.packer = packer
        self._starts = {window_start_s(start_s, span_s) for start_s in self._starts}


def _coarser(old: BinaryIO, packer: Packer, span_s: int) -> Iterator[tuple[Kind, bytes]]:
    """Yield the blocks of a file whose points are merged to spans of `span_s`; of what it noted, the last."""
    last: dict[Kind, bytes] = {}
    point: Point | None = None
    for kind, text, finer in _points_of(old):
        if kind is Kind.BEGIN:
            yield kind, text
        elif kind is not Kind.POINTS:
            last[kind] = text
        for one in finer:
            start_s = window_start_s(one.start_s, span_s)
            if point is None or point.start_s != start_s or one.span_s > span_s:
                yield from _packed(packer, point)
                point = Point(start_s, max(span_s, one.span_s))
            point.add(one)
    yield from _packed(packer, point)
    packer.flush()
    yield from ((Kind.POINTS, text) for text in packer.take())
    yield from last.items()


def _points_of(old: BinaryIO) -> Iterator[tuple[Kind, bytes, Iterator[Point]]]:
    import json

    unpacker, damage = Unpacker(), Damage()
    for kind, document in read_blocks(old.read, damage):
        points = unpacker.unpack(document) if kind is Kind.POINTS else iter(())
        yield kind, json.dumps(document, separators=(",", ":")).encode(), points
    if damage.reason:
        raise OSError(damage.reason)


def _packed(packer: Packer, point: Point | None) -> Iterator[tuple[Kind, bytes]]:
    if point is None:
        return
    # gevent's sleep would make a hub on this thread.
    sleep, began_s = gevent.monkey.get_original("time", "sleep"), perf_counter()
    for _ in packer.pack(point):
        if perf_counter() - began_s > BURST_S:
            sleep(BURST_S)
            began_s = perf_counter()
    yield from ((Kind.POINTS, text) for text in packer.take())


def read_file(path: Path, max_points: int = MAX_POINTS) -> Record:
    """Read a record, with at most `max_points` points.

    Raises:
        LocustCwError: It can't be read; the message names the file.
    """
    try:
        with open_regular(path, MAX_RECORD_BYTES) as file:
            return _read(file, str(path), max_points)
    except OSError as e:
        raise LocustCwError(f"{printable(path)}: {reason(e)}") from e


def read_bytes(content: bytes, name: str, max_points: int = MAX_POINTS) -> Record:
    """Read a record that was fetched from where it is called `name`; otherwise as `read_file`."""
    return _read(io.BytesIO(content), name, max_points)


def _read(file: BinaryIO, name: str, max_points: int) -> Record:
    try:
        return read_record(file.read, max_points)
    except RecordError as e:
        raise LocustCwError(f"{printable(name)}: {e}") from e
