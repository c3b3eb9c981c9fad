"""What all tests share. Locust comes first, so that boto3 is never imported before gevent has patched what it uses.

With `-n`, a thread of pytest-xdist's, older than any patch, tells the process that runs tests what to run. So threads
and their locks stay as they are there; all else is patched as Locust does it.
"""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    from gevent import monkey

    monkey.patch_all(thread=False)
    os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"

import locust  # noqa: F401

# isort: split
import signal
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

# Before the import: so that a failed assertion in these shows its values.
pytest.register_assert_rewrite("support.cluster.cluster", "support.cluster.figures")

from locust_cw_dist.testing import LocalCloudwatch  # noqa: E402
from support.cluster.cluster import Cluster  # noqa: E402
from support.cluster.table import pytest_terminal_summary  # noqa: E402, F401 - a hook
from support.deployment.moto import moto  # noqa: E402, F401 - a fixture

# For this process alone: what is started here runs Locust as it is.
os.environ.pop("LOCUST_SKIP_MONKEY_PATCH", None)

# A shell lets what it starts in the background ignore ctrl-C, and so would all that is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A locustfile there is written for pytest.
collect_ignore = ["support"]

# No deadline for an example: machines that run tests stall.
hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.register_profile("few", deadline=None, print_blob=True, max_examples=20)
hypothesis.settings.register_profile("thorough", deadline=None, print_blob=True, max_examples=2_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def cloudwatch():
    with LocalCloudwatch() as server:
        yield server


@pytest.fixture
def cluster(tmp_path, cloudwatch, request):
    try:
        with Cluster(tmp_path, cloudwatch) as cluster:
            yield cluster
            cluster.assert_locust_has_no_more()
    finally:
        cloudwatch.clear_faults()


@pytest.fixture(scope="session")
def target():
    """Address of a small HTTP server; see `support.cluster.target`."""
    command = [sys.executable, "-m", "support.cluster.target"]
    with subprocess.Popen(
        command, cwd=Path(__file__).parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process.stdout.readline().strip()
        process.stdin.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Cluster):
                report.sections.append(("processes", value.describe()))
    return report
