"""Whose an answer is: strangers on positive evidence only, and AWS's own never."""

from __future__ import annotations

import gzip
import io
import json
import time

import pytest

from locust_cw_dist.live.aws import answers
from locust_cw_dist.live.aws.answers import Answer, Expected, ForeignAnswerError, describe, is_foreign
from support.publishing.strange_http import HTML

JSON = Expected("json", frozenset())
LIST = Expected("json", frozenset({"Metrics", "NextToken"}))
CBOR = Expected("smithy-rpc-v2-cbor", frozenset())
QUERY = Expected("query", frozenset())
S3 = Expected("rest-xml", frozenset())
ALL = (JSON, LIST, CBOR, QUERY, S3)


def answer(status, body=b"", **headers):
    small = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer("CloudWatch", "https://monitoring.eu-central-1.amazonaws.com/", status, small, body)


XHTML = b'<?xml version="1.0"?>\n<!-- portal -->\n<html xmlns="http://www.w3.org/1999/xhtml"/>'
PAGES = [HTML, b"\xef\xbb\xbf  \n<HTML>", XHTML, b"<head><meta x></head>", b"<script>location='/login'</script>"]


@pytest.mark.parametrize("expected", ALL, ids=lambda one: one.protocol)
@pytest.mark.parametrize("body", PAGES)
def test_a_page_is_a_strangers_whatever_its_status_and_its_type(expected, body):
    for status in (200, 204, 302, 400, 401, 403, 404, 413, 429, 500, 502, 503, 511):
        assert is_foreign(answer(status, body), expected)
        assert is_foreign(answer(status, body, content_type="application/json"), expected)


@pytest.mark.parametrize("expected", ALL, ids=lambda one: one.protocol)
@pytest.mark.parametrize("body", [*PAGES, b"OK", b"", b"[]"])
@pytest.mark.parametrize("status", [200, 400, 403, 503])
def test_what_has_a_request_id_is_never_a_strangers(expected, status, body):
    for name in ("x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id", "x-amz-id-2"):
        assert not is_foreign(
            answer(status, body)._replace(headers={name: "1-2", "content-type": "text/html"}), expected
        )


@pytest.mark.parametrize("expected", ALL, ids=lambda one: one.protocol)
def test_an_empty_answer_is_evidence_of_nothing(expected):
    for status in (200, 201, 204, 400, 403, 404, 429, 500, 503):
        for body in (b"", b" \r\n"):
            assert not is_foreign(answer(status, body, content_type="text/html"), expected)


@pytest.mark.parametrize(
    ("expected", "status", "body"),
    [
        (JSON, 200, b"OK"),
        (JSON, 200, b'"OK"'),
        (JSON, 200, b"[]"),
        (JSON, 200, b"null"),
        (JSON, 200, b'{"error": "login required"}'),
        (JSON, 200, b"<PutMetricDataResponse/>"),
        (JSON, 200, b"[" * 60_000),
        (JSON, 400, b'{"message": "no Route matched with those values"}'),
        (JSON, 403, b"Forbidden by policy"),
        (JSON, 200, b"\xff\xfe<\x00h\x00t\x00m\x00l\x00"),
        (CBOR, 200, b'{"ok": true}'),
        (CBOR, 503, b"upstream connect error"),
        (QUERY, 200, b'{"ok": true}'),
        (QUERY, 200, b"<rss version='2.0'/>"),
        (QUERY, 400, b"bad request"),
        (S3, 200, b'{"ok": true}'),
        (S3, 200, b"OK"),
    ],
)
def test_what_is_not_of_the_protocol_is_a_strangers(expected, status, body):
    assert is_foreign(answer(status, body), expected)


@pytest.mark.parametrize(
    ("expected", "status", "body"),
    [
        (JSON, 200, b"{}"),
        (JSON, 200, b' {"ResponseMetadata": {}} '),
        (LIST, 200, b'{"Metrics": []}'),
        (JSON, 400, b'{"__type": "com.amazonaws.cloudwatch#InvalidParameterValueException", "message": "no"}'),
        (JSON, 400, b'{"Code": "Throttling"}'),
        (CBOR, 200, b"\xa0"),
        (CBOR, 200, b"\xbf\xff"),
        (CBOR, 400, b"\xa1f__typeax"),
        (QUERY, 200, b'<?xml version="1.0"?><PutMetricDataResponse xmlns="http://x/"/>'),
        (QUERY, 400, b"<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>"),
        (QUERY, 200, b"<!-- moto --><ns:AssumeRoleResponse/>"),
        (S3, 200, b"<ListBucketResult/>"),
        (S3, 404, b"<?xml version='1.0'?><Error><Code>NoSuchBucket</Code></Error>"),
        (JSON, 503, b"<html><body><b>Http/1.1 Service Unavailable</b></body></html>"),
    ],
)
def test_answers_of_the_protocol_are_awss_without_any_other_sign(expected, status, body):
    assert not is_foreign(answer(status, body, content_type="text/html; charset=utf-8"), expected)


