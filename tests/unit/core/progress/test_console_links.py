"""Links into CloudWatch's console, read back by a reader of the console's own notation."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from locust_cw_dist.core.progress.console_links import dashboard_name, dashboard_url, graph_url, is_aws

START_S = datetime(2026, 12, 1, 11, 0, 3, tzinfo=UTC).timestamp()
HOUR_S = 3_600


def decode(text):
    """The value that the console's notation holds: dicts, lists, texts and numbers."""
    value, rest = _value(text)
    assert rest == ""
    return value


def _value(text):
    assert text[0] == "~", text
    text = text[1:]
    if text.startswith("("):
        return _group(text[1:])
    end = re.search(r"[~)]|$", text).start()
    raw, rest = text[:end], text[end:]
    if raw.startswith("'"):
        return bytes.fromhex("".join(_hex(raw[1:]))).decode(), rest
    return int(raw), rest


def _hex(raw):
    for plain, odd in re.findall(r"([^*])|\*(..)", raw):
        yield odd or plain.encode().hex()


def _group(text):
    if text.startswith("~"):
        items = []
        while not text.startswith(")"):
            item, text = _value(text)
            items.append(item)
        return items, text[1:]
    fields = {}
    while not text.startswith(")"):
        name, rest = re.match(r"~?(\w+)(.*)", text).groups()
        fields[name], text = _value(rest)
    return fields, text[1:]


def graph_of(url):
    start, _, rest = url.partition("#metricsV2?graph=")
    graph, _, query = rest.partition("&query=")
    fields = decode(graph)
    fields["metrics"] = expanded(fields["metrics"])
    return start, fields, decode(query)


def expanded(metrics):
    """Metrics with what their dots stand for: the same place of the metric before, and for three all that is left."""
    whole = []
    for *texts, options in metrics:
        before = whole[-1][:-1] if whole else []
        if texts[-1] == "...":
            texts[-1:] = before[len(texts) - 1 :]
        whole.append([*(before[place] if text == "." else text for place, text in enumerate(texts)), options])
    return whole


def test_the_graph_of_a_run_shows_times_and_counts_of_all_endpoints_together():
    url = graph_url("eu-west-1", "perf/checkout/loadtests", START_S, START_S + HOUR_S, resolution_s=10)
    home, graph, query = graph_of(url)
    assert home == "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1"
    assert query == "{perf/checkout/loadtests}"
    assert graph["metrics"] == [
        ["perf/checkout/loadtests", "ResponseTime_ms", {"stat": "p50"}],
        ["perf/checkout/loadtests", "ResponseTime_ms", {"stat": "p95"}],
        ["perf/checkout/loadtests", "ResponseTime_ms", {"stat": "p99"}],
        ["perf/checkout/loadtests", "RequestCount", {"stat": "Sum", "yAxis": "right"}],
        ["perf/checkout/loadtests", "FailureCount", {"stat": "Sum", "yAxis": "right"}],
    ]
    assert (graph["start"], graph["end"]) == ("2026-12-01T11:00:00Z", "2026-12-01T12:00:10Z")
    assert (graph["region"], graph["period"]) == ("eu-west-1", 10)


def test_the_series_of_a_run_with_static_dimensions_carry_them():
    dimensions = [("Team", "a'b (c)~*/"), ("Stage", "ü")]
    _, graph, _ = graph_of(graph_url("eu-west-1", "n", START_S, START_S + 60, dimensions=dimensions))
    carried = ["Team", "a'b (c)~*/", "Stage", "ü"]
    assert graph["metrics"][0] == ["n", "ResponseTime_ms", *carried, {"stat": "p50"}]
    assert all(metric[2:-1] == carried for metric in graph["metrics"])


@pytest.mark.parametrize("namespace", ["a/b", "a b'c\"(d)<script>&x=1#~*", "日本"])
def test_no_character_of_a_name_ends_a_link(namespace):
    url = graph_url("eu-west-1", namespace, START_S, START_S + 60)
    assert re.fullmatch(r"[0-9A-Za-z_.~'()*&=?#:/-]+", url)
    assert url[-1] not in ").,'"
    assert graph_of(url)[2] == "{" + namespace + "}"


@pytest.mark.parametrize(
    ("duration_s", "resolution_s", "period_s"),
    [(600, 1, 1), (3_600, 1, 5), (3_600, 10, 10), (86_400, 10, 300), (60, 60, 60), (90 * 86_400, 10, 3_600)],
)
def test_a_longer_run_is_drawn_by_a_longer_period(duration_s, resolution_s, period_s):
    url = graph_url("eu-west-1", "n", START_S, START_S + duration_s - 10, resolution_s=resolution_s)
    assert graph_of(url)[1]["period"] == period_s


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "us-east-1.console.aws.amazon.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
        ("eusc-de-east-1", "eusc-de-east-1.console.amazonaws-eusc.eu"),
    ],
)
def test_each_partition_has_its_own_console(region, host):
    for url in (graph_url(region, "n", 0, 60), dashboard_url(region, "n", 0, 60)):
        assert urlsplit(url).hostname == host
        assert urlsplit(url).query == f"region={region}"


@pytest.mark.parametrize("region", [None, "", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "evil.example/#"])
def test_there_is_no_link_where_there_is_no_public_console(region):
    assert graph_url(region, "n", 0, 60) is None
    assert dashboard_url(region, "n", 0, 60) is None


def test_there_is_no_link_without_a_namespace():
    assert graph_url("eu-west-1", None, 0, 60) is None
    assert dashboard_url("eu-west-1", None, 0, 60) is None


def test_the_dashboard_of_a_run_opens_at_its_time():
    url = dashboard_url("eu-west-1", "perf/checkout/loadtests", START_S, START_S + 30)
    assert urlsplit(url).fragment == (
        "dashboards/dashboard/perf-checkout-loadtests?start=2026-12-01T11:00:00Z&end=2026-12-01T11:01:00Z"
    )


def test_a_range_is_at_least_a_minute():
    _, graph, _ = graph_of(graph_url("eu-west-1", "n", START_S, START_S + 1, resolution_s=1))
    assert (graph["start"], graph["end"]) == ("2026-12-01T11:00:03Z", "2026-12-01T11:01:03Z")


def test_a_dashboard_has_a_name_that_cloudwatch_takes():
    assert dashboard_name("//") == "load-tests"
    assert len(dashboard_name("x" * 400)) == 255


def test_a_link_is_short_enough_to_be_read():
    assert len(graph_url("ap-southeast-2", "perf/checkout/loadtests", START_S, START_S + HOUR_S)) < 480


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (None, True),
        ("https://monitoring.eu-west-1.amazonaws.com", True),
        ("https://vpce-0a1b-2c3d.monitoring.eu-west-1.vpce.amazonaws.com/", True),
        ("https://monitoring.cn-north-1.amazonaws.com.cn", True),
        ("https://monitoring.eu-west-1.api.aws:443/x", True),
        ("http://127.0.0.1:4566", False),
        ("http://cloudwatch:4566", False),
        ("https://amazonaws.com.evil.example/", False),
        ("https://monitoring.eu-west-1.amazonaws.community", False),
    ],
)
def test_an_endpoint_of_somebody_else_has_no_console(url, expected):
    assert is_aws(url) is expected
