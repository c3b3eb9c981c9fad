from __future__ import annotations

import copy
from dataclasses import replace

from locust_cw_dist.core.publish import backlog as backlog_module
from locust_cw_dist.core.publish.backlog import Backlog
from locust_cw_dist.core.summaries.gauges import RunGauges
from locust_cw_dist.core.summaries.run_counters import OTHER
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import ClosedWindow

ENDPOINT = ("/a", "GET")


def a_window(start_s, run_id="run", *, results=1, gauges=None, key=ENDPOINT):
    summary = Summary()
    for _ in range(results):
        summary.record_success(10.0, None)
    return ClosedWindow(run_id, start_s, {key: summary} if results else {}, gauges)


def taken(backlog):
    return [(window.run_id, window.start_s, window.results) for window in iter(backlog.take, None)]


def test_windows_wait_in_the_order_in_which_they_closed():
    backlog = Backlog()
    for start_s in (20, 30, 10):
        backlog.add(a_window(start_s))
    assert len(backlog) == 3
    assert taken(backlog) == [("run", 20, 1), ("run", 30, 1), ("run", 10, 1)]
    assert len(backlog) == 0
    assert backlog.take() is None


def test_the_two_oldest_become_one_that_begins_with_the_older():
    backlog = Backlog(max_windows=3)
    for start_s in range(0, 60, 10):
        backlog.add(a_window(start_s, gauges=RunGauges(users=start_s)))
    first = backlog.take()
    assert (first.start_s, first.results, first.gauges) == (0, 4, RunGauges(users=0))
    assert taken(backlog) == [("run", 40, 1), ("run", 50, 1)]


def test_only_windows_of_one_run_become_one():
    backlog = Backlog(max_windows=3)
    backlog.add(a_window(0, "run 1"))
    for start_s in (10, 20, 30):
        backlog.add(a_window(start_s, "run 2"))
    assert taken(backlog) == [("run 1", 0, 1), ("run 2", 10, 2), ("run 2", 30, 1)]


def test_windows_whose_times_were_moved_apart_become_one_only_where_memory_asks_for_it():
    backlog = Backlog(max_windows=3)
    for start_s, offset_s in ((0, 0), (10, 60), (20, 60), (30, 0)):
        backlog.add(replace(a_window(start_s), offset_s=offset_s))
    assert taken(backlog) == [("run", 0, 1), ("run", 10, 2), ("run", 30, 1)]
    for start_s in range(4):
        backlog.add(replace(a_window(start_s), offset_s=60 * start_s))
    assert taken(backlog) == [("run", 0, 2), ("run", 2, 1), ("run", 3, 1)]


def test_windows_of_as_many_runs_all_stay():
    backlog = Backlog(max_windows=2)
    for number in range(4):
        backlog.add(a_window(number, f"run {number}"))
    assert len(backlog) == 4


def test_a_supplement_stays_one_when_the_next_window_joins_it():
    backlog = Backlog(max_windows=2)
    backlog.add(a_window(0))
    backlog.add(a_window(10, gauges=RunGauges()))
    backlog.add(a_window(20, gauges=RunGauges()))
    assert backlog.take().gauges is None


def test_equal_windows_are_two():
    backlog = Backlog(max_windows=2)
    for _ in range(3):
        backlog.add(a_window(0))
    assert taken(backlog) == [("run", 0, 2), ("run", 0, 1)]


def test_windows_that_become_one_stay_as_they_are_for_whoever_holds_them():
    """Of an endpoint that only one of them has too: beyond the cap it is added to others."""
    backlog = Backlog(max_windows=2)
    windows = [a_window(10 * number, key=(f"/{number % 3}", "GET")) for number in range(9)]
    before = copy.deepcopy([dict(window.summaries) for window in windows])
    for window in windows:
        backlog.add(window)
    assert [dict(window.summaries) for window in windows] == before
    assert [window.results for window in iter(backlog.take, None)] == [8, 1]


def test_endpoints_of_windows_that_become_one_are_capped(monkeypatch):
    monkeypatch.setattr(backlog_module, "MAX_ENDPOINTS_PER_WINDOW", 2)
    backlog = Backlog(max_windows=2)
    windows = [a_window(number, key=(f"/{number}", "GET")) for number in range(6)]
    before = copy.deepcopy([dict(window.summaries) for window in windows])
    for window in windows:
        backlog.add(window)
    counts = {key: summary.count for key, summary in backlog.take().summaries.items()}
    assert counts == {("/0", "GET"): 1, ("/1", "GET"): 1, OTHER: 3}
    assert [dict(window.summaries) for window in windows] == before
