"""What is shown of a run equals its results, whatever the order in which their windows come."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.progress.endpoint_progress import RowKey
from locust_cw_dist.core.progress.run_book import RunBook
from locust_cw_dist.core.progress.series_book import SeriesBook
from locust_cw_dist.core.summaries.histogram import nearest_rank
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import ClosedWindow

STARTED_S, RESOLUTION_S = 1_000, 10

results = st.tuples(
    st.integers(0, 40).map(lambda number: STARTED_S + number * RESOLUTION_S),
    st.sampled_from(("/", "/cart", "/item")),
    st.one_of(st.none(), st.just(0.0), st.floats(0.01, 3_600_000.0)),
    st.booleans(),
)
"""Start of its window, name, response time in ms if it has one, and whether it failed."""

pieces = st.lists(st.lists(results, min_size=1, max_size=30), max_size=20)
"""Each piece makes a window, or a supplement to one, for each start in it; they come in this order."""


def windows_of(piece):
    for start_s, group in groupby(sorted(piece, key=lambda one: one[0]), key=lambda one: one[0]):
        summaries = defaultdict(Summary)
        for _, name, time_ms, failed in group:
            if failed:
                summaries[name, "GET"].record_failure(time_ms, "HTTP 500")
            else:
                summaries[name, "GET"].record_success(time_ms, None)
        yield ClosedWindow("run", start_s, summaries, None)


def take_all(steps):
    for _ in steps:
        pass


def exact(results):
    """Return count, failures, those without a time, and sorted times."""
    times_ms = sorted(time_ms for _, _, time_ms, _ in results if time_ms is not None)
    return len(results), sum(failed for *_, failed in results), len(results) - len(times_ms), times_ms


def assert_shows(figures, results):
    count, failures, untimed, times_ms = exact(results)
    assert (figures.requests, figures.failures, figures.untimed) == (count, failures, untimed)
    shown = figures.times
    if not times_ms:
        assert shown.p50_ms is shown.p95_ms is shown.p99_ms is shown.max_ms is None
        return
    assert shown.max_ms == times_ms[-1]
    for percent, value_ms in ((50, shown.p50_ms), (95, shown.p95_ms), (99, shown.p99_ms)):
        true_ms = times_ms[nearest_rank(percent, len(times_ms)) - 1]
        assert abs(value_ms - true_ms) <= 0.01 * true_ms


@given(pieces)
def test_rows_and_all_together_equal_the_results(pieces):
    book = RunBook(STARTED_S, RESOLUTION_S)
    for piece in pieces:
        for window in windows_of(piece):
            take_all(book.add(window, "h"))
    take_all(book.render(0, lambda _: None))
    everything = [result for piece in pieces for result in piece]
    newest_s = max((result[0] for result in everything), default=None)

    rendered = book.rendered
    assert_shows(rendered.total.run, everything)
    by_name = {row.key: row for row in rendered.endpoints}
    assert by_name.keys() == {RowKey(result[1], "GET", "h") for result in everything}
    for key, row in by_name.items():
        mine = [result for result in everything if result[1] == key.name]
        last = [result for result in mine if result[0] == newest_s]
        assert_shows(row.run, mine)
        assert (row.last is None) is (not last)
        if row.last is not None:
            assert_shows(row.last, last)
    assert sum(one.count for one in rendered.failures) == exact(everything)[1]


@given(pieces.filter(bool))
def test_a_series_holds_all_results_however_often_it_was_halved(pieces):
    book = SeriesBook(STARTED_S, RESOLUTION_S, 8)
    for piece in pieces:
        for window in windows_of(piece):
            for summary in window.summaries.values():
                book.add(window.start_s, summary)
    everything = [result for piece in pieces for result in piece]
    rows = list(book.rows(lambda start_s, end_s: (start_s, end_s - start_s)))
    assert len(rows) <= 8
    assert sum(row.requests for row in rows) == len(everything)
    for row in rows:
        assert_shows_row(row, [one for one in everything if row.start_s <= one[0] < row.start_s + row.duration_s])


def assert_shows_row(row, results):
    count, failures, _, times_ms = exact(results)
    assert (row.requests, row.failures) == (count, failures)
    assert row.times.max_ms == (times_ms[-1] if times_ms else None)
    if times_ms:
        true_ms = times_ms[nearest_rank(95, len(times_ms)) - 1]
        assert abs(row.times.p95_ms - true_ms) <= 0.01 * true_ms
