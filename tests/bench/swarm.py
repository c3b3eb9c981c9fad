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

import psutil

from bench.figures import Figure, interleave
from bench.traffic import REPORT_S
from locust_cw_dist.testing import LocalCloudwatch

HERE = Path(__file__).parent
WORKERS, ENDPOINTS = 1_000, 50
PROCESSES = 4
FEWER = 500
SATURATED = 0.9
"""Share of a core: a master that takes more, with us or without, gets less than it would need, and the difference
tells nothing; likewise if it takes fewer reports than come. Then our share is measured with fewer workers."""
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
    """

    cpu: float
    memory_bytes: int
    taken: float
    sent: int
    reports: int
    frames: int
    recorded: int
    published: int

    @property
    def is_saturated(self) -> bool:
        """Whether it had more to do than it could, or would soon."""
        return self.cpu > SATURATED or self.taken < IN_TIME

    @property
    def lost(self) -> int:
        """Results that are missing or too many, by what was sent or by what the master says."""
        return max(abs(self.sent - self.published), abs(self.recorded - self.published))


def figures(*, full: bool) -> list[Figure]:
    """Measure 1,000 workers while they report for a minute; in a quick run watch the time of one window."""
    watched_s, rounds = (50, 3) if full else (10, 1)
    with LocalCloudwatch() as cloudwatch:

        def with_us(workers: int) -> Load:
            return measure(cloudwatch, watched_s, ours=True, workers=workers)

        def without(workers: int) -> Load:
            return measure(cloudwatch, watched_s, ours=False, workers=workers)

        first = with_us(WORKERS)
        workers = FEWER if first.is_saturated else WORKERS
        loads = interleave(rounds, {"with us": lambda: with_us(workers), "without": lambda: without(workers)})
    ours, plain = loads["with us"], loads["without"]
    for load in (*ours, *plain):
        check_bearable(load)
    what = f"{WORKERS:,} simulated workers of {ENDPOINTS} endpoints, a report each 3 s, watched for {watched_s} s: "
    in_proportion = f", in proportion from {workers} workers" if workers < WORKERS else ""
    of_fewer = f", of {workers} workers" if workers < WORKERS else ""
    cpu = tuple(100 * (a.cpu - b.cpu) * WORKERS / workers for a, b in zip(ours, plain, strict=True))
    locusts = tuple(100 * load.cpu * WORKERS / workers for load in plain)
    memory = tuple((a.memory_bytes - b.memory_bytes) / 2**20 for a, b in zip(ours, plain, strict=True))
    # The worst of all rounds: the target is for each of them.
    lost = max(load.lost for load in (first, *ours))
    details = {
        "all_workers_with_us": _told(first),
        "workers_of_share": workers,
        "with_us": list(map(_told, ours)),
        "without": list(map(_told, plain)),
    }
    return [
        Figure("swarm_cpu", f"{what}our share of one core{in_proportion}", cpu, "%", 10, details=details),
        Figure("swarm_locust", f"{what}Locust's own{in_proportion}", locusts, "%"),
        Figure("swarm_memory", f"{what}memory over Locust's own{of_fewer}", memory, "MiB", 150),
        Figure("swarm_lost", what + "results lost", (float(lost),), "", 0),
    ]


def measure(
    cloudwatch: LocalCloudwatch, watched_s: float, *, ours: bool, workers: int = WORKERS, endpoints: int = ENDPOINTS
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
            cpu, memory_bytes, taken_per_s = _watch(master, watched_s)
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
        cpu,
        memory_bytes,
        taken_per_s * REPORT_S / workers,
        sent=sum(one["sent"] for one in told),
        reports=reports,
        frames=sum(one["frames"] for one in told),
        recorded=sum(summary["recorded"] for summary in summaries),
        published=sum(summary["published"] for summary in summaries),
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


def _watch(master: subprocess.Popen, seconds: float) -> tuple[float, int, float]:
    """Return the share of a core, the most memory, and how many reports it took a second."""
    process, most = psutil.Process(master.pid), 0
    begin_reports, begin, begin_s = _reports_taken(master), process.cpu_times(), time.monotonic()
    while time.monotonic() < begin_s + seconds:
        most = max(most, process.memory_info().rss)
        time.sleep(0.2)
    reports, end, passed_s = _reports_taken(master), process.cpu_times(), time.monotonic() - begin_s
    cpu_s = end.user + end.system - begin.user - begin.system
    return cpu_s / passed_s, most, (reports - begin_reports) / passed_s


def _reports_taken(master: subprocess.Popen) -> int:
    print(file=master.stdin, flush=True)
    return int(master.stdout.readline())


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
