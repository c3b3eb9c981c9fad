"""How a run can end by itself: at its time, by its shape, by --autoquit, before it began. One test for each.

With --cw-required, which changes no exit code of a run that is complete.
"""

from __future__ import annotations

import signal

import pytest

from support.cluster.figures import assert_equal
from support.cluster.matrix import (
    assert_cut_short,
    assert_exact_and_quiet,
    assert_quiet,
    assert_reliable,
    locust_total,
    wait_for_requests,
)
from support.cluster.processes import wait_until
from support.cluster.web import WebUi

REQUIRED = "--cw-required"

PAIR = {"master": 1, "worker-1": 0, "worker-2": 0}
"""Locust's own exit codes of a run with failures."""

AT_ONCE_S = 12.0
"""Within this time twenty workers hear that they are to stop: 0.1 s, and what a busy machine may add."""

WIND_UP_S = 12.0
"""What it takes twenty of them to end their users where two busy processors have to get round to each."""


@pytest.mark.locust
def test_run_time(cluster):
    cluster.distributed(REQUIRED)
    assert cluster.wait() == PAIR
    assert_reliable(cluster)
    assert_exact_and_quiet(cluster)


def test_run_time_with_stop_timeout_and_long_tasks(cluster):
    cluster.locustfile = "slow_tasks.py,plugin.py"
    master = cluster.distributed("-s", "6", run_time_s=4)
    assert cluster.wait() == dict.fromkeys(PAIR, 0)
    (limit_s,) = master.log_times_s("--run-time limit reached")
    assert any(request.at_s > limit_s for request in cluster.truth().requests), "tasks end after the run time"
    assert_exact_and_quiet(cluster)


def test_last_report_held_back_by_stop_timeout_after_sigterm(cluster):
    cluster.locustfile = "slow_tasks.py,plugin.py"
    master = cluster.distributed("-s", "6", run_time_s=60)
    wait_for_requests(cluster, 8)
    master.signal(signal.SIGTERM)
    assert cluster.wait() == dict.fromkeys(PAIR, 0)
    assert len(cluster.truth().requests) >= 16
    assert_exact_and_quiet(cluster)


def test_expect_workers_max_wait(cluster):
    # First, so that it is there when the master gives up: else nobody would tell it to quit.
    cluster.worker().wait_for_log("Starting Locust")
    cluster.master(REQUIRED, "--expect-workers-max-wait", "2", workers=2)
    assert cluster.wait() == {"master": 1, "worker-1": 0}
    cluster.assert_clean()
    assert (cluster.truth().requests, cluster.summaries(), cluster.published().endpoints) == ([], [], {})


def test_autostart_and_autoquit(cluster, cloudwatch):
    load = ("-u", "8", "-r", "8", "-t", "3s", "--expect-workers", "2")
    WebUi(cluster, cloudwatch, REQUIRED, "--autostart", "--autoquit", "1", *load)
    cluster.worker()
    cluster.worker()
    assert cluster.wait() == PAIR
    assert_reliable(cluster)
    assert_exact_and_quiet(cluster)


def test_shape_class(cluster):
    cluster.locustfile = "shopper.py,steps.py,plugin.py"
    cluster.distributed(REQUIRED, "-t", "0")
    assert cluster.wait() == PAIR
    assert_reliable(cluster)
    assert_exact_and_quiet(cluster)


def test_reset_stats_option(cluster):
    """Locust forgets what was before its users were all there."""
    cluster.comparable = False
    cluster.master("--reset-stats", "-r", "2", run_time_s=7)
    cluster.worker("--reset-stats")
    cluster.worker("--reset-stats")
    assert cluster.wait() == PAIR
    assert locust_total(cluster) < len(cluster.truth().requests)
    assert_exact_and_quiet(cluster)
    assert cluster.summary()["locust_totals"] == {"comparable": False, "why": "--reset-stats"}


def test_a_user_that_raises_in_every_task(cluster):
    cluster.locustfile = "unlucky.py,plugin.py"
    cluster.distributed()
    assert cluster.wait() == PAIR
    cluster.locust_raises = True
    assert_exact_and_quiet(cluster)


def test_a_worker_that_joins_in_the_middle(cluster):
    master = cluster.distributed(workers=1, run_time_s=60)
    wait_for_requests(cluster, 200)
    cluster.worker()
    wait_until(lambda: len(cluster.truth().workers) == 2, "both workers have users")
    wait_for_requests(cluster, 1000)
    master.signal(signal.SIGTERM)
    assert cluster.wait() == PAIR
    assert_exact_and_quiet(cluster)


