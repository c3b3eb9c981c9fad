"""Dashboards: within CloudWatch's limits whatever they show, of series that a run publishes, with rules as lines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_cw_dist.core.publish.metric_names import METRIC_NAMES
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.local_cloudwatch.operations.search import parse_search
from locust_cw_dist.local_cloudwatch.storage.store import SeriesKey
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.tools.as_code.dashboard import View, make_dashboard
from locust_cw_dist.tools.as_code.service_metrics import ServiceMetric
from locust_cw_dist.tools.as_code.service_metrics import parse as parse_service_metric
from locust_cw_dist.tools.as_code.template import REGION, dashboard_template, made_by_stack
from support.publishing.alarms import as_fn_sub_does, hostile_names, published_series

pytestmark = pytest.mark.once

SHOP = Settings(service="shop")
ALB = "AWS/ApplicationELB:TargetResponseTime:LoadBalancer=app/shop/0123456789abcdef:p95"


def made(settings_=SHOP, **more):
    return make_dashboard(settings_, View("perf/shop/loadtests", **({"region": "eu-west-1", "host": "-"} | more)))


def graphs(dashboard):
    return {
        widget["properties"]["title"]: widget["properties"]
        for widget in dashboard.body["widgets"]
        if widget["type"] == "metric"
    }


def series_of(row, default=None):
    """Return (namespace, metric, dimensions) of a row; None of one that is computed."""
    if isinstance(row[0], dict):
        return default
    names = row[2:-1]
    return row[0], row[1], tuple(zip(names[::2], names[1::2], strict=True))


def lines(graph):
    return {line["label"]: line["value"] for line in graph.get("annotations", {}).get("horizontal", [])}


def check_limits(dashboard, *, max_metrics=2_500):
    """Check what CloudWatch documents, and what makes a body sound."""
    widgets = dashboard.body["widgets"]
    assert len(widgets) <= 500
    assert len(dashboard.text()) <= 1_000_000
    assert dashboard.text().isascii()
    rows = [row for widget in widgets for row in widget["properties"].get("metrics", [])]
    assert len(rows) <= max_metrics
    places = set()
    for widget in widgets:
        assert 0 <= widget["x"] < widget["x"] + widget["width"] <= 24
        assert widget["height"] >= 1
        cells = {(x, widget["y"]) for x in range(widget["x"], widget["x"] + widget["width"])}
        assert not cells & places
        places |= cells
        if widget["type"] == "metric":
            properties = widget["properties"]
            assert 1 <= len(properties["metrics"]) <= 100
            ids = [row[-1]["id"] for row in properties["metrics"] if "id" in row[-1]]
            assert len(set(ids)) == len(ids)
            assert properties["region"]
            assert len(properties["title"]) <= 255
            assert all(
                isinstance(line["value"], int | float)
                for line in properties.get("annotations", {}).get("horizontal", [])
            )


names = st.tuples(hostile_names, st.sampled_from(["GET", "POST", "ALL", "x y"]))
metrics = st.sets(st.sampled_from(METRIC_NAMES), min_size=1).map(frozenset)
some_rules = st.lists(
    st.sampled_from(
        [
            *("p95 < 300", "p99.9(GET /a) < 1 s", "mean(/x.*) < 20", "max(/y.*) < 20, severity=warn"),
            *("failure_ratio < 1 %", "failure_ratio(GET /a) < 1 %", "rps > 10", "rps(GET /a) > 1", "count < 9"),
            *("count(GET /a) < 5, window_s=60", "p95(GET *) < 3, successful_only", "failure_ratio(/z.*) < 2 %"),
        ]
    ),
    max_size=12,
    unique=True,
).map(lambda texts: tuple(map(parse, texts)))


@settings(max_examples=60)
@given(
    endpoints=st.lists(names, max_size=60).map(tuple),
    repeated=st.sampled_from([1, 1, 1, 20, 200]),
    run=st.builds(
        Settings,
        service=st.just("shop"),
        metrics=metrics,
        percentiles=st.sampled_from([None, (50.0, 90.0, 95.0, 99.0, 99.9), (99.99,)]),
        max_endpoints=st.sampled_from([1, 100, 1000]),
        dimensions=st.sampled_from(
            [(), (("Team", "a"),), (("a'b", "c"),), tuple((f"d{n}" * 20, "v" * 900) for n in range(20))]
        ),
    ),
    rules=some_rules,
    host=st.sampled_from(["-", "https://shop.test", "h" * 1024]),
)
def test_a_dashboard_obeys_the_limits_for_any_number_of_endpoints_and_any_names(endpoints, repeated, run, rules, host):
    many = tuple((f"{name}{number}", method) for number in range(repeated) for name, method in endpoints)
    dashboard = made(run, endpoints=many, rules=rules, host=host, service_metrics=(parse_service_metric(ALB),))
    check_limits(dashboard)
    template = dashboard_template(made(run, endpoints=endpoints[:5], rules=rules, region=REGION), "s")
    (resource,) = template["Resources"].values()
    as_deployed = json.loads(as_fn_sub_does(resource["Properties"]["DashboardBody"], "eu-west-1"))
    assert as_deployed == made(run, endpoints=endpoints[:5], rules=rules, region="eu-west-1").body


def test_two_hundred_rules_and_a_thousand_endpoints_fit():
    rules = tuple(
        parse(f"{figure}(GET /endpoint/{n}) < {limit}", name=f"{figure} of {n}")
        for n in range(70)
        for figure, limit in (("p95", "300"), ("failure_ratio", "1 %"), ("rps", "9"))
    )
    endpoints = tuple((f"/endpoint/{number}", "GET") for number in range(1_001))
    dashboard = made(Settings(service="s", max_endpoints=1_000), rules=rules, endpoints=endpoints)
    check_limits(dashboard)
    assert any("1,002 endpoints" in note for note in dashboard.notes)
    shown = [
        row for title, graph in graphs(dashboard).items() if "p95 by endpoint" in title for row in graph["metrics"]
    ]
    assert len(shown) > 400


@given(
    names=st.lists(names, min_size=1, max_size=10, unique=True),
    run=st.builds(
        Settings, service=st.just("shop"), metrics=metrics, dimensions=st.sampled_from([(), (("T", "a(b"),)])
    ),
)
def test_every_series_on_it_is_one_that_a_run_publishes(names, run):
    dashboard = made(run, endpoints=tuple(names), rules=(parse("p95 < 3"), parse("max(GET /a) < 3")))
    run_publishes = published_series(run, [*names, ("/a", "GET")], "-")
    rows = [row for graph in graphs(dashboard).values() for row in graph["metrics"]]
    found = [one for row in rows if (one := series_of(row)) is not None]
    assert all(namespace == "perf/shop/loadtests" for namespace, _, _ in found)
    assert {(metric, dimensions) for _, metric, dimensions in found} <= run_publishes


@given(names=st.lists(names, min_size=1, max_size=10), dimensions=st.sampled_from([(), (("Te am", 'a"\\(b)'),)]))
def test_searches_find_just_the_endpoints_of_the_run(names, dimensions):
    run = Settings(service="shop", dimensions=dimensions)
    published = [SeriesKey("perf/shop/loadtests", *one) for one in published_series(run, names, "-")]
    published += [SeriesKey("perf/shop/loadtests", *one) for one in published_series(run, names, "https://other.test")]
    published += [SeriesKey("perf/cart/loadtests", *one) for one in published_series(run, names, "-")]
    found = {}
    for title, graph in graphs(made(run)).items():
        for row in graph["metrics"]:
            if "SEARCH" in row[-1].get("expression", ""):
                assert len(row[-1]["expression"]) < 1_024
                search = parse_search(row[-1]["expression"])
                found[title] = {key for key in published if search.accepts(key)}
    assert set(found) == {"p95 by endpoint", "Requests by endpoint, per 60 s", "Failure ratio by endpoint"}
    requests = found["Requests by endpoint, per 60 s"]
    expected = {
        key
        for key in published
        if key.name == "RequestCount" and key.namespace == "perf/shop/loadtests" and ("Host", "-") in key.dimensions
    }
    assert requests == expected
    assert requests


def test_without_a_host_a_search_finds_all_hosts_and_names_need_one():
    (row,) = graphs(made(host=None))["p95 by endpoint"]["metrics"]
    assert '"Host"=' not in row[0]["expression"]
    assert '"Host"="https://a"' in graphs(made(host="https://a"))["p95 by endpoint"]["metrics"][0][0]["expression"]
    with pytest.raises(SettingsError, match=r"^--host: "):
        made(host=None, endpoints=(("/a", "GET"),))
    with pytest.raises(SettingsError, match=r"^--host: "):
        made(host=None, rules=(parse("p95(GET /a) < 3"),))


def test_it_shows_the_load_the_times_and_how_the_publisher_is():
    shown = graphs(made())
    assert list(shown)[:4] == [
        "Requests per second",
        "Failed requests",
        "Users and workers",
        "Response times, all requests",
    ]
    assert list(shown)[-2:] == ["Workers: CPU and memory", "Publisher: lag and losses"]
    assert [row[-1]["stat"] for row in shown["Response times, all requests"]["metrics"]] == ["p50", "p95", "p99"]
    assert [row[1] for row in shown["Publisher: lag and losses"]["metrics"]] == ["PublishLag_Seconds", "ResultsLost"]


def test_rules_are_lines_where_their_figure_is_drawn():
    rules = [
        "p95 < 300 ms",
        "failure_ratio < 7 %",
        "rps > 20",
        "count > 600, window_s=60",
        "p99.9(POST /checkout) < 2 s, severity=warn",
        "failure_ratio(POST /checkout) < 2 %",
        "mean(GET /item/.*) < 40",
        "count > 10",
    ]
    dashboard = made(rules=tuple(map(parse, rules)))
    shown = graphs(dashboard)
    assert lines(shown["Response times, all requests"]) == {"p95 < 300 ms (fail)": 300}
    assert lines(shown["Failed requests"]) == {"failure_ratio < 7 % (fail)": 7}
    assert lines(shown["Requests per second"]) == {"rps > 20 /s (fail)": 20, "count > 600, window_s=60 (fail)": 10}
    own = shown["POST /checkout: response times"]
    assert lines(own) == {"p99.9(POST /checkout) < 2000 ms (warn)": 2000}
    assert "p99.9" in [row[-1]["stat"] for row in own["metrics"]]
    assert (
        own["annotations"]["horizontal"][0]["color"]
        != shown["Failed requests"]["annotations"]["horizontal"][0]["color"]
    )
    assert lines(shown["POST /checkout: failed requests"]) == {"failure_ratio(POST /checkout) < 2 % (fail)": 2}
    assert lines(shown["Mean response time by endpoint"]) == {"mean(GET /item/.*) < 40 ms (fail)": 40}
    assert dashboard.notes == ("no line for count > 10: it counts the whole run",)
    without = made(Settings(service="s", metrics=("Users",)), rules=(parse("p95 < 3"),))
    assert without.notes == ("no line for p95 < 3 ms: its metric is switched off, or its graph is full",)


def test_metrics_that_are_switched_off_leave_no_graph_or_have_others_in_their_place():
    shown = graphs(made(Settings(service="s", metrics=("ResponseTime_pNN_ms", "FailureCount"))))
    assert list(shown) == [
        "Failed requests",
        "Response times, all requests",
        "p95 by endpoint",
        "Failure ratio by endpoint",
    ]
    times = shown["Response times, all requests"]["metrics"]
    assert [(row[1], row[-1]["stat"]) for row in times] == [
        ("ResponseTime_p50_ms", "Maximum"),
        ("ResponseTime_p95_ms", "Maximum"),
        ("ResponseTime_p99_ms", "Maximum"),
    ]


def test_the_services_own_metrics_stand_beside_the_response_times():
    texts = (ALB, ALB.replace("p95", "Average"), "AWS/ECS:CPUUtilization:ClusterName=a,ServiceName=b,c:Maximum")
    dashboard = made(service_metrics=tuple(map(parse_service_metric, texts)))
    shown = graphs(dashboard)
    assert [row[-1]["stat"] for row in shown["Service: AWS/ApplicationELB TargetResponseTime"]["metrics"]] == [
        "p95",
        "Average",
    ]
    ecs = shown["Service: AWS/ECS CPUUtilization"]["metrics"][0]
    assert ecs[:6] == ["AWS/ECS", "CPUUtilization", "ClusterName", "a", "ServiceName", "b,c"]
    tops = {w["properties"].get("title"): w["y"] for w in dashboard.body["widgets"]}
    assert tops["Response times, all requests"] == tops["Service: AWS/ECS CPUUtilization"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            ALB,
            ServiceMetric(
                "AWS/ApplicationELB", "TargetResponseTime", (("LoadBalancer", "app/shop/0123456789abcdef"),), "p95"
            ),
        ),
        ("AWS/Usage:CallCount:Sum", ServiceMetric("AWS/Usage", "CallCount", (), "Sum")),
        ("Shop/App:Orders::SampleCount", ServiceMetric("Shop/App", "Orders", (), "SampleCount")),
        ("N:M:arn=arn:aws:x:1:PR(0:300)", ServiceMetric("N", "M", (("arn", "arn:aws:x:1"),), "PR(0:300)")),
        ("N:M:a=x,y,b=z:tm99.9", ServiceMetric("N", "M", (("a", "x,y"), ("b", "z")), "tm99.9")),
    ],
)
def test_service_metrics_are_read(text, expected):
    assert parse_service_metric(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "NAMESPACE:METRIC"),
        ("AWS/ECS", "NAMESPACE:METRIC"),
        ("AWS/ECS:CPUUtilization", "NAMESPACE:METRIC"),
        ("AWS/ECS:CPUUtilization:ClusterName=a", "NAMESPACE:METRIC"),
        ("AWS/ECS:CPUUtilization:ClusterName=a:average", "the statistic 'average'"),
        ("AWS/ECS:CPUUtilization:ClusterName=a:p101", "the statistic 'p101'"),
        ("AWS/ECS:CPUUtilization:ClusterName:Average", "the dimension 'ClusterName'"),
        ("AWS/ECS:CPUUtilization:ClusterName=:Average", "DIMENSION=VALUE"),
        ("AWS/ECS:CPUUtilization:a=é:Average", "DIMENSION=VALUE"),
        ("AWS/ECS:CPUUtilization:a=1,a=2:Average", "each dimension once"),
        ("a\nb:c:Average", "NAMESPACE:METRIC"),
    ],
)
def test_a_wrong_service_metric_is_one_line(text, words):
    with pytest.raises(ValueError, match=r"^got ") as caught:
        parse_service_metric(text)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_dashboard_in_a_template_does_not_say_that_an_apply_made_it():
    body = json.dumps(made(region=REGION, made_by=made_by_stack("perf/shop/loadtests")).body)
    assert "Made by CloudFormation" in body
    assert "Made by `locust-cw dashboard`" not in body
