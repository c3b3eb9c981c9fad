from __future__ import annotations

import pytest

from locust_cw_dist.core.master.gauges import GaugeBook
from locust_cw_dist.core.summaries.gauges import RunGauges, StatisticSet
from locust_cw_dist.core.wire.frame import Vitals


@pytest.fixture
def gauges():
    return GaugeBook(10)


def test_the_last_counts_of_a_window_are_the_ones(gauges):
    gauges.note_counts(1, 1, 100.0)
    gauges.note_counts(5, 2, 109.9)
    gauges.note_counts(9, 3, 110.0)
    assert gauges.take(100) == RunGauges(users=5, workers=2)
    assert gauges.take(110).users == 9


def test_vitals_of_all_workers_are_one_statistic(gauges):
    for cpu_percent, memory_bytes in ((50.0, 100), (10.0, 300), (90.0, 200)):
        gauges.note_vitals(Vitals(1, cpu_percent, memory_bytes), 105.0)
    sample = gauges.take(100)
    assert sample.cpu_percent == StatisticSet(3, 150.0, 10.0, 90.0)
    assert sample.memory_bytes == StatisticSet(3, 600, 100, 300)
    assert (sample.users, sample.workers) == (None, None)


def test_of_a_window_of_which_nothing_was_noted_nothing_is_known(gauges):
    assert gauges.take(100) == RunGauges()


def test_what_was_taken_is_gone(gauges):
    gauges.note_counts(5, 2, 100.0)
    gauges.take(100)
    assert gauges.take(100).users is None


def test_no_users_are_a_number_too(gauges):
    gauges.note_counts(0, 0, 100.0)
    assert gauges.take(100) == RunGauges(users=0, workers=0)
