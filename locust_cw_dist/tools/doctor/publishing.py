"""The publisher's own session and client, so that what is checked is what will run. The one place that names them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from locust_cw_dist.live.aws.session import make_session
from locust_cw_dist.live.publish.cloudwatch import make_client

if TYPE_CHECKING:
    from locust_cw_dist.settings.settings import Settings

__all__ = ["make_client", "make_session", "source_session"]


def source_session(settings: Settings) -> Any:
    """The session before any role is assumed; making it asks nobody for credentials."""
    return make_session(dataclasses.replace(settings, role_arn=None, external_id=None))
