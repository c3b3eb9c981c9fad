"""One CloudWatch in three protocols: botocore speaks each, and sees the same."""

from __future__ import annotations

import http.client
import math
import struct
import time
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.local_cloudwatch.http import cbor, form
from locust_cw_dist.local_cloudwatch.operations.fields import Timestamp
from support.publishing.protocols import PROTOCOLS, client_of
from support.publishing.put_requests import NAMESPACE, ONE_TRY, a_call, a_datum, dimensions, refusal

pytestmark = [pytest.mark.once, pytest.mark.slow]

CBOR_PATH = "/service/GraniteServiceVersion20100801/operation/"
ODD = dimensions(("Request", "/a?b=<c>&d;é".encode("ascii", "backslashreplace").decode()), ("Host", "-"))


@pytest.fixture(params=PROTOCOLS)
def client(request, cloudwatch):
    return client_of(cloudwatch, request.param, config=ONE_TRY)


@pytest.fixture
def minute_s():
    return int(time.time()) // 60 * 60 - 120


def fill(client, minute_s):
    fine = {"Dimensions": ODD, "Timestamp": minute_s, "StorageResolution": 1, "Unit": "Milliseconds"}
    a_set = {"SampleCount": 2, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0}
    client.put_metric_data(
        **a_call(
            a_datum(Values=[0.1, 2.5e-7, 7.0], Counts=[3, 10**12, 1], **fine),
            a_datum(MetricName="Sets", StatisticValues=a_set, **fine),
            a_datum(MetricName="Plain", Value=-1.5),
        )
    )


def data_call(minute_s, **members):
    metric = {"Namespace": NAMESPACE, "MetricName": "RequestCount", "Dimensions": ODD}
    queries = [
        {"Id": "n", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "SampleCount"}, "ReturnData": True},
        {"Id": "tm", "MetricStat": {"Metric": metric, "Period": 1, "Stat": "TM(50%:)"}, "Label": "a <label>"},
        {"Id": "hidden", "MetricStat": {"Metric": metric, "Period": 1, "Stat": "Sum"}, "ReturnData": False},
    ]
    times = {"StartTime": minute_s, "EndTime": minute_s + 60}
    return {"MetricDataQueries": queries, "ScanBy": "TimestampAscending", **times, **members}


def everything(client, minute_s):
    """What all reading operations answer, without what belongs to one request."""
    of_one = {
        "Namespace": NAMESPACE,
        "MetricName": "RequestCount",
        "Dimensions": ODD,
        "StartTime": minute_s,
        "EndTime": minute_s + 60,
        "Period": 60,
    }
    answers = [
        client.list_metrics(Namespace=NAMESPACE, IncludeLinkedAccounts=True),
        client.list_metrics(Namespace="none"),
        client.get_metric_data(**data_call(minute_s)),
        client.get_metric_statistics(**of_one, Statistics=["Sum", "SampleCount", "Maximum"]),
        client.get_metric_statistics(**of_one, ExtendedStatistics=["p50", "p99.9", "PR(:1)"]),
        client.get_metric_statistics(**(of_one | {"MetricName": "none"}), Statistics=["Sum"]),
    ]
    for answer in answers:
        answer.pop("ResponseMetadata")
    return answers


def test_what_one_protocol_writes_the_others_read_alike(cloudwatch, client, minute_s):
    fill(client, minute_s)
    as_json = everything(client_of(cloudwatch, "json"), minute_s)
    listed, _, found, simple, extended, _ = as_json
    assert [metric["MetricName"] for metric in listed["Metrics"]] == ["RequestCount", "Sets", "Plain"]
    assert listed["OwningAccounts"] == ["123456789012"] * 3
    assert found["MetricDataResults"][0]["Values"] == [10**12 + 4]
    assert [result["Id"] for result in found["MetricDataResults"]] == ["n", "tm"]
    assert simple["Datapoints"][0]["Maximum"] == 7.0
    assert extended["Datapoints"][0]["ExtendedStatistics"]["p50"] == 2.5e-7
    for protocol in PROTOCOLS:
        assert everything(client_of(cloudwatch, protocol), minute_s) == as_json


