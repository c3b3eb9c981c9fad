"""Every limit of PutMetricData: what breaks it is refused with AWS's code, one step inside is taken."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest

from locust_cw_dist.local_cloudwatch.operations.limits import UNITS
from support.publishing.aws_json import operate
from support.publishing.put_requests import NAMESPACE, a_call, a_datum, dimensions, from_now, refusal

pytestmark = pytest.mark.once

VALUE = "InvalidParameterValue"
COMBINATION = "InvalidParameterCombination"
MISSING = "MissingParameter"
TYPE = "SerializationException"
MEMBER = "MetricData.member.1."
TWO_WEEKS_S = 14 * 24 * 3600
TWO_HOURS_S = 2 * 3600
LARGEST = 2.0**360


@dataclass(frozen=True)
class Limit:
    """A rule: what breaks it, the code, a part of the message, and what just keeps it, if anything does."""

    name: str
    outside: Any
    code: str
    says: str
    inside: Any = None


def dims(name="Request", value="/cart"):
    return a_datum(Dimensions=dimensions((name, value)))


def a_set(**members):
    given = {"SampleCount": 2, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0} | members
    return a_datum(StatisticValues={name: value for name, value in given.items() if value is not None})


def many_dims(n):
    return a_datum(Dimensions=dimensions(*((f"d{i}", "v") for i in range(n))))


CALLS = [
    Limit("no namespace", {"MetricData": [a_datum()]}, MISSING, "Namespace"),
    Limit(
        "empty namespace",
        a_call(a_datum(), namespace=""),
        VALUE,
        "Namespace",
        a_call(a_datum(), namespace="x"),
    ),
    Limit(
        "long namespace",
        a_call(a_datum(), namespace="n" * 256),
        VALUE,
        "Namespace must be shorter than 256",
        a_call(a_datum(), namespace="n" * 255),
    ),
    Limit(
        "namespace characters",
        a_call(a_datum(), namespace="a&b"),
        VALUE,
        "Namespace",
        a_call(a_datum(), namespace="09AZaz.-_/#: x"),
    ),
    Limit("namespace not ASCII", a_call(a_datum(), namespace="prüfung"), VALUE, "Namespace"),
    Limit("blank namespace", a_call(a_datum(), namespace="  "), VALUE, "Namespace"),
    Limit("namespace with line end", a_call(a_datum(), namespace="a\n"), VALUE, "Namespace"),
    Limit(
        "namespace colon",
        a_call(a_datum(), namespace=":a"),
        VALUE,
        "Namespace",
        a_call(a_datum(), namespace="a:"),
    ),
    Limit(
        "AWS namespace",
        a_call(a_datum(), namespace="AWS/EC2"),
        VALUE,
        "Namespace",
        a_call(a_datum(), namespace="AWSX/EC2"),
    ),
    Limit("no MetricData", {"Namespace": NAMESPACE}, MISSING, "MetricData"),
    Limit("no datum", a_call(), MISSING, "MetricData", a_call(a_datum())),
    Limit(
        "1001 datums",
        a_call(*[a_datum()] * 1001),
        VALUE,
        "The collection MetricData must not have a size greater than 1000",
        a_call(*[a_datum()] * 1000),
    ),
    Limit(
        "entities",
        {"Namespace": NAMESPACE, "EntityMetricData": [{"MetricData": [a_datum()]}]},
        VALUE,
        "EntityMetricData",
    ),
]

DATUMS = [
    Limit("no name", a_datum(MetricName=None), MISSING, MEMBER + "MetricName"),
    Limit("empty name", a_datum(MetricName=""), VALUE, MEMBER + "MetricName", a_datum(MetricName="m")),
    Limit(
        "long name",
        a_datum(MetricName="m" * 256),
        VALUE,
        MEMBER + "MetricName must be shorter than 256",
        a_datum(MetricName="m" * 255),
    ),
    Limit("name not ASCII", a_datum(MetricName="größe"), VALUE, "non-ASCII"),
    Limit("name with control", a_datum(MetricName="a\nb"), VALUE, "control", a_datum(MetricName="a b")),
    Limit("blank name", a_datum(MetricName=" "), VALUE, "non-whitespace", a_datum(MetricName=" m ")),
    # dimensions
    Limit("31 dimensions", many_dims(31), VALUE, MEMBER + "Dimensions must not have a size", many_dims(30)),
    Limit(
        "dimension twice",
        a_datum(Dimensions=dimensions(("Request", "a"), ("Request", "b"))),
        VALUE,
        "Dimensions.member.2.Name",
        a_datum(Dimensions=dimensions(("Request", "a"), ("request", "b"))),
    ),
    Limit("empty dimension name", dims(name=""), VALUE, "Dimensions.member.1.Name", dims(name="n")),
    Limit("long dimension name", dims(name="n" * 256), VALUE, "must be shorter than 256", dims(name="n" * 255)),
    Limit("colon dimension name", dims(name=":n"), VALUE, "Dimensions.member.1.Name", dims(name="n:")),
    Limit("blank dimension name", dims(name=" "), VALUE, "Dimensions.member.1.Name", dims(name=" n ")),
    Limit("dimension name not ASCII", dims(name="größe"), VALUE, "Name contains non-ASCII"),
    Limit("dimension name with control", dims(name="a\tb"), VALUE, "Name contains control", dims(name="a b")),
    Limit("empty dimension value", dims(value=""), VALUE, "Dimensions.member.1.Value", dims(value="v")),
    Limit(
        "long dimension value",
        dims(value="v" * 1025),
        VALUE,
        "must be shorter than 1025",
        dims(value="v" * 1024),
    ),
    Limit("blank dimension value", dims(value=" "), VALUE, "Dimensions.member.1.Value", dims(value=" v ")),
    Limit(
        "dimension value not ASCII",
        dims(value="/käse"),
        VALUE,
        "Value contains non-ASCII",
        dims(value="/kaese~"),
    ),
    Limit("dimension value with control", dims(value="a\x00"), VALUE, "Value contains control"),
    Limit("dimension value with DEL", dims(value="a\x7f"), VALUE, "Value contains control"),
    Limit("colon dimension value is fine", dims(name=":"), VALUE, "Name", dims(value=":v")),
    Limit("no dimension name", a_datum(Dimensions=[{"Value": "v"}]), MISSING, "Dimensions.member.1.Name"),
    Limit("no dimension value", a_datum(Dimensions=[{"Name": "n"}]), MISSING, "Dimensions.member.1.Value"),
    # one of Value, Values, StatisticValues
    Limit("nothing measured", a_datum(Value=None), COMBINATION, "At least one", a_datum(Value=0)),
    Limit("empty Values", a_datum(Values=[]), COMBINATION, "At least one", a_datum(Values=[1.0])),
    Limit("Value and Values", a_datum(Value=1.0, Values=[1.0]), COMBINATION, "mutually exclusive"),
    Limit("Value and a set", a_set() | {"Value": 1.0}, COMBINATION, "mutually exclusive"),
    Limit("Values and a set", a_set() | {"Values": [1.0]}, COMBINATION, "mutually exclusive"),
    Limit("Value and Counts", a_datum(Counts=[1]), COMBINATION, "Counts"),
    Limit("a set and Counts", a_set() | {"Counts": [1]}, COMBINATION, "Counts"),
    # numbers
    Limit(
        "151 values",
        a_datum(Values=[float(i) for i in range(151)]),
        VALUE,
        MEMBER + "Values must not have a size greater than 150",
        a_datum(Values=[float(i) for i in range(150)]),
    ),
    Limit(
        "too few counts",
        a_datum(Values=[1.0, 2.0], Counts=[1]),
        VALUE,
        "same size",
        a_datum(Values=[1.0, 2.0], Counts=[1, 1]),
    ),
    Limit("too many counts", a_datum(Values=[1.0], Counts=[1, 1]), VALUE, "same size"),
    Limit("large value", a_datum(Value=LARGEST * 1.001), VALUE, MEMBER + "Value", a_datum(Value=LARGEST)),
    Limit("small value", a_datum(Value=-LARGEST * 1.001), VALUE, MEMBER + "Value", a_datum(Value=-LARGEST)),
    Limit("NaN", a_datum(Value=math.nan), VALUE, MEMBER + "Value"),
    Limit("infinity", a_datum(Value=math.inf), VALUE, MEMBER + "Value"),
    Limit("minus infinity", a_datum(Value=-math.inf), VALUE, MEMBER + "Value"),
    Limit(
        "large among Values",
        a_datum(Values=[1.0, LARGEST * 1.001]),
        VALUE,
        MEMBER + "Values.member.2",
        a_datum(Values=[-LARGEST, LARGEST]),
    ),
    Limit("NaN among Values", a_datum(Values=[1.0, math.nan]), VALUE, MEMBER + "Values.member.2"),
    Limit(
        "negative count",
        a_datum(Values=[1.0], Counts=[-1]),
        VALUE,
        MEMBER + "Counts.member.1",
        a_datum(Values=[1.0], Counts=[0]),
    ),
    Limit("infinite count", a_datum(Values=[1.0], Counts=[math.inf]), VALUE, MEMBER + "Counts.member.1"),
    Limit("NaN count", a_datum(Values=[1.0], Counts=[math.nan]), VALUE, MEMBER + "Counts.member.1"),
    # statistic sets
    Limit("no samples", a_set(SampleCount=0), VALUE, "SampleCount", a_set(SampleCount=0.5)),
    Limit("negative samples", a_set(SampleCount=-1), VALUE, "SampleCount"),
    Limit("min over max", a_set(Minimum=2.1), VALUE, "Maximum must be greater", a_set(Minimum=2.0)),
    Limit("set with NaN", a_set(Sum=math.nan), VALUE, "StatisticValues.Sum"),
    Limit(
        "set with large value",
        a_set(Maximum=LARGEST * 2),
        VALUE,
        "StatisticValues.Maximum",
        a_set(Maximum=LARGEST),
    ),
    Limit("set without sum", a_set(Sum=None), MISSING, "StatisticValues.Sum"),
    # unit, resolution, time
    Limit(
        "unit",
        a_datum(Unit="milliseconds"),
        VALUE,
        "Unit must be a value in the set",
        a_datum(Unit="Milliseconds"),
    ),
    Limit("empty unit", a_datum(Unit=""), VALUE, "Unit must be a value", a_datum(Unit="None")),
    Limit("resolution 0", a_datum(StorageResolution=0), VALUE, "StorageResolution", a_datum(StorageResolution=1)),
    Limit(
        "resolution 30",
        a_datum(StorageResolution=30),
        VALUE,
        "StorageResolution",
        a_datum(StorageResolution=60),
    ),
    Limit(
        "too old",
        lambda: a_datum(Timestamp=from_now(-TWO_WEEKS_S - 10)),
        VALUE,
        "within the past two weeks",
        lambda: a_datum(Timestamp=from_now(-TWO_WEEKS_S + 10)),
    ),
    Limit(
        "too new",
        lambda: a_datum(Timestamp=from_now(TWO_HOURS_S + 10)),
        VALUE,
        "two hours in the future",
        lambda: a_datum(Timestamp=from_now(TWO_HOURS_S - 10)),
    ),
]


def called(value):
    return value() if callable(value) else value


def by_name(limit):
    return limit.name


@pytest.mark.parametrize("limit", CALLS, ids=by_name)
def test_call_outside_a_limit_is_refused(client, limit):
    code, status, message = refusal(client, limit.outside)
    assert (code, status) == (limit.code, 400)
    assert limit.says in message


@pytest.mark.parametrize("limit", [limit for limit in CALLS if limit.inside], ids=by_name)
def test_call_just_inside_a_limit_is_accepted(client, limit):
    assert refusal(client, limit.inside) is None


@pytest.mark.parametrize("limit", DATUMS, ids=by_name)
def test_datum_outside_a_limit_is_refused(client, limit):
    code, status, message = refusal(client, a_call(called(limit.outside)))
    assert (code, status) == (limit.code, 400)
    assert limit.says in message


@pytest.mark.parametrize("limit", [limit for limit in DATUMS if limit.inside], ids=by_name)
def test_datum_just_inside_a_limit_is_accepted(client, limit):
    assert refusal(client, a_call(called(limit.inside))) is None


def test_every_unit_of_the_service_model_is_accepted_and_no_other(client):
    model_units = client.meta.service_model.shape_for("StandardUnit").enum
    assert sorted(model_units) == sorted(UNITS)
    assert refusal(client, a_call(*(a_datum(Unit=unit) for unit in model_units))) is None


def test_one_bad_datum_refuses_the_whole_call(cloudwatch, client):
    before = cloudwatch.stats()
    good = [a_datum(MetricName=f"AllOrNothing{i}") for i in range(5)]
    assert refusal(client, a_call(*good, a_datum(Unit="bad"), *good))[0] == VALUE
    after = cloudwatch.stats()
    assert (after.datums, after.series) == (before.datums, before.series)
    assert after.put_refused == before.put_refused + 1
    assert not [one for one in cloudwatch.dump(NAMESPACE) if one.name.startswith("AllOrNothing")]


def test_a_refusal_names_each_bad_datum(client):
    code, _, message = refusal(client, a_call(a_datum(), a_datum(Unit="bad"), a_datum(MetricName=None)))
    assert code == VALUE
    first, second = message.splitlines()
    assert first.startswith("The parameter MetricData.member.2.Unit must be a value in the set")
    assert second == "The parameter MetricData.member.3.MetricName is required."


def test_boto3_knows_the_error_as_modelled(client):
    with pytest.raises(client.exceptions.InvalidParameterCombinationException):
        client.put_metric_data(**a_call(a_datum(Value=None)))
    with pytest.raises(client.exceptions.MissingRequiredParameterException):
        client.put_metric_data(**a_call())
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        client.put_metric_data(**a_call(a_datum(Value=math.nan)))


# What botocore can't be made to send.


@pytest.mark.parametrize(
    ("datum", "code", "says"),
    [
        ({"MetricName": "m", "Value": 10**400}, VALUE, "for parameter MetricData.member.1.Value is invalid"),
        ({"MetricName": "m", "Value": "1"}, TYPE, MEMBER + "Value must be a number"),
        ({"MetricName": "m", "Value": True}, TYPE, MEMBER + "Value must be a number"),
        ({"MetricName": "m", "Values": 5}, TYPE, MEMBER + "Values must be a list"),
        ({"MetricName": "m", "Values": [1, "2"]}, TYPE, MEMBER + "Values.member.2 must be a number"),
        (
            {"MetricName": "m", "Values": [1], "Counts": [None]},
            TYPE,
            MEMBER + "Counts.member.1 must be a number",
        ),
        ({"MetricName": 5, "Value": 1}, TYPE, MEMBER + "MetricName must be a string"),
        (
            {"MetricName": "m", "Value": 1, "Dimensions": {"a": "b"}},
            TYPE,
            MEMBER + "Dimensions must be a list",
        ),
        ({"MetricName": "m", "Value": 1, "Dimensions": ["a"]}, TYPE, MEMBER + "Dimensions.member.1 must be"),
        ({"MetricName": "m", "Value": 1, "Timestamp": "2026-01-01T00:00:00Z"}, TYPE, MEMBER + "Timestamp"),
        ({"MetricName": "m", "Value": 1, "Timestamp": "NaN"}, TYPE, MEMBER + "Timestamp"),
        ({"MetricName": "m", "Value": 1, "StorageResolution": 1.0}, TYPE, MEMBER + "StorageResolution"),
        ({"MetricName": "m", "StatisticValues": 1}, TYPE, MEMBER + "StatisticValues must be a structure"),
        ({"MetricName": "\ud800", "Value": 1}, VALUE, MEMBER + "MetricName contains non-ASCII"),
        (7, TYPE, "MetricData.member.1 must be a structure"),
        (None, TYPE, "MetricData.member.1 must be a structure"),
    ],
    ids=repr,
)
def test_odd_json_is_refused(cloudwatch, datum, code, says):
    answer = operate(cloudwatch.endpoint_url, "PutMetricData", {"Namespace": NAMESPACE, "MetricData": [datum]})
    assert (answer.status, answer.code) == (400, code)
    assert says in answer.document["message"]


def test_null_members_count_as_absent(cloudwatch):
    datum = {
        "MetricName": "m",
        "Value": 1,
        "Unit": None,
        "Dimensions": None,
        "Values": None,
        "Timestamp": None,
    }
    call = {"Namespace": NAMESPACE, "MetricData": [datum], "EntityMetricData": None}
    assert operate(cloudwatch.endpoint_url, "PutMetricData", call).status == 200
