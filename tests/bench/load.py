"""The load itself, with us and without: real single processes against an HTTP service that takes 20 ms."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Figure, interleave, ratios
from locust_cw_dist.testing import LocalCloudwatch

HERE = Path(__file__).parent
USERS = 20
WARM_UP_S = 2

NO_METADATA = {"AWS_EC2_METADATA_DISABLED": "true"}


def figures(*, full: bool) -> list[Figure]:
    """Measure requests per second and response times side by side."""
    seconds, rounds = (20, 7) if full else (7, 2)
    with _service() as url, LocalCloudwatch() as cloudwatch:
        runs: dict[str, list[dict[str, float]]] = {}

        def run(name: str, plugin: str, fault: str | None = None) -> float:
            if fault == "refused":
                aws = cloudwatch.env() | {"AWS_ENDPOINT_URL_CLOUDWATCH": f"http://127.0.0.1:{_closed_port()}"}
            else:
                aws = cloudwatch.env()
                cloudwatch.clear_faults()
                if fault == "100 ms":
                    cloudwatch.faults("latency", latency_s=0.1)
                elif fault == "hangs":
                    cloudwatch.faults("hang")
            result = _run(url, plugin, seconds, aws)
            runs.setdefault(name, []).append(result)
            return result["rps"]

        rates = interleave(
            rounds,
            {
                "without": lambda: run("without", "nothing"),
                "100 ms": lambda: run("100 ms", "ours", "100 ms"),
                "hangs": lambda: run("hangs", "ours", "hangs"),
                "refused": lambda: run("refused", "ours", "refused"),
                "seed": lambda: run("seed", "seed", "100 ms"),
            },
        )
    what = f"requests per second with us, of those without, {USERS} users, 20 ms service, CloudWatch"
    says = {"100 ms": "answering in 100 ms", "hangs": "hanging", "refused": "refusing connections"}
    found = [_rate(name, f"{what} {says[name]}", rates, target=0.99) for name in says]
    found.append(_rate("seed", "the same with the seed, CloudWatch answering in 100 ms", rates))
    return found + [_response_times(runs, percentile, target) for percentile, target in (("p50", 0.01), ("p99", 0.03))]


def _rate(name: str, what: str, rates: dict[str, list[float]], *, target: float | None = None) -> Figure:
    details = {"per_s": rates[name], "per_s_without": rates["without"]}
    samples = ratios(rates[name], rates["without"])
    return Figure(f"rps_{name.replace(' ', '_')}", what, samples, "", target, at_least=True, details=details)


def _response_times(runs: dict[str, list[dict[str, float]]], percentile: str, target: float) -> Figure:
    off = tuple(
        ours[percentile] / plain[percentile] - 1 for ours, plain in zip(runs["100 ms"], runs["without"], strict=True)
    )
    ms = {name: statistics.median(run[percentile] for run in found) for name, found in runs.items()}
    what = f"{percentile} of response times measured with us and without, relative difference"
    return Figure(f"response_{percentile}", what, off, "", target, two_sided=True, details=ms)


def _run(url: str, plugin: str, seconds: int, aws: dict[str, str]) -> dict[str, float]:
    """Run Locust, and return requests per second and response times (ms) of all but the first two seconds."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOCUST_"))}
        env = kept | NO_METADATA | aws | {"BENCH_PLUGIN": plugin, "BENCH_RESULT": str(result)}
        options = [
            "--headless",
            "--only-summary",
            "-u",
            str(USERS),
            "-r",
            str(USERS),
            "-t",
            f"{seconds}s",
            "--host",
            url,
        ]
        ours = ["--cw-service", "bench", "--cw-resolution", "1", "--cw-flush-timeout", "1"] if plugin == "ours" else []
        subprocess.run(
            [sys.executable, "-m", "locust", "-f", str(HERE / "load_locustfile.py"), *options, *ours],
            env=env,
            cwd=folder,
            check=False,
            capture_output=True,
            timeout=seconds + 60,
        )
        return json.loads(result.read_text())


@contextmanager
def _service() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, str(HERE / "load_service.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
