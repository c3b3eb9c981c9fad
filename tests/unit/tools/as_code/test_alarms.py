"""Alarms: each watches the figure of its rule, in a series that a run publishes; where none can, that is said."""

from __future__ import annotations

import json
import operator

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import validate_parameters
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.costs.prices import Prices
from locust_cw_dist.core.progress.console_links import dashboard_name
from locust_cw_dist.core.rules.rule import RuleError
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.tools.as_code.alarms import Choices, low_samples_below, make_alarms, month_usd, period_s
from locust_cw_dist.tools.as_code.endpoints import literal
from locust_cw_dist.tools.as_code.names import (
    OWNER_TAG,
    alarm_names,
    alarm_prefix,
    logical_id,
    owner_value,
    tag_problems,
)
from support.publishing.alarms import hostile_names, published_series

pytestmark = pytest.mark.once

SHOP = Settings(service="shop")
CHOICES = Choices("perf/shop/loadtests", host="https://shop.test")
CHECKOUT = [("Request", "/checkout"), ("Method", "POST"), ("Host", "https://shop.test")]
SIGNS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
MODEL = ServiceModel(Loader().load_service_model("cloudwatch", "service-2"))


def made(text, settings=SHOP, choices=CHOICES):
    alarms, refused = make_alarms([parse(text)], settings, choices)
    assert not refused, refused
    return alarms[0]


def refusal(text, settings=SHOP, choices=CHOICES):
    alarms, refused = make_alarms([parse(text)], settings, choices)
    assert not alarms
    line = refused[0].line()
    assert len(line.splitlines()) == 1
    return line


def dimensions(metric):
    return [(one["Name"], one["Value"]) for one in metric["Dimensions"]]


@pytest.mark.parametrize(
    ("text", "metric", "statistic", "sign", "threshold", "period", "series"),
    [
        ("p95 < 300 ms", "ResponseTime_ms", "p95", ">=", 300, 60, []),
        ("p99.9(POST /checkout) <= 2 s, window_s=30", "ResponseTime_ms", "p99.9", ">", 2000, 30, CHECKOUT),
        ("mean(POST /checkout) < 50", "ResponseTime_ms", "Average", ">=", 50, 60, CHECKOUT),
        ("max <= 5 s, window_s=120", "ResponseTime_ms", "Maximum", ">", 5000, 120, []),
        ("failure_ratio < 7 %", "FailureRate_Percent", "Average", ">=", 7, 60, []),
        ("failure_ratio(POST /checkout) <= 1 %", "FailureCount", "Average", ">", 0.01, 60, CHECKOUT),
        ("count > 100, window_s=60", "RequestCount", "Sum", "<=", 100, 60, []),
        ("count(POST /checkout) <= 9, window_s=10", "RequestCount", "Sum", ">", 9, 10, CHECKOUT),
    ],
)
def test_a_rule_becomes_a_statistic_of_its_series(text, metric, statistic, sign, threshold, period, series):
    request = made(text).request
    assert request["MetricName"] == metric
    assert request.get("Statistic", request.get("ExtendedStatistic")) == statistic
    assert ("ExtendedStatistic" in request) is statistic.startswith("p")
    assert (
        request["ComparisonOperator"]
        == {
            ">": "GreaterThanThreshold",
            ">=": "GreaterThanOrEqualToThreshold",
            "<=": "LessThanOrEqualToThreshold",
        }[sign]
    )
    assert request["Threshold"] == threshold
    assert request["Period"] == period
    assert dimensions(request) == series
    assert request["TreatMissingData"] == "notBreaching"
    assert request.get("EvaluateLowSampleCountPercentile") == ("ignore" if statistic.startswith("p") else None)


