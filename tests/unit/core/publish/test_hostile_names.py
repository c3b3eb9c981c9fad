"""Ten thousand hostile request names, sent by boto3 to the local CloudWatch: all are taken, and none meets another."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from locust_cw_dist.core.publish.batches import batches
from locust_cw_dist.core.publish.datums import MetricPlan, endpoint_datums
from locust_cw_dist.core.publish.window_datums import Entry
from locust_cw_dist.core.summaries.request_result import parse_result
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.live.publish.cloudwatch import Cloudwatch
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.testing import LocalCloudwatch

pytestmark = pytest.mark.once

NAMES_AT_ONCE = 200
EXAMPLES = 50

any_char = st.characters(exclude_categories=())
hostile = st.one_of(
    st.text(any_char, max_size=20),
    st.text(st.sampled_from("\\\"'~ \t\0\x7f\x80\u2028\ud800\U0001f40c:{}[],%/"), max_size=12),
    st.builds(str.__mul__, any_char, st.integers(250, 1_100)),
    st.builds(lambda text, size: (text + "x") * size, st.text(any_char, max_size=5), st.integers(170, 1_030)),
    st.sampled_from(["", " ", "  ", ":", ":a", "-", "\\-", "\\x20", "AWS/", "(other)", "None", "\r\nX: y", "a" * 1024]),
)
plan = MetricPlan(frozenset({"RequestCount", "ResponseTime_ms"}))


def summary():
    made = Summary()
    made.record_success(12.5, 3)
    return made


@pytest.mark.slow
def test_ten_thousand_hostile_names_are_taken(monkeypatch):
    with LocalCloudwatch() as server:
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        sink = Cloudwatch(Settings(service="shop"))
        number = 0

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(hostile, min_size=NAMES_AT_ONCE, max_size=NAMES_AT_ONCE))
        def send(names):
            nonlocal number
            number += 1
            namespace = f"perf/shop-{number}/loadtests"
            endpoints = {(r.name, r.method) for r in (parse_result(name, name, 12.5, 3, None) for name in names)}
            now_s = int(time.time())
            datums = [
                datum
                for name, method in endpoints
                for datum in endpoint_datums(plan, (name, method, "-"), now_s, summary(), late=False)
            ]
            for batch in batches(map(Entry, datums)):
                sink.send(namespace, [entry.datum for entry in batch])
            assert len(server.dump(namespace, "RequestCount")) == len(endpoints)

        send()
        assert number >= EXAMPLES
        assert server.stats().put_refused == 0
        assert server.stats().put_accepted == server.stats().put_calls > 0
