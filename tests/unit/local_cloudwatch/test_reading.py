"""GetMetricData, GetMetricStatistics and ListMetrics, asked by boto3 over HTTP."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError

from locust_cw_dist.local_cloudwatch.operations.queries import retention_s, start_step_s
from support.publishing.put_requests import NAMESPACE, a_call, a_datum, dimensions

pytestmark = pytest.mark.once

REQUEST = dimensions(("Request", "/cart"), ("Method", "GET"))
HOUR_S = 3600
DAY_S = 24 * HOUR_S


@pytest.fixture
def minute_s():
    """The start of a minute that is over, in epoch seconds."""
    return int(time.time()) // 60 * 60 - 120


def fine(timestamp_s, **members):
    given = {"StorageResolution": 1, "Timestamp": timestamp_s, "Dimensions": REQUEST, "Unit": "Milliseconds"}
    return a_datum(**(given | {"MetricName": "ResponseTime_ms"} | members))


def query(query_id="m", stat="Sum", period_s=10, name="ResponseTime_ms", unit=None, **members):
    metric = {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": REQUEST}
    stat = {"Metric": metric, "Period": period_s, "Stat": stat} | ({"Unit": unit} if unit else {})
    return {"Id": query_id, "MetricStat": stat} | members


def read(client, start_s, end_s, *queries, **members):
    """GetMetricData: Id -> [(epoch seconds, value)]."""
    answer = client.get_metric_data(MetricDataQueries=list(queries), StartTime=start_s, EndTime=end_s, **members)
    return {result["Id"]: points(result) for result in answer["MetricDataResults"]}


def points(result):
    return [(int(at.timestamp()), value) for at, value in zip(result["Timestamps"], result["Values"], strict=True)]


def statistics(client, start_s, end_s, period_s, **members):
    """GetMetricStatistics: epoch seconds -> data point."""
    answer = client.get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName="ResponseTime_ms",
        Dimensions=REQUEST,
        StartTime=start_s,
        EndTime=end_s,
        Period=period_s,
        **members,
    )
    return {int(point.pop("Timestamp").timestamp()): point for point in answer["Datapoints"]}


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


# GetMetricStatistics


def test_statistics_of_weighted_values(client, minute_s):
    client.put_metric_data(**a_call(fine(minute_s, Values=[1.0, 5.0], Counts=[9, 1]), fine(minute_s + 59, Value=10.0)))
    simple = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]
    found = statistics(client, minute_s, minute_s + 60, 60, Statistics=simple)
    assert found == {
        minute_s: {
            "SampleCount": 11.0,
            "Average": 24 / 11,
            "Sum": 24.0,
            "Minimum": 1.0,
            "Maximum": 10.0,
            "Unit": "Milliseconds",
        }
    }
    extended = ["p50", "p81.82", "p99.9", "tm90", "PR(:1)"]
    [point] = statistics(client, minute_s, minute_s + 60, 60, ExtendedStatistics=extended).values()
    # ranks 6, ceil(9.0002) = 10 and 11 of 11; tm90 keeps ceil(9.9) = 10 of them
    expected = {"p50": 1.0, "p81.82": 5.0, "p99.9": 10.0, "tm90": 1.4, "PR(:1)": pytest.approx(900 / 11)}
    assert point["ExtendedStatistics"] == expected


def test_percentiles_of_statistic_sets(client, minute_s):
    same = {"SampleCount": 3, "Sum": 6.0, "Minimum": 2.0, "Maximum": 2.0}
    one = {"SampleCount": 1, "Sum": 7.0, "Minimum": 7.0, "Maximum": 7.0}
    mixed = {"SampleCount": 2, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0}
    for second, a_set in enumerate((same, one, mixed)):
        client.put_metric_data(**a_call(fine(minute_s + second, StatisticValues=a_set)))
    found = statistics(client, minute_s, minute_s + 60, 1, ExtendedStatistics=["p50"])
    assert {at - minute_s: point["ExtendedStatistics"] for at, point in found.items()} == {
        0: {"p50": 2.0},
        1: {"p50": 7.0},
    }
    assert statistics(client, minute_s, minute_s + 60, 60, ExtendedStatistics=["p50"]) == {}
    assert statistics(client, minute_s, minute_s + 60, 60, Statistics=["Sum"])[minute_s]["Sum"] == 16.0


def test_no_percentiles_of_negative_values(client, minute_s):
    client.put_metric_data(**a_call(fine(minute_s, Values=[-1.0, 5.0])))
    assert statistics(client, minute_s, minute_s + 60, 60, ExtendedStatistics=["p50"]) == {}
    assert statistics(client, minute_s, minute_s + 60, 60, Statistics=["Minimum"])[minute_s]["Minimum"] == -1.0


def test_units_are_kept_apart(client, minute_s):
    client.put_metric_data(**a_call(fine(minute_s, Value=1.0), fine(minute_s, Value=2.0, Unit="Seconds")))
    answer = client.get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName="ResponseTime_ms",
        Dimensions=REQUEST,
        StartTime=minute_s,
        EndTime=minute_s + 60,
        Period=60,
        Statistics=["Sum"],
    )
    assert {point["Unit"]: point["Sum"] for point in answer["Datapoints"]} == {
        "Milliseconds": 1.0,
        "Seconds": 2.0,
    }
    assert statistics(client, minute_s, minute_s + 60, 60, Statistics=["Sum"], Unit="Seconds")[minute_s]["Sum"] == 2.0
    assert statistics(client, minute_s, minute_s + 60, 60, Statistics=["Sum"], Unit="Bytes") == {}


def test_other_dimensions_are_another_metric(client, minute_s):
    client.put_metric_data(**a_call(fine(minute_s, Dimensions=REQUEST[:1])))
    assert statistics(client, minute_s, minute_s + 60, 60, Statistics=["Sum"]) == {}


def test_start_is_rounded_down_and_end_is_exclusive(client, minute_s):
    client.put_metric_data(**a_call(*(fine(minute_s + second, Value=1.0) for second in range(120))))
    by_minute = statistics(client, minute_s + 32, minute_s + 60, 60, Statistics=["Sum"])
    assert {at - minute_s: point["Sum"] for at, point in by_minute.items()} == {0: 60.0}
    # the guide's example: at 01:05:23 for the previous 10 s gives 01:05:10 to 01:05:20
    by_ten = statistics(client, minute_s + 13, minute_s + 20, 10, Statistics=["Sum"])
    assert {at - minute_s: point["Sum"] for at, point in by_ten.items()} == {10: 10.0}


def test_points_do_not_come_in_order_of_time(client, minute_s):
    client.put_metric_data(**a_call(*(fine(minute_s + second) for second in range(5))))
    found = list(statistics(client, minute_s, minute_s + 60, 1, Statistics=["Sum"]))
    assert found == sorted(found, reverse=True)


STATISTICS_CALL = {
    "Namespace": NAMESPACE,
    "MetricName": "m",
    "StartTime": 1_700_000_000,
    "EndTime": 1_700_003_600,
    "Period": 60,
    "Statistics": ["Sum"],
}


@pytest.mark.parametrize(
    ("members", "code", "says"),
    [
        ({"Period": 2}, "InvalidParameterValue", "Period"),
        ({"Period": 90}, "InvalidParameterValue", "Period"),
        ({"Period": 0}, "InvalidParameterValue", "Period"),
        ({"Period": None}, "MissingParameter", "Period"),
        ({"StartTime": None}, "MissingParameter", "StartTime"),
        ({"EndTime": 1_700_000_000}, "InvalidParameterValue", "EndTime"),
        ({"EndTime": 1_700_003_600 + 23 * HOUR_S + 60}, "InvalidParameterCombination", "1,441 datapoints"),
        ({"Statistics": None}, "InvalidParameterCombination", "Statistics"),
        ({"ExtendedStatistics": ["p50"]}, "InvalidParameterCombination", "Statistics"),
        ({"Statistics": ["p50"]}, "InvalidParameterValue", "Statistics.member.1"),
        (
            {"Statistics": None, "ExtendedStatistics": ["Sum"]},
            "InvalidParameterValue",
            "ExtendedStatistics.member.1",
        ),
        ({"Statistics": None, "ExtendedStatistics": ["p101"]}, "InvalidParameterValue", "p101"),
        ({"Statistics": None, "ExtendedStatistics": ["p50"] * 11}, "InvalidParameterValue", "10"),
        ({"Unit": "ms"}, "InvalidParameterValue", "Unit"),
        ({"Dimensions": dimensions((":", "v"))}, "InvalidParameterValue", "Dimensions.member.1.Name"),
    ],
    ids=str,
)
def test_bad_statistics_calls_are_refused(client, members, code, says):
    call = {name: value for name, value in (STATISTICS_CALL | members).items() if value is not None}
    found_code, message = refused(client.get_metric_statistics, **call)
    assert found_code == code
    assert says in message


def test_1440_points_may_be_asked_for(client):
    client.get_metric_statistics(**(STATISTICS_CALL | {"EndTime": 1_700_000_000 + 1440 * 60}))


# GetMetricData


def test_several_metrics_in_one_call(client, minute_s):
    client.put_metric_data(
        **a_call(
            *(fine(minute_s + second, Values=[1.0, 100.0], Counts=[99, 1]) for second in (0, 9, 10)),
            fine(minute_s, MetricName="RequestCount", Value=7.0),
        )
    )
    found = read(
        client,
        minute_s,
        minute_s + 60,
        query("p99", "p99"),
        query("p995", "p99.5"),
        query("n", "SampleCount"),
        query("other", name="RequestCount"),
        query("none", name="Unknown"),
        query("hidden", ReturnData=False),
        ScanBy="TimestampAscending",
    )
    assert found == {
        "p99": [(minute_s, 1.0), (minute_s + 10, 1.0)],
        "p995": [(minute_s, 100.0), (minute_s + 10, 100.0)],
        "n": [(minute_s, 200.0), (minute_s + 10, 100.0)],
        "other": [(minute_s, 7.0)],
        "none": [],
    }


def test_newest_first_unless_asked_otherwise(client, minute_s):
    client.put_metric_data(**a_call(*(fine(minute_s + second, Value=float(second)) for second in (0, 10, 20))))
    assert [value for _, value in read(client, minute_s, minute_s + 60, query())["m"]] == [20.0, 10.0, 0.0]


def test_several_units_make_several_results(client, minute_s):
    client.put_metric_data(**a_call(fine(minute_s, Value=1.0), fine(minute_s, Value=2.0, Unit="Seconds")))
    call = {"StartTime": minute_s, "EndTime": minute_s + 60}
    both = client.get_metric_data(MetricDataQueries=[query(Label="times")], **call)["MetricDataResults"]
    assert [(one["Id"], one["Label"], one["Values"]) for one in both] == [
        ("m", "times Milliseconds", [1.0]),
        ("m", "times Seconds", [2.0]),
    ]
    assert read(client, minute_s, minute_s + 60, query(unit="Seconds")) == {"m": [(minute_s, 2.0)]}


@pytest.mark.parametrize("scan_by", ["TimestampAscending", "TimestampDescending"])
def test_pages_hold_everything_once_in_order(client, minute_s, scan_by):
    for name in ("a", "b"):
        data = (fine(minute_s + second, MetricName=name, Value=float(second)) for second in range(30))
        client.put_metric_data(**a_call(*data))
    call = {
        "MetricDataQueries": [query("a", period_s=1, name="a"), query("b", period_s=1, name="b")],
        "StartTime": minute_s,
        "EndTime": minute_s + 60,
        "ScanBy": scan_by,
    }
    pages = list(client.get_paginator("get_metric_data").paginate(**call, MaxDatapoints=7))
    sizes = [sum(len(result["Values"]) for result in page["MetricDataResults"]) for page in pages]
    assert sizes == [7] * 8 + [4]
    statuses = [[result["StatusCode"] for result in page["MetricDataResults"]] for page in pages]
    assert statuses == [["PartialData"] * 2] * 8 + [["Complete"] * 2]
    expected = [(minute_s + second, float(second)) for second in range(30)]
    if scan_by == "TimestampDescending":
        expected.reverse()
    for number in (0, 1):
        assert [point for page in pages for point in points(page["MetricDataResults"][number])] == expected


def test_data_that_arrives_between_pages_repeats_nothing(client, minute_s):
    put = [fine(minute_s + second, Value=float(second)) for second in range(10)]
    client.put_metric_data(**a_call(*put[5:]))
    call = {
        "MetricDataQueries": [query(period_s=1)],
        "StartTime": minute_s,
        "EndTime": minute_s + 60,
        "ScanBy": "TimestampAscending",
    }
    first = client.get_metric_data(**call, MaxDatapoints=2)
    client.put_metric_data(**a_call(*put[:5]))
    second = client.get_metric_data(**call, NextToken=first["NextToken"])
    assert "NextToken" not in second
    assert second["MetricDataResults"][0]["Values"] == [7.0, 8.0, 9.0]


def test_foreign_and_broken_tokens_are_refused(client, minute_s):
    client.put_metric_data(**a_call(fine(minute_s), fine(minute_s + 1)))
    call = {"MetricDataQueries": [query(period_s=1)], "StartTime": minute_s, "EndTime": minute_s + 60}
    token = client.get_metric_data(**call, MaxDatapoints=1)["NextToken"]
    assert refused(client.get_metric_data, **call, NextToken="nonsense")[0] == "InvalidNextToken"
    other = call | {"EndTime": minute_s + 59}
    assert refused(client.get_metric_data, **other, NextToken=token)[0] == "InvalidNextToken"


@pytest.mark.parametrize(
    ("members", "code", "says"),
    [
        ({"MetricDataQueries": []}, "MissingParameter", "MetricDataQueries"),
        ({"MetricDataQueries": [query(f"m{i}") for i in range(501)]}, "ValidationError", "500"),
        ({"MetricDataQueries": [{"Id": "e", "Expression": "m1 + 1"}]}, "ValidationError", "no metric math"),
        ({"MetricDataQueries": [{"Id": "e"}]}, "ValidationError", "MetricStat"),
        ({"MetricDataQueries": [query("M")]}, "ValidationError", "Id"),
        ({"MetricDataQueries": [query("m"), query("m")]}, "ValidationError", "not unique"),
        ({"MetricDataQueries": [query("m", ReturnData=False)]}, "ValidationError", "ReturnData"),
        ({"MetricDataQueries": [query(stat="median")]}, "InvalidParameterValue", "Stat"),
        ({"MetricDataQueries": [query(period_s=45)]}, "InvalidParameterValue", "Period"),
        ({"MetricDataQueries": [query(unit="ms")]}, "InvalidParameterValue", "Unit"),
        ({"EndTime": 1_700_000_000}, "ValidationError", "EndTime"),
        ({"ScanBy": "Newest"}, "ValidationError", "ScanBy"),
        ({"MaxDatapoints": 0}, "ValidationError", "MaxDatapoints"),
        ({"MaxDatapoints": 100_801}, "ValidationError", "MaxDatapoints"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_bad_metric_data_calls_are_refused(client, members, code, says):
    call = {"MetricDataQueries": [query()], "StartTime": 1_700_000_000, "EndTime": 1_700_003_600} | members
    found_code, message = refused(client.get_metric_data, **call)
    assert found_code == code
    assert says in message


def test_500_queries_and_100800_points_may_be_asked_for(client):
    queries = [query(f"m{i}") for i in range(500)]
    client.get_metric_data(
        MetricDataQueries=queries, StartTime=1_700_000_000, EndTime=1_700_003_600, MaxDatapoints=100_800
    )


# Retention


def test_short_periods_are_gone_after_three_hours(client):
    old_s = int(time.time()) - 4 * HOUR_S
    client.put_metric_data(**a_call(fine(old_s, Value=3.0)))
    assert read(client, old_s - 60, old_s + 60, query(period_s=10)) == {"m": []}
    [(_, value)] = read(client, old_s - 60, old_s + 60, query(period_s=60))["m"]
    assert value == 3.0


def test_standard_resolution_has_no_short_periods(client, minute_s):
    client.put_metric_data(**a_call(fine(minute_s, StorageResolution=60)))
    assert read(client, minute_s, minute_s + 60, query(period_s=30)) == {"m": []}
    assert read(client, minute_s, minute_s + 60, query(period_s=60)) == {"m": [(minute_s, 1.0)]}


@pytest.mark.parametrize(
    ("period_s", "kept_s"),
    [(1, 3 * HOUR_S), (30, 3 * HOUR_S), (60, 15 * DAY_S), (300, 63 * DAY_S), (3600, 455 * DAY_S)],
)
def test_retention_by_period(period_s, kept_s):
    assert retention_s(period_s) == kept_s


@pytest.mark.parametrize(("age_s", "step_s"), [(0, 60), (15 * DAY_S - 1, 60), (15 * DAY_S, 300), (63 * DAY_S, HOUR_S)])
def test_rounding_of_the_start_by_its_age(age_s, step_s):
    assert start_step_s(age_s) == step_s


# ListMetrics


def listed(client, **filters):
    pages = client.get_paginator("list_metrics").paginate(**filters)
    return [metric for page in pages for metric in page["Metrics"]]


def test_filters_of_list_metrics(client, minute_s):
    client.put_metric_data(**a_call(fine(minute_s, MetricName="a"), fine(minute_s, MetricName="b")))
    client.put_metric_data(**a_call(fine(minute_s, MetricName="a", Dimensions=REQUEST[:1])))
    client.put_metric_data(**a_call(fine(minute_s, MetricName="a", Dimensions=None), namespace="other"))
    assert len(listed(client)) == 4
    assert listed(client, Namespace="other") == [{"Namespace": "other", "MetricName": "a", "Dimensions": []}]
    assert len(listed(client, MetricName="a")) == 3
    assert len(listed(client, Namespace=NAMESPACE, MetricName="a")) == 2
    assert len(listed(client, Dimensions=[{"Name": "Request"}])) == 3
    [one] = listed(client, Dimensions=[{"Name": "Request", "Value": "/cart"}, {"Name": "Method"}], MetricName="a")
    assert sorted(item["Name"] for item in one["Dimensions"]) == ["Method", "Request"]
    assert listed(client, Dimensions=[{"Name": "Request", "Value": "/other"}]) == []
    assert len(listed(client, RecentlyActive="PT3H")) == 4


def test_list_metrics_in_pages_of_500(client):
    names = [f"m{number}" for number in range(1100)]
    client.put_metric_data(**a_call(*(a_datum(MetricName=name) for name in names[:600])))
    client.put_metric_data(**a_call(*(a_datum(MetricName=name) for name in names[600:])))
    pages = list(client.get_paginator("list_metrics").paginate(Namespace=NAMESPACE))
    assert [len(page["Metrics"]) for page in pages] == [500, 500, 100]
    assert [metric["MetricName"] for page in pages for metric in page["Metrics"]] == names


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"RecentlyActive": "PT1H"}, "InvalidParameterValue"),
        ({"NextToken": "x"}, "InvalidNextToken"),
        ({"Dimensions": [{"Value": "v"}]}, "MissingParameter"),
        ({"Dimensions": [{"Name": f"d{i}"} for i in range(11)]}, "InvalidParameterValue"),
    ],
    ids=str,
)
def test_bad_list_calls_are_refused(client, members, code):
    assert refused(client.list_metrics, **members)[0] == code
