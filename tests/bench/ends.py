"""The ends of a run, with us and without: from the command to the first request, and from the last one to the exit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.figures import Figure, interleave
from locust_cw_dist.testing import LocalCloudwatch

LOCUSTFILE = Path(__file__).with_name("ends_locustfile.py")
RUN_S = 3
WORKERS = (1, 20)
"""Besides a single process, which a quick run takes alone."""


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        start_s: From the command to the first request.
        start_cpu_s: CPU time of the process that fired it, up to then.
        end_s: From the last request of all to the exit of the command.
    """

    start_s: float
    start_cpu_s: float
    end_s: float


def figures(*, full: bool) -> list[Figure]:
    """Measure a single process, and a master that starts its workers itself."""
    rounds, numbers = (7, WORKERS) if full else (2, ())
    with LocalCloudwatch() as cloudwatch:
        found = []
        for workers in (0, *numbers):
            run = partial(_run, cloudwatch, workers)
            runs = interleave(rounds, {"ours": partial(run, "ours"), "nothing": partial(run, "nothing")})
            found += [] if workers else _start(runs)
            found.append(_end(runs, f"{workers} worker{'s'[: workers > 1]}" if workers else "single process"))
    return found


def _start(runs: dict[str, list[Run]]) -> list[Figure]:
    what = "from the command to the first request of a single process, with us less without"
    return [
        Figure("start", f"time {what}", _more_ms(runs, lambda run: run.start_s), "ms", details=_told(runs)),
        Figure("start_cpu", f"CPU time {what}", _more_ms(runs, lambda run: run.start_cpu_s), "ms"),
    ]


def _end(runs: dict[str, list[Run]], who: str) -> Figure:
    what = f"time from the last request to the exit, with us less without: {who}"
    name = f"end_{who.replace(' ', '_')}"
    return Figure(name, what, _more_ms(runs, lambda run: run.end_s), "ms", details=_told(runs))


def _more_ms(runs: dict[str, list[Run]], part: Callable[[Run], float]) -> tuple[float, ...]:
    return tuple((part(ours) - part(plain)) * 1e3 for ours, plain in zip(runs["ours"], runs["nothing"], strict=True))


def _told(runs: dict[str, list[Run]]) -> dict[str, list[dict[str, float]]]:
    return {name: [vars(run) for run in these] for name, these in runs.items()}


def _run(cloudwatch: LocalCloudwatch, workers: int, plugin: str) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOCUST_"))}
        env = kept | cloudwatch.env() | {"BENCH_PLUGIN": plugin, "BENCH_RESULT": folder}
        command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary"]
        users = max(1, workers)
        options = ["-u", str(users), "-r", str(users), "-t", f"{RUN_S}s"]
        distributed = ["--processes", str(workers), "--expect-workers", str(workers)] if workers else []
        ours = ["--cw-service", "bench"] if plugin == "ours" else []
        begin_s = time.time()
        done = subprocess.run(
            [*command, *options, *distributed, *ours],
            env=env,
            cwd=folder,
            check=False,
            capture_output=True,
            timeout=120,
        )
        end_s = time.time()
        moments = [json.loads(file.read_text()) for file in Path(folder).glob("*.json")]
    assert moments, done.stderr.decode()
    first = min(moments, key=lambda moment: moment["first_s"])
    last_s = max(moment["last_s"] for moment in moments)
    return Run(first["first_s"] - begin_s, first["cpu_s"], end_s - last_s)
