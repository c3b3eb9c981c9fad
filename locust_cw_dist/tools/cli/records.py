"""What the commands that read records have in common."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.names.shorten import meant
from locust_cw_dist.core.records.location import ALLOWED, SUFFIX, S3Location, is_url
from locust_cw_dist.errors import LocustCwError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from locust_cw_dist.core.records.record import Record

COMPARED_POINTS = 512
"""Points of a run that is compared; thirty blocks of them are enough."""

MAX_TRIES = 20
"""Files in one place that are tried, the newest first."""

MAX_RUNS = 100_000

HELP = (
    "a record, or a folder of records: its newest one; on this machine or s3://BUCKET/..., with boto3's own credentials"
)


def place(text: str) -> Path | S3Location:
    """Return what an argument names: a path on this machine, or what is in S3; an argparse type."""
    if not is_url(text):
        return Path(text)
    try:
        return S3Location.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text!r}, must be a path, or {ALLOWED}") from None


def label_of(text: str) -> tuple[str, str]:
    """Return a label as the user writes it; an argparse type."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"got {text!r}, must be KEY=VALUE")
    return key, value


def whole_number(text: str) -> int:
    """Return a number of runs; an argparse type."""
    if text.isascii() and text.isdigit() and 0 < int(text[:9]) <= MAX_RUNS:
        return int(text)
    raise argparse.ArgumentTypeError(f"got {text!r}, must be a whole number from 1 to {MAX_RUNS:,}")


def read(source: Path | S3Location, max_points: int, left_out: list[str]) -> Record:
    """Read a record; of a place with several the newest that can be read.

    Args:
        source: The record, or the place.
        max_points: How fine time is to be.
        left_out: Told of newer files in the place that can't be read, a line each.

    Raises:
        LocustCwError: It can't be read, or there is none.
    """
    from locust_cw_dist.live.records.record_file import read_file

    if isinstance(source, S3Location):
        return _read_from_s3(source, max_points, left_out)
    if not source.is_dir():
        return read_file(source, max_points)
    # Run ids begin with the time.
    paths = sorted(source.glob(f"*{SUFFIX}"), key=lambda path: path.name, reverse=True)
    return _first_readable(source, [partial(read_file, path, max_points) for path in paths], left_out)


def read_and_warn(source: Path | S3Location, max_points: int) -> Record:
    """Read as `read` does, and name on standard error what is left out."""
    left_out: list[str] = []
    try:
        return read(source, max_points, left_out)
    finally:
        for line in left_out:
            print(f"locust-cw: warning: {line}", file=sys.stderr)


def _read_from_s3(source: S3Location, max_points: int, left_out: list[str]) -> Record:
    from locust_cw_dist.live.records.record_file import MAX_RECORD_BYTES, read_bytes
    from locust_cw_dist.live.records.s3 import S3
    from locust_cw_dist.settings.settings import Settings

    store = S3(Settings(), may_ask=True)

    def fetch(record: S3Location, size_bytes: int = 0) -> Record:
        if size_bytes > MAX_RECORD_BYTES:
            raise LocustCwError(f"{printable(record)}: it has {size_bytes:,} bytes, more than any record")
        return read_bytes(store.get(record), str(record), max_points)

    if source.is_record:
        return fetch(source)
    found = store.newest_first(source)
    return _first_readable(source, [partial(fetch, *one) for one in found], left_out)


def _first_readable(place: Path | S3Location, readers: Sequence[Callable[[], Record]], left_out: list[str]) -> Record:
    first = ""
    for read_one in readers[:MAX_TRIES]:
        try:
            return read_one()
        except LocustCwError as e:
            left_out.append(printable(f"{e}; an older record is read instead"))
            first = first or printable(e)
    tried = f" that can be read, of the newest {min(len(readers), MAX_TRIES)}; the newest: {first}" if readers else ""
    raise LocustCwError(f"{printable(place)}: no record (*{SUFFIX}) in it{tried}")


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        LocustCwError: That is not possible.
    """
    from locust_cw_dist.live.platform.files import write_whole

    try:
        # A lone half of a character has no place in UTF-8.
        write_whole(path, text.encode("utf-8", "replace"))
    except OSError as e:
        raise LocustCwError(f"{printable(path)}: {e.strerror or e}") from e


def number_in(low: float, high: float, unit: str) -> Callable[[str], float]:
    """Return an argparse type that takes numbers from `low` to `high`."""

    def convert(text: str) -> float:
        try:
            value = float(text.removesuffix("%"))
        except ValueError:
            value = math.nan
        if low <= value <= high:
            return value
        hint = meant(value) if low <= 100 * value <= high else ""
        raise argparse.ArgumentTypeError(f"got {text!r}, must be {low:g} to {high:g} ({unit}){hint}")

    return convert


@contextmanager
def progress(what: str) -> Iterator[Callable[[float], None]]:
    """Show how far work is, on a terminal only; the value of the `with` block takes numbers from 0 to 1."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda done: bar.update(task, completed=done)
