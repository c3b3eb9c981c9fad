"""What is read from the spool is what was written, and whatever else a file holds is refused with a reason."""

from __future__ import annotations

import json
import zlib
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.publish.datums import Datum, Distribution
from locust_cw_dist.core.publish.ledger import Account, RunLedger
from locust_cw_dist.core.publish.window_datums import Claim, Entry
from locust_cw_dist.core.spool.batch_file import MAX_INFLATED_BYTES, SpooledBatch, SpoolError, pack, unpack
from locust_cw_dist.core.summaries.gauges import StatisticSet

finite = st.floats(-(2.0**360), 2.0**360) | st.integers(-(2**53), 2**53)
names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)
values = st.one_of(
    finite,
    st.builds(StatisticSet, st.integers(1, 2**53), finite, finite, finite),
    st.lists(st.tuples(finite, st.integers(0, 2**53)), min_size=1, max_size=150).map(
        lambda pairs: Distribution(tuple(value for value, _ in pairs), tuple(count for _, count in pairs))
    ),
)
dimensions = st.lists(st.tuples(names, names), max_size=5).map(tuple)
datums = st.builds(Datum, names, dimensions, st.integers(0, 4 * 10**9), names, st.sampled_from((1, 60)), values)


@st.composite
def entry_lists(draw):
    made = draw(st.lists(datums, min_size=1, max_size=8))
    ledger = RunLedger("run-1")
    accounts = [Account(ledger, results, 9) for results in draw(st.lists(st.integers(0, 99), min_size=1, max_size=3))]
    waiting = [draw(st.lists(st.sampled_from(accounts), max_size=2, unique=True)) for _ in made]
    last = {account: at for at, here in enumerate(waiting) for account in here}
    return [
        Entry(datum, tuple(Claim(account, account.results if last[account] == at else 0) for account in here))
        for at, (datum, here) in enumerate(zip(made, waiting, strict=True))
    ]


@given(entry_lists())
def test_a_batch_survives_the_disk(entries):
    batch = SpooledBatch.of("perf/shop/loadtests", entries)
    read = unpack(pack(batch))
    assert read == batch
    assert read.datums == tuple(entry.datum for entry in entries)
    accounts = {claim.account for entry in entries for claim in entry.claims}
    assert read.results == sum(account.results for account in accounts)
    assert read.oldest_s == min(entry.datum.timestamp_s for entry in entries)
    numbers = {number for share in read.shares for number in share.datums}
    assert numbers == {at for at, entry in enumerate(entries) if entry.claims}


DATUM = Datum("M", (("Request", "/"),), 1_800_000_000, "Count", 1, Distribution((1.0, 2.5), (3, 4)))
CONTENT = pack(SpooledBatch.of("perf/shop/loadtests", [Entry(DATUM, (Claim(Account(RunLedger("run"), 7, 1), 7),))]))


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_a_changed_byte_is_found(position, flip):
    changed = bytearray(CONTENT)
    changed[position] ^= flip
    with pytest.raises(SpoolError):
        unpack(bytes(changed))


@given(st.integers(0, len(CONTENT) - 1))
def test_a_torn_file_is_found(length):
    with pytest.raises(SpoolError):
        unpack(CONTENT[:length])


@given(st.binary(max_size=300))
def test_a_foreign_file_is_refused(content):
    with pytest.raises(SpoolError, match=r"not a file of a spool"):
        unpack(content)


def signed(body, version=1):
    return b"locust-cw-spool %d %s\n%s" % (version, sha256(body).hexdigest().encode(), body)


def test_another_version_is_refused_by_its_number():
    with pytest.raises(SpoolError, match="its version is 2, this program reads 1"):
        unpack(signed(zlib.compress(b"{}"), version=2))


def test_a_file_that_inflates_without_end_is_refused():
    with pytest.raises(SpoolError, match="inflates to more than"):
        unpack(signed(zlib.compress(b" " * (MAX_INFLATED_BYTES + 1))))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_a_document_of_another_form_is_refused(document):
    with pytest.raises(SpoolError):
        unpack(signed(zlib.compress(json.dumps(document).encode())))


GOOD = json.loads(zlib.decompress(CONTENT.partition(b"\n")[2]))


@pytest.mark.parametrize(
    "change",
    [
        {"data": []},
        {"data": [GOOD["data"][0] | {"StorageResolution": 5}]},
        {"data": [GOOD["data"][0] | {"Values": [1.0], "Counts": [1, 2]}]},
        {"data": [GOOD["data"][0] | {"Values": [float("nan"), 2.0]}]},
        {"data": [GOOD["data"][0] | {"Timestamp": "now"}]},
        {"data": [GOOD["data"][0] | {"Dimensions": [{"Name": "a"}]}]},
        {"shares": [["run", 7, [1]]]},
        {"shares": [["run", -1, [0]]]},
        {"shares": [["run", 7, [0, 0]]]},
        {"shares": [["run", 7, []]]},
        {"namespace": ""},
        {"more": 1},
    ],
    ids=str,
)
def test_a_document_with_a_wrong_value_is_refused(change):
    assert unpack(signed(zlib.compress(json.dumps(GOOD).encode()))).results == 7
    with pytest.raises(SpoolError, match=r"not what a spool holds|NaN in it"):
        unpack(signed(zlib.compress(json.dumps(GOOD | change).encode())))
