"""What is shown of a run: rows, the last window, spans, caps, failures, series."""

from __future__ import annotations

import json

import pytest

from locust_cw_dist.core.progress import run_book
from locust_cw_dist.core.progress.endpoint_progress import ALL, LocustFigures, RowKey
from locust_cw_dist.core.progress.run_book import RunBook
from locust_cw_dist.core.summaries.gauges import RunGauges, StatisticSet
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import ClosedWindow


def summary(*times_ms, failures=(), reason="HTTP 500"):
    made = Summary()
    for time_ms in times_ms:
        made.record_success(time_ms, 10)
    for time_ms in failures:
        made.record_failure(time_ms, reason)
    return made


def window(start_s, gauges=None, **by_name):
    return ClosedWindow("run", start_s, {(name, "GET"): one for name, one in by_name.items()}, gauges)


def shown(book, offset_s=0, locust=lambda _: None):
    for _ in book.render(offset_s, locust):
        pass
    return book.rendered


def book_of(*windows, started_s=1000.0, host="h"):
    book = RunBook(started_s, 10)
    for one in windows:
        for _ in book.add(one, host):
            pass
    return book


def test_the_last_window_and_the_run_so_far():
    book = book_of(window(1000, a=summary(1.0, 2.0)), window(1010, a=summary(4.0, failures=(8.0, None))))
    (row,) = shown(book).endpoints
    assert row.key == RowKey("a", "GET", "h")
    assert (row.last.start_s, row.last.duration_s) == (1010, 10)
    assert (row.last.requests, row.last.failures, row.last.untimed) == (3, 2, 1)
    assert (row.run.start_s, row.run.duration_s) == (1000, 20)
    assert (row.run.requests, row.run.failures, row.run.untimed) == (5, 2, 1)
    assert (row.run.times.p50_ms, row.run.times.max_ms) == (pytest.approx(2.0, rel=0.01), 8.0)
    assert row.run.requests_per_s == 0.25


def test_an_endpoint_that_was_quiet_in_the_newest_window_has_no_last_one():
    rows = shown(book_of(window(1000, a=summary(1.0), b=summary(1.0)), window(1010, b=summary(1.0)))).endpoints
    assert {row.key.name: row.last is not None for row in rows} == {"a": False, "b": True}


def test_what_comes_late_joins_its_window_and_leaves_the_windows_alone():
    first = window(1010, a=summary(1.0))
    book = book_of(first, window(1000, a=summary(5.0)), window(1010, a=summary(3.0)))
    row = shown(book).endpoints[0]
    assert (row.last.start_s, row.last.requests, row.run.requests) == (1010, 2, 3)
    assert first.summaries["a", "GET"].count == 1


def test_spans_are_what_the_test_went_on_in():
    book = book_of(window(1000, a=summary(1.0)), started_s=1004.0)
    assert shown(book).total.last.duration_s == 6
    book.note_span(1004.0, 1007.0)
    total = shown(book).total
    assert (total.last.start_s, total.last.duration_s, total.run.duration_s) == (1004, 3, 3)
    assert total.run.requests_per_s == pytest.approx(1 / 3)


def test_times_are_told_as_others_are_told():
    total = shown(book_of(window(1000, a=summary(1.0))), offset_s=3600).total
    assert (total.last.start_s, total.run.start_s) == (4600, 4600)


def test_a_run_without_any_result():
    rendered = RunBook(1000.0, 10).rendered
    assert (rendered.total.last, rendered.total.run.requests, rendered.endpoints) == (None, 0, ())
    assert rendered.total.run.requests_per_s is None


def test_the_busiest_are_shown_and_the_rest_is_counted(monkeypatch):
    monkeypatch.setattr(run_book, "MAX_SHOWN_ENDPOINTS", 2)
    monkeypatch.setattr(run_book, "MAX_KEPT", 3)
    names = {name: summary(*[1.0] * number) for number, name in enumerate("abcde", 1)}
    rendered = shown(book_of(window(1000, **names)))
    assert [(row.key.name, row.run.requests) for row in rendered.endpoints] == [("(other)", 9), ("c", 3)]
    assert rendered.endpoints_left_out == 2
    assert rendered.total.run.requests == 15


def test_each_host_has_a_row_of_its_own():
    book = book_of(window(1000, a=summary(1.0)))
    for _ in book.add(window(1010, a=summary(1.0, 2.0)), "other"):
        pass
    assert [(row.key.host, row.run.requests) for row in shown(book).endpoints] == [("other", 2), ("h", 1)]


def test_the_most_frequent_failures_come_first(monkeypatch):
    monkeypatch.setattr(run_book, "MAX_FAILURES", 2)
    rendered = shown(
        book_of(
            window(
                1000,
                a=summary(failures=(1.0,)),
                b=summary(failures=(1.0,) * 3, reason="timeout"),
                c=summary(failures=(1.0,) * 2),
            )
        )
    )
    assert [(one.name, one.reason, one.count) for one in rendered.failures] == [
        ("b", "timeout", 3),
        ("c", "HTTP 500", 2),
    ]


def test_what_locust_says_stands_beside_it():
    figures = LocustFigures(7, 1, 120, 340, float("nan"))
    rendered = shown(book_of(window(1000, a=summary(1.0))), locust=lambda key: figures if key == ALL else None)
    assert json.loads(rendered.total.text)["locust"] == {
        "requests": 7,
        "failures": 1,
        "median_ms": 120,
        "p95_ms": 340,
        "p99_ms": None,
    }
    assert rendered.endpoints[0].as_json()["locust"] is None


def test_hostile_names_are_text():
    name = '</script>"\\\u2028\ud800'
    text = shown(book_of(window(1000, **{name: summary(1.0)}))).endpoints[0].text
    assert text.isascii()
    assert json.loads(text)["name"] == name


def test_a_series_has_a_row_for_each_window():
    cpu = StatisticSet.of([10.0, 30.0])
    book = book_of(
        window(1000, RunGauges(3, 2, cpu), a=summary(1.0)),
        window(1010, RunGauges(5, 2, cpu), a=summary(2.0, failures=(3.0,))),
    )
    series = shown(book).series.as_json()
    assert (series["start_s"], series["duration_s"]) == ([1000, 1010], [10, 10])
    assert (series["requests"], series["failures"], series["users"]) == ([1, 2], [0, 1], [3, 5])
    assert (series["worker_cpu_percent"], series["max_ms"]) == ([20.0, 20.0], [1.0, 3.0])
    assert len({len(column) for column in series.values() if isinstance(column, list)}) == 1


def test_a_series_of_one_endpoint_is_there_from_the_start():
    book = book_of(window(1000, a=summary(1.0), b=summary(1.0)), window(1010, a=summary(2.0)))
    assert _series(book, RowKey("b", "GET", "h"))["requests"] == [1]
    assert _series(book, RowKey("nobody", "GET", "h"))["requests"] == []


def test_a_series_halves_its_resolution_when_it_is_full(monkeypatch):
    monkeypatch.setattr(run_book, "MAX_ROWS", 4)
    windows = [window(1000 + 10 * n, RunGauges(n, 1), a=summary(float(n + 1))) for n in range(9)]
    series = shown(book_of(*windows)).series.as_json()
    assert series["start_s"] == [1000, 1040, 1080]
    # Of the last row only what has closed is covered.
    assert series["duration_s"] == [40, 40, 10]
    assert (series["requests"], series["users"], series["max_ms"]) == ([4, 4, 1], [3, 7, 8], [4.0, 8.0, 9.0])


def _series(book, key):
    steps = book.series(key, 0)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value.as_json()
