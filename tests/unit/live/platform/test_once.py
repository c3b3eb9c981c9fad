"""What is logged once."""

from __future__ import annotations

import logging

import pytest

from locust_cw_dist.live.platform.log_once import MAX_NAMED, LogOnce


@pytest.fixture(autouse=True)
def _all_levels(caplog):
    caplog.set_level(logging.INFO, "locust_cw_dist")


def test_each_kind_is_logged_once(caplog):
    once = LogOnce()
    for _ in range(3):
        once.info("a", "first")
        once.warning("b", "second %d", 2)
        once.error("c", "third")
    assert caplog.messages == ["first", "second 2", "third"]


def test_a_kind_is_logged_once_for_each_whom_it_is_about(caplog):
    once = LogOnce()
    for _ in range(2):
        for worker in ("worker-1", "worker-2"):
            once.warning_of(worker, "skew", "clock of %s", worker)
    assert caplog.messages == ["clock of worker-1", "clock of worker-2"]


def test_names_that_strangers_make_up_are_bounded_and_silence_nothing_else(caplog):
    once = LogOnce()
    for number in range(MAX_NAMED + 100):
        once.warning_of(str(number), "bare", "stranger %d", number)
    once.warning("refused malformed", "what matters")
    assert len(caplog.messages) == MAX_NAMED + 1
    assert caplog.messages[-1] == "what matters"
