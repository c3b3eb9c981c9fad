"""Laws of run records: what is read is what was kept, however fine time was, and wherever the file was cut off."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_cw_dist.core.records.blocks import FIRST_LINE, Damage, Kind, pack_block, read_blocks
from locust_cw_dist.core.records.points import Gatherer, Point, fitting_span_s
from locust_cw_dist.core.records.points_json import Packer, Unpacker
from locust_cw_dist.core.records.record import read_record
from locust_cw_dist.core.summaries.gauges import StatisticSet
from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.core.summaries.summary import MAX_REASONS, Summary
from locust_cw_dist.core.summaries.windows import window_start_s

times_ms = st.one_of(st.just(0.0), st.floats(1e-4, 8e7, allow_nan=False))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def summaries(draw):
    summary = Summary()
    for value in draw(st.lists(times_ms, max_size=20)):
        summary.record_success(value, draw(st.one_of(st.none(), st.integers(0, 2**40))))
    for value in draw(st.lists(times_ms, max_size=5)):
        summary.record_failure(value, draw(texts.filter(bool)))
    return summary


@st.composite
def points(draw, span_s=10):
    start_s = window_start_s(draw(st.integers(1_800_000_000, 1_800_003_000)), span_s)
    held = draw(st.dictionaries(st.tuples(texts, texts), summaries(), max_size=4))
    users = draw(st.integers(0, 1000))
    return Point(start_s, span_s, held, {"users": StatisticSet(1, users, users, users)})


def facts(summary):
    """What must be the same of a Summary, sums within the digits that are kept."""
    return (
        summary.successes.bins,
        summary.failures.bins if summary.failures else {},
        pytest.approx(summary.response_times().sum_ms, rel=1e-8),
        [pytest.approx(h.min_ms, rel=1e-8) for h in (summary.successes, summary.failures) if h and h.count],
        [pytest.approx(h.max_ms, rel=1e-8) for h in (summary.successes, summary.failures) if h and h.count],
        (summary.bytes_count, summary.bytes_sum, summary.bytes_min, summary.bytes_max),
        summary.reasons if len(summary.reasons) <= MAX_REASONS else sum(summary.reasons.values()),
    )


def together(many):
    whole = Point(0, 1)
    for point in many:
        whole.add(point)
    return {key: facts(summary) for key, summary in whole.summaries.items()}


def packed(many):
    packer = Packer()
    for point in many:
        list(packer.pack(point))
    packer.flush()
    return packer.take()


BEGIN = json.dumps({"run_id": "r", "resolution_s": 10, "edges_ms": EDGES}).encode()

few = settings(max_examples=40)
"""Making points takes a third of a second for each."""


@few
@given(st.lists(points(), max_size=4))
def test_points_are_read_as_they_were_packed(many):
    unpacker = Unpacker()
    read = [point for text in packed(many) for point in unpacker.unpack(json.loads(text))]
    assert [(point.start_s, point.span_s, point.gauges) for point in read] == [
        (point.start_s, point.span_s, point.gauges) for point in many
    ]
    for one, other in zip(read, many, strict=True):
        assert {key: facts(s) for key, s in one.summaries.items()} == {
            key: facts(s) for key, s in other.summaries.items()
        }


@few
@given(st.lists(points(), min_size=1, max_size=8), st.integers(1, 5))
def test_coarser_points_hold_the_same_results_and_are_few(many, max_points):
    gatherer = Gatherer(10, max_points)
    for point in many:
        gatherer.add(point)
    found = gatherer.in_order()
    assert len(found) <= max_points
    assert {key: s[0:2] for key, s in together(found).items()} == {key: s[0:2] for key, s in together(many).items()}
    assert sum(point.gauges["users"].count for point in found) == len(many)
    for point in many:
        # Each lies in exactly one that is as long or longer.
        holders = [one for one in found if one.start_s <= point.start_s < one.start_s + one.span_s]
        assert len(holders) == 1


@given(st.sets(st.integers(0, 10**6), min_size=1, max_size=50), st.integers(1, 20))
def test_the_span_that_fits_is_the_shortest(starts_s, max_points):
    span_s = fitting_span_s(starts_s, 10, max_points)

    def number(span_s):
        return len({window_start_s(start_s, span_s) for start_s in starts_s})

    assert number(span_s) <= max_points
    assert span_s == 10 or number(span_s // 2) > max_points


@few
@given(st.lists(points(), max_size=3), st.data())
def test_whatever_is_cut_off_the_rest_is_read(many, data):
    begin = pack_block(Kind.BEGIN, BEGIN)
    blocks = [pack_block(Kind.POINTS, text) for point in many for text in packed([point])]
    content = FIRST_LINE + begin + b"".join(blocks)
    cut = data.draw(st.integers(len(FIRST_LINE + begin), len(content)))
    # Each point was packed as if the file named its endpoints first, so only whole numbers of blocks are looked at.
    damage = Damage()
    whole = list(read_blocks(io.BytesIO(content[:cut]).read, damage))
    ends = [len(FIRST_LINE + begin + b"".join(blocks[:n])) for n in range(len(blocks) + 1)]
    assert len(whole) - 1 == max(n for n, end in enumerate(ends) if end <= cut)
    assert damage.at_byte == ends[len(whole) - 1]
    assert bool(damage.reason) == (cut not in ends)


@given(st.binary(min_size=1, max_size=300))
def test_rubbish_behind_a_record_is_no_harm(rubbish):
    begin = FIRST_LINE + pack_block(Kind.BEGIN, BEGIN)
    record = read_record(io.BytesIO(begin + rubbish).read, 100)
    assert (record.run_id, record.points) == ("r", ())
    assert record.damage.at_byte == len(begin)
    assert record.damage.reason