def test_who_sends_us_elsewhere_is_a_stranger_and_a_region_of_s3_is_not():
    assert is_foreign(answer(302, location="https://portal.example/login"), JSON)
    assert not is_foreign(answer(301, location="https://x", x_amz_bucket_region="eu-west-1"), S3)
    assert not is_foreign(answer(307, location="https://x", x_amz_request_id="1"), S3)


def test_who_has_answered_is_said_on_one_line_with_escapes_and_no_more_than_that():
    said = describe(answer(200, HTML, content_type="text/html", server="evil\x1b[0m\nproxy", via="1.1 wall" * 100))
    assert said.startswith("HTTP 200, text/html, from monitoring.eu-central-1.amazonaws.com, Server evil\\x1b[0m proxy")
    assert r"'Hotel \x1b[31mlogin'" in said
    assert said.isprintable()
    assert len(describe(answer(500, b"x" * 100_000, server="y" * 9_000))) < 400


class Raw(io.BytesIO):
    """A body as urllib3 gives it, which counts what is read."""


def read(body, limit_bytes=1000, **headers):
    return answers.read(Raw(body), answer(200, **headers), limit_bytes)


def test_a_body_is_read_to_the_bound_and_no_further():
    assert read(b"x" * 1000) == b"x" * 1000
    raw = Raw(b"x" * 10_000_000)
    at = []
    raw.close = lambda: at.append(raw.tell())
    with pytest.raises(ForeignAnswerError, match="more than 1,000 bytes"):
        answers.read(raw, answer(200), 1000)
    assert at == [1001]


def test_a_packed_body_is_unpacked_within_the_same_bound():
    body = json.dumps({"__type": "Throttling"}).encode()
    assert read(gzip.compress(body), content_encoding="gzip") == body
    with pytest.raises(ForeignAnswerError, match="more than 200,000 bytes"):
        read(gzip.compress(b"\0" * 5_000_000), limit_bytes=200_000, content_encoding="gzip")
    with pytest.raises(ForeignAnswerError, match="no gzip"):
        read(b"plain", content_encoding="gzip")


def test_an_answer_that_was_cut_off_says_nothing_of_who_has_sent_it():
    with pytest.raises(OSError, match="cut off: 5 of 90 bytes"):
        read(b'{"__t', content_length="90")
    assert read(b"{", content_length="2", x_amzn_requestid="1") == b"{", "its status has come whole"


def test_one_that_trickles_in_for_ever_is_given_up(monkeypatch):
    monkeypatch.setattr(answers, "MAX_ANSWER_S", -1.0)
    with pytest.raises(ForeignAnswerError, match="no end in"):
        read(b"x" * 10)


SIZE = answers.MAX_ANSWER_BYTES

HOSTILE = [
    b"<!-- -->" * (SIZE // 8 - 1) + b"x",
    b"<!---->" * (SIZE // 8) + b"<!--",
    b"<!--" * (SIZE // 4),
    b"<?xml ?>" * (SIZE // 9) + b"x",
    b"<?" * (SIZE // 2),
    b" \n" * (SIZE // 2 - 1) + b"x",
    b"<!doctype" + b" " * SIZE,
    b"<" + b"a" * SIZE,
    b"<" + b"a:" * (SIZE // 2),
    b"<title>" * (SIZE // 7),
    b"<title" * (SIZE // 6),
    b"<title" + b" " * SIZE,
    b"<title>" + b" " * SIZE,
    b"[" * SIZE,
    b"1" * SIZE,
    b'{"a":' * (SIZE // 5),
    b"\xff" * SIZE,
    b"\x9f" * SIZE,
]
"""Bodies of which each part may be read in several ways, or which never end what they begin."""


@pytest.mark.parametrize("expected", ALL, ids=lambda one: one.protocol)
@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: repr(body[:12]))
def test_a_body_that_is_made_to_be_slow_is_judged_in_linear_time(body, expected):
    begun_s = time.process_time()
    is_foreign(answer(200, body), expected)
    describe(answer(200, body))
    # A few milliseconds; where anything is looked at again and again it takes minutes, or the age of the universe.
    assert time.process_time() - begun_s < 1.0


@pytest.mark.parametrize("comment", [b"<!-- " + b"x" * 5_000 + b" -->", b"<!-- a -->" * 50, b"<!-- -- > <html> -->"])
def test_comments_in_front_hide_neither_a_page_nor_an_answer(comment):
    assert is_foreign(answer(200, comment + b"<html>"), S3)
    assert not is_foreign(answer(200, comment + b"<AssumeRoleResponse/>"), QUERY)
    assert not is_foreign(answer(200, comment + b"<ListBucketResult/>"), S3)


def test_a_title_is_shown_wherever_it_is_and_whatever_is_around_it():
    page = b"<html><head><TITLE lang='en'>\n  Log in\n</TITLE></head>"
    assert describe(answer(200, page)).endswith("'Log in'")
    assert describe(answer(200, b"<!-- " + b"x" * 9_000 + b" -->" + page)).endswith("'Log in'")
    assert describe(answer(200, b"<title> never closed")).endswith("'never closed'")
