"""A master of many workers, which asks for whole windows."""

from __future__ import annotations

import pytest

from locust_cw_dist.core.wire.frame import decode
from support.cluster.matrix import assert_exact_and_quiet
from support.strategies import results_of

pytestmark = pytest.mark.once

RESOLUTION_S, GRACE_S = 5, 4


def test_whole_windows(cluster):
    """Each window comes once from each worker, and in time, though no frame comes for longer than the grace time."""
    cluster.locustfile = "shopper.py,plugin.py,many_workers.py,copy_frames.py"
    (cluster.folder / "frames").mkdir()
    cluster.master("--cw-resolution", str(RESOLUTION_S), "--cw-grace", str(GRACE_S), run_time_s=17)
    cluster.worker()
    cluster.worker(locustfile="shopper.py,plugin.py")
    assert cluster.wait() == {"master": 1, "worker-1": 0, "worker-2": 0}
    assert_exact_and_quiet(cluster)
    assert cluster.summary()["late"] == 0
    frames = [decode(path.read_bytes()) for path in (cluster.folder / "frames").glob("*.frame")]
    running = [frame for frame in frames if results_of(frame) and not frame.final and not frame.idle]
    assert len(running) >= 2
    for frame in running:
        assert all(section.start_s + RESOLUTION_S <= frame.cut_at_s for section in frame.sections)
    starts_s = [section.start_s for frame in frames for section in frame.sections]
    assert len(set(starts_s)) == len(starts_s)
