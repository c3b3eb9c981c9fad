"""The demo's processes: started with their output in files, watched, and gone at the end whatever happens."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from locust_cw_dist.errors import LocustCwError

TAIL_LINES = 15


class DemoError(LocustCwError):
    """The demo can't go on, or what it shows is not what it should be."""


@dataclass(frozen=True, slots=True)
class Child:
    """One process.

    Attributes:
        name: What it is called in messages.
        process: It; its standard input is a pipe that closes when this process ends.
        output: The file of its standard output.
        log: The file of its standard error.
    """

    name: str
    process: subprocess.Popen[bytes]
    output: Path
    log: Path

    def tail(self) -> str:
        """Return the end of what it said."""
        said = "\n".join(path.read_text(errors="replace").rstrip() for path in (self.output, self.log)).strip()
        return "\n".join(f"  {line}" for line in said.splitlines()[-TAIL_LINES:]) or "  (it said nothing)"


class Children:
    """Processes that end with a `with` block, however it ends.

    They get sessions of their own, so that ctrl-C reaches this process alone, and this process stops them.

    Args:
        folder: Where their output goes; also their working directory.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children:
            child.process.kill()  # whoever was to end by itself has
        for child in self._children:
            child.process.wait()
            if child.process.stdin is not None:
                child.process.stdin.close()

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start a process."""
        output, log = self._folder / f"{name}.out", self._folder / f"{name}.log"
        with output.open("wb") as stdout, log.open("wb") as stderr:
            process = subprocess.Popen(  # noqa: S603 - our own modules
                command,
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=stderr,
                cwd=self._folder,
                env=environment,
                start_new_session=True,
            )
        child = Child(name, process, output, log)
        self._children.append(child)
        return child

    def check(self) -> None:
        """Raise DemoError, with the end of its log, if a process has failed."""
        for child in self._children:
            if child.process.poll():
                code = child.process.returncode
                raise DemoError(f"the {child.name} ended with exit code {code}; the last it said:\n{child.tail()}")
