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
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.figures import Figure
from locust_cw_dist.testing import LocalCloudwatch

HERE = Path(__file__).parent
WORKERS, ENDPOINTS = 1_000, 50
PROCESSES = 4
FEWER = 250
SATURATED = 0.9
"""Share of a core: where Locust takes more for 1,000 workers without us, it is less than it would need, with us and
without, and the difference tells nothing. Then our share is measured with fewer workers."""
SETTLE_S = 6.0
"""From the first report on: all workers are there, and have reported twice."""


@dataclass(frozen=True)
class Load:
    """What a master bore.

    Attributes:
        cpu: Share of one core.
        memory_bytes: The most resident memory that was seen.
        sent: Results in all frames.
        published: Results that the master says are published.
        lost: What it says is missing.
    """

    cpu: float
    memory_bytes: int
    sent: int
    published: int
    lost: int


def figures(*, full: bool) -> list[Figure]:
    """Measure 1,000 workers, for 60 s; in a quick run for 20 s."""
    seconds, rounds = (60, 3) if full else (20, 1)
    with LocalCloudwatch() as cloudwatch:

        def pairs(workers: int) -> list[tuple[Load, Load]]:
            return [
                (
                    measure(cloudwatch, seconds, ours=True, workers=workers),
                    measure(cloudwatch, seconds, ours=False, workers=workers),
                )
                for _ in range(rounds)
            ]

        all_of_them = pairs(WORKERS)
        is_saturated = min(plain.cpu for _, plain in all_of_them) > SATURATED
        bearable, workers = (pairs(FEWER), FEWER) if is_saturated else (all_of_them, WORKERS)
    what = f"{WORKERS:,} simulated workers of {ENDPOINTS} endpoints, a report each 3 s, for {seconds} s: "
    share = "our share of one core"
    if is_saturated:
        share += f", in proportion from {FEWER} workers"
    cpu = tuple(100 * (ours.cpu - plain.cpu) * WORKERS / workers for ours, plain in bearable)
    memory = tuple((ours.memory_bytes - plain.memory_bytes) / 2**20 for ours, plain in all_of_them)
    lost = tuple(float(ours.sent - ours.published + ours.lost) for ours, _ in all_of_them)
    details = {
        "with_us": [vars(ours) for ours, _ in all_of_them],
        "without": [vars(plain) for _, plain in all_of_them],
        "workers_of_share": workers,
        "share_with_us": [ours.cpu for ours, _ in bearable],
        "share_without": [plain.cpu for _, plain in bearable],
    }
    return [
        Figure("swarm_cpu", what + share, cpu, "%", 10, details=details),
        Figure("swarm_locust", what + "Locust's own", tuple(100 * plain.cpu for _, plain in all_of_them), "%"),
        Figure("swarm_memory", what + "memory over Locust's own", memory, "MiB", 150),
        Figure("swarm_lost", what + "results lost", lost, "", 0),
    ]


def measure(
    cloudwatch: LocalCloudwatch, seconds: float, *, ours: bool, workers: int = WORKERS, endpoints: int = ENDPOINTS
) -> Load:
    """Let so many workers report to a master for so long."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        log = stack.enter_context((Path(folder) / "master.log").open("w+"))
        env = os.environ | cloudwatch.env()
        master = stack.enter_context(_process([str(HERE / "swarm_master.py"), "ours" if ours else "nothing"], env, log))
        port = master.stdout.readline().strip()
        with ExitStack() as swarm:
            sims = [
                swarm.enter_context(
                    _process(
                        [
                            str(HERE / "swarm_workers.py"),
                            port,
                            str(count),
                            str(endpoints),
                            str(seconds),
                            "ours" if ours else "nothing",
                            str(number),
                        ],
                        env,
                        None,
                    )
                )
                for number, count in enumerate(_shares(workers, min(PROCESSES, workers)))
            ]
            for sim in sims:
                assert sim.stdout.readline().strip() == "reporting"
            time.sleep(SETTLE_S)
            process = psutil.Process(master.pid)
            cpu, memory_bytes = _watch(process, seconds - 2 * SETTLE_S)
            sent = sum(int(sim.stdout.readline()) for sim in sims)
            master.stdin.close()
            for sim in sims:
                sim.stdin.close()
                sim.wait(60)
            master.wait(60)
        log.seek(0)
        summaries = [json.loads(line[line.index("{") :]) for line in log if '"locust_cw_run_summary"' in line]
    published = sum(summary["published"] for summary in summaries)
    lost = sum(summary["recorded"] - summary["published"] for summary in summaries)
    return Load(cpu, memory_bytes, sent, published, lost)


def _watch(process: psutil.Process, seconds: float) -> tuple[float, int]:
    """Return the share of a core, and the most memory."""
    begin, begin_s, most = process.cpu_times(), time.monotonic(), 0
    while time.monotonic() < begin_s + seconds:
        most = max(most, process.memory_info().rss)
        time.sleep(0.2)
    end, passed_s = process.cpu_times(), time.monotonic() - begin_s
    return (end.user + end.system - begin.user - begin.system) / passed_s, most


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