def test_requests_per_second_are_counts_by_the_length_of_the_period():
    request = made("rps(POST /checkout) >= 20, window_s=60").request
    assert "MetricName" not in request
    assert "Period" not in request
    requests, judged = request["Metrics"]
    assert requests["MetricStat"]["Metric"]["MetricName"] == "RequestCount"
    assert requests["MetricStat"] | {"Metric": None} == {"Metric": None, "Period": 60, "Stat": "Sum"}
    assert dimensions(requests["MetricStat"]["Metric"]) == CHECKOUT
    assert judged["Expression"] == "requests / PERIOD(requests)"
    assert [one["ReturnData"] for one in request["Metrics"]] == [False, True]
    assert (request["ComparisonOperator"], request["Threshold"]) == ("LessThanThreshold", 20)


def test_the_cut_periods_at_both_ends_of_a_run_set_off_no_alarm_for_few_requests():
    for text, expected in (
        ("rps > 20", (2, 2)),
        ("count > 20, window_s=60", (2, 2)),
        ("rps < 20", (1, 1)),
        ("p95 < 2", (1, 1)),
    ):
        request = made(text).request
        assert (request["DatapointsToAlarm"], request["EvaluationPeriods"]) == expected
    choices = Choices("s", host="-", breaching=3, periods=5)
    request = made("rps > 20", choices=choices).request
    assert (request["DatapointsToAlarm"], request["EvaluationPeriods"]) == (3, 5)


def test_a_least_number_of_requests_is_arithmetic_unless_cloudwatch_looks_away_by_itself():
    request = made("mean < 50, min_requests=30").request
    requests, figure, judged = request["Metrics"]
    assert judged["Expression"] == "IF(requests >= 30, figure)"
    # A mean is of the results that have a time: those are the ones that must be enough.
    assert requests["MetricStat"]["Metric"]["MetricName"] == "ResponseTime_ms"
    assert requests["MetricStat"]["Stat"] == "SampleCount"
    assert figure["MetricStat"]["Stat"] == "Average"
    of_failures = made("failure_ratio < 1 %, min_requests=30").request["Metrics"][0]["MetricStat"]
    assert (of_failures["Metric"]["MetricName"], of_failures["Stat"]) == ("RequestCount", "Sum")
    assert "Metrics" not in made("mean < 50").request
    assert "Metrics" not in made("p95 < 50, min_requests=200").request
    assert "Metrics" in made("p95 < 50, min_requests=201").request
    evaluate = Choices("s", host="-", low_samples="evaluate")
    assert "Metrics" in made("p95 < 50, min_requests=30", choices=evaluate).request
    plain = made("p95 < 50", choices=evaluate).request
    assert plain["EvaluateLowSampleCountPercentile"] == "evaluate"
    assert made("rps < 50, min_requests=30").request["Metrics"][-1]["Expression"] == (
        "IF(requests >= 30, requests / PERIOD(requests))"
    )


@pytest.mark.parametrize(("percent", "few"), [(50, 20), (95, 200), (99, 1000), (99.9, 10_000), (90, 100), (25, 40)])
def test_few_samples_are_those_of_the_user_guide(percent, few):
    assert low_samples_below(percent) == few


@pytest.mark.parametrize(
    ("text", "settings", "why"),
    [
        ("p95 < 300, successful_only", SHOP, "failed requests"),
        ("count > 10", SHOP, "window_s"),
        ("p95(GET /item/[0-9]+) < 3", SHOP, "pattern"),
        ("max(/item/.*) < 3", SHOP, "pattern"),
        ("p95(GET *) < 3", SHOP, "a method alone"),
        ("p95(/checkout) < 3", SHOP, "'GET /checkout'"),
        ("p95(GET /health) < 3", Settings(service="s", exclude=("/health",)), "--cw-exclude"),
        ("p95(GET /item/1) < 3", Settings(service="s", groups=(("/item/[0-9]+", "/item"),)), "'/item'"),
        ("p95 < 3", Settings(service="s", metrics=("RequestCount",)), "ResponseTime_ms"),
        ("failure_ratio < 1 %", Settings(service="s", metrics=("RequestCount",)), "FailureRate_Percent"),
    ],
)
def test_a_rule_without_an_alarm_is_said_in_one_line(text, settings, why):
    line = refusal(text, settings)
    assert line.startswith(f"no alarm for {parse(text).name}: ")
    assert why in line.split(": ", 1)[1]


