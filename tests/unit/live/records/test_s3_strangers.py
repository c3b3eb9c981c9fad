"""What answers in place of S3 takes no record, and what it says of one is not believed."""

from __future__ import annotations

import logging

import pytest

from locust_cw_dist.core.records.location import S3Location
from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.records import s3
from locust_cw_dist.live.records.s3 import S3, S3Error
from locust_cw_dist.live.records.uploads import Uploads
from locust_cw_dist.settings.settings import Settings
from support.publishing.strange_http import HTML, http, strange_server

PLACE = S3Location("perf", "x")
RECORD = PLACE.below("a.cwrecord")


@pytest.fixture
def served(monkeypatch, tmp_path):
    """What has a server answer in place of S3."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3, "TRIES", 1)

    def serve(server):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url if hasattr(server, "url") else server)

    return serve


@pytest.mark.parametrize("status", [200, 302, 403, 404, 503])
def test_a_page_takes_no_record_and_has_none(served, status):
    with strange_server(http(status, HTML, Content_Type="text/html", Location="https://portal.example/")) as server:
        served(server)
        store = S3(Settings())
        for call in (
            lambda: store.put(b"content", RECORD),
            lambda: store.get(RECORD),
            lambda: store.newest_first(PLACE),
        ):
            with pytest.raises(S3Error, match=rf"something other than S3 answers there: HTTP {status}"):
                call()


def test_a_record_that_a_page_has_taken_stays_on_this_machine(served, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    settings = Settings(record=str(PLACE))
    with strange_server(http(200, HTML)) as server:
        served(server)
        uploads = Uploads(settings, PLACE, S3(settings), DiskThread(), LogOnce())
        path = uploads.open("one") / "a.cwrecord"
        path.write_bytes(b"content")
        uploads.add(path)
        assert not uploads.finish(20.0)
    assert path.read_bytes() == b"content"
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "something other than S3 answers there: HTTP 200" in warnings[-1]
    assert "it stays here" in warnings[-1]


def test_a_record_is_taken_by_an_empty_answer(served):
    with strange_server(http(200, ETag='"x"', Content_Type="text/html")) as server:
        served(server)
        S3(Settings()).put(b"content", RECORD)
        assert len(server.requests) == 1


def test_an_object_without_an_end_is_no_record(served, monkeypatch):
    monkeypatch.setattr(s3, "MAX_RECORD_BYTES", 300_000)
    with strange_server(http(200, b"x" * 1_000_000, x_amz_request_id="1")) as server:
        served(server)
        with pytest.raises(S3Error, match="larger than any record"):
            S3(Settings()).get(RECORD)


def test_a_record_that_was_cut_off_is_none(served):
    with strange_server(http(200, b"content", Content_Length="900", x_amz_request_id="1")) as server:
        served(server)
        with pytest.raises(S3Error, match=r"7 read, but total bytes expected is 900|IncompleteRead\(7 bytes"):
            S3(Settings()).get(RECORD)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "junk"])
def test_an_error_without_an_answer_is_one_line(served, url):
    served(url)
    for call in (lambda store: store.put(b"content", RECORD), lambda store: store.get(RECORD)):
        with pytest.raises(S3Error) as caught:
            call(S3(Settings()))
        assert "\n" not in str(caught.value)
        assert url in str(caught.value) or "AWS_ENDPOINT_URL_S3" in str(caught.value)


def test_a_wrong_profile_is_one_line(served, monkeypatch):
    served("http://127.0.0.1:9")
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    store = S3(Settings())
    store.warm_up()
    with pytest.raises(S3Error, match=r"\(nosuch\) could not be found: correct AWS_PROFILE"):
        store.prepare(PLACE)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"AWS_CA_BUNDLE": "/nowhere.pem"}, r"CA bundle /nowhere\.pem .*correct AWS_CA_BUNDLE"),
        ({"HTTPS_PROXY": "::::"}, "proxy of the environment is not a URL: correct HTTPS_PROXY"),
        ({"AWS_REGION": "not a region"}, "not a region.*correct AWS_REGION"),
        ({"AWS_ENDPOINT_URL_S3": "https://x:99999"}, "correct AWS_ENDPOINT_URL"),
    ],
    ids=str,
)
def test_what_no_call_can_leave_with_is_named_before_one_is_made(served, monkeypatch, variables, says):
    served("https://127.0.0.1:9")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    store = S3(Settings())
    with pytest.raises(S3Error, match=says):
        store.prepare(PLACE)
    with pytest.raises(S3Error, match=says):
        store.put(b"content", RECORD)
