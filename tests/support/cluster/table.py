"""The table after the tests of matrix and network: what each test counted. Its hooks are imported by conftest files.

A row travels in the report of its test, so it reaches the process that prints, whoever ran the test.
"""

from __future__ import annotations

from typing import Any

import pytest

from support.cluster.cluster import Cluster
from support.cluster.matrix import locust_total

ROW = "counted, published, printed"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    """Add the row of a test that passed."""
    report = yield
    cluster = getattr(item, "funcargs", {}).get("cluster")
    if call.when == "call" and report.passed and isinstance(cluster, Cluster):
        together = cluster.published().together
        row = (len(cluster.truth().requests), together.requests if together else 0, locust_total(cluster))
        report.user_properties.append((ROW, row))
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print all rows, in the order of the tests' names."""
    rows = [
        (report.nodeid, value)
        for report in terminalreporter.stats.get("passed", ())
        for name, value in report.user_properties
        if name == ROW and report.when == "call"
    ]
    if rows:
        terminalreporter.section("counted by users, held by CloudWatch, printed by Locust")
    for nodeid, (counted, published, printed) in sorted(rows):
        what = nodeid.rpartition("/")[2].replace(".py::test_", ": ").replace("_", " ").removeprefix("test ")
        terminalreporter.line(f"{counted:>8} {published:>8} {'-' if printed is None else printed:>8}  {what}")
