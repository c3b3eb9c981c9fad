"""What the commands that read records have in common."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from locust_cw_dist.errors import LocustCwError

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust_cw_dist.core.records.record import Record

SUFFIX = ".cwrecord"

HELP = "a record, or a folder of records: its newest one"


def read(path: Path, max_points: int) -> Record:
    """Read a record.

    Raises:
        LocustCwError: It can't be read, or the folder has none.
    """
    from locust_cw_dist.edge.records import read_file

    return read_file(_newest(path) if path.is_dir() else path, max_points)


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
