"""A cluster of which one mechanism can be taken out.

`LCW_WITHOUT=drain pytest tests/matrix` takes it out of every process, to see which tests miss it; the names are in
`locustfiles/without.py`.
"""

from __future__ import annotations

import os

import pytest

from support.cluster.table import pytest_runtest_makereport  # noqa: F401 - a hook, for the tests of this folder


@pytest.fixture
def cluster(cluster):
    if "LCW_WITHOUT" in os.environ:
        cluster.also.append("without.py")
    return cluster
