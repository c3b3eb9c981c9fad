"""What the user can choose, checked once and frozen.

``Settings`` is all that the rest of the package knows about the user's wishes; where they came from (a
``--cw-*`` option, an environment variable, a file, a script) is not its business. The rule of each field is
in `settings_rules`, so that a command line can be refused by the very rule that ``Settings`` applies.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from locust_cw_dist.core.costs.prices import CURRENT_PRICES, Prices
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.settings.checks import RULES, wrong
from locust_cw_dist.settings.field_types import EMPTY, EVERY_METRIC, NOTHING, Amounts, Names, Pairs, Percentiles, Texts

DEFAULT_ENDPOINT_PERCENTILES = (95.0,)
DEFAULT_TOTAL_PERCENTILES = (50.0, 95.0, 99.0)

_OPTIONAL = frozenset(
    {
        "service",
        "namespace",
        "region",
        "role_arn",
        "external_id",
        "endpoint_url",
        "host",
        "percentiles",
        "spool_dir",
        "payloads",
        "record",
        "rules",
        "junit",
        "rules_json",
    }
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The choices of one load test; a wrong one raises ``SettingsError`` when this is made.

    Attributes:
        service: What is under test. With ``environment`` it makes the namespace. Neither this nor
            ``namespace``: nothing is published.
        environment: Where it runs; the first part of the namespace.
        namespace: The CloudWatch namespace, in place of the one made of ``environment`` and ``service``.
        region: The AWS Region. None takes ``AWS_REGION``, else boto3's own choice.
        role_arn: A role to assume before publishing, for a monitoring account.
        external_id: The external id that this role asks for.
        endpoint_url: Where to send instead of AWS, as ``http://127.0.0.1:4599``.
        host: The ``Host`` dimension. None takes Locust's own host, else ``-``.
        resolution_s: Length of a window: 1, 5, 10, 30 or 60.
        percentiles: Which ``ResponseTime_pNN_ms`` to send, for endpoints and for all together alike.
            None: p95 for endpoints; p50, p95 and p99 for all together.
        dimensions: Static dimensions of every series, as pairs; a mapping is taken too. Each value makes
            series of its own, and CloudWatch bills series.
        labels: Branch, commit, build: in the record, the log and the page, never sent to CloudWatch and never
            billed. Pairs or a mapping.
        metrics: The metrics to send, out of ``METRIC_NAMES``; all by default.
        max_endpoints: How many endpoints have series of their own; the rest share one.
        grace_s: How long after its end a window waits for workers that are behind, 1 to 300.
        flush_timeout_s: How long the end of a run may take to bring out the last data, above 0, at most 3600.
        required: The process fails when results cannot be published.
        spool_dir: A folder for batches that CloudWatch has not taken; None keeps them in memory.
        ambiguous: What becomes of a batch when nobody knows whether CloudWatch took it: ``resend`` (it may count
            twice) or ``drop`` (it may be lost).
        reasons: What failure reasons hold: ``message``, the code and the message, in which secrets are masked; or
            ``class``, the code or class alone.
        groups: Pairs of a regular expression and a name: requests whose whole name matches count under that name.
            The first that matches decides.
        include: Regular expressions; where there are any, only requests whose whole name, after grouping, matches
            one are published.
        exclude: Regular expressions; requests whose whole name, after grouping, matches one are not published.
        dry_run: Do everything but call AWS, and say at the end what it would have been.
        prices: Prices of the user's own for the estimates, pairs of a name out of ``PRICE_NAMES`` and US
            dollars; a mapping is taken too.
        payloads: In a dry run, the file for what would have been sent: one PutMetricData body a line.
        record: A folder, or ``s3://bucket/prefix``, for the run records, one file for each run; None keeps none. Works
            without publishing, too.
        rules: A TOML file of rules that the run must keep to; docs/rules.md. Works without publishing, too.
        rule: More rules, each as a text: ``p95(POST /checkout) < 300 ms``.
        junit: A file for what became of the rules, as JUnit XML.
        rules_json: The same as JSON.
    """

    service: str | None = None
    environment: str = "perf"
    namespace: str | None = None
    region: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    endpoint_url: str | None = None
    host: str | None = None
    resolution_s: int = 10
    percentiles: Percentiles = NOTHING
    dimensions: Pairs = EMPTY
    labels: Pairs = EMPTY
    metrics: Names = EVERY_METRIC
    max_endpoints: int = 100
    grace_s: float = 15.0
    flush_timeout_s: float = 30.0
    required: bool = False
    spool_dir: str | None = None
    ambiguous: Literal["resend", "drop"] = "resend"
    reasons: Literal["class", "message"] = "message"
    groups: Pairs = EMPTY
    include: Texts = EMPTY
    exclude: Texts = EMPTY
    dry_run: bool = False
    prices: Amounts = EMPTY
    payloads: str | None = None
    record: str | None = None
    rules: str | None = None
    rule: Texts = EMPTY
    junit: str | None = None
    rules_json: str | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            # Frozen for everyone else; here a list becomes the tuple that it is kept as.
            object.__setattr__(self, field.name, _normalised(field.name, getattr(self, field.name)))
        self._check_together()

    @property
    def resolved_namespace(self) -> str | None:
        """The namespace that metrics go to; None where neither a namespace nor a service is set."""
        if self.namespace is not None:
            return self.namespace
        return None if self.service is None else f"{self.environment}/{self.service}/loadtests"

    @property
    def publishes(self) -> bool:
        """Whether anything is sent to CloudWatch at all."""
        return self.resolved_namespace is not None

    @property
    def collects(self) -> bool:
        """Whether results are collected at all: to be published, for a record, or to be judged."""
        return self.publishes or self.record is not None or self.judges

    @property
    def judges(self) -> bool:
        """Whether there are rules that the run must keep to."""
        return self.rules is not None or bool(self.rule)

    @property
    def endpoint_percentiles(self) -> tuple[float, ...]:
        """The percentiles that are sent for each endpoint, as 95.0 for p95."""
        return DEFAULT_ENDPOINT_PERCENTILES if self.percentiles is None else self.percentiles

    @property
    def total_percentiles(self) -> tuple[float, ...]:
        """The percentiles that are sent for all endpoints together, as 95.0 for p95."""
        return DEFAULT_TOTAL_PERCENTILES if self.percentiles is None else self.percentiles

    @property
    def storage_resolution_s(self) -> Literal[1, 60]:
        """PutMetricData's ``StorageResolution``: what is finer than a minute is kept by the second."""
        return 60 if self.resolution_s >= 60 else 1

    @property
    def price_table(self) -> Prices:
        """What estimates of costs rest on."""
        return CURRENT_PRICES.with_own(self.prices)

    def _check_together(self) -> None:
        if self.external_id is not None and self.role_arn is None:
            raise wrong(self.external_id, "left out, or set together with a role ARN", "external_id")
        if self.required and not self.publishes:
            raise wrong(self.required, "left out, or set together with a service or a namespace", "required")
        if self.payloads is not None and not self.dry_run:
            raise wrong(self.payloads, "left out, or set together with a dry run", "payloads")
        for name in ("junit", "rules_json"):
            if getattr(self, name) is not None and not self.judges:
                raise wrong(getattr(self, name), "left out, or set together with rules", name)


def _normalised(field: str, value: Any) -> Any:
    if value is None and field in _OPTIONAL:
        return None
    try:
        return RULES[field](value)
    except SettingsError as e:
        raise SettingsError(e.problem, setting=field) from None
