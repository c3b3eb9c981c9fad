"""What an import of the package takes after that of Locust."""

from __future__ import annotations

import subprocess
import sys

from bench.figures import Figure

SCRIPT = """
import time, sys
import locust
begin_s = time.perf_counter()
import locust_cw_dist
if len(sys.argv) > 1:
    import locust_cw_dist.auto, locust_cw_dist.live.worker.worker
print(time.perf_counter() - begin_s, "boto3" in sys.modules or "botocore" in sys.modules)
"""


def figures(*, full: bool) -> list[Figure]:
    """Measure in fresh interpreters."""
    rounds = 11 if full else 5
    return [
        Figure("import", "`import locust_cw_dist` after `import locust`", _ms(rounds), "ms", 10),
        Figure("import_worker", "all that a worker imports of it after `import locust`", _ms(rounds, "worker"), "ms"),
    ]


def _ms(rounds: int, *args: str) -> tuple[float, ...]:
    samples = []
    for _ in range(rounds):
        run = subprocess.run([sys.executable, "-c", SCRIPT, *args], capture_output=True, text=True, check=True)
        seconds, has_boto3 = run.stdout.split()
        assert has_boto3 == "False", "boto3 was imported"
        samples.append(float(seconds) * 1e3)
    return tuple(samples)