def test_grafanas_reading(client, minute_s):
    """What Grafana's data source sends beside the plain members: label options, empty labels, linked accounts."""
    fill(client, minute_s)
    call = data_call(minute_s, LabelOptions={"Timezone": "+0000"})
    call["MetricDataQueries"][0]["Label"] = ""
    assert [result["Label"] for result in client.get_metric_data(**call)["MetricDataResults"]] == [
        "RequestCount",
        "a <label>",
    ]
    assert len(client.list_metrics(MetricName="Sets", RecentlyActive="PT3H", Dimensions=[])["Metrics"]) == 1


def test_pages(client, minute_s):
    data = [a_datum(Timestamp=minute_s + second, StorageResolution=1, Dimensions=ODD) for second in range(10)]
    client.put_metric_data(**a_call(*data))
    pages = list(client.get_paginator("get_metric_data").paginate(**data_call(minute_s, MaxDatapoints=4)))
    assert [sum(len(result["Values"]) for result in page["MetricDataResults"]) for page in pages] == [4, 4, 3]


@pytest.mark.parametrize(
    ("call", "code", "says"),
    [
        (a_call(a_datum(Unit="<ms>")), "InvalidParameterValue", "MetricData.member.1.Unit"),
        (a_call(a_datum(Value=None)), "InvalidParameterCombination", "At least one"),
        (a_call(), "MissingParameter", "MetricData"),
        (a_call(a_datum(), a_datum(Value=math.nan)), "InvalidParameterValue", "MetricData.member.2.Value"),
        (a_call(a_datum(Values=[1.0, math.inf])), "InvalidParameterValue", "Values.member.2"),
        (a_call(a_datum(Values=[1.0], Counts=[1.0, 2.0])), "InvalidParameterValue", "same size"),
        (a_call(a_datum(Dimensions=dimensions(("n", "käse")))), "InvalidParameterValue", "non-ASCII"),
        (a_call(a_datum(Dimensions=dimensions(("n", "7"), ("n", "8")))), "InvalidParameterValue", "unique"),
        (a_call(*[a_datum()] * 1001), "InvalidParameterValue", "1000"),
        (a_call(a_datum(Timestamp=1_000_000_000)), "InvalidParameterValue", "two weeks"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_refusals_have_the_same_code_everywhere(cloudwatch, client, call, code, says):
    found, status, message = refusal(client, call)
    assert (found, status) == (code, 400)
    assert says in message
    assert cloudwatch.stats().refusals == {code: 1}
    assert cloudwatch.stats().series == 0


def test_faults_strike_every_protocol(cloudwatch, client):
    for kind, code in (("throttling", "Throttling"), ("server_error", "InternalServiceError")):
        cloudwatch.faults(kind, count=1, retry_after_s=3)
        with pytest.raises(ClientError) as caught:
            client.put_metric_data(**a_call(a_datum()))
        assert caught.value.response["Error"]["Code"] == code
        assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "3"
    cloudwatch.faults("bad_datum", match="Odd")
    assert refusal(client, a_call(a_datum(), a_datum(MetricName="Odd")))[0] == "InvalidParameterValue"
    cloudwatch.faults("lost_reply", count=1)
    with pytest.raises(ConnectionClosedError):
        client.put_metric_data(**a_call(a_datum()))
    assert (cloudwatch.stats().put_accepted, cloudwatch.stats().put_refused) == (1, 3)


def test_gzip_in_every_protocol(cloudwatch, client):
    packing = client_of(
        cloudwatch,
        client.meta.service_model.resolved_protocol,
        config=ONE_TRY.merge(Config(request_min_compression_size_bytes=1)),
    )
    packing.put_metric_data(**a_call(*(a_datum(MetricName=f"m{i}", Values=[1.5], Counts=[3]) for i in range(200))))
    assert {one.values[1.5] for one in cloudwatch.dump()} == {3}
    assert cloudwatch.stats().wire_bytes < cloudwatch.stats().body_bytes / 5


def test_metric_math_is_refused_with_words(client):
    call = {"StartTime": 1_700_000_000, "EndTime": 1_700_003_600}
    for expression in ("m1 + 1", "SELECT AVG(x) FROM y", "SEARCH('{n} partial', 'Sum', 60)"):
        with pytest.raises(ClientError, match="no metric math") as caught:
            client.get_metric_data(MetricDataQueries=[{"Id": "e", "Expression": expression}], **call)
        assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_grafanas_wildcards(client, minute_s):
    """A query with `*`, or without "match exact", is a SEARCH; labels carry the dimensions."""
    for path, host in (("/a", "x"), ("/b", "x"), ("/c", "y")):
        pair = dimensions(("Request", path), ("Host", host))
        client.put_metric_data(**a_call(a_datum(Dimensions=pair, Timestamp=minute_s, Values=[5.0], Counts=[2])))
    fill(client, minute_s)
    expression = (
        f"""REMOVE_EMPTY(SEARCH('{{{NAMESPACE},Host,Request}} MetricName="RequestCount" "Host"="x"', 'Sum', 60))"""
    )
    label = "${LABEL}|&|${PROP('Dim.Request')}|&|${PROP('Stat')}"
    query = {"Id": "q", "Expression": expression, "Label": label, "ReturnData": True}
    call = {"StartTime": minute_s, "EndTime": minute_s + 60, "MetricDataQueries": [query]}
    found = client.get_metric_data(**call)["MetricDataResults"]
    assert [(one["Id"], one["Label"], one["Values"]) for one in found] == [
        ("q", "RequestCount x /a|&|/a|&|Sum", [10.0]),
        ("q", "RequestCount x /b|&|/b|&|Sum", [10.0]),
    ]


# By hand


def post(cloudwatch, body, headers, path="/"):
    connection = http.client.HTTPConnection(urlsplit(cloudwatch.endpoint_url).netloc, timeout=20)
    connection.request("POST", path, body, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def post_form(cloudwatch, parameters):
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    body = parameters if isinstance(parameters, (str, bytes)) else urlencode(parameters)
    response, content = post(cloudwatch, body, headers)
    return response.status, ET.fromstring(content)


def test_times_and_gaps_in_forms(cloudwatch, minute_s):
    parameters = {
        "Action": "PutMetricData",
        "Version": "2010-08-01",
        "Namespace": NAMESPACE,
        "MetricData.member.12.MetricName": "second",
        "MetricData.member.12.Value": "7",
        "MetricData.member.3.MetricName": "first",
        "MetricData.member.3.Value": "1e2",
        "MetricData.member.3.Timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(minute_s)),
    }
    status, root = post_form(cloudwatch, parameters)
    assert status == 200
    assert root.tag == "{http://monitoring.amazonaws.com/doc/2010-08-01/}PutMetricDataResponse"
    first, second = cloudwatch.dump()
    assert (first.name, first.total, first.points[0].timestamp_s) == ("first", 100.0, minute_s)
    assert (second.name, second.total) == ("second", 7.0)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("Action=PutMetricData&Namespace=n&Namespace=m", "SerializationException"),
        ("Action=PutMetricData&Namespace.x=n&Namespace=m", "SerializationException"),
        ("Action=PutMetricData&MetricData.member.x.Value=1", "SerializationException"),
        ("Action=PutMetricData&" + ".".join("abcdefghijklmnop") + "=1", "SerializationException"),
        (b"Action=PutMetricData&Namespace=\xff", "SerializationException"),
        (
            "Action=PutMetricData&Namespace=n&MetricData.member.1.MetricName=m&MetricData.member.1.Value=x",
            "SerializationException",
        ),
        (
            "Action=PutMetricData&Namespace=n&MetricData.member.1.MetricName=m&MetricData.member.1.Value=1_0",
            "SerializationException",
        ),
        ("Action=PutMetricData&Namespace=n&MetricData=x", "SerializationException"),
        ("Action=DescribeRegions&Version=2016-11-15", "UnknownOperationException"),
        ("", "UnknownOperationException"),
    ],
)
def test_bad_forms_are_refused(cloudwatch, parameters, code):
    status, root = post_form(cloudwatch, parameters)
    assert status == 400
    assert root.findtext(".//{*}Code") == code
    assert root.findtext(".//{*}Message")
    assert cloudwatch.stats().series == 0


def test_a_message_is_xml_whatever_it_quotes(cloudwatch):
    parameters = {"Action": "PutMetricData\x00\x0b<&>\ud800".encode("utf-8", "surrogatepass"), "Namespace": "n"}
    status, root = post_form(cloudwatch, parameters)
    assert (status, root.findtext(".//{*}Type")) == (400, "Sender")


def post_cbor(cloudwatch, body, operation="PutMetricData"):
    headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    response, content = post(cloudwatch, body, headers, CBOR_PATH + operation)
    assert response.headers["smithy-protocol"] == "rpc-v2-cbor"
    return response, content


def test_cbor_as_the_sdk_for_go_writes_it(cloudwatch):
    # open lengths, a time as a float, counts as floats, members in any order
    datum = {"Values": [1.5], "MetricName": "m", "Counts": [3.0], "Timestamp": time.time()}
    body = b"\xbf" + cbor.dumps("Namespace") + cbor.dumps("n") + cbor.dumps("MetricData") + b"\x9f"
    body += cbor.dumps(datum).replace(b"Timestamp\xfb", b"Timestamp\xc1\xfb") + b"\xff\xff"
    response, content = post_cbor(cloudwatch, body)
    assert (response.status, content, response.headers["Content-Type"]) == (200, b"", None)
    assert cloudwatch.dump()[0].values == {1.5: 3}


BOMBS = {
    "references": b"\x82\xd8\x1c\x81\x01\xd8\x1d\x00",
    "a list in itself": b"\xd8\x1c\x81\xd8\x1d\x00",
    "texts by number": b"\xd9\x01\x00\x82\x63abc\xd8\x19\x00",
    "a regular expression": b"\xd8\x23\x67(a+)+$b",
    "a decimal": b"\xc4\x82\x1a\x3b\x9a\xc9\xff\x01",
    "a large integer": b"\xc2\x41\x01",
    "a set": b"\xd9\x01\x02\x81\x01",
    "a tag of nobody's": b"\xd9\xff\xfe\x01",
    "numbers as keys": b"\xa1\x01\x01",
    "a length of 2**63": b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
    "tags in tags": b"\xc1" * 100_000 + b"\x01",
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_what_would_grow_or_run_is_refused(content):
    for body in (content, b"\xa1\x61a" + content, b"\x81" + content):
        with pytest.raises(cbor.CborError):
            cbor.loads(body)


@pytest.mark.parametrize("body", [b"\xff", b"\xa1", b"\x01", b"{}", b"\x81" * 100, b"\xa1\x41a\x01", b"\xa0\xa0"])
def test_bad_cbor_is_refused(cloudwatch, body):
    response, content = post_cbor(cloudwatch, body)
    assert response.status == 400
    assert cbor.loads(content)["__type"] == "com.amazonaws.cloudwatch#SerializationException"
    assert cloudwatch.stats().put_refused == 1


def test_an_unknown_cbor_operation(cloudwatch):
    response, content = post_cbor(cloudwatch, cbor.dumps({}), "DescribeAlarms")
    assert response.status == 400
    assert "DescribeAlarms" in cbor.loads(content)["message"]
    assert post(cloudwatch, b"", {}, "/service/Other/operation/PutMetricData")[0].status == 404


# The codecs

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_cbor_round_trip(value):
    assert cbor.loads(cbor.dumps(value)) == value


@given(st.binary(max_size=60) | values.map(cbor.dumps).flatmap(lambda whole: st.just(whole[: len(whole) // 2])))
def test_cbor_never_fails_otherwise(content):
    try:
        cbor.loads(content)
    except cbor.CborError as error:
        assert str(error)  # noqa: PT017 - any other exception fails the test


@given(st.lists(st.text(max_size=3), max_size=6), st.lists(values, max_size=4))
def test_cbor_open_lengths_mean_the_same(pieces, items):
    text = b"\x7f" + b"".join(cbor.dumps(piece) for piece in pieces) + b"\xff"
    assert cbor.loads(text) == "".join(pieces)
    assert cbor.loads(b"\x9f" + b"".join(map(cbor.dumps, items)) + b"\xff") == items


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"\xf9" + struct.pack(">e", 1.5), 1.5),
        (b"\xfa" + struct.pack(">f", 0.25), 0.25),
        (b"\xf7", None),
        (b"\xa1\x61a\xf7", {"a": None}),
        (b"\xc1\x1a\x65\x53\xf1\x00", 1_700_000_000),
        (b"\x38\x63", -100),
    ],
)
def test_cbor_examples(content, value):
    assert cbor.loads(content) == value


def test_a_time_is_tagged():
    assert cbor.dumps([Timestamp(1)]) == b"\x81\xc1\x01"
    with pytest.raises(cbor.CborError):
        cbor.dumps([object()])


@given(st.binary(max_size=80) | st.text("Metric.member=1&%0D+", max_size=80).map(str.encode))
def test_forms_never_fail_otherwise(content):
    try:
        action, document = form.loads(content)
    except form.FormError as error:
        assert str(error)  # noqa: PT017 - any other exception fails the test
    else:
        assert isinstance(action, str)
        assert isinstance(document, dict)
