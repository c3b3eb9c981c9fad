"""SEARCH: which series an expression finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.local_cloudwatch.errors import ApiError
from locust_cw_dist.local_cloudwatch.faults.conditions import Surroundings
from locust_cw_dist.local_cloudwatch.operations.api import Api
from locust_cw_dist.local_cloudwatch.operations.identities import Identities
from locust_cw_dist.local_cloudwatch.operations.search import SearchSyntaxError, label_of, parse_search
from locust_cw_dist.local_cloudwatch.storage.store import SeriesKey, Store
from support.publishing.put_requests import NAMESPACE, a_call, a_datum, dimensions

pytestmark = pytest.mark.once

NOW_S = 1_800_000_000
CART = SeriesKey(NAMESPACE, "RequestCount", (("Host", "x"), ("Request", "/cart")))
PAY = SeriesKey(NAMESPACE, "RequestCount", (("Host", "y"), ("Request", '/pay "now"')))
ALL = SeriesKey(NAMESPACE, "RequestCount", ())
TIME = SeriesKey(NAMESPACE, "ResponseTime_ms", (("Host", "x"), ("Request", "/cart")))
ELSEWHERE = SeriesKey("other", "RequestCount", (("Host", "x"), ("Request", "/cart")))
EVERY = [CART, PAY, ALL, TIME, ELSEWHERE]


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ("", EVERY),
        (f"{{{NAMESPACE}}}", [ALL]),
        (f"{{{NAMESPACE},Host,Request}}", [CART, PAY, TIME]),
        (f'{{"{NAMESPACE}", "Request" , Host}} MetricName="RequestCount"', [CART, PAY]),
        (f"{{{NAMESPACE},Host}}", []),
        (f'Namespace="{NAMESPACE}" MetricName="RequestCount" "Host"', [CART, PAY]),
        ('MetricName=("RequestCount" OR "ResponseTime_ms") AND Host="x"', [CART, TIME, ELSEWHERE]),
        ('"Host"="x" Namespace="other"', [ELSEWHERE]),
        ('"Request"="/pay \\"now\\""', [PAY]),
        ('"/cart" Namespace="other"', [ELSEWHERE]),
        ('"MetricName"="RequestCount"', []),  # a dimension of that name
    ],
)
def test_what_is_found(terms, found):
    search = parse_search(f"SEARCH('{terms}', 'Sum', 60)")
    assert [key for key in EVERY if search.accepts(key)] == found


def test_the_rest_of_a_search():
    search = parse_search("SEARCH('\"a\"', 'p99.9')")
    assert (search.statistic, search.period_s, search.drops_empty) == ("p99.9", 300, False)
    assert parse_search(" REMOVE_EMPTY( SEARCH( '\"a\"' , 'TM(1%:99%)' , 10 ) ) ").drops_empty


@pytest.mark.parametrize(
    "expression",
    [
        "m1",
        "SEARCH('a', 'Sum')",
        "SEARCH('Host=a', 'Sum')",
        "SEARCH('{} \"a\"', 'Sum')",
        "SEARCH('\"a', 'Sum')",
        "SEARCH('\"a\"=', 'Sum')",
        "SEARCH('\"a\"=(\"b\"', 'Sum')",
        "SEARCH('\"a\"=()', 'Sum')",
        "SEARCH('NOT \"a\"', 'Sum')",
        "SEARCH('\"a\"')",
        "SEARCH('\"a\"', 'Sum', x)",
        "REMOVE_EMPTY(SEARCH('\"a\"', 'Sum')",
        "SEARCH('\"a\"', 'Sum'))",
        "SUM(SEARCH('\"a\"', 'Sum'))",
    ],
)
def test_other_expressions_are_refused(expression):
    with pytest.raises(SearchSyntaxError):
        parse_search(expression)


@given(st.text("SEARCH(){}'\"\\=, ORAND1m", max_size=60).map(lambda inner: f"SEARCH('{inner}', 'Sum')"))
def test_odd_expressions_fail_in_one_way_only(expression):
    try:
        parse_search(expression)
    except SearchSyntaxError as error:
        assert str(error)  # noqa: PT017 - any other exception fails the test


def test_labels():
    assert label_of("", CART, "p95", 60) == "RequestCount x /cart"
    assert label_of("${PROP('Dim.Host')} ${PROP('Stat')}/${PROP('Period')}", CART, "p95", 60) == "x p95/60"
    assert label_of("${PROP('Dim.None')} ${AVG}", CART, "p95", 60) == "- ${AVG}"


# In GetMetricData


@pytest.fixture
def api():
    surroundings = Surroundings(lambda: float(NOW_S))
    return Api(Store(), surroundings, Identities(surroundings))


def ask(api, expression, **members):
    call = {"StartTime": NOW_S - 600, "EndTime": NOW_S, "MetricDataQueries": [{"Id": "e", "Expression": expression}]}
    return api.handle("GetMetricData", call | members)["MetricDataResults"]


def put(api, name, pairs, timestamp_s=NOW_S - 300):
    datum = a_datum(MetricName=name, Dimensions=dimensions(*pairs), Timestamp=timestamp_s)
    api.handle("PutMetricData", a_call(datum))


def test_series_without_data_are_left_out_if_asked_to(api):
    put(api, "m", [("a", "1")])
    put(api, "m", [("a", "2")], NOW_S - 3600)
    every = ask(api, "SEARCH('\"a\"', 'Sum', 60)")
    assert [(one["Label"], one["Values"]) for one in every] == [("m 1", [1.0]), ("m 2", [])]
    assert [one["Label"] for one in ask(api, "REMOVE_EMPTY(SEARCH('\"a\"', 'Sum', 60))")] == ["m 1"]


def test_500_series_at_most(api):
    for number in range(501):
        put(api, "m", [("a", str(number))])
    assert len(ask(api, "SEARCH('\"a\"', 'Sum', 60)")) == 500


@pytest.mark.parametrize(
    ("expression", "code"), [("SEARCH('\"a\"', 'median', 60)", "InvalidParameterValue"), ("m1 / 2", "ValidationError")]
)
def test_refusals(api, expression, code):
    with pytest.raises(ApiError) as caught:
        ask(api, expression)
    assert caught.value.code == code
