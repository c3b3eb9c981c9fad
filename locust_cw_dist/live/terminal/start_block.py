"""The first lines of a process that publishes: one record of the log.

Unlike the last lines they go through logging: `--loglevel WARNING` asks for less, and an application that has set up
logging by itself (`--skip-log-setup`, a script) decides where they appear. They are one record, so that the prefix of
the log stands once; they are in the log of Locust's web UI too.
"""

from __future__ import annotations

import logging
from typing import Any

from locust_cw_dist.core.progress.console_links import is_aws
from locust_cw_dist.core.progress.start_block import StartBlock
from locust_cw_dist.core.rules.messages import label_of
from locust_cw_dist.core.rules.rule import RuleSet
from locust_cw_dist.live.publish.cloudwatch import Cloudwatch
from locust_cw_dist.settings.settings import Settings

logger = logging.getLogger("locust_cw_dist")

PAGE = "/cloudwatch"
"""The live page, below Locust's own."""


def log_start(
    environment: Any, settings: Settings, sink: Cloudwatch | None, rules: RuleSet, record: str | None
) -> None:
    """Log where results go; when the Region and the credentials are known, or can't be.

    Args:
        environment: Locust's.
        settings: What to publish.
        sink: What is published to; None if nothing is.
        rules: The rules.
        record: Where the record of the first run goes.
    """
    endpoint_url = None if sink is None else sink.endpoint_url
    block = StartBlock(
        resolution_s=settings.resolution_s,
        namespace=settings.resolved_namespace,
        region=None if sink is None else sink.region,
        endpoint_url=None if is_aws(endpoint_url) else endpoint_url,
        is_dry_run=settings.dry_run,
        credentials=None if sink is None or settings.dry_run else sink.credentials or "none yet",
        rules=[label_of(rule) for rule in rules.rules],
        record=record,
        page=page_url(environment),
    )
    logger.info("%s", "\n".join(block.lines()))


def page_url(environment: Any) -> str | None:
    """Return the URL of the live page, as seen from this machine; None where Locust has no web UI that serves it."""
    web_ui = getattr(environment, "web_ui", None)
    url_map = getattr(getattr(web_ui, "app", None), "url_map", None)
    paths = [] if url_map is None else [rule.rule for rule in url_map.iter_rules() if rule.rule.endswith(PAGE)]
    if not paths:
        return None
    scheme = "https" if getattr(web_ui, "tls_cert", None) else "http"
    host = getattr(web_ui, "host", "") or "localhost"
    return (
        f"{scheme}://{'localhost' if host in {'*', '0.0.0.0', '::'} else host}:{getattr(web_ui, 'port', '')}{paths[0]}"
    )
