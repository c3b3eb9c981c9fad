"""The run itself: local CloudWatch, target, Locust master and three workers, then reading back. All on 127.0.0.1."""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from locust_cw_dist.testing import LocalCloudwatch, LocalCloudwatchError
from locust_cw_dist.tools.demo.figures import Comparison, Endpoint, Figures, compare, read_locust, read_raw_times
from locust_cw_dist.tools.demo.isolation import locust_environment
from locust_cw_dist.tools.demo.processes import Child, Children, DemoError
from locust_cw_dist.tools.demo.reading import read_figures, single_period
from locust_cw_dist.tools.demo.target import READY_PREFIX, SERVED_PATH

WORKERS = 3
USERS = 30
STOP_TIMEOUT_S = 5
"""Above the target's slowest answer, so that no request reaches the target and fires no event."""

SERVICE = "demo"
NAMESPACE = f"perf/{SERVICE}/loadtests"

_FOLDER = Path(__file__).parent
_LOCUSTFILE = _FOLDER / "locustfile.py"
# The locustfile's own constant; importing that file would import Locust, which patches this process.
_RAW_TIMES_FOLDER = "CW_DEMO_RAW_TIMES"

_RESOLUTION_S = 10
_POLL_S = 0.25
_START_TIMEOUT_S = 60.0
_END_TIMEOUT_S = 60.0
_TARGET_TIMEOUT_S = 15.0

_SUMMARY_EVENT = '"event":"locust_cw_run_summary"'


class View(Protocol):
    """What the user sees of it while it goes on."""

    def stage(self, text: str) -> None:
        """Show what happens now."""

    def running(self, elapsed_s: float, requests: int) -> None:
        """Show how far the load test is."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out.

    Attributes:
        comparisons: One for each endpoint; the last is that of all together.
        summary: The plugin's own line of JSON about the run, as the master logged it.
    """

    comparisons: list[Comparison]
    summary: dict[str, Any]

    def problems(self) -> list[str]:
        """Return what is not as it should be, a clause for each."""
        found = [problem for comparison in self.comparisons for problem in comparison.problems()]
        return found if found or self.summary["complete"] else ["the master says that the run is incomplete"]


def play(duration_s: int, view: View, check: Callable[[], None]) -> Outcome:
    """Run the demo.

    Args:
        duration_s: How long the load test lasts.
        view: Is told how it goes.
        check: Called often; what it raises ends the demo.

    Raises:
        DemoError: A process did not start or failed.
    """
    view.stage("starting a local CloudWatch and a target")
    try:
        with (
            LocalCloudwatch() as cloudwatch,
            tempfile.TemporaryDirectory(prefix="locust-cw-demo-") as folder,
            Children(Path(folder)) as children,
        ):
            return _Play(Path(folder), cloudwatch, children, view, check).run(duration_s)
    except LocalCloudwatchError as error:
        raise DemoError(str(error)) from error


