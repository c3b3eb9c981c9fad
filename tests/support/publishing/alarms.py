"""What the tests of alarms and dashboards have in common."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from locust_cw_dist.core.costs.bill import Usage
from locust_cw_dist.core.costs.made_up_load import Load
from locust_cw_dist.core.costs.plan import PublishingPlan, make_plan
from locust_cw_dist.core.costs.prices import Prices
from locust_cw_dist.core.publish.datums import MetricPlan
from locust_cw_dist.core.publish.selection import Selection

any_char = st.characters(exclude_categories=())
hostile_names = st.one_of(
    st.text(any_char, min_size=1, max_size=20),
    st.text(st.sampled_from("\\\"'`~ \t\0\x7f\x80\u2028\ud800\U0001f40c:{}[](),%/$"), min_size=1, max_size=12),
    st.builds(str.__mul__, any_char, st.integers(250, 1_100)),
    st.sampled_from([" ", "${AWS::Region}", "${PROP('Dim.Host')}", "$${x", "${", "(other)", "')", "`", "a" * 1024]),
)


def published_series(settings, endpoints, host):
    """Return (metric, dimensions) of all that a run with these endpoints publishes, by the code of a real run."""
    metrics = MetricPlan(
        metrics=settings.metrics,
        endpoint_percentiles=settings.endpoint_percentiles,
        total_percentiles=settings.total_percentiles,
        static_dimensions=settings.dimensions,
        storage_resolution_s=settings.storage_resolution_s,
    )
    selection = Selection(settings.groups, settings.include, settings.exclude)
    publishing = PublishingPlan(
        settings.resolved_namespace, metrics, settings.resolution_s, settings.max_endpoints, selection
    )
    load = Load(tuple(endpoints), host, 10.0, 100.0, 1000.0)
    return make_plan(publishing, load, Usage(), Prices(), start_s=1_800_000_000).series


def as_fn_sub_does(value, region="eu-central-1"):
    """Return what CloudFormation makes of an ``Fn::Sub``: it must know every variable."""
    sub = value["Fn::Sub"]
    text, variables = sub if isinstance(sub, list) else (sub, {})
    known = {"AWS::Region": region, **variables}
    return re.sub(r"\$\{(?!!)([^}]*)\}", lambda match: known[match[1]], text)
