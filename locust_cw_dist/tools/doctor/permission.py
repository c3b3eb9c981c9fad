"""Permission to publish, by the one sure way: one datum is sent. It leaves a metric that AWS bills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from locust_cw_dist.core.costs.prices import CURRENT_PRICES
from locust_cw_dist.live.aws.errors import explain, is_denied, put_statement
from locust_cw_dist.tools.doctor.publishing import make_client, make_session
from locust_cw_dist.tools.doctor.result import Result, failed, ok, skipped

if TYPE_CHECKING:
    from locust_cw_dist.settings.settings import Settings

METRIC = "DoctorCheck"
"""One name without dimensions: however often it is sent, it is one metric."""


def notice(settings: Settings) -> str | None:
    """What has to be said before anything is sent; None where nothing will be."""
    if not settings.publishes:
        return None
    return (
        f"sending one datum of the metric {METRIC} to {settings.resolved_namespace}: AWS bills it as a metric, about "
        f"${CURRENT_PRICES.metric_month:.2f} a month ({CURRENT_PRICES.region}, {CURRENT_PRICES.as_of}), prorated by "
        "the hours in which it gets data"
    )


def not_asked_for() -> Result:
    """The outcome without --send."""
    return skipped("permission", "not tried", "--send sends one datum, which leaves a metric that AWS bills")


def check_permission(settings: Settings) -> Result:
    """Send one datum as the publisher sends it."""
    namespace = settings.resolved_namespace
    if namespace is None:
        return failed("permission", "there is no namespace to send to", "set --cw-service or --cw-namespace")
    datum = {"MetricName": METRIC, "Value": 1.0, "Unit": "Count"}
    try:
        make_client(make_session(settings), settings).put_metric_data(Namespace=namespace, MetricData=[datum])
    except Exception as error:
        explained = explain(error)
        advice = explained.advice
        if is_denied(error):
            advice = f"give the publisher this statement: {put_statement(namespace)}"
        return failed("permission", f"cloudwatch:PutMetricData on {namespace}: {explained.found}", advice)
    return ok("permission", f"cloudwatch:PutMetricData on {namespace} is allowed: one datum of {METRIC} was taken")


def check_namespace(settings: Settings) -> Result:
    """Where results would go."""
    if settings.resolved_namespace is None:
        return skipped("namespace", "none: nothing would be published", "set --cw-service or --cw-namespace")
    return ok("namespace", settings.resolved_namespace)