def test_known_endpoints_tell_what_a_pattern_stands_for():
    one = Choices("s", host="-", known=(("/item/{id}", "GET"), ("/cart", "GET"), ("/cart", "POST")))
    assert dimensions(made("p95(GET /item/.*) < 3", choices=one).request)[0] == ("Request", "/item/{id}")
    assert dimensions(made("p95(POST *) < 3", choices=one).request)[:2] == [("Request", "/cart"), ("Method", "POST")]
    assert "2 endpoints" in refusal("p95(/cart) < 3", choices=one)


def test_metrics_that_are_switched_off_have_others_in_their_place():
    settings = Settings(service="s", metrics=("ResponseTime_ms", "FailureCount"))
    assert made("failure_ratio < 1 %", settings).request["MetricName"] == "FailureCount"
    assert made("failure_ratio < 1 %", settings).request["Threshold"] == 0.01
    request = made("count < 5, window_s=60", settings).request
    assert (request["MetricName"], request["Statistic"]) == ("FailureCount", "SampleCount")


@pytest.mark.parametrize("rule", ["count < 5, window_s=60", "rps > 5"])
def test_the_samples_of_response_times_are_never_taken_for_the_number_of_requests(rule):
    (none,) = make_alarms([parse(rule)], Settings(service="s", metrics=("ResponseTime_ms",)), CHOICES)[1]
    assert none.reason == "it needs the metric RequestCount, which --cw-metrics leaves out"


@pytest.mark.parametrize("rule", ["p95 < 300 ms", "failure_ratio < 1 %", "failure_ratio(GET /) < 1 %, window_s=60"])
def test_the_old_metrics_hold_no_failure_ratio_and_nothing_of_all_endpoints_together(rule):
    (none,) = make_alarms([parse(rule)], Settings(service="s", metrics=("legacy",)), CHOICES)[1]
    assert none.reason.endswith("which --cw-metrics legacy does not send in the form needed")


def test_the_failure_rate_alone_knows_how_many_requests_there_were():
    settings = Settings(service="s", metrics=("FailureRate_Percent", "ResponseTime_ms"))
    requests = made("failure_ratio < 1 %, min_requests=30", settings).request["Metrics"][0]["MetricStat"]
    assert (requests["Metric"]["MetricName"], requests["Stat"]) == ("FailureRate_Percent", "SampleCount")


def test_a_rule_on_an_endpoint_needs_the_host_and_one_on_all_does_not():
    nobody_said = Choices("s")
    with pytest.raises(SettingsError, match=r"^--host: is required: the host of the run"):
        make_alarms([parse("p95(GET /a) < 3")], SHOP, nobody_said)
    assert made("p95 < 3", choices=nobody_said)


def test_where_an_alarm_differs_from_its_rule_is_told():
    notes = "; ".join(made("p99 < 300, warm_up_s=30").notes)
    assert "whole run" in notes
    assert "warm-up of 30 s" in notes
    assert "1,000 results" in notes
    assert "the rule's window is 20 s, the alarm's 30 s" in made("max < 300, window_s=20").notes
    assert made("max < 300, window_s=120").notes == ()
    assert "warm-up" in made("max < 300, warm_up_s=30").request["AlarmDescription"]


def test_actions_go_by_severity():
    fail, warn = "arn:aws:sns:eu-west-1:123456789012:page", "arn:aws-cn:sns:cn-north-1:123456789012:chat"
    choices = Choices("s", alarm_actions=(fail,), warn_actions=(warn,), ok_actions=(fail,))
    assert made("p95 < 3", choices=choices).request["AlarmActions"] == [fail]
    assert made("p95 < 3, severity=warn", choices=choices).request["AlarmActions"] == [warn]
    assert made("p95 < 3, severity=warn", choices=choices).request["OKActions"] == [fail]
    alike = Choices("s", alarm_actions=(fail,))
    assert made("p95 < 3, severity=warn", choices=alike).request["AlarmActions"] == [fail]


