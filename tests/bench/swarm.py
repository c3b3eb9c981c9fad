"""Many workers and one master: its CPU and memory with us, less what they are without.

The master is a process of Locust's. The workers are frames and reports over real ZeroMQ connections, one for each, from
a few processes (`swarm_workers`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.figures import Figure, interleave
from bench.traffic import REPORT_S
from locust_cw_dist.testing import LocalCloudwatch

HERE = Path(__file__).parent
SIZES = (300, 600, 1_000)
"""Workers; a quick run takes the first size alone."""
ENDPOINTS = 50
PROCESSES = 4
SATURATED = 0.9
"""Share of a core: a master that takes more, with us or without, gets less than it would need, and the difference
tells nothing; likewise if it takes fewer reports than come. Then neither this size nor a larger one is measured."""
SETTLE_S = 6.0
"""From the first report on: all workers are there, have reported twice, and know whether to ship whole windows."""
MARGIN_S = 2.0
"""For which workers report longer than they are watched."""
IN_TIME = 0.95
"""Of the reports that are due, what must have been sent, and taken."""


@dataclass(frozen=True)
class Load:
    """What a master bore.

    Attributes:
        cpu: Share of one core.
        memory_bytes: The most resident memory that was seen.
        taken: Of the reports that were due while it was watched, the share that it took.
        sent: Results in all frames.
        reports: Reports that were sent.
        frames: Frames in these and after them.
        recorded: Results that the master knows of.
        published: Results that it says are published.
        garbage: Share of one core for Python's search for garbage.
        longest_search_ms: The longest of these searches.
    """

    cpu: float
    memory_bytes: int
    taken: float
    sent: int
    reports: int
    frames: int
    recorded: int
    published: int
    garbage: float
    longest_search_ms: float

    @property
    def is_saturated(self) -> bool:
        """Whether it had more to do than it could, or would soon."""
        return self.cpu > SATURATED or self.taken < IN_TIME

    @property
    def lost(self) -> int:
        """Results that are missing or too many, by what was sent or by what the master says."""
        return max(abs(self.sent - self.published), abs(self.recorded - self.published))


def figures(*, full: bool) -> list[Figure]:
    """Measure so many workers with us and without, in turns."""
    watched_s, rounds, sizes = (30, 5, SIZES) if full else (10, 1, SIZES[:1])
    found: dict[int, tuple[list[Load], list[Load]]] = {}
    with LocalCloudwatch() as cloudwatch:
        for workers in sizes:
            loads = interleave(
                rounds,
                {
                    "with us": lambda workers=workers: measure(cloudwatch, watched_s, ours=True, workers=workers),
                    "without": lambda workers=workers: measure(cloudwatch, watched_s, ours=False, workers=workers),
                },
            )
            ours, plain = loads["with us"], loads["without"]
            if any(load.is_saturated for load in (*ours, *plain)):
                break
            found[workers] = ours, plain
    if not found:
        # Says what is wrong.
        for load in (*ours, *plain):
            check_bearable(load)
    shares = [_share(workers, watched_s, *loads) for workers, loads in found.items()]
    return [*shares, *_growth(shares), *_of_most(max(found), *found[max(found)])]


def _share(workers: int, watched_s: int, ours: list[Load], plain: list[Load]) -> Figure:
    """Return what we take of a master's CPU, of what Locust takes itself."""
    details = {
        "workers": workers,
        "ours_percent": [100 * (a.cpu - b.cpu) for a, b in zip(ours, plain, strict=True)],
        "locusts_percent": [100 * load.cpu for load in plain],
        "with_us": list(map(_told, ours)),
        "without": list(map(_told, plain)),
    }
    samples = tuple((a.cpu - b.cpu) / b.cpu for a, b in zip(ours, plain, strict=True))
    what = f"{workers:,} simulated workers of {ENDPOINTS} endpoints, a report each 3 s, watched for {watched_s} s"
    return Figure(
        f"swarm_{workers}", f"{what}: CPU of the master for us, of Locust's own", samples, "", 0.2, details=details
    )


def _growth(shares: list[Figure]) -> list[Figure]:
    """Return how much faster our CPU grows with workers than Locust's own does."""
    if len(shares) < 2:
        return []
    fewest, *_, most = shares
    few, many = fewest.details["workers"], most.details["workers"]
    what = f"CPU of the master for us, of Locust's own: with {many:,} workers, of that with {few:,}"
    return [Figure("swarm_growth", what, (most.value / fewest.value,), "", 1.2)]


