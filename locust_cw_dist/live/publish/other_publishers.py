"""Rivals: other processes that publish the same series at the same time. CloudWatch adds up what they send, silently.

It is noticed where that is certain and costs nothing: on one machine, and in one spool folder. Masters on different
machines without a common spool don't see each other.
"""

from __future__ import annotations

import json

from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.settings.settings import Settings


def identity(settings: Settings) -> bytes:
    """Return what is equal for processes that publish the same series.

    The endpoint's dimensions are not in it: the series of all endpoints together are enough to collide.
    """
    where = (settings.resolved_namespace, settings.region, settings.role_arn, settings.endpoint_url)
    return json.dumps([where, sorted(settings.dimensions)]).encode()


def warn(once: LogOnce, settings: Settings, where: str) -> None:
    """Say once that there is another."""
    once.warning(
        "rival",
        "locust-cw: another process %s publishes to namespace %s with the same dimensions: in the same account and "
        "Region CloudWatch adds up what both send. Give each its own --cw-service, --cw-namespace or --cw-dimension",
        where,
        settings.resolved_namespace,
    )
