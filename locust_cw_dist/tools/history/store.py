"""Where runs and their summaries lie: a folder, or a place in S3.

A history asks for a list and for what is small. A record without a summary, or with one that is not its own, is read
once; what comes out is kept in a cache on this machine, under a name that changes with the record.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.records.location import SUFFIX, SUMMARY_SUFFIX, S3Location
from locust_cw_dist.errors import LocustCwError
from locust_cw_dist.live.platform.files import write_whole
from locust_cw_dist.live.records.record_file import MAX_RECORD_BYTES, read_bytes, read_file
from locust_cw_dist.live.records.s3 import S3
from locust_cw_dist.regular_files import open_regular
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.tools.history.summary import (
    MAX_BYTES,
    MAX_WINDOWS,
    VERSION,
    RunSummary,
    pack,
    summary_of,
    unpack,
)

AT_ONCE = 16
"""Calls to S3 at the same time: a thousand small objects take seconds then, not minutes."""


@dataclass(frozen=True, slots=True)
class Run:
    """One record of a place.

    Attributes:
        place: The record's path or URL.
        summary: What is known of it.
    """

    place: Path | S3Location
    summary: RunSummary


@dataclass(frozen=True, slots=True)
class _File:
    """A file or object.

    Attributes:
        place: Where it is.
        size_bytes: How long it is.
        version: What changes with its content: the ETag, or the time of its last change.
        read: Returns what it holds.
    """

    place: Path | S3Location
    size_bytes: int
    version: str
    read: Callable[[], bytes]


class Cache:
    """Summaries on this machine; a disk that does not take them costs nothing but time."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`, which need not be there."""
        self._folder = folder

    def get(self, file: _File) -> bytes | None:
        """Return what was kept of this version of a file."""
        with suppress(OSError), open_regular(self._path(file), MAX_BYTES) as kept:
            return kept.read(MAX_BYTES)
        return None

    def put(self, file: _File, content: bytes) -> None:
        """Keep it."""
        with suppress(OSError):
            path = self._path(file)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)

    def _path(self, file: _File) -> Path:
        key = f"{VERSION} {file.place} {file.size_bytes} {file.version}"
        return self._folder / f"{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:40]}{SUMMARY_SUFFIX}"


def default_cache() -> Path:
    """Return the cache's folder, as the XDG base directory specification has it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "locust-cw"


def runs_in(
    place: Path | S3Location,
    cache: Cache,
    left_out: list[str],
    tick: Callable[[float], None] = lambda _: None,
) -> list[Run]:
    """Return the runs whose records are right in a place, oldest first.

    Args:
        place: A folder, or a prefix in S3.
        cache: What is read of records that have no summary is kept there.
        left_out: Told of records that can't be read, a line each.
        tick: Told how much of the work is done, from 0 to 1.

    Raises:
        LocustCwError: The place can't be read.
    """
    files = _files_in(place)
    wanted = sorted(name for name in files if name.endswith(SUFFIX))
    read = partial(_read, files=files, cache=cache)
    found = []
    # Records on this machine are read one after the other: Python would compute no two at a time.
    results = _side_by_side(read, wanted) if isinstance(place, S3Location) else map(read, wanted)
    for number, (name, run) in enumerate(zip(wanted, results, strict=True)):
        tick((number + 1) / len(wanted))
        if isinstance(run, str):
            left_out.append(run)
        else:
            found.append(Run(files[name].place, run))
    return sorted(found, key=lambda one: (one.summary.started_s, one.summary.run_id))


def _side_by_side(read: Callable[[str], RunSummary | str], names: Sequence[str]) -> Iterator[RunSummary | str]:
    """Yield what `read` returns for each name, in order."""
    # Not concurrent.futures: its queue would block the hub of a process that Locust has patched.
    from gevent.threadpool import ThreadPool

    threads = ThreadPool(AT_ONCE)
    try:
        yield from threads.imap(read, names, maxsize=AT_ONCE)
    finally:
        threads.kill()


def newest_of(
    place: Path | S3Location, cache: Cache, left_out: list[str], number: int, accepts: Callable[[Run], bool]
) -> list[Run]:
    """Return the newest runs that are accepted, at most `number`, newest first; no more are read than that takes.

    Raises:
        LocustCwError: The place can't be read.
    """
    files = _files_in(place)
    found: list[Run] = []
    # Run ids begin with the time.
    for name in sorted((name for name in files if name.endswith(SUFFIX)), reverse=True):
        summary = _read(name, files=files, cache=cache)
        if isinstance(summary, str):
            left_out.append(summary)
        elif accepts(run := Run(files[name].place, summary)):
            found.append(run)
        if len(found) == number:
            break
    return found


def _read(name: str, *, files: dict[str, _File], cache: Cache) -> RunSummary | str:
    """Return the summary of a record, or why it can't be read."""
    record = files[name]
    beside = files.get(name.removesuffix(SUFFIX) + SUMMARY_SUFFIX)
    for content in _known(record, beside, cache):
        with suppress(ValueError):
            return unpack(content, record.size_bytes)
    try:
        summary = _summed_up(record)
    except LocustCwError as e:
        return printable(f"{e}; it is left out")
    cache.put(record, pack(summary, record.size_bytes))
    return summary


def _known(record: _File, beside: _File | None, cache: Cache) -> Iterator[bytes]:
    if (content := cache.get(record)) is not None:
        yield content
    if beside is not None and beside.size_bytes <= MAX_BYTES:
        with suppress(OSError, LocustCwError):
            content = beside.read()
            # One on this machine is as near as the cache.
            if isinstance(beside.place, S3Location):
                cache.put(record, content)
            yield content


def _summed_up(record: _File) -> RunSummary:
    if isinstance(record.place, Path):
        return summary_of(read_file(record.place, MAX_WINDOWS))
    if record.size_bytes > MAX_RECORD_BYTES:
        raise LocustCwError(f"{record.place}: it has {record.size_bytes:,} bytes, more than any record")
    return summary_of(read_bytes(record.read(), str(record.place), MAX_WINDOWS))


def _files_in(place: Path | S3Location) -> dict[str, _File]:
    return _in_s3(place) if isinstance(place, S3Location) else _in_folder(place)


def _in_folder(folder: Path) -> dict[str, _File]:
    found = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith((SUFFIX, SUMMARY_SUFFIX)):
                    status = entry.stat()
                    path = Path(entry.path)
                    version = f"{status.st_mtime_ns}"
                    found[entry.name] = _File(path, status.st_size, version, partial(_read_small, path))
    except OSError as e:
        raise LocustCwError(f"{printable(folder)}: {e.strerror or e}") from e
    return found


def _read_small(path: Path) -> bytes:
    with open_regular(path, MAX_BYTES) as file:
        return file.read(MAX_BYTES)


def _in_s3(place: S3Location) -> dict[str, _File]:
    store = S3(Settings(), may_ask=True)
    return {
        name: _File(place.below(name), size_bytes, etag, partial(store.get, place.below(name)))
        for name, size_bytes, etag in store.objects(place)
    }


def has_labels(run: Run, labels: Sequence[tuple[str, str]]) -> bool:
    """Whether a run has all these labels."""
    return all(run.summary.labels.get(key) == value for key, value in labels)
