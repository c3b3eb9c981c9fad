"""Signals while a process ends: each step is taken, and only a third ctrl-C ends it where it stands.

A sample of sixteen by day; all, for hours, in a night: `tox run -e night -- -m "night or not night" tests/ends`.
"""

from __future__ import annotations

import pytest

from support.cluster.ends import all_ends, assert_ended_in_order, play, some_ends

SAMPLE = some_ends(16, seed=22)


def marked(end):
    return end if end in SAMPLE else pytest.param(end, marks=pytest.mark.night)


@pytest.mark.once
@pytest.mark.parametrize("end", [marked(end) for end in all_ends()], ids=str)
def test_an_end_that_signals_interrupt(cluster, cloudwatch, end):
    process = play(end, cluster, cloudwatch)
    assert_ended_in_order(end, cluster, process)
