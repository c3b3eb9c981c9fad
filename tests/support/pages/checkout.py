"""What runs the commands of README and of pages as a reader would, in a folder that looks like the checkout."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from support.cluster.cluster import master_port_env
from support.cluster.ports import free_port
from support.cluster.processes import Process
from support.pages.readme import ROOT

SCRIPTS = Path(sys.executable).parent
ACTIVATE = f'export PATH="{SCRIPTS}:$PATH"\n'
"""In place of the .venv that the reader has made."""


class Checkout:
    """A folder that looks like a checkout with its .venv, whose services listen on ports of their own.

    Attributes:
        folder: Where it is.
    """

    def __init__(self, folder: Path) -> None:
        """Make it in `folder`: scripts of deploy/ are copies, all else there is the real thing."""
        self.folder = folder
        self._ports = {"8080": str(free_port()), "4582": str(free_port())}
        (folder / ".venv" / "bin").mkdir(parents=True)
        (folder / ".venv" / "bin" / "activate").write_text(ACTIVATE)
        (folder / "deploy" / "local").mkdir(parents=True)
        (folder / "deploy" / "ci").symlink_to(ROOT / "deploy" / "ci")
        start = "deploy/local/start.sh"
        (folder / start).write_text(self.here((ROOT / start).read_text()))

    def here(self, text: str) -> str:
        """A page's text with the ports of this checkout."""
        return re.sub("|".join(self._ports), lambda found: self._ports[found[0]], text)

    def run(self, name: str, script: str, code: int = 0) -> Process:
        """Run a script of a page; see `run`."""
        return run(name, self.here(script), self.folder, code)


def environment(folder: Path) -> dict[str, str]:
    """A reader's environment: nothing of AWS or Locust, and the master's port free of other tests."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LOCUST_", "VIRTUAL_ENV"))}
    port = free_port()
    return env | master_port_env(port) | {"HOME": str(folder), "MASTER_PORT": str(port)}


def run(name: str, script: str, folder: Path, code: int = 0, **env: str) -> Process:
    """Run a script of bash to its end, with all that it started; fail if its exit code is another."""
    process = Process(name, ["bash", "-c", script], folder, environment(folder) | env)
    try:
        ended = process.wait(280)
        process.wait_for_group(30)
    finally:
        process.kill()
    assert ended == code, process.out + process.log
    return process


def summaries(process: Process) -> list[dict[str, Any]]:
    """The lines of JSON that masters have logged."""
    return [json.loads(line[line.index("{") :]) for line in process.log.splitlines() if "_run_summary" in line]


def pattern(shown: str) -> str:
    """A regular expression for a line that a page shows, whatever its numbers are; "4 calls" may be one call."""
    escaped = re.escape(shown.strip()).replace(r"\ ", " ").replace(r"\,", ",")
    either = re.sub(r"(\d (?:PutMetricData )?\w+)s\b", r"\1s?", escaped)
    return re.sub(r"\d[\d,.]*", lambda _: r"[\d,.]+", either)
