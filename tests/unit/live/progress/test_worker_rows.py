"""How each worker is said to be."""

from __future__ import annotations

import pytest

from locust_cw_dist.core.master.worker_processes import Seen, WorkerProcess
from locust_cw_dist.live.progress.worker_rows import worker_rows
from locust_cw_dist.testing import ManualClock

CLOCK = ManualClock()
NOW_S = CLOCK.now_s()


def process(worker_id="w", **changes):
    return WorkerProcess(worker_id, **{"heard_at_s": NOW_S, "cut_at_s": NOW_S} | changes)


@pytest.mark.parametrize(
    ("seen", "known", "without", "state"),
    [
        ({"w": Seen("running")}, [process()], (), "running"),
        ({"w": Seen("missing")}, [process()], (), "missing"),
        ({"w": Seen("running")}, [process()], ("w",), "without plugin"),
        ({"w": Seen("running")}, [], ("w",), "without plugin"),
        ({}, [process(final=True)], (), "quit"),
        ({}, [process()], (), "connected"),
        ({}, [process(heard_at_s=NOW_S - 60)], (), "missing"),
        ({"w": Seen("ready")}, [process(final=True), process()], (), "ready"),
    ],
)
def test_state(seen, known, without, state):
    (row,) = worker_rows(seen, known, without, CLOCK)
    assert (row.worker_id, row.state) == ("w", state)


def test_those_with_trouble_come_first():
    seen = {name: Seen("running") for name in "abcd"} | {"c": Seen("missing")}
    assert [row.worker_id for row in worker_rows(seen, [], ("d",), CLOCK)] == ["c", "d", "a", "b"]


def test_figures():
    known = process(heard_at_s=NOW_S - 3, clock_offset_s=2.5, duplicates=4)
    (row,) = worker_rows({"w": Seen("running", NOW_S - 1)}, [known], (), CLOCK)
    assert (row.heard_s, row.clock_offset_s, row.resent_frames) == (NOW_S - 1, -2.5, 4)
