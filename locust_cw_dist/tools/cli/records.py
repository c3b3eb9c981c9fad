"""What the commands that read records have in common."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from locust_cw_dist.core.records.location import ALLOWED, SUFFIX, S3Location, is_url
from locust_cw_dist.errors import LocustCwError

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust_cw_dist.core.records.record import Record

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


def read(source: Path | S3Location, max_points: int) -> Record:
    """Read a record.

    Raises:
        LocustCwError: It can't be read, or the folder has none.
    """
    from locust_cw_dist.live.records.record_file import read_file

    if isinstance(source, S3Location):
        return _read_from_s3(source, max_points)
    return read_file(_newest(source) if source.is_dir() else source, max_points)


def _read_from_s3(source: S3Location, max_points: int) -> Record:
    from locust_cw_dist.live.records.record_file import read_bytes
    from locust_cw_dist.live.records.s3 import S3
    from locust_cw_dist.settings.settings import Settings

    store = S3(Settings(), may_ask=True)
    record = source if source.is_record else store.newest(source)
    return read_bytes(store.get(record), str(record), max_points)


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        LocustCwError: That is not possible.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as e:
        raise LocustCwError(f"{path}: {e.strerror or e}") from e


def number_in(low: float, high: float, unit: str) -> Callable[[str], float]:
    """Return an argparse type that takes numbers from `low` to `high`."""

    def convert(text: str) -> float:
        try:
            value = float(text.removesuffix("%"))
        except ValueError:
            value = low - 1
        if low <= value <= high:
            return value
        raise argparse.ArgumentTypeError(f"got {text!r}, must be {low:g} to {high:g} ({unit})")

    return convert


@contextmanager
def progress(what: str) -> Iterator[Callable[[float], None]]:
    """Show how far work is, on a terminal only; the value of the `with` block takes numbers from 0 to 1."""
    if not sys.stderr.isatty() or importlib.util.find_spec("rich") is None:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda done: bar.update(task, completed=done)


def _newest(folder: Path) -> Path:
    # Run ids begin with the time.
    found = max(folder.glob(f"*{SUFFIX}"), default=None, key=lambda path: path.name)
    if found is None:
        raise LocustCwError(f"{folder}: no record (*{SUFFIX}) in it")
    return found