def test_evaluation_that_is_longer_than_cloudwatch_looks_back_is_refused():
    assert made("p95 < 3, window_s=600", choices=Choices("s", periods=144, breaching=1))
    assert "a day" in refusal("p95 < 3, window_s=600", choices=Choices("s", periods=145))


def test_prices_are_by_series_and_by_resolution():
    prices = Prices()
    assert month_usd([made("p95 < 3")], prices) == pytest.approx(0.10)
    assert month_usd([made("p95 < 3, window_s=30")], prices) == pytest.approx(0.30)
    assert month_usd([made("mean < 3, min_requests=5, window_s=30")], prices) == pytest.approx(0.60)
    own = prices.with_own([("alarm_month", 1.0)])
    assert month_usd([made("p95 < 3"), made("rps > 3")], own) == pytest.approx(2.0)


@given(window_s=st.integers(1, 3600), resolution_s=st.sampled_from([1, 5, 10, 30, 60]))
def test_a_period_is_one_that_cloudwatch_takes_and_holds_both_windows(window_s, resolution_s):
    found = period_s(window_s, Settings(service="s", resolution_s=resolution_s))
    assert found in {10, 30} or found % 60 == 0
    assert found >= max(window_s, resolution_s)
    assert found - max(window_s, resolution_s) < 60
    if resolution_s == 60:
        assert found % 60 == 0


figures = st.sampled_from(["p50", "p95", "p99.99", "mean", "max", "failure_ratio", "rps", "count"])


@st.composite
def rules(draw):
    figure = draw(figures)
    limit = draw(st.floats(0.001, 0.99) if figure == "failure_ratio" else st.integers(1, 5_000))
    more = {"window_s": draw(st.integers(1, 3_600))} if draw(st.booleans()) or figure == "count" else {}
    if draw(st.booleans()):
        more["min_requests"] = draw(st.integers(0, 2_000))
    if draw(st.booleans()):
        more["severity"] = draw(st.sampled_from(["warn", "fail"]))
    if draw(st.booleans()):
        more |= {
            "request": draw(st.sampled_from(["/checkout", "/item/{id}", r"\(other\)", "/a.html"])),
            "method": "GET",
        }
    try:
        return parse(f"{figure} {draw(st.sampled_from(['<', '<=', '>', '>=']))} {limit:.6g}", **more)
    except RuleError:
        return parse("p95 < 300")


settings_of_runs = st.builds(
    Settings,
    service=st.just("shop"),
    resolution_s=st.sampled_from([1, 5, 10, 30, 60]),
    dimensions=st.sampled_from([(), (("Team", "a"),), (("Team", "a'b"), ("Zone (x)", '"'))]),
    percentiles=st.sampled_from([None, (50.0, 99.9)]),
    metrics=st.sampled_from([SHOP.metrics, ("ResponseTime_ms", "FailureCount"), ("RequestCount", "FailureCount")]),
)


@given(rule=rules(), value=st.floats(0, 10_000), settings=settings_of_runs)
def test_an_alarm_is_raised_just_where_the_rule_is_broken(rule, value, settings):
    alarms, _ = make_alarms([rule], settings, CHOICES)
    for alarm in alarms:
        for figure in (value, rule.limit):
            # In the alarm itself or, where few requests don't count, in what it computes with.
            percent = "FailureRate_Percent" in json.dumps(alarm.request)
            shown = round(figure * 100, 9) if percent else figure
            threshold = alarm.request["Threshold"]
            if percent:
                threshold = round(threshold, 9)
            assert SIGNS[alarm.request["ComparisonOperator"]](shown, threshold) is not rule.holds(figure)


ENDPOINTS = (("/checkout", "GET"), ("/item/{id}", "GET"), ("(other)", "GET"), ("/a.html", "GET"))


