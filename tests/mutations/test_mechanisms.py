"""Each mechanism of delivery that can be taken out is missed: the test that docs/what-is-tested.md names fails."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from support import needs, what_is_tested
from support.network import netns

pytestmark = [pytest.mark.night, pytest.mark.timeout(900)]

FAILED = 1
"""The exit code of pytest where tests ran, and one failed."""


@pytest.mark.parametrize(
    ("mechanism", "test"),
    [
        (name.strip("`"), "::".join(*what_is_tested.references(tests)))
        for name, tests in what_is_tested.table("Mechanisms")
    ],
)
def test_without_it_a_test_fails(mechanism, test):
    if test.startswith("network/") and netns.missing():
        needs.lack(netns.missing())
    # One of this process's own workers would take them for its own.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "", f"tests/{test}"]
    done = subprocess.run(
        command,
        cwd=what_is_tested.TESTS.parent,
        env=env | {"LCW_WITHOUT": mechanism},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == FAILED, done.stdout[-4000:] + done.stderr[-2000:]
    assert " failed" in done.stdout
