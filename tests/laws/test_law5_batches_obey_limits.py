"""Law 5: every batch obeys the documented limits of PutMetricData; none loses or repeats a datum.

`faults` is written from AWS's documentation and botocore's service model, with numbers of its own, and
looks at what boto3 would be called with and at the body: ours, and what botocore makes of it in each protocol
that it speaks. Whether a timestamp is too old or too far ahead is not for batches to know: they have no clock.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from itertools import pairwise

import boto3
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from locust_cw_dist.core.publish.batches import batches, body, weight_pairs
from locust_cw_dist.core.publish.datums import (
    Datum,
    Distribution,
    MetricPlan,
    endpoint_datums,
    run_datums,
    total_datums,
)
from locust_cw_dist.core.publish.limits import MAX_BYTES_PER_CALL, MAX_PAIRS_PER_CALL
from locust_cw_dist.core.publish.metric_names import METRIC_NAMES
from locust_cw_dist.core.publish.window_datums import Entry
from locust_cw_dist.core.summaries.gauges import RunGauges, StatisticSet
from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.summary import Summary
from support.strategies import histogram_of_bins

NAMESPACE = "perf/checkout/loadtests"
BOTOCORES = {"max_pairs": MAX_PAIRS_PER_CALL, "max_bytes": MAX_BYTES_PER_CALL}
"""How batches are cut that botocore serialises."""

REPLIES = {"json": b"{}", "query": b"<PutMetricDataResponse/>", "smithy-rpc-v2-cbor": b"\xa0"}


class Wire:
    """The bodies that a real boto3 client would send, uncompressed."""

    def __init__(self, protocol):
        session = botocore.session.Session()
        model = session.get_component("data_loader").load_service_model("cloudwatch", "service-2")
        model["metadata"]["protocols"] = [protocol]
        self.client = boto3.Session(botocore_session=session).client(
            "cloudwatch",
            region_name="eu-west-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(disable_request_compression=True),
        )
        self.client.meta.events.register("before-send.cloudwatch.PutMetricData", self._answer)
        assert self.client.meta.service_model.resolved_protocol == protocol
        self._body, self._reply = b"", REPLIES[protocol]

    def _answer(self, request, **_):
        self._body = request.body
        return AWSResponse(request.url, 200, {"smithy-protocol": "rpc-v2-cbor"}, _Reply([self._reply]))

    def body(self, datums):
        self.client.put_metric_data(Namespace=NAMESPACE, MetricData=[datum.to_api() for datum in datums])
        assert self._body
        return self._body


class _Reply(list):
    def stream(self):
        return iter(self)


@pytest.fixture(scope="module")
def wires():
    return list(map(Wire, REPLIES))


@pytest.fixture(scope="module")
def units(wires):
    return set(wires[0].client.meta.service_model.shape_for("StandardUnit").enum)


def faults(batch, body, units):
    """Return what CloudWatch would refuse in a call."""
    found = []
    if not 1 <= len(batch) <= 1000:
        found.append(f"{len(batch)} datums")
    if len(body) > 1_000_000:
        found.append(f"{len(body)} bytes")
    for entry in (datum.to_api() for datum in batch):
        found += name_faults(entry, units)
        found += value_faults(entry)
    return found


def name_faults(entry, units):
    found = []
    if not 1 <= len(entry["MetricName"]) <= 255:
        found.append("MetricName")
    if entry["Unit"] not in units or entry["StorageResolution"] not in (1, 60):
        found.append("Unit or StorageResolution")
    if not isinstance(entry["Timestamp"], datetime) or entry["Timestamp"].utcoffset().total_seconds():
        found.append("Timestamp")
    dimensions = [(each["Name"], each["Value"]) for each in entry["Dimensions"]]
    if len(dimensions) > 30 or len({name for name, _ in dimensions}) < len(dimensions):
        found.append("Dimensions")
    for name, value in dimensions:
        if not is_dimension_text(name, 255) or name[0] == ":":
            found.append(f"name {name!a}")
        if not is_dimension_text(value, 1024):
            found.append(f"value {value!a}")
    return found


def is_dimension_text(text, limit):
    return 1 <= len(text) <= limit and all(32 <= ord(char) < 127 for char in text) and text.strip(" ") != ""


def value_faults(entry):
    kinds = {"Value", "StatisticValues", "Values"} & set(entry)
    if len(kinds) != 1 or ("Counts" in entry) != ("Values" in entry):
        return [f"{sorted(entry)}"]
    values, counts = entry.get("Values", []), entry.get("Counts", [])
    numbers = [*values, *counts, *entry.get("StatisticValues", {}).values()]
    numbers += [entry["Value"]] if "Value" in entry else []
    found = []
    if len(values) > 150 or len(values) != len(counts) or len(set(values)) < len(values) or 0 in counts:
        found.append("Values and Counts")
    if kinds == {"Values"} and not values:
        found.append("no Values")
    if any(not math.isfinite(number) or abs(number) > 2.0**360 for number in numbers):
        found.append("a number out of range")
    return found


any_char = st.characters(exclude_categories=())
names = st.one_of(
    st.text(max_size=8),
    st.text(any_char, max_size=20),
    st.text(st.sampled_from(' \\"\t\n\x00\x7f\xff\u4e2d\U0001f600\ud800:~-'), max_size=12),
    st.builds(lambda text, times: text * times, st.text(any_char, min_size=1, max_size=5), st.just(1_000)),
)
endpoints = st.tuples(names, names, names)
numbers = st.one_of(st.floats(), st.integers(-(2**400), 2**400), st.floats(0, 1e6))
statistics = st.none() | st.lists(numbers.filter(lambda n: not isinstance(n, int) or abs(n) < 2**300), max_size=3).map(
    StatisticSet.of
)


@st.composite
def histograms(draw, min_bins=0, max_bins=400):
    """Any consistent histogram: so many bins in a row, each with one value or a great many."""
    bins = draw(st.integers(min_bins, max_bins))
    first = draw(st.integers(0, len(EDGES) - max_bins - 1))
    count = draw(st.sampled_from([1, 2, 3, 250, 10**9, 2**53]))
    histogram = Histogram()
    for value in EDGES[first : first + bins]:
        histogram.record(value)
    numbers = dict.fromkeys(histogram.bins, count)
    return histogram_of_bins(numbers, histogram.sum_ms * count, histogram.min_ms, histogram.max_ms)


@st.composite
def summaries(draw):
    byte_sizes = draw(st.lists(st.integers(0, 2**60), max_size=3))
    failures = draw(st.none() | histograms(min_bins=1))
    untimed = draw(st.tuples(*2 * [st.sampled_from((0, 0, 1, 2**53))]))
    summary = Summary(draw(histograms()), failures, *untimed)
    summary.reasons = {"Error": summary.failure_count} if summary.failure_count else {}
    if byte_sizes:
        summary.add_bytes(len(byte_sizes), sum(byte_sizes), min(byte_sizes), max(byte_sizes))
    return summary


plain_text = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=255)
static_dimensions = st.dictionaries(
    plain_text.filter(lambda name: name[0] != ":" and name not in ("Request", "Method", "Host")),
    plain_text.map(lambda value: (value * 1024)[:1024]),
    max_size=27,
).map(lambda pairs: tuple(pairs.items()))
plans = st.builds(
    MetricPlan,
    st.frozensets(st.sampled_from(METRIC_NAMES), min_size=6),
    st.just((50.0, 99.99)),
    st.just((95.0,)),
    static_dimensions,
    st.sampled_from((1, 60)),
)
gauges = st.builds(
    RunGauges, st.none() | numbers, st.none() | numbers, statistics, statistics, st.none() | numbers, numbers
)


@st.composite
def windows(draw):
    """The datums of a whole window: some endpoints, all together, the run."""
    plan, timestamp_s = draw(plans), draw(st.integers(0, 4_000_000_000))
    totals = Summary()
    datums = []
    for endpoint, summary in draw(st.lists(st.tuples(endpoints, summaries()), max_size=6)):
        totals.merge(summary)
        datums += endpoint_datums(plan, endpoint, timestamp_s, summary, late=draw(st.booleans()))
    datums += total_datums(plan, timestamp_s, totals, late=draw(st.booleans()))
    return datums + run_datums(plan, timestamp_s, draw(gauges))


def cut_up(datums, **limits):
    """The batches of datums that no result depends on."""
    return [tuple(entry.datum for entry in batch) for batch in batches(map(Entry, datums), **limits)]


relaxed = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


@relaxed
@given(windows(), st.sampled_from(range(len(REPLIES))))
def test_every_batch_obeys_every_documented_limit(wires, units, datums, protocol):
    cut = cut_up(datums)
    assert [datum for batch in cut for datum in batch] == datums
    for batch in cut:
        assert faults(batch, body(NAMESPACE, batch), units) == []
    for batch in cut_up(datums, **BOTOCORES):
        assert faults(batch, wires[protocol].body(batch), units) == []


def test_a_window_of_many_endpoints_with_long_names(units):
    plan = MetricPlan(frozenset(METRIC_NAMES), static_dimensions=tuple((f"d{n}", '"' * 1024) for n in range(27)))
    summary = Summary()
    for value in EDGES[1_000:1_400]:
        summary.record_success(value, 1)
    datums = [
        datum
        for number in range(40)
        for datum in endpoint_datums(plan, (f"{number}" + "\xe9" * 5_000, "\\" * 2_000, ""), 0, summary, late=False)
    ]
    cut = cut_up(datums, max_pairs=10**9)
    assert [datum for batch in cut for datum in batch] == datums
    bodies = [body(NAMESPACE, batch) for batch in cut]
    assert [faults(batch, body, units) for batch, body in zip(cut, bodies, strict=True)] == [[]] * len(cut)
    assert min(map(len, bodies[:-1])) > 800_000, "the body is what limits these batches"


@pytest.mark.parametrize("values", [1, 16, 135, 150])
@pytest.mark.parametrize("chars", [1, 60, 250, 1_000])
def test_a_batch_that_botocore_serialises_fits_in_each_protocol(wires, units, values, chars):
    numbers = Distribution(tuple(-1.2345678901234567e-100 - n * 1e-102 for n in range(values)), (2**53 - 1,) * values)
    dimensions = tuple((f"{n}" + "/" * min(chars, 250), "/" * chars) for n in range(30))
    batch = cut_up([Datum("/" * 255, dimensions, 4_000_000_000, "None", 60, numbers)] * 200, **BOTOCORES)[0]
    assert len(batch) < 200
    assert [faults(batch, wire.body(batch), units) for wire in wires] == [[]] * 3


def plain_datum(values):
    return Datum("M", (), 0, "None", 60, Distribution(tuple(range(values)), (1,) * values))


@given(
    st.lists(st.integers(1, 150).map(plain_datum), max_size=60),
    st.integers(1, 20),
    st.integers(1, 1_000),
    st.integers(300, 10_000),
)
def test_batches_are_whole_and_as_long_as_the_limits_allow(datums, max_datums, max_pairs, max_bytes):
    def fits(batch):
        return (
            len(batch) <= max_datums
            and sum(map(weight_pairs, batch)) <= max_pairs
            and len(body("n" * 255, batch)) <= max_bytes
        )

    cut = cut_up(datums, max_datums=max_datums, max_pairs=max_pairs, max_bytes=max_bytes)
    assert [datum for batch in cut for datum in batch] == datums
    for batch in cut:
        assert len(batch) == 1 or fits(batch)
    for batch, after in pairwise(cut):
        assert not fits((*batch, after[0]))


def test_a_thousand_datums_are_one_batch_and_one_more_is_another():
    datums = [Datum("M", (), 0, "None", 60, 1.0)] * 1_001
    assert [len(batch) for batch in cut_up(datums, max_pairs=10**9)] == [1_000, 1]


finite = st.floats(-(2.0**360), 2.0**360) | st.integers(-(2**360), 2**360)
any_values = st.one_of(
    finite,
    st.builds(StatisticSet, st.integers(1, 2**60), finite, finite, finite),
    st.lists(st.tuples(finite, st.integers(1, 2**60)), min_size=1, max_size=150).map(
        lambda pairs: Distribution(tuple(value for value, _ in pairs), tuple(count for _, count in pairs))
    ),
)
any_datums = st.builds(
    Datum,
    names.filter(bool),
    st.lists(st.tuples(names.filter(bool), names.filter(bool)), max_size=5).map(tuple),
    st.integers(0, 4_000_000_000),
    st.sampled_from(("Milliseconds", "None", "Count")),
    st.sampled_from((1, 60)),
    any_values,
)


@relaxed
@given(st.lists(any_datums, min_size=1, max_size=5))
def test_our_body_says_what_botocores_does(wires, datums):
    ours = json.loads(body(NAMESPACE, datums))
    assert ours == json.loads(wires[0].body(datums))


def test_the_largest_possible_datum_fits_a_body(wires):
    widest = -1.2345678901234567e-100
    dimensions = tuple((f"{position:03}" + '"' * 252, '"' * 1024) for position in range(30))
    values = Distribution(tuple(widest - position * 1e-102 for position in range(150)), (2**63,) * 150)
    datum = Datum("m" * 255, dimensions, 4_000_000_000, "Kilobytes/Second", 60, values)
    assert cut_up([datum] * 2) == [(datum, datum)]
    assert cut_up([datum] * 2, **BOTOCORES)[0] == (datum, datum)
    assert len(body(NAMESPACE, [datum])) < 150_000


def test_the_checker_finds_what_cloudwatch_refuses(units):
    good = Datum("M", (("Request", "/"),), 1_760_000_000, "Count", 1, 1.0)
    assert faults([good], b"", units) == []
    bad_value = Datum("M", (), 0, "Count", 1, math.nan)
    bad_name = Datum("M", (("Request", "caf\xe9"),), 0, "Count", 1, 1.0)
    bad_unit = Datum("M", (), 0, "count", 1, 1.0)
    many = Datum("M", tuple((f"d{n}", "x") for n in range(31)), 0, "Count", 1, 1.0)
    for datum in (bad_value, bad_name, bad_unit, many):
        assert len(faults([datum], b"", units)) == 1
    assert faults([good] * 1_001, b"", units) == ["1001 datums"]
    assert faults([good], bytes(1_000_001), units) == ["1000001 bytes"]
    assert good.to_api()["Timestamp"] == datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)
