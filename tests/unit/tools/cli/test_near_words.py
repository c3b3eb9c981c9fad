"""A mistyped command or option is one line with the nearest one, whoever parses it."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("repotr", "locust-cw: error: unknown command repotr: did you mean report?"),
        ("demo --duratoin 3", "locust-cw: error: unknown option --duratoin: did you mean --duration?"),
        (
            "compare a b --allow-mising",
            "locust-cw: error: unknown option --allow-mising: did you mean --allow-missing?",
        ),
        ("alarms aply", "locust-cw alarms: error: unknown command aply: did you mean apply?"),
        ("doctor --sned", "locust-cw doctor: error: unknown option --sned: did you mean --send?"),
        ("plan --cw-servcie x", "locust-cw plan: error: unknown option --cw-servcie: did you mean --cw-service?"),
    ],
)
def test_the_nearest_word_is_named_on_one_line(typed, said):
    assert error_of(typed) == said


def test_without_a_near_word_all_are_named():
    said = error_of("xyzzyq")
    assert "did you mean" not in said
    assert "local-cloudwatch" in said


def error_of(typed):
    command = [sys.executable, "-m", "locust_cw_dist.tools.cli.main", *typed.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    return line
