"""The store: what adds up, what is kept apart, and what goes when memory is full."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.local_cloudwatch.operations.limits import parse_put
from locust_cw_dist.local_cloudwatch.storage.store import Bounds, CellKey, SeriesKey, Store
from support.publishing.put_requests import NAMESPACE, a_call, a_datum, dimensions

pytestmark = pytest.mark.once

NOW_S = 1_700_000_040.0  # a whole minute
NOW = int(NOW_S)


def put(store, *datums):
    store.add(parse_put(a_call(*datums), NOW_S), NOW_S)


def key(name="RequestCount", pairs=()):
    return SeriesKey(NAMESPACE, name, tuple(pairs))


def fine(timestamp_s=NOW, **members):
    return a_datum(StorageResolution=1, Timestamp=timestamp_s, **members)


def test_datums_of_one_place_add_up():
    store = Store()
    put(store, fine(Values=[1.0, 2.0], Counts=[3, 4]), fine(Value=2.0), fine(Values=[2.0, 2.0]))
    put(store, fine(Values=[9.0], Counts=[5]))
    [(found, [(cell, sample)])] = list(store.cells())
    assert found == key()
    assert cell == CellKey(NOW, 1, "None")
    assert sample.values == {1.0: 3, 2.0: 7, 9.0: 5}


def test_what_is_kept_apart():
    store = Store()
    put(
        store,
        fine(),
        fine(MetricName="Other"),
        fine(Unit="Count"),
        fine(timestamp_s=NOW + 1),
        a_datum(Timestamp=NOW),
        fine(Dimensions=dimensions(("a", "1"))),
        fine(Dimensions=dimensions(("a", "2"))),
        fine(Dimensions=dimensions(("a", "1"), ("b", "1"))),
    )
    assert store.usage().series == 5
    assert store.usage().cells == 8


def test_order_of_dimensions_does_not_matter():
    store = Store()
    put(store, fine(Dimensions=dimensions(("a", "1"), ("b", "2"))))
    put(store, fine(Dimensions=dimensions(("b", "2"), ("a", "1"))))
    assert store.usage().cells == 1


def test_timestamps_are_rounded_down_to_the_storage_resolution():
    store = Store()
    put(store, fine(NOW + 59.9), a_datum(Timestamp=NOW + 59.9))
    [(_, cells)] = list(store.cells())
    assert [cell for cell, _ in cells] == [CellKey(NOW, 60, "None"), CellKey(NOW + 59, 1, "None")]


def test_sets_add_up_and_sets_of_one_value_become_values():
    store = Store()
    a_set = {"SampleCount": 2, "Sum": 30.0, "Minimum": 10.0, "Maximum": 20.0}
    same = {"SampleCount": 4, "Sum": 20.0, "Minimum": 5.0, "Maximum": 5.0}
    put(store, fine(StatisticValues=a_set), fine(StatisticValues=a_set | {"Maximum": 25.0, "Sum": 31.0}))
    put(store, fine(timestamp_s=NOW + 1, StatisticValues=same), fine(timestamp_s=NOW + 1, Value=5.0))
    [(_, [(_, opaque), (_, raw)])] = list(store.cells())
    assert (opaque.count, opaque.total, opaque.minimum, opaque.maximum) == (4, 61.0, 10.0, 25.0)
    assert raw.values == {5.0: 5}
    assert raw.sets is None


def test_a_count_of_zero_leaves_no_trace():
    store = Store()
    put(store, fine(Values=[0.0, 1.0], Counts=[7, 0]))
    put(store, fine(MetricName="Nothing", Values=[1.0], Counts=[0]))
    [(_, [(_, sample)]), (nothing, cells)] = list(store.cells())
    assert sample.values == {0.0: 7}
    assert nothing.name == "Nothing"
    assert cells == []


def test_huge_counts_cost_nothing_and_stay_exact():
    store = Store()
    tracemalloc.start()
    started = time.thread_time()
    for _ in range(1000):
        put(store, fine(Values=[1.0, 2.0], Counts=[10**9, 10**9 + 1]))
    assert time.thread_time() - started < 5
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    [(_, [(_, sample)])] = list(store.cells())
    assert sample.values == {1.0: 10**12, 2.0: 10**12 + 1000}
    assert peak_bytes < 1_000_000


def test_periods_count_from_the_start_and_end_before_the_end():
    store = Store()
    put(store, *(fine(timestamp_s=NOW + second, Value=float(second)) for second in range(20)))
    periods = store.periods(key(), start_s=NOW + 3, end_s=NOW + 15, period_s=5)["None"]
    assert {start - NOW: sorted(sample.values) for start, sample in periods.items()} == {
        3: [3, 4, 5, 6, 7],
        8: [8, 9, 10, 11, 12],
        13: [13, 14],
    }


def test_short_periods_see_only_what_was_stored_at_one_second():
    store = Store()
    put(store, fine(Value=1.0), a_datum(Timestamp=NOW, Value=2.0))
    assert store.periods(key(), start_s=NOW, end_s=NOW + 60, period_s=30)["None"][NOW].values == {1.0: 1}
    assert store.periods(key(), start_s=NOW, end_s=NOW + 60, period_s=60)["None"][NOW].values == {
        1.0: 1,
        2.0: 1,
    }


def test_the_series_written_longest_ago_goes_first():
    store = Store(Bounds(max_series=2))
    put(store, fine(MetricName="a"))
    put(store, fine(MetricName="b"))
    put(store, fine(MetricName="a"))
    put(store, fine(MetricName="c"))
    assert [listed.key.name for listed in store.list_series()] == ["a", "c"]
    assert (store.usage().evicted_series, store.usage().evicted_cells, store.usage().cells) == (1, 1, 2)


def test_the_oldest_cells_go_first():
    store = Store(Bounds(max_cells=3))
    for second in (5, 1, 4, 2, 3):
        put(store, fine(timestamp_s=NOW + second, MetricName=f"m{second % 2}"))
    kept = sorted(cell.start_s - NOW for _, cells in store.cells() for cell, _ in cells)
    assert kept == [3, 4, 5]
    assert (store.usage().cells, store.usage().values, store.usage().evicted_cells) == (3, 3, 2)


def test_distinct_values_are_bounded():
    store = Store(Bounds(max_values=250))
    for second in range(10):
        put(store, fine(timestamp_s=NOW + second, Values=[float(value) for value in range(100)]))
    assert store.usage().values <= 250
    kept = [cell.start_s - NOW for _, cells in store.cells() for cell, _ in cells]
    assert kept == [8, 9]


def test_evicted_series_leave_nothing_behind():
    store = Store(Bounds(max_series=3, max_cells=10))
    for number in range(500):
        put(store, fine(MetricName=f"m{number}", timestamp_s=NOW + number))
    assert len(store._by_age) <= 21
    assert store.usage().cells == store.usage().values == 3


operations = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.integers(0, 6),
        st.lists(st.integers(0, 9).map(float), min_size=1, max_size=4),
    ),
    max_size=40,
)


@given(operations, st.integers(1, 4), st.integers(1, 8), st.integers(4, 20))
def test_usage_is_what_is_there_and_within_bounds(puts, max_series, max_cells, max_values):
    bounds = Bounds(max_series, max_cells, max_values)
    store = Store(bounds)
    for name, second, values in puts:
        put(store, fine(timestamp_s=NOW + second, MetricName=name, Values=values))
        cells = [sample for _, found in store.cells() for _, sample in found]
        usage = store.usage()
        assert usage.cells == len(cells) <= max_cells
        assert usage.values == sum(len(sample.values) for sample in cells) <= max_values
        assert usage.series == len(store.list_series()) <= max_series


def test_clear_forgets_everything():
    store = Store(Bounds(max_cells=1))
    put(store, fine(), fine(timestamp_s=NOW + 1))
    store.clear()
    usage = store.usage()
    assert (usage.series, usage.cells, usage.values, usage.evicted_cells) == (0, 0, 0, 0)
