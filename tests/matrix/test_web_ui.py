"""Several runs of one master, and what the web UI's buttons do to them: each run has its own results, all of them."""

from __future__ import annotations

import math
import signal

import pytest

from locust_cw_dist.core.wire.frame import decode
from support.cluster.matrix import assert_exact_and_quiet, assert_exact_runs, wait_for_requests
from support.cluster.processes import wait_until
from support.cluster.web import WebUi

CLOCKS_AGREE_S = 0.1
"""Precision to which a worker knows the master's clock on one machine."""


@pytest.fixture
def web_ui(cluster, cloudwatch):
    web_ui = WebUi(cluster, cloudwatch)
    cluster.worker()
    cluster.worker()
    web_ui.wait_for_workers(2)
    return web_ui


def end(cluster, web_ui):
    web_ui.master.signal(signal.SIGTERM)
    assert cluster.wait() == {"master": 1, "worker-1": 0, "worker-2": 0}


@pytest.mark.locust
def test_stop_and_run_2_at_once(cluster, cloudwatch):
    """The last results of run 1 arrive when run 2 has begun, and count for run 1; three runs in all.

    A run is stopped right after a report of a worker's: the next one, 3 s later, finds another run.
    """
    cluster.comparable = False  # what comes late of run 2 may be in Locust's totals of run 3
    (cluster.folder / "frames").mkdir()
    web_ui = WebUi(cluster, cloudwatch)
    cluster.worker()
    cluster.worker(locustfile="shopper.py,plugin.py,copy_frames.py")
    web_ui.wait_for_workers(2)
    for _ in range(3):
        web_ui.swarm(8)
        wait_for_requests(cluster, 600)
        before = len(frame_paths(cluster))
        wait_until(lambda before=before: len(frame_paths(cluster)) > before, "a worker reports")
        wait_for_requests(cluster, 50)
        web_ui.stop()
        web_ui.wait_for_workers(2)
    end(cluster, web_ui)
    assert_exact_runs(cluster, 3)
    assert has_late_frame(cluster)


def frame_paths(cluster):
    return list((cluster.folder / "frames").glob("*.frame"))


def has_late_frame(cluster):
    """Whether a frame with results of one run was cut after the first result of the next one, of all workers."""
    frames = [decode(path.read_bytes()) for path in frame_paths(cluster)]
    requests = cluster.truth().requests
    runs = sorted({section.run_id for frame in frames for section in frame.sections})  # ids begin with their time
    for number, run_id in enumerate(runs, 1):
        next_s = min((request.at_s for request in requests if request.run == number + 1), default=math.inf)
        late = (frame for frame in frames if frame.cut_at_s > next_s + CLOCKS_AGREE_S)
        if any(section.run_id == run_id for frame in late for section in frame.sections):
            return True
    return False


def test_sigterm_in_the_middle_of_run_2(cluster, web_ui):
    cluster.comparable = False  # what comes late of run 1 may be in Locust's totals of run 2
    web_ui.swarm(8)
    wait_for_requests(cluster, 600)
    web_ui.stop()
    web_ui.wait_for_workers(2)
    web_ui.swarm(8)
    wait_for_requests(cluster, 600)
    end(cluster, web_ui)
    assert_exact_runs(cluster, 2)


def test_sigterm_right_after_a_stop_with_stop_timeout(cluster, cloudwatch):
    """Locust has forgotten its workers for --stop-timeout seconds: none of them is left behind, and no result."""
    cluster.locustfile = "slow_tasks.py,plugin.py"
    web_ui = WebUi(cluster, cloudwatch, "-s", "4")
    cluster.worker()
    cluster.worker()
    web_ui.wait_for_workers(2)
    web_ui.swarm(8)
    wait_for_requests(cluster, 8)
    web_ui.stop()
    web_ui.master.signal(signal.SIGTERM)
    assert cluster.wait() == {"master": 0, "worker-1": 0, "worker-2": 0}
    assert len(cluster.truth().requests) == 16
    assert_exact_runs(cluster, 1)


def test_a_run_is_summed_up_when_it_is_over(cluster, web_ui):
    """Nobody has to end the process to learn what became of a run."""
    web_ui.swarm(8)
    wait_for_requests(cluster, 600)
    web_ui.stop()
    web_ui.master.wait_for_log("locust_cw_run_summary")
    assert_exact_and_quiet(cluster)


def test_ramp_steps(cluster, web_ui):
    for users, requests in ((4, 300), (12, 900), (2, 100)):
        web_ui.swarm(users)
        web_ui.wait_for_users(users)
        wait_for_requests(cluster, requests)
    end(cluster, web_ui)
    assert_exact_runs(cluster, 1)


def test_reset_button(cluster, web_ui):
    cluster.comparable = False
    web_ui.swarm(8)
    wait_for_requests(cluster, 600)
    web_ui.reset_stats()
    wait_for_requests(cluster, 600)
    end(cluster, web_ui)
    assert_exact_runs(cluster, 1)
    why = "Locust's totals were reset while the test ran"
    assert cluster.summary()["locust_totals"] == {"comparable": False, "why": why}


def test_a_shape_that_a_second_tab_starts_makes_no_run_of_its_own(cluster, cloudwatch):
    cluster.locustfile = "trickle.py,plateau.py,plugin.py"
    cluster.comparable = False
    web_ui = WebUi(cluster, cloudwatch, "--class-picker", "--cw-rule", "count > 0")
    cluster.worker()
    web_ui.wait_for_workers(1)
    web_ui.swarm(4)
    wait_for_requests(cluster, 50)
    web_ui.swarm(4, shape_class="Plateau")
    web_ui.wait_for_users(8)
    wait_for_requests(cluster, 50)
    web_ui.stop()
    web_ui.master.wait_for_log("locust_cw_run_summary")
    web_ui.master.signal(signal.SIGTERM)
    assert cluster.wait() == {"master": 0, "worker-1": 0}
    cluster.assert_exact()
    assert web_ui.master.log_has("run .* continues: Locust has started a test within it")
    assert web_ui.master.log.count("rules: ") == 1
