"""A cluster of real Locust processes against a local CloudWatch, and what became of every request in it.

    with Cluster(folder, cloudwatch) as cluster:
        cluster.distributed(workers=2)
        cluster.wait()
        cluster.assert_exact()

Only the process that publishes gets AWS variables. Every process runs `record_truth.py` beside its locustfile, which
writes down what it does; `assert_exact` compares that with what CloudWatch holds.

A command can be put before each process (`prefixes`, as ``{"worker-1": ["ip", "netns", "exec", "away"]}``), by its name
or its role.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from locust_cw_dist.testing import LocalCloudwatch
from support.cluster.figures import Published, Truth, assert_equal, read_published, read_truth
from support.cluster.forked import MODULE
from support.cluster.ports import free_port
from support.cluster.processes import DEADLINE_S, Process

LOCUSTFILES = Path(__file__).parents[1] / "locustfiles"
RECORDER = "record_truth.py"

LOCUST = (*MODULE, "locust")
LOCUST_CW_RUN = (*MODULE, "locust_cw_dist.tools.cli.main", "run")

NO_METADATA = {"AWS_EC2_METADATA_DISABLED": "true"}
"""Keeps boto3 from asking the network for credentials where there are none."""

_numbers = itertools.count(1)


def master_port_env(port: int) -> dict[str, str]:
    """Return variables that make Locust use a port of the test's own where no option says which."""
    return {"LOCUST_MASTER_BIND_PORT": str(port), "LOCUST_MASTER_NODE_PORT": str(port)}


