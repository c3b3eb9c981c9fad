"""Links that fail between a master and its workers: everything that users did is in CloudWatch, once.

Each test names the mechanism that it needs: `LCW_WITHOUT=drain pytest tests/network` takes one out, and the tests that
need it fail.
"""

from __future__ import annotations

import time

import pytest

from support.cluster.matrix import let_pass
from support.cluster.processes import wait_until

HOLE_S = 10
MISSING = "failed to send heartbeat, setting state to missing"
SELF_HEALED = "self-healed with heartbeat"
AT_THE_END = "--run-time limit reached"


def wait_for_users(cluster, workers=2):
    """Wait until so many workers have users."""
    wait_until(lambda: len(cluster.truth().workers) == workers, f"{workers} workers have users")


def wait_for_report(cluster, workers=2):
    """Wait until users have worked longer than Locust's report interval, so that a frame has been sent."""
    wait_for_users(cluster, workers)
    first_s = min(request.at_s for request in cluster.truth().requests)
    wait_until(lambda: time.time() > first_s + 3.5, "a report was sent")


def connect_half_open(cluster, network):
    """Take worker-1's connection away, so that it makes a new one while the master holds the old one open."""
    port = cluster.port
    old = network.connections("worker-1", port)
    assert old
    network.half_open("worker-1", old)
    wait_until(lambda: network.connections("worker-1", port) - old, "the worker connects again")
    assert network.hit()


def test_half_open_connection(cluster, network):
    """Needs `handover`: the worker comes again under the name of a connection that is still open."""
    cluster.distributed(run_time_s=9)
    wait_for_report(cluster)
    connect_half_open(cluster, network)
    cluster.wait()
    cluster.assert_exact()


@pytest.mark.locust
def test_half_open_connection_to_a_new_server_socket(cluster, network):
    """Needs `handover_again`: Locust's new socket knows nothing of what was set on the one before."""
    cluster.locustfile += ",new_server_socket.py"
    cluster.distributed(run_time_s=14)
    wait_for_users(cluster)
    old = network.connections("worker-1", cluster.port)
    wait_until(lambda: network.connections("worker-1", cluster.port) - old, "the worker connects to the new socket")
    # The master looks after its socket each second, and libzmq tells nobody which options are set on one.
    let_pass(1.5)
    wait_until(lambda: network.connections("worker-1", cluster.port), "the worker is connected to the new socket")
    connect_half_open(cluster, network)
    cluster.wait()
    assert cluster.processes["master"].log_has("Resetting RPC server")
    cluster.assert_exact()


def test_black_hole(cluster, network):
    """Needs `deduplication`: a frame is sent again in the hole, and TCP brings both of them when it is over."""
    master = cluster.distributed(run_time_s=20)
    wait_for_report(cluster)
    network.drop("worker-1")
    let_pass(HOLE_S)
    network.clear()
    assert master.log_has(MISSING)
    cluster.wait()
    cluster.assert_exact()
    assert cluster.summary()["duplicate_frames"] >= 1


def test_black_hole_then_reset(cluster, network):
    """Needs `resending`: what was on its way is lost with the connection."""
    cluster.distributed(run_time_s=20)
    wait_for_report(cluster)
    old = network.connections("worker-1", cluster.port)
    network.drop("worker-1")
    let_pass(HOLE_S)
    network.reset("worker-1", old)
    cluster.wait()
    cluster.assert_exact()


def test_packet_loss(cluster, network):
    """Needs `drain`: the last reports take longer than Locust waits for them."""
    network.bound_backoff()
    cluster.distributed(run_time_s=8)
    wait_for_users(cluster)
    for worker in ("worker-1", "worker-2"):
        network.lose(worker, 0.3)
    cluster.wait()
    assert network.hit() > 20
    cluster.assert_exact()


def test_delay_with_jitter(cluster, network):
    """Needs `drain`: a last report comes two delays after Locust has asked for it."""
    network.start_delay(0.2, 0.1)
    for worker in ("worker-1", "worker-2"):
        network.delay(worker)
    cluster.distributed(run_time_s=8)
    cluster.wait()
    assert network.hit() > 100
    cluster.assert_exact()


def test_partition_while_the_run_ends(cluster, network):
    """Needs `drain`: the worker doesn't even hear that the run is over."""
    master = cluster.distributed(run_time_s=6)
    wait_for_report(cluster)
    network.drop("worker-1")
    master.wait_for_log(AT_THE_END)
    let_pass(3)
    assert network.hit()
    network.clear()
    cluster.wait()
    cluster.assert_exact()


def test_black_hole_across_the_end(cluster, network):
    """Needs `patience`: when the run ends, Locust has given the worker up already."""
    master = cluster.distributed(run_time_s=10)
    wait_for_report(cluster)
    network.drop("worker-1")
    let_pass(HOLE_S)
    assert master.log_has(MISSING)
    assert master.log_has(AT_THE_END)
    network.clear()
    cluster.wait()
    cluster.assert_exact()


def test_black_hole_then_reset_across_the_end(cluster, network):
    """Needs `asking_again`: Locust's word to quit is lost with the connection."""
    master = cluster.distributed(run_time_s=6)
    wait_for_report(cluster)
    old = network.connections("worker-1", cluster.port)
    network.drop("worker-1")
    master.wait_for_log(AT_THE_END)
    let_pass(3)
    network.reset("worker-1", old)
    cluster.wait()
    cluster.assert_exact()


def test_a_worker_that_was_missing(cluster, network):
    """Needs `late_results`: what it did while it was away comes when its windows have been published."""
    master = cluster.distributed("--cw-grace", "2", run_time_s=18)
    wait_for_report(cluster)
    network.unplug("worker-1")
    master.wait_for_log(MISSING)
    let_pass(2)
    network.plug_in("worker-1")
    master.wait_for_log(SELF_HEALED)
    cluster.wait()
    cluster.assert_exact()
    assert cluster.summary()["late"] > 0


def test_the_only_worker_was_missing(cluster, network):
    """Needs `patience`: Locust ends the test because of it, while its users go on."""
    master = cluster.distributed(workers=1, run_time_s=8)
    wait_for_report(cluster, workers=1)
    network.drop("worker-1")
    master.wait_for_log("The last worker went missing")
    let_pass(5)
    network.clear()
    cluster.wait()
    cluster.assert_exact()
