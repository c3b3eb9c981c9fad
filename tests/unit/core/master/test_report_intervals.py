"""How often workers report, and how much longer windows wait for it."""

from __future__ import annotations

import pytest

from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.master.report_intervals import MAX_SLACK_S, MAX_WORKERS, ReportIntervals

NOW_S = 1_800_000_000.0


def slack_s(*gaps_s, own_s=3.0, workers=("w",)):
    intervals, now_s = ReportIntervals(3.0), NOW_S
    intervals.note("w", now_s)
    for gap_s in gaps_s:
        now_s += gap_s
        intervals.note("w", now_s)
    return intervals.slack_s(own_s, set(workers))


@pytest.mark.parametrize(
    ("gaps_s", "own_s", "expected_s"),
    [
        ((), 3.0, 0.0),
        ((), 30.0, 27.0),  # the master's locustfile sets it too
        ((3.0, 3.0, 3.0), 3.0, 0.0),
        ((0.1, 0.1, 0.1), 0.1, 0.0),
        ((30.0, 30.0), 3.0, 27.0),  # workers alone
        ((30.0,), 3.0, 0.0),  # it may have stood still
        ((3.0, 11.0, 3.0), 3.0, 0.0),
        ((30.0, 30.0, 3.0, 3.0), 3.0, 0.0),
        ((300.0, 300.0), 3.0, MAX_SLACK_S),
        ((), 1e9, MAX_SLACK_S),
    ],
)
def test_windows_wait_longer_where_reports_are_regularly_rarer(gaps_s, own_s, expected_s):
    assert slack_s(*gaps_s, own_s=own_s) == expected_s


def test_workers_that_are_gone_are_forgotten():
    assert slack_s(30.0, 30.0, workers=()) == 0.0


def test_its_size_is_bounded():
    intervals = ReportIntervals(3.0)
    names = [f"w{number}" for number in range(MAX_WORKERS + 10)]
    for name in names:
        for second in range(0, 90, 30):
            intervals.note(name, NOW_S + second)
    assert intervals.slack_s(3.0, set(names[MAX_WORKERS:])) == 0.0


def test_a_window_waits_for_the_grace_time_and_the_slack():
    collector = Collector(resolution_s=1, grace_s=15)
    collector.slack_s = 27.0
    collector.greet("w", "epoch", NOW_S - 1)
    collector.note_heartbeat("w", NOW_S + 20)
    collector.open_window("run", NOW_S)
    assert collector.close(NOW_S + 1 + 41.9) == []
    assert len(collector.close(NOW_S + 1 + 42)) == 1