class Cluster:
    """Processes that belong together; ended, all of them, with the `with` block.

    Attributes:
        folder: Where they run, with their locustfiles and logs.
        namespace: CloudWatch namespace of this cluster alone.
        port: The master's.
        processes: All of them by name, in the order in which they were started.
        command: How Locust is started.
        locust_raises: Whether tracebacks of Locust's are to be expected.
        locust_has_more: Whether Locust is to count more than is recorded.
        comparable: Whether Locust's totals are to be those of the last run.
        locustfile: What they run, unless told otherwise: files of `locustfiles/` or of `folder`, with commas between.
        also: Files that every process runs after those.
        forks: Whether what `python -m MODULE` does may be forked by a process that has imported Locust.
    """

    def __init__(
        self,
        folder: Path,
        cloudwatch: LocalCloudwatch,
        *,
        prefixes: Mapping[str, Sequence[str]] | None = None,
        master_host: str = "127.0.0.1",
    ) -> None:
        """Make one of no processes; workers find the master at `master_host`."""
        self.folder = folder
        self.port = free_port()
        self.processes: dict[str, Process] = {}
        self.command: Sequence[str] = LOCUST
        self.locust_raises = False
        self.locust_has_more = False
        self.comparable = True
        self.locustfile = "shopper.py,plugin.py"
        self.also: list[str] = []
        self.forks = True
        self._service = f"cluster-{os.getpid()}-{next(_numbers)}"
        self.namespace = f"perf/{self._service}/loadtests"
        self._cloudwatch = cloudwatch
        self._prefixes = prefixes or {}
        self._master_host = master_host
        self._truth_folder = folder / "truth"
        self._truth_folder.mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.kill()

    @property
    def publishing(self) -> list[str]:
        """The options that make a process publish to this cluster's namespace, with the finest windows."""
        return ["--cw-service", self._service, "--cw-resolution", "1"]

    def distributed(self, *args: str, workers: int = 2, **options: Any) -> Process:
        """Start a headless master with `args` and its workers; return the master."""
        master = self.master(*args, workers=workers, **options)
        for _ in range(workers):
            self.worker()
        return master

    def master(self, *args: str, workers: int = 2, **options: Any) -> Process:
        """Start a headless master that waits for so many workers; `options` as for `single`."""
        role = ("--master", "--master-bind-port", str(self.port), "--expect-workers", str(workers))
        return self.single(*role, *args, name=options.pop("name", "master"), **options)

    def single(
        self,
        *args: str,
        name: str = "single",
        users: int = 8,
        run_time_s: float = 3,
        publishing: Sequence[str] | None = None,
        env: Mapping[str, str] | None = None,
        locustfile: str | None = None,
    ) -> Process:
        """Start a headless process that publishes, of its own users by default.

        Args:
            *args: More arguments.
            name: Its name, and its role.
            users: How many users run, from the start.
            run_time_s: How long they run.
            publishing: Our options; those of `publishing` by default.
            env: Its AWS variables; those of the local CloudWatch by default.
            locustfile: In place of `locustfile`.
        """
        load = ("--headless", "--only-summary", "-u", str(users), "-r", str(users), "-t", f"{run_time_s}s")
        ours = self.publishing if publishing is None else publishing
        env = self._cloudwatch.env() if env is None else env
        return self._locust(name, [*load, *ours, *args], env, locustfile)

    def worker(self, *args: str, name: str | None = None, locustfile: str | None = None) -> Process:
        """Start a worker, which knows the master's address and nothing of AWS."""
        if name is None:
            name = f"worker-{sum(name.startswith('worker-') for name in self.processes) + 1}"
        where = ("--master-host", self._master_host, "--master-port", str(self.port))
        return self._locust(name, ["--worker", *where, *args], {}, locustfile)

    def script(self, name: str, file: str, *args: str, publishes: bool) -> Process:
        """Start a Python script of `locustfiles/`, which uses Locust as a library and imports from there."""
        self.bring(f"{file},shopper.py")
        command = [sys.executable, file, *args]
        return self.start(name, command, self._cloudwatch.env() if publishes else {})

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> Process:
        """Start any command; `env` comes on top of an environment without AWS and Locust."""
        prefix = self._prefixes.get(name) or self._prefixes.get(name.split("-", maxsplit=1)[0]) or ()
        env = self._environment(name) | dict(env)
        process = Process(name, [*prefix, *command], self.folder, env, anew=not self.forks)
        self.processes[name] = process
        return process

    def bring(self, files: str) -> str:
        """Copy locustfiles to the folder, where no configuration of this project reaches them; add the recorder."""
        if files == "-":
            return files
        names = [*files.split(","), *self.also, RECORDER]
        for name in names:
            if not (self.folder / name).exists():
                shutil.copy(LOCUSTFILES / name, self.folder)
        return ",".join(names)

    def wait(self, deadline_s: float = DEADLINE_S) -> dict[str, int]:
        """Wait until all processes have ended, and what they forked; return their exit codes."""
        codes = {name: process.wait(deadline_s) for name, process in self.processes.items()}
        for process in self.processes.values():
            process.wait_for_group(deadline_s)
        return codes

    def truth(self) -> Truth:
        """Return what the processes wrote down so far."""
        return read_truth(self._truth_folder)

    def published(self) -> Published:
        """Return what CloudWatch holds of this cluster."""
        return read_published(self._cloudwatch, self.namespace)

    def summaries(self) -> list[dict[str, Any]]:
        """Return the JSON lines about ended runs, of all processes."""
        lines = [line for process in self.processes.values() for line in process.log.splitlines()]
        return [json.loads(line[line.index("{") :]) for line in lines if '"locust_cw_run_summary"' in line]

    def summary(self) -> dict[str, Any]:
        """Return what was said last of the one run that there is.

        It is said again when results come after a stop: Locust's master stops a test whose workers get no CPU for four
        seconds, and they go on.
        """
        (summary,) = self.last_summaries()
        return summary

    def last_summaries(self) -> list[dict[str, Any]]:
        """Return what was said last of each run, in the order of their starts."""
        return list({summary["run_id"]: summary for summary in self.summaries()}.values())

    def assert_exact(self) -> None:
        """Assert that CloudWatch holds exactly what users did, that the ledger says so, and that nothing went wrong."""
        truth = self.truth()
        self.assert_clean()
        self.assert_balanced()
        summary = self.summary()
        assert (summary["recorded"], summary["complete"]) == (len(truth.requests), True), summary
        assert summary["published"] == len(truth.requests), summary
        assert summary["recorded_failures"] == sum(request.failed for request in truth.requests), summary
        self.assert_locust_has_no_more()
        assert_equal(truth.requests, self.published())

    def assert_locust_has_no_more(self) -> None:
        """Assert that Locust counted no request and no failure that was not recorded, of each run of which it can say.

        By what the plugin says, and of the last run by what Locust itself had when its process ended.
        """
        if self.locust_has_more:
            return
        for summary in self.last_summaries():
            totals = summary["locust_totals"]
            if totals["comparable"]:
                assert totals["requests"] <= summary["recorded"], summary
                assert totals["failures"] <= summary["recorded_failures"], summary
        # Of several runs, results of one may come when the next one has begun: then nobody can say whose they are.
        summaries, at_end = self.last_summaries(), self.truth().locust
        if self.comparable and len(at_end) == len(summaries) == 1:
            (requests, failures), summary = at_end[0], summaries[0]
            assert summary["locust_totals"]["comparable"], summary
            assert (requests <= summary["recorded"], failures <= summary["recorded_failures"]) == (True, True), summary

    def assert_balanced(self) -> None:
        """Assert that each run's ledger adds up."""
        for summary in self.summaries():
            rest = summary["pending"] + summary["spooled"] + sum(summary["dropped"].values())
            assert summary["recorded"] == summary["published"] + rest, summary

    def assert_clean(self) -> None:
        """Assert that no process logged a traceback; with `locust_raises`, none with code of ours in it."""
        sign = r'File ".*locust_cw_dist' if self.locust_raises else "Traceback"
        for process in self.processes.values():
            assert not re.search(sign, process.log + process.out), process.name

    def describe(self) -> str:
        """Return what all processes wrote, for the report of a test that failed."""
        parts = []
        for name, process in self.processes.items():
            parts.append(f"--- {name}: exit code {process.exit_code}\n{process.log}")
            if process.out:
                parts.append(f"--- {name}, stdout\n{process.out}")
        return "\n".join(parts)

    def _locust(self, name: str, args: Sequence[str], env: Mapping[str, str], locustfile: str | None) -> Process:
        files = self.bring(locustfile or self.locustfile)
        return self.start(name, [*self.command, "-f", files, *args], env)

    def _environment(self, name: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOCUST_"))}
        # `-f -` writes what it fetched to the folder for temporary files under the master's file names: a worker that
        # shares it may import a file just when another one has emptied it to write it anew.
        temporary = self.folder / f"{name}.tmp"
        temporary.mkdir(exist_ok=True)
        ours = {"HOME": str(self.folder), "TMPDIR": str(temporary), "TRUTH_FOLDER": str(self._truth_folder)}
        return kept | NO_METADATA | master_port_env(self.port) | ours
