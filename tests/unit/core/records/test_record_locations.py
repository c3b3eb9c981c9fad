"""Where records lie in S3: what is taken for a place there, and what is refused."""

from __future__ import annotations

import hashlib
import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.costs.iam_policies import partition_of, record_policy
from locust_cw_dist.core.records.location import S3Location, is_url
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.live.records.s3 import PIECE_BYTES, Snapshot
from locust_cw_dist.settings.settings import Settings

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [
        ("s3://perf-records", "perf-records", ""),
        ("s3://perf-records/", "perf-records", ""),
        ("s3://a.b.c/team=x/main", "a.b.c", "team=x/main"),
        ("s3://perf-records/checkout/main/", "perf-records", "checkout/main"),
        (
            "s3://perf-records/x/20270115T080000Z-00000001.cwrecord",
            "perf-records",
            "x/20270115T080000Z-00000001.cwrecord",
        ),
    ],
)
def test_what_is_a_place_in_s3(text, bucket, key):
    place = S3Location.parse(text)
    assert (place.bucket, place.key) == (bucket, key)
    assert S3Location.parse(str(place)) == place
    assert place.is_record == key.endswith(".cwrecord")


WRONG = [
    *("s3://", "s3:///x", "s3:/perf", "S3://perf-records", "s3://ab", "s3://Perf", "s3://perf_records", "s3://-perf"),
    *("s3://perf-", "s3://a..b", "s3://10.0.0.7", "s3://perf//x", "s3://perf/x//y", "s3://perf/x//", "s3://perf/../x"),
    *("s3://perf/a b", "s3://perf/*", "s3://perf/x?y", "s3://perf/${x}", "s3://perf/x\n", f"s3://perf/{'x' * 901}"),
    *(f"s3://{'a' * 64}", "https://perf.s3.amazonaws.com/x", "gs://perf/x", "file:///tmp"),
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_none_is_refused_and_not_taken_for_a_folder(text):
    assert is_url(text)
    with pytest.raises(ValueError, match=r"^$"):
        S3Location.parse(text)
    with pytest.raises(SettingsError, match=r"record: got .*, must be a folder's path, or s3://BUCKET"):
        Settings(record=text)


@pytest.mark.parametrize("text", ["records", "/var/records", "./s3://odd", "a:b", "s3"])
def test_paths_stay_paths(text):
    assert not is_url(text)
    assert Settings(record=text).record == text


def test_a_record_of_one_name_is_refused_where_runs_make_their_own():
    with pytest.raises(SettingsError, match=r"must be a prefix: each run makes a file of its own below it"):
        Settings(record="s3://perf/x.cwrecord")
    assert Settings(record="s3://perf/x/").record == "s3://perf/x"


def test_records_lie_right_below_their_place():
    assert str(S3Location("perf", "").below("a.cwrecord")) == "s3://perf/a.cwrecord"
    assert str(S3Location("perf", "x/y").below("a.cwrecord")) == "s3://perf/x/y/a.cwrecord"


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        (None, "aws"),
        ("eu-central-1", "aws"),
        ("us-east-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_the_partition_of_a_region_is_botocores(region, partition):
    import botocore.session

    assert partition_of(region) == partition
    if region is not None:
        assert botocore.session.Session().get_partition_for_region(region) == partition


def test_the_policy_lets_records_be_put_below_the_prefix_and_nowhere_else():
    (statement,) = record_policy(S3Location("perf", "x"), "cn-north-1")["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("s3:PutObject", "arn:aws-cn:s3:::perf/x/*")
    (statement,) = record_policy(S3Location("perf", ""), None)["Statement"]
    assert statement["Resource"] == "arn:aws:s3:::perf/*"
    assert record_policy(None, None) is None


@given(data=st.data())
def test_a_snapshot_reads_as_the_file_was_whatever_is_added_later(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("snapshot") / "file"
    content = data.draw(st.binary(max_size=60)) * data.draw(st.sampled_from([1, 7, PIECE_BYTES // 30]))
    path.write_bytes(content)
    with Snapshot(path, Inline()) as snapshot:
        with path.open("ab") as file:
            file.write(b"later")
        assert snapshot.sha256 == hashlib.sha256(content).digest()
        reference = io.BytesIO(content)
        for _ in range(data.draw(st.integers(1, 8))):
            match data.draw(st.sampled_from(["read", "all", "seek", "end"])):
                case "read":
                    size = data.draw(st.integers(0, 2 * PIECE_BYTES))
                    piece = snapshot.read(size)
                    assert piece == reference.read(len(piece))
                    assert piece or not size or snapshot.tell() == len(content)
                case "all":
                    assert snapshot.read() == reference.read()
                case "seek":
                    offset = data.draw(st.integers(0, len(content)))
                    assert snapshot.seek(offset) == reference.seek(offset)
                case _:
                    assert snapshot.seek(0, os.SEEK_END) == reference.seek(0, os.SEEK_END)


class Inline(DiskThread):
    """Runs what the disk's thread would run, at once."""

    def run(self, call, *args, **kwargs):
        return call(*args, **kwargs)