def test_twenty_workers_that_stop_at_once(cluster):
    cluster.locustfile = "rare_heartbeats.py,trickle.py,plugin.py"
    where = ("--master-bind-port", str(cluster.port), "--master-port", str(cluster.port))
    single = cluster.single("--processes", "20", *where, users=40, run_time_s=60)
    wait_until(lambda: len(cluster.truth().workers) == 20, "all workers have users")
    wait_for_requests(cluster, 1000)
    single.signal(signal.SIGTERM)
    assert cluster.wait() == {"single": 0}
    workers = cluster.truth().workers
    assert len(workers) == 20
    asked_s = single.log_times_s("Got quit message from master")
    assert len(asked_s) == 20
    assert max(asked_s) - min(asked_s) < AT_ONCE_S
    last_s = [worker.requests[-1].at_s for worker in workers]
    assert min(asked_s) - AT_ONCE_S < min(last_s)
    assert max(last_s) < max(asked_s) + WIND_UP_S
    assert_exact_and_quiet(cluster)


def test_two_runs_back_to_back(cluster):
    cluster.distributed(run_time_s=3)
    cluster.wait()
    cluster.master(name="next master", run_time_s=3)
    cluster.worker()
    cluster.worker()
    assert cluster.wait() == PAIR | {"next master": 1, "worker-3": 0, "worker-4": 0}
    requests = cluster.truth().requests
    assert sum(summary["recorded"] for summary in cluster.summaries()) == len(requests)
    assert [summary["complete"] for summary in cluster.summaries()] == [True, True]
    cluster.assert_clean()
    assert_quiet(cluster)
    assert_equal(requests, cluster.published())


@pytest.mark.parametrize("number", [None, signal.SIGTERM, signal.SIGINT], ids=["run time", "sigterm", "ctrl-c"])
def test_single_process(cluster, number):
    single = cluster.single(REQUIRED, run_time_s=3 if number is None else 60)
    if number is not None:
        wait_for_requests(cluster, 800)
        single.signal_group(number)
    assert cluster.wait() == {"single": 1 if number is None else 4}
    assert single.log_has("--run-time limit reached") == (number is None)
    if number is None:
        assert_reliable(cluster)
        times_s = [request.at_s for request in cluster.truth().requests]
        assert max(times_s) - min(times_s) > 2, "what takes time at the start is no part of the run time of 3 s"
    else:
        assert_cut_short(cluster, "the process was told to end after .* of 60 s")
    assert_exact_and_quiet(cluster)


def test_single_process_quits_in_a_task(cluster):
    cluster.bring("shopper.py")
    cluster.locustfile = "quitting_shopper.py,plugin.py"
    cluster.single(run_time_s=4)
    assert cluster.wait() == {"single": 1}
    assert_exact_and_quiet(cluster)


@pytest.mark.locust
def test_worker_quits_in_a_task(cluster):
    cluster.master(REQUIRED, run_time_s=5)
    cluster.worker()
    cluster.worker(locustfile="quitting_shopper.py,plugin.py")
    codes = cluster.wait()
    assert codes == {"master": 1, "worker-1": 0, "worker-2": codes["worker-2"]}
    assert len(cluster.truth().workers) == 2
    assert_reliable(cluster)
    assert_exact_and_quiet(cluster)


@pytest.mark.parametrize("who", ["worker-1", "master", "single"])
def test_sys_exit(cluster, who):
    """Needs `at_exit`: a user's code ends the process without a word of Locust's."""
    files = {who: "sys_exit.py,shopper.py,plugin.py"}
    if who == "single":
        cluster.single(locustfile=files[who], run_time_s=60)
    else:
        cluster.master(locustfile=files.get("master"), run_time_s=4)
        cluster.worker(locustfile=files.get("worker-1"))
        cluster.worker()
    codes = cluster.wait()
    assert codes.pop(who) == 3
    assert set(codes.values()) <= {0, 1}
    assert "was fired" not in cluster.processes[who].out
    assert_exact_and_quiet(cluster)


def test_users_that_go_on_after_sys_exit_are_missed_by_nobody(cluster, cloudwatch):
    """`test_stopping` comes before users are stopped: they go on while CloudWatch is waited for."""
    cloudwatch.faults("latency", latency_s=0.4)
    files = "trickle.py,plugin.py,leaves.py"
    env = cloudwatch.env() | {"LEAVES": "test_stopping"}
    single = cluster.single(env=env, locustfile=files, users=12, run_time_s=2)
    cluster.wait()
    assert "Locust counted" not in single.log
    (summary,) = cluster.last_summaries()
    assert summary["recorded"] == len(cluster.truth().requests)
    # Told more than once: first before they went on.
    assert any(one["complete"] for one in cluster.summaries())
    cluster.assert_clean()


def test_reconnect_with_a_frame_on_its_way(cluster):
    """Needs `reconnect`: the frame is sent again with the next report, and its windows are open yet.

    Its first window ended 2 to 3 s before it is cut. It comes 3 s later, within the grace time, or 6 s later, after it.
    """
    # Its heartbeat may meet the socket that it has just closed.
    cluster.locust_raises = True
    cluster.master("--cw-grace", "7", locustfile="reconnecting.py,shopper.py,plugin.py", run_time_s=14)
    cluster.worker()
    cluster.worker()
    assert cluster.wait() == PAIR
    for name in ("worker-1", "worker-2"):
        assert cluster.processes[name].log.count("Received reconnect message from master") == 1
    assert_exact_and_quiet(cluster)
    assert cluster.summary()["late"] == 0