def _of_most(workers: int, ours: list[Load], plain: list[Load]) -> list[Figure]:
    """Return what is told of the largest swarm that a master can bear here."""
    swarm = f"master of {workers:,} simulated workers of {ENDPOINTS} endpoints"
    memory = tuple((a.memory_bytes - b.memory_bytes) / 2**20 for a, b in zip(ours, plain, strict=True))
    found = [
        Figure("swarm_memory", f"{swarm}: memory over Locust's own", memory, "MiB", 150),
        # The worst of all rounds: the target is for each of them.
        Figure("swarm_lost", f"{swarm}: results lost", (float(max(load.lost for load in ours)),), "", 0),
    ]
    for name, loads in (("with us", ours), ("without us", plain)):
        key = name.replace(" ", "_")
        fill = (
            f"workers of {ENDPOINTS} endpoints that fill one core of a master, in proportion from {workers:,}: {name}"
        )
        pause_ms = (max(load.longest_search_ms for load in loads),)
        found += [
            Figure(f"swarm_fill_{key}", fill, tuple(workers / load.cpu for load in loads)),
            Figure(
                f"swarm_garbage_{key}",
                f"{swarm}: share of a core for Python's search for garbage, {name}",
                tuple(100 * load.garbage for load in loads),
                "%",
            ),
            Figure(f"swarm_pause_{key}", f"{swarm}: the longest of these searches, {name}", pause_ms, "ms"),
        ]
    return found


def measure(
    cloudwatch: LocalCloudwatch, watched_s: float, *, ours: bool, workers: int, endpoints: int = ENDPOINTS
) -> Load:
    """Let so many workers report to a master, and watch it for so long: whole windows, for each has its busy time."""
    seconds = SETTLE_S + watched_s + MARGIN_S
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        log = stack.enter_context((Path(folder) / "master.log").open("w+"))
        env = os.environ | cloudwatch.env()
        role = "ours" if ours else "nothing"
        master = stack.enter_context(_process([str(HERE / "swarm_master.py"), role], env, log))
        port = master.stdout.readline().strip()
        with ExitStack() as swarm:
            sims = []
            for number, count in enumerate(_shares(workers, min(PROCESSES, workers))):
                args = [port, str(count), str(endpoints), str(seconds), role, str(number)]
                sims.append(swarm.enter_context(_process([str(HERE / "swarm_workers.py"), *args], env, None)))
            for sim in sims:
                assert sim.stdout.readline().strip() == "ready"
            for sim in sims:
                print(file=sim.stdin, flush=True)
            time.sleep(SETTLE_S)
            watched = _watch(master, watched_s)
            told = [json.loads(sim.stdout.readline()) for sim in sims]
            master.stdin.close()
            for sim in sims:
                sim.stdin.close()
                sim.wait(60)
            master.wait(60)
        log.seek(0)
        summaries = [json.loads(line[line.index("{") :]) for line in log if '"locust_cw_run_summary"' in line]
    reports = sum(one["reports"] for one in told)
    _check_in_time(reports, workers * seconds / REPORT_S)
    return Load(
        watched.cpu,
        watched.memory_bytes,
        watched.taken_per_s * REPORT_S / workers,
        sent=sum(one["sent"] for one in told),
        reports=reports,
        frames=sum(one["frames"] for one in told),
        recorded=sum(summary["recorded"] for summary in summaries),
        published=sum(summary["published"] for summary in summaries),
        garbage=watched.garbage,
        longest_search_ms=watched.longest_search_ms,
    )


def _check_in_time(reports: int, due: float) -> None:
    if reports < IN_TIME * due:
        message = (
            f"the simulated workers sent {reports} of {due:.0f} reports in time: the machine is too busy to measure"
        )
        raise RuntimeError(message)


def check_bearable(load: Load) -> None:
    """See that the CPU of a master is what its workers need."""
    if load.is_saturated:
        message = f"a master took {load.cpu:.0%} of a core and {load.taken:.0%} of its reports: too busy to measure"
        raise RuntimeError(message)


def _told(load: Load) -> dict[str, float]:
    return asdict(load) | {"lost": load.lost}


class Watched(NamedTuple):
    """What was seen of a master: shares of one core, the most memory, and how many reports it took a second."""

    cpu: float
    memory_bytes: int
    taken_per_s: float
    garbage: float
    longest_search_ms: float


def _watch(master: subprocess.Popen, seconds: float) -> Watched:
    process, most = psutil.Process(master.pid), 0
    before, begin, begin_s = _ask(master), process.cpu_times(), time.monotonic()
    while time.monotonic() < begin_s + seconds:
        most = max(most, process.memory_info().rss)
        time.sleep(0.2)
    after, end, passed_s = _ask(master), process.cpu_times(), time.monotonic() - begin_s
    cpu_s = end.user + end.system - begin.user - begin.system
    return Watched(
        cpu_s / passed_s,
        most,
        (after["taken"] - before["taken"]) / passed_s,
        (after["garbage_s"] - before["garbage_s"]) / passed_s,
        after["longest_search_s"] * 1e3,
    )


def _ask(master: subprocess.Popen) -> dict[str, float]:
    print(file=master.stdin, flush=True)
    return json.loads(master.stdout.readline())


def _shares(total: int, parts: int) -> list[int]:
    return [total * (part + 1) // parts - total * part // parts for part in range(parts)]


@contextmanager
def _process(args: list[str], env: dict[str, str], log) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(
        [sys.executable, *args], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            stream.close()
