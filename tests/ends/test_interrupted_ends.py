"""Signals while a process ends: each step is taken, and only a third ctrl-C ends it where it stands.

A sample of twenty with the other tests of real ends; all of them, for hours, with `ENDS=all` (`tox run -e ends`).
"""

from __future__ import annotations

import os

import pytest

from support.ends import all_ends, assert_ended_in_order, play, some_ends

SEED = int(os.environ.get("ENDS_SEED", "14"))
ENDS = all_ends() if os.environ.get("ENDS") == "all" else some_ends(20, SEED)


@pytest.mark.parametrize("end", ENDS, ids=str)
def test_an_end_that_signals_interrupt(cluster, cloudwatch, end):
    process = play(end, cluster, cloudwatch)
    assert_ended_in_order(end, cluster, process)
