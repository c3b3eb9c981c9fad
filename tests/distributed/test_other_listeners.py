"""Listeners of users that raise what Locust lets through, or that empty a report, hide no result."""

from __future__ import annotations

import pytest

from support.cluster.figures import figures_of

pytestmark = pytest.mark.once


@pytest.mark.parametrize("role", ["distributed", "single"])
def test_listeners_that_raise_or_empty_reports_hide_nothing(cluster, role):
    cluster.locustfile = "rude_listeners.py,shopper.py,plugin.py"
    getattr(cluster, role)(run_time_s=4)
    cluster.wait()
    assert figures_of(cluster.truth().requests).failures > 5
    cluster.assert_exact()


def test_a_master_whose_reader_a_listener_has_ended_reads_the_rest_at_the_end(cluster):
    cluster.locustfile = "deaf_master.py,shopper.py,plugin.py"
    cluster.locust_raises = True
    master = cluster.distributed(run_time_s=3)
    cluster.wait()
    assert master.log_has("a listener of `worker_report` raised at the end: StopUser")
    cluster.assert_exact()