class _Play:
    """One run, with everything that it needs."""

    def __init__(
        self, folder: Path, cloudwatch: LocalCloudwatch, children: Children, view: View, check: Callable[[], None]
    ) -> None:
        self._folder = folder
        self._cloudwatch = cloudwatch
        self._children = children
        self._view = view
        self._check_user = check
        self._target_url = ""

    def run(self, duration_s: int) -> Outcome:
        self._target_url = self._start_target()
        began_s = time.time()
        self._view.stage(f"starting a Locust master and {WORKERS} workers")
        master, workers = self._start_locust(duration_s)
        self._await_start(master)
        self._await_end(master, workers, duration_s)
        self._view.stage("reading the metrics back")
        cloudwatch = self._read_cloudwatch(began_s, time.time())
        locust = read_locust(json.loads(master.output.read_text()))
        return Outcome(compare(cloudwatch, locust, self._served(), self._raw_times()), _summary(master))

    def _start_target(self) -> str:
        """Start it and return its URL."""
        command = [sys.executable, "-m", "locust_cw_dist.tools.demo.target", "--until-stdin-closes"]
        target = self._children.start("target", command, locust_environment(os.environ, self._folder))
        deadline_s = time.monotonic() + _TARGET_TIMEOUT_S
        while not (line := target.output.read_text()).endswith("\n"):
            self._pause(target, deadline_s)
        return line.strip().removeprefix(READY_PREFIX)

    def _start_locust(self, duration_s: int) -> tuple[Child, list[Child]]:
        raw_times = self._folder / "raw"
        raw_times.mkdir()
        home = self._folder / "home"
        home.mkdir()
        variables = locust_environment(os.environ, home) | {_RAW_TIMES_FOLDER: str(raw_times)}
        port = str(_free_port())
        # AWS is the master's business alone: the workers get none of it.
        master = self._children.start(
            "master", _master_command(port, duration_s, self._target_url), variables | self._cloudwatch.env()
        )
        workers = [
            self._children.start(f"worker {number}", _worker_command(port), variables)
            for number in range(1, WORKERS + 1)
        ]
        return master, workers

    def _await_start(self, master: Child) -> None:
        """Wait until the first request has been served."""
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while not self._requests():
            if master.process.poll() == 0:
                raise DemoError(f"the master ended before the first request; the last it said:\n{master.tail()}")
            self._pause(master, deadline_s)

    def _await_end(self, master: Child, workers: list[Child], duration_s: int) -> None:
        """Show how the test goes on until all processes have ended."""
        began_s = time.monotonic()
        deadline_s = began_s + duration_s + _END_TIMEOUT_S
        while (elapsed_s := time.monotonic() - began_s) < duration_s and master.process.poll() is None:
            self._view.running(elapsed_s, self._requests())
            self._pause(master, deadline_s)
        self._view.stage("waiting for the workers' last results")
        for child in (master, *workers):
            while child.process.poll() is None:
                self._pause(child, deadline_s)
        self._children.check()

    def _pause(self, child: Child, deadline_s: float) -> None:
        """Wait a little for `child`, unless something is wrong."""
        self._check_user()
        self._children.check()
        if time.monotonic() > deadline_s:
            raise DemoError(f"the {child.name} took too long; the last it said:\n{child.tail()}")
        time.sleep(_POLL_S)

    def _served(self) -> dict[Endpoint, tuple[int, int]]:
        """Ask the target for its counts."""
        connection = http.client.HTTPConnection(urlsplit(self._target_url).netloc, timeout=_TARGET_TIMEOUT_S)
        try:
            connection.request("GET", SERVED_PATH)
            rows = json.loads(connection.getresponse().read())
        except OSError as error:
            self._children.check()
            raise DemoError(f"the target does not answer: {error}") from error
        finally:
            connection.close()
        return {Endpoint(method, path): (requests, failures) for method, path, requests, failures in rows}

    def _requests(self) -> int:
        return sum(requests for requests, _ in self._served().values())

    def _read_cloudwatch(self, first_s: float, last_s: float) -> dict[Endpoint, Figures]:
        # A result's timestamp is the start of its window.
        period = single_period(first_s - _RESOLUTION_S, last_s)
        client = self._cloudwatch.client()
        return read_figures(client, NAMESPACE, self._target_url, self._served(), period)

    def _raw_times(self) -> dict[Endpoint, list[float]]:
        files = (self._folder / "raw").iterdir()
        return read_raw_times(line for file in files for line in file.read_text().splitlines())


def _locust_command(*arguments: str) -> list[str]:
    command = [sys.executable, "-m", "locust_cw_dist.tools.cli.main", "run", "-f", str(_LOCUSTFILE)]
    # Locust's own exit code for failed requests would look like a failure of the process.
    return [*command, "--exit-code-on-error", "0", "--stop-timeout", str(STOP_TIMEOUT_S), *arguments]


def _master_command(port: str, duration_s: int, target_url: str) -> list[str]:
    return _locust_command(
        *("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port),
        *("--expect-workers", str(WORKERS), "--expect-workers-max-wait", str(int(_START_TIMEOUT_S))),
        *("--headless", "--json", "--only-summary"),
        *("--users", str(USERS), "--spawn-rate", str(USERS), "--run-time", f"{duration_s}s"),
        *("--host", target_url, "--cw-service", SERVICE, "--cw-resolution", str(_RESOLUTION_S)),
    )


def _worker_command(port: str) -> list[str]:
    return _locust_command("--worker", "--master-host", "127.0.0.1", "--master-port", port)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _summary(master: Child) -> dict[str, Any]:
    """Return the plugin's line of JSON from the master's log."""
    for line in master.log.read_text(errors="replace").splitlines():
        if _SUMMARY_EVENT in line:
            summary: dict[str, Any] = json.loads(line[line.index("{") :])
            return summary
    raise DemoError(f"the master did not report the end of the run; its last lines:\n{master.tail()}")
