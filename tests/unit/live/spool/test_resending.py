"""What can't be sent ends a resending at once, and holds up nothing that can."""

from __future__ import annotations

import logging

import pytest

from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.spool.resend import Resending
from support.records.spools import batch, leave

LONG_S = 3600.0


class Sink:
    """Takes what goes to namespaces that nothing is said of."""

    max_pairs = max_bytes = 1_000_000

    def __init__(self, **errors):
        self.errors = errors
        self.calls = []

    def warm_up(self):
        pass

    def check(self):
        pass

    def send(self, namespace, batch):
        self.calls.append(namespace)
        if error := self.errors.get(namespace):
            raise error


DENIED = SendError(Failure.PERMISSION, "not allowed")


@pytest.fixture
def resend(tmp_path):
    """What resends to a sink what was left for some namespaces, and returns how many batches are left."""

    def run(sink, *namespaces, timeout_s=LONG_S):
        leave(tmp_path, "one", [batch("run-1", 1, namespace=each) for each in namespaces])
        resending = Resending(tmp_path, sink, resends_ambiguous=True)
        resending.adopt()
        resending.send(timeout_s, lambda: False, lambda: None)
        left = resending.batches_left
        resending.close()
        return left

    return run


def test_a_denied_permission_ends_it_at_once(resend, caplog):
    sink = Sink(denied=DENIED)
    assert resend(sink, "denied", "denied") == 2
    assert "permission denied: giving up, nothing more can be sent; the rest stays on disk" in caplog.text
    assert "permission denied (not allowed)" in caplog.text
    assert "load test" not in caplog.text


def test_a_wrong_setting_ends_it_at_once(resend, caplog):
    sink = Sink(x=SendError(Failure.UNREACHABLE, "no URL", is_final=True))
    assert resend(sink, "x", "x") == 2
    assert "CloudWatch not reached: giving up, nothing more can be sent" in caplog.text


def test_a_namespace_that_may_not_be_written_to_holds_up_no_other(resend, caplog):
    caplog.set_level(logging.INFO)
    sink = Sink(denied=DENIED)
    assert resend(sink, "denied", "denied", "good", "denied", "good", "other") == 3
    assert sorted(each for each in sink.calls if each != "denied") == ["good", "good", "other"]
    assert "giving up, nothing more can be sent; the rest stays on disk" in caplog.text


def test_what_may_pass_is_tried_until_the_time_is_over(resend, caplog):
    sink = Sink(x=SendError(Failure.TRANSIENT, "busy"))
    assert resend(sink, "x", timeout_s=0.5) == 1
    assert "has accepted nothing for 0.5 s (CloudWatch failed): giving up" in caplog.text
    assert len(sink.calls) > 1
