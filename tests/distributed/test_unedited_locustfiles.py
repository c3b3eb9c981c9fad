"""Locustfiles that know nothing of this program, under `locust-cw run`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from support.cluster.cluster import LOCUST_CW_RUN

EXAMPLES = os.environ.get("LOCUST_EXAMPLES")
"""The folder `examples` of Locust's repository, which no package of Locust contains."""


@pytest.mark.parametrize("role", ["distributed", "single"])
def test_listeners_and_exit_codes_of_users(cluster, role):
    cluster.command = LOCUST_CW_RUN
    cluster.locustfile = "habits.py"
    process = getattr(cluster, role)()
    cluster.wait()
    cluster.assert_exact()
    requests = len(cluster.truth().requests)
    assert process.exit_code == 7
    assert f"own sum: {11 * requests}, exit code: 7" in process.out


needs_examples = pytest.mark.skipif(
    EXAMPLES is None, reason="LOCUST_EXAMPLES does not name the folder examples/ of Locust's repository"
)

RUN_OFFLINE = [
    "basic.py",
    "custom_wait_function.py",
    "events.py",
    "fast_http_locust.py",
    "locustfile.py",
    "manual_stats_reporting.py",
    "multiple_hosts.py",
    "nested_inline_tasksets.py",
    "semaphore_wait.py",
]


@needs_examples
@pytest.mark.parametrize("example", RUN_OFFLINE)
def test_locusts_own_examples(cluster, target, monkeypatch, example):
    monkeypatch.setenv("API_HOST", target)  # for multiple_hosts.py
    shutil.copy(Path(EXAMPLES) / example, cluster.folder)
    cluster.command = LOCUST_CW_RUN
    cluster.locustfile = example
    cluster.locust_raises = True
    cluster.distributed("--host", target, workers=1, run_time_s=3)
    cluster.wait()
    cluster.assert_exact()
