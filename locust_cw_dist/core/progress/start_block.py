"""The first lines of a process that publishes: where results go, how often, which rules, and where to look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.names.shorten import shorten

MAX_VALUE = 240
"""Characters of one line's value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartBlock:
    """What is known at the start; None where there is no such thing.

    Attributes:
        resolution_s: Length of the windows.
        namespace: Where metrics go; None if nothing is published.
        region: The Region.
        endpoint_url: What is sent to in place of AWS.
        is_dry_run: Whether nothing is sent all the same.
        credentials: Whose they are, in words.
        rules: The rules, as texts.
        record: Where the record goes.
        page: URL of the page that shows the run.
    """

    resolution_s: int
    namespace: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    is_dry_run: bool = False
    credentials: str | None = None
    rules: Sequence[str] = ()
    record: str | None = None
    page: str | None = None

    def lines(self) -> list[str]:
        """Return at most eight lines."""
        values = {
            "namespace": self.namespace,
            "Region": self.region,
            "endpoint": self.endpoint_url,
            "credentials": self.credentials,
            "rules": _rules(self.rules),
            "record": self.record,
            "live page": self.page,
        }
        rows = [f"    {name:<12} {shorten(printable(value), MAX_VALUE)}" for name, value in values.items() if value]
        return [f"locust-cw: {self._head()}", *rows]

    def _head(self) -> str:
        if self.namespace is None:
            return "nothing is published to CloudWatch without --cw-service or --cw-namespace"
        if self.is_dry_run:
            return "dry run: nothing is sent to CloudWatch"
        return f"results go to CloudWatch every {self.resolution_s} s"


def _rules(rules: Sequence[str]) -> str | None:
    if not rules:
        return None
    more = f" and {len(rules) - 1} more" if len(rules) > 1 else ""
    return f"{rules[0]}{more}"
