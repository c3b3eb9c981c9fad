"""What is kept of runs, and how often rows are made of it."""

from __future__ import annotations

import itertools

import gevent
import pytest

from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import ClosedWindow
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.progress import run_books
from locust_cw_dist.live.progress.run_books import RunBooks
from locust_cw_dist.live.runs import Runs
from locust_cw_dist.testing import ManualClock


@pytest.fixture
def runs():
    return Runs(1000.0, "http://user:secret@shop.test")


@pytest.fixture
def books(runs):
    made = RunBooks(runs, ManualClock(), LogOnce(), 10)
    made.start()
    yield made
    made.close()


def window(run, start_s, results=1):
    summary = Summary()
    for _ in range(results):
        summary.record_success(5.0, None)
    return ClosedWindow(run.run_id, start_s, {("/a", "GET"): summary}, None)


def requests(books):
    return books.rendered(lambda _: None).total.run.requests


def start(runs, at_s):
    return runs.start(at_s, runs.current.host, ())


def test_windows_are_seen_at_the_next_look(runs, books, monkeypatch):
    monkeypatch.setattr(run_books, "REST", 0)
    run = start(runs, 1000.0)
    for number in range(3):
        books.take(window(run, 1000 + 10 * number))
        assert requests(books) == number + 1


def test_what_comes_late_for_the_run_before_stays_out(runs, books):
    first = start(runs, 1000.0)
    books.take(window(first, 1000))
    runs.stop(1010.0)
    second = start(runs, 1020.0)
    books.take(window(second, 1020, 3))
    books.take(window(first, 1010))
    assert requests(books) == 3


def test_two_runs_are_kept_and_older_ones_are_not(runs, books):
    for number in range(5):
        books.take(window(start(runs, 1000.0 + 100 * number), 1000 + 100 * number))
        requests(books)
    assert len(books._books) == run_books.MAX_BOOKS


def test_runs_of_earlier_masters_are_none_of_ours(runs, books):
    start(runs, 1000.0)
    books.take(window(runs.get("20200101T000000Z-00000000"), 1000))
    assert requests(books) == 0


def test_rows_rest_in_proportion_to_what_they_took(runs, books, monkeypatch):
    run, now_s = start(runs, 1000.0), [500.0]
    # Each step takes 10 ms: that of one endpoint, with what comes after it, some tens.
    monkeypatch.setattr(run_books, "cpu_s", itertools.count(0.0, 0.01).__next__)
    monkeypatch.setattr(run_books, "monotonic_s", lambda: now_s[0])
    books.take(window(run, 1000))
    assert requests(books) == 1
    books.take(window(run, 1010))
    now_s[0] += run_books.REST * 0.01
    assert requests(books) == 1
    now_s[0] += run_books.REST * 0.1
    assert requests(books) == 2


def test_a_password_in_the_host_is_not_shown(runs, books):
    books.take(window(start(runs, 1000.0), 1000))
    (row,) = books.rendered(lambda _: None).endpoints
    assert row.key.host == "http://shop.test"


def test_a_window_that_can_not_be_taken_holds_up_none(runs, books, caplog):
    run = start(runs, 1000.0)
    books.take(ClosedWindow(run.run_id, 1000, {("/a", "GET"): Summary()}, gauges="no gauges"))
    gevent.sleep(0)
    books.take(window(run, 1010))
    gevent.sleep(0.01)
    assert requests(books) == 1
    assert "could not add a window" in caplog.text
