from __future__ import annotations

import boto3
import pytest

from locust_cw_dist.core.publish import limits
from locust_cw_dist.core.publish.batches import batches, body, weight_pairs
from locust_cw_dist.core.publish.datums import Datum, Distribution
from locust_cw_dist.core.publish.window_datums import Entry
from locust_cw_dist.core.summaries.gauges import StatisticSet


def a_datum(values):
    return Entry(Datum("M", (("Request", "/"),), 0, "Count", 1, Distribution(tuple(range(values)), (1,) * values)))


def test_nothing_makes_no_batch():
    assert list(batches([])) == []


def test_datums_are_read_only_as_far_as_the_batch_at_hand_needs():
    read = []

    def source():
        for number in range(1_000):
            read.append(number)
            yield a_datum(135)

    first = next(batches(source(), max_pairs=1_500))
    assert (len(first), len(read)) == (10, 11)


def test_pairs_bound_a_batch():
    full = a_datum(135)
    assert weight_pairs(full.datum) == 150
    assert [len(batch) for batch in batches([full] * 25, max_pairs=1_500)] == [10, 10, 5]
    assert [len(batch) for batch in batches([full] * 3, max_pairs=100)] == [1, 1, 1]


def test_plain_values_and_statistics_weigh_as_one_pair():
    plain = Datum("M", (), 0, "Count", 1, 1.0)
    statistics = Datum("M", (), 0, "Count", 1, StatisticSet(1, 1.0, 1.0, 1.0))
    assert weight_pairs(plain) == weight_pairs(statistics) == weight_pairs(a_datum(1).datum)


def test_bytes_bound_a_batch():
    datum = a_datum(10)
    room_for_three = len(body("n" * limits.MAX_NAMESPACE_CHARS, [datum.datum] * 3))
    assert [len(batch) for batch in batches([datum] * 7, max_bytes=room_for_three)] == [3, 3, 1]
    assert [len(batch) for batch in batches([datum] * 7, max_bytes=room_for_three - 1)] == [2, 2, 2, 1]


@pytest.mark.parametrize(
    ("shape", "length", "limit"),
    [
        ("Dimensions", "max", limits.MAX_DIMENSIONS),
        ("DimensionName", "max", limits.MAX_DIMENSION_NAME_CHARS),
        ("DimensionValue", "max", limits.MAX_DIMENSION_VALUE_CHARS),
        ("Namespace", "max", limits.MAX_NAMESPACE_CHARS),
    ],
)
def test_our_limits_are_those_of_the_service_model(shape, length, limit):
    client = boto3.client("cloudwatch", region_name="eu-west-1")
    assert client.meta.service_model.shape_for(shape).metadata[length] == limit
