"""Prints, after the tests of the matrix, what each of them counted.

`LCW_WITHOUT=drain pytest tests/matrix` takes one mechanism out of every process, to see which tests miss it; the names
are in `locustfiles/without.py`.
"""

from __future__ import annotations

import os

import pytest

from support.cluster import Cluster
from support.matrix import locust_total

ROWS = pytest.StashKey[list[tuple[object, ...]]]()


@pytest.fixture
def cluster(cluster):
    if "LCW_WITHOUT" in os.environ:
        cluster.also.append("without.py")
    return cluster


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    cluster = getattr(item, "funcargs", {}).get("cluster")
    if call.when == "call" and report.passed and isinstance(cluster, Cluster):
        together = cluster.published().together
        counted = len(cluster.truth().requests)
        published = together.requests if together else 0
        what = item.name.removeprefix("test_").replace("_", " ")
        item.config.stash.setdefault(ROWS, []).append((what, counted, published, locust_total(cluster)))
    return report


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash.get(ROWS, [])
    if rows:
        terminalreporter.section("counted by users, held by CloudWatch, printed by Locust")
    for what, counted, published, printed in rows:
        terminalreporter.line(f"{counted:>8} {published:>8} {'-' if printed is None else printed:>8}  {what}")