@given(some=st.lists(rules(), max_size=8, unique_by=lambda rule: rule.name), settings=settings_of_runs)
def test_alarms_read_series_that_a_run_publishes_in_requests_that_cloudwatch_takes(some, settings):
    series = published_series(settings, ENDPOINTS, "https://shop.test")
    alarms, refused = make_alarms(some, settings, CHOICES)
    assert len(alarms) + len(refused) == len(some)
    assert len({alarm.name for alarm in alarms}) == len(alarms)
    shape = MODEL.operation_model("PutMetricAlarm").input_shape
    for alarm in alarms:
        request = alarm.request
        validate_parameters(request, shape)
        metrics = [one["MetricStat"]["Metric"] for one in request.get("Metrics", []) if "MetricStat" in one]
        for metric in metrics or [request]:
            assert metric["Namespace"] == "perf/shop/loadtests"
            assert (metric["MetricName"], tuple(dimensions(metric))) in series
        assert ("MetricName" in request) is not ("Metrics" in request)
        assert ("Statistic" in request) + ("ExtendedStatistic" in request) + ("Metrics" in request) == 1
        assert sum(one["ReturnData"] for one in request.get("Metrics", [])) == ("Metrics" in request)
        assert len(request["AlarmName"]) <= 255
        assert len(request["AlarmDescription"]) <= 1024


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        ("/checkout", "/checkout"),
        ("/item/{id}", "/item/{id}"),
        ("/index.html", "/index.html"),
        (r"/a\.b\+c", "/a.b+c"),
        ("/search?q=x&n=1", "/search?q=x&n=1"),
        (r"\(other\)", "(other)"),
        ("/a/.*", None),
        ("/a/.+", None),
        ("/a?", None),
        ("/(a|b)", None),
        ("/[ab]", None),
        (r"/\d", None),
        ("/a{2}", None),
        ("^/a$", None),
    ],
)
def test_a_request_is_a_name_or_a_pattern(request_, name):
    assert literal(request_) == name


def test_names_stay_when_limits_change_and_differ_where_rules_do():
    texts = ["p95 < 300", "p95 < 900, severity=warn", "p95 < 500", "p95(GET /a) < 3", "p95 < 1, name=mine"]
    names = alarm_names("perf/shop/loadtests", [parse(text) for text in texts])
    assert names == [
        "perf/shop/loadtests: p95",
        "perf/shop/loadtests: p95 (warn)",
        "perf/shop/loadtests: p95 #2",
        "perf/shop/loadtests: p95(GET /a)",
        "perf/shop/loadtests: mine",
    ]
    changed = alarm_names("perf/shop/loadtests", [parse("p95 <= 200")])
    assert changed == names[:1]


@given(
    set_name=st.from_regex(r"[0-9A-Za-z.\-_/#:]{1,255}", fullmatch=True),
    other=st.from_regex(r"[0-9A-Za-z.\-_/#:]{1,255}", fullmatch=True),
    request=st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=300),
)
def test_names_and_tags_obey_their_limits(set_name, other, request):
    try:
        rule = parse("p95 < 3", request=request)
    except RuleError:
        return
    (name,) = alarm_names(set_name, [rule])
    assert 1 <= len(name) <= 255
    assert name.isprintable()
    assert name.startswith(alarm_prefix(set_name))
    assert tag_problems([("key", owner_value(set_name))]) is None
    assert 1 <= len(dashboard_name(set_name)) <= 255
    assert set(dashboard_name(set_name)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert logical_id("Alarm", name).isascii()
    assert logical_id("Alarm", name).isalnum()
    if other != set_name:
        assert not alarm_names(other, [rule])[0].startswith(alarm_prefix(set_name))


@given(hostile_names)
def test_any_name_has_a_logical_id(name):
    assert logical_id("Alarm", name).isalnum()


@pytest.mark.parametrize(
    "tags",
    [
        [("aws:x", "1")],
        [("", "1")],
        [(OWNER_TAG, "x")],
        [("a", "é")],
        [("a", "1"), ("a", "2")],
        [(f"k{number}", "v") for number in range(50)],
    ],
)
def test_tags_that_aws_would_refuse_are_refused(tags):
    assert tag_problems(tags)
    assert tag_problems([("team", "shop"), ("cost centre", "")]) is None
