"""The table of settings: what the user can choose, checked once and frozen.

``Settings`` is all that the rest of the package knows about the user's wishes; where they came from (a ``--cw-*``
option, an environment variable, a file, a script) is not its business. Each of its fields is declared together with its
`Option`, the row of the table. Derived from these rows:

- the checks of ``Settings``, and its docstring;
- the options of every command line (`options`), and what variables mean without one (`variables`);
- which settings a run record keeps (`live.records.run_facts`);
- docs/options.md and, in the Helm chart, the values and their schema (deploy/option_files.py writes them).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Literal

from locust_cw_dist.core.costs.prices import CURRENT_PRICES, PRICE_NAMES, Prices
from locust_cw_dist.core.publish.metric_names import LEGACY, LEGACY_METRICS, METRIC_NAMES
from locust_cw_dist.settings import checks
from locust_cw_dist.settings.field_types import EMPTY, EVERY_METRIC, NOTHING, Amounts, Names, Pairs, Percentiles, Texts
from locust_cw_dist.settings.option import FLAG_PATTERN, Group, Option

DEFAULT_ENDPOINT_PERCENTILES = (95.0,)
DEFAULT_TOTAL_PERCENTILES = (50.0, 95.0, 99.0)

_first = partial(Option, Group.FIRST)
_where = partial(Option, Group.WHERE)
_sent = partial(Option, Group.SENT)
_gates = partial(Option, Group.GATES)
_record = partial(Option, Group.RECORD)
_faults = partial(Option, Group.FAULTS)
_money = partial(Option, Group.MONEY)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options of one load test. A wrong value raises ``SettingsError`` when you create the object.

    If a field holds several values, you can pass a list; if it holds pairs, a mapping.
    """

    service: str | None = _first(
        "--cw-service <name>",
        "The service under test. Metrics go to the namespace ENVIRONMENT/SERVICE/loadtests. Without this option or "
        "--cw-namespace, nothing is published.",
        checks.SERVICE,
        is_recorded=True,
    ).default(None)
    environment: str = _where(
        "--cw-environment <name>",
        "The service's environment, which is the first part of the namespace.",
        checks.ENVIRONMENT,
        is_recorded=True,
    ).default("perf")
    namespace: str | None = _where(
        "--cw-namespace <name>",
        "The namespace to use instead of ENVIRONMENT/SERVICE/loadtests.",
        checks.NAMESPACE,
        is_recorded=True,
    ).default(None)
    host: str | None = _where(
        "--cw-host <host>",
        "The Host dimension.",
        checks.DIMENSION_VALUE,
        defaults_to="Locust's --host, or - without one",
        is_recorded=True,
    ).default(None)
    region: str | None = _first(
        "--cw-region <region>",
        "AWS Region.",
        checks.REGION,
        defaults_to="AWS_REGION, then boto3's own choice",
        is_recorded=True,
    ).default(None)
    role_arn: str | None = _where(
        "--cw-role-arn <arn>", "Role to assume for publishing, for example in a monitoring account.", checks.ROLE_ARN
    ).default(None)
    external_id: str | None = _where(
        "--cw-external-id <id>",
        "External ID that the role of --cw-role-arn requires.",
        checks.EXTERNAL_ID,
        needs=("role_arn",),
    ).default(None)
    endpoint_url: str | None = _where(
        "--cw-endpoint-url <url>",
        "Send to this URL instead of AWS, for example a VPC endpoint or 'locust-cw local-cloudwatch'.",
        checks.ENDPOINT_URL,
    ).default(None)

    resolution_s: int = _sent(
        "--cw-resolution <seconds>",
        "Length of the windows that results are summarized in, in seconds: 1, 5, 10, 30 or 60.",
        checks.RESOLUTION,
        is_recorded=True,
    ).default(10)
    percentiles: Percentiles = _sent(
        "--cw-percentiles <p,p,...>",
        "Percentiles to send as ResponseTime_pNN_ms.",
        checks.PERCENTILES,
        form="Example: 50,95,99.9.",
        defaults_to="95 for each endpoint and 50,95,99 for all together",
    ).default(NOTHING)
    dimensions: Pairs = _sent(
        "--cw-dimension <key=value>",
        "Dimensions to add to every series. Each new value makes new series, and CloudWatch bills them.",
        checks.DIMENSIONS,
    ).default(EMPTY)
    metrics: Names = _sent(
        "--cw-metrics <name,...>",
        f"Metrics to send: {', '.join(METRIC_NAMES)}.",
        checks.METRICS,
        form=f"all,-NAME leaves some out; {LEGACY} sends the four of locust-plugins' listener, in its form.",
        defaults_to="all",
    ).default(EVERY_METRIC)
    max_endpoints: int = _sent(
        "--cw-max-endpoints <int>",
        "Maximum number of endpoints with their own series, 1 to 1000. The rest share one, named (other).",
        checks.whole_number(1, 1_000),
        is_recorded=True,
    ).default(100)
    groups: Pairs = _sent(
        "--cw-group <regex=name>",
        "Group requests under another name if a regular expression matches their whole name. The first match decides.",
        checks.GROUPS,
        form="Example: '/item/[0-9]+=/item/{id}'.",
        is_recorded=True,
    ).default(EMPTY)
    include: Texts = _sent(
        "--cw-include <regex>",
        "Publish only requests whose whole name, after grouping, matches one of these regular expressions.",
        checks.PATTERNS,
        is_recorded=True,
    ).default(EMPTY)
    exclude: Texts = _sent(
        "--cw-exclude <regex>",
        "Don't publish requests whose whole name, after grouping, matches one of these regular expressions.",
        checks.PATTERNS,
        is_recorded=True,
    ).default(EMPTY)

    rules: str | None = _gates(
        "--cw-rules <file>",
        "A TOML file with rules that the run must meet: tables [[rule]] with a line check = 'p95 < 300 ms'. Works "
        "without publishing, too.",
        checks.RULE_FILE,
    ).default(None)
    rule: Texts = _first(
        "--cw-rule <rule>",
        "A rule that the run must meet, for example 'p95(POST /checkout) < 300 ms'.",
        checks.RULES,
    ).default(EMPTY)
    junit: str | None = _gates(
        "--cw-junit <file>", "Write rule results to this file, as JUnit XML.", checks.FILE, needs=("rules", "rule")
    ).default(None)
    rules_json: str | None = _gates(
        "--cw-rules-json <file>", "Write rule results to this file, as JSON.", checks.FILE, needs=("rules", "rule")
    ).default(None)
    required: bool = _gates(
        "--cw-required",
        "Exit with code 2 before any load if results cannot be published, and with code 4 after a run that was invalid "
        "or cut short.",
        checks.SWITCH,
        needs=("service", "namespace"),
    ).default(False)

    record: str | None = _first(
        "--cw-record <folder>",
        "Folder or s3://BUCKET/PREFIX for a record of each run, which 'locust-cw report' and 'locust-cw compare' read. "
        "Works without publishing, too.",
        checks.RECORD,
    ).default(None)
    report: str | None = _record(
        "--cw-report <file>",
        "Write a report of the run to this file when the process ends, as 'locust-cw report' does; also without "
        "publishing. With --cw-record s3://... it is put beside the record, too.",
        checks.FILE,
        form="A page, or what the name ends with: .md, .json, .csv or .txt.",
    ).default(None)
    labels: Pairs = _record(
        "--cw-label <key=value>",
        # Locust's form shows the beginning of it beside the field.
        "Labels of this run: branch=main,commit=4f2a. Shown in the log, the record and the report; never billed.",
        checks.LABELS,
        form='Quote a value with a comma: note="a, b".',
        in_web_form=True,
    ).default(EMPTY)
    summary: Literal["text", "json", "both"] | None = _record(
        "--cw-summary <form>",
        "Form of the summary at the end of each run: text (a block on standard error), json (one line of the logger "
        "locust_cw_dist.summary) or both.",
        checks.one_of("text", "json", "both"),
        defaults_to="text on a terminal, both elsewhere",
    ).default(None)
    reasons: Literal["class", "message"] = _record(
        "--cw-reasons <form>",
        "Content of failure reasons: message (status or class, then the message with secrets masked) or class (status "
        "or class only).",
        checks.one_of("class", "message"),
        is_recorded=True,
    ).default("message")

    grace_s: float = _faults(
        "--cw-grace <seconds>",
        "How long a window waits for late workers, 1 to 300 seconds.",
        checks.seconds(1, 300),
        is_recorded=True,
    ).default(15.0)
    flush_timeout_s: float = _faults(
        "--cw-flush-timeout <seconds>",
        "Maximum time to flush results when the run ends, up to 3600 seconds.",
        checks.seconds(0, 3600, above=True),
    ).default(30.0)
    spool_dir: str | None = _faults(
        "--cw-spool-dir <folder>",
        "Folder for batches that CloudWatch has not accepted yet. The next master with this folder, or 'locust-cw "
        "resend', publishes them.",
        checks.FOLDER,
    ).default(None)
    ambiguous: Literal["resend", "drop"] = _faults(
        "--cw-ambiguous <policy>",
        "What to do with a batch that got no answer from CloudWatch: resend (it may count twice) or drop (it may be "
        "lost).",
        checks.one_of("resend", "drop"),
    ).default("resend")

    prices: Amounts = _money(
        "--cw-price <name=usd>",
        f"Your own prices for the estimates, in US dollars: {', '.join(PRICE_NAMES)}.",
        checks.PRICES,
        form="Example: metric_month=0.25.",
    ).default(EMPTY)
    dry_run: bool = _first(
        "--cw-dry-run",
        "Don't call AWS. At the end, show what would have been sent and what it would cost.",
        checks.SWITCH,
        is_recorded=True,
    ).default(False)
    payloads: str | None = _money(
        "--cw-payloads <file>",
        "With --cw-dry-run: write what would have been sent to this file, one PutMetricData body per line.",
        checks.FILE,
        needs=("dry_run",),
    ).default(None)

    def __post_init__(self) -> None:
        for name, option in OPTIONS.items():
            # Frozen for everyone else; here a list becomes the tuple that it is kept as.
            object.__setattr__(self, name, option.accept(getattr(self, name)))
        self._check_together()

    @property
    def resolved_namespace(self) -> str | None:
        """The namespace that metrics go to; None where neither a namespace nor a service is set."""
        if self.namespace is not None:
            return self.namespace
        return None if self.service is None else f"{self.environment}/{self.service}/loadtests"

    @property
    def total_metrics(self) -> frozenset[str]:
        """The metrics that are sent for all endpoints together and for the run."""
        return self.metrics - LEGACY_METRICS if LEGACY in self.metrics else self.metrics

    @property
    def counts_failures_alone(self) -> bool:
        """Whether `FailureCount` says nothing of successes, so that its average is no failure ratio."""
        return LEGACY in self.metrics

    @property
    def publishes(self) -> bool:
        """Whether anything is sent to CloudWatch at all."""
        return self.resolved_namespace is not None

    @property
    def collects(self) -> bool:
        """Whether results are collected at all: to be published, for a record or a report, or to be judged."""
        return self.publishes or self.record is not None or self.report is not None or self.judges

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
        for name, option in OPTIONS.items():
            value = getattr(self, name)
            if value not in (None, False) and option.needs and not any(getattr(self, need) for need in option.needs):
                raise checks.wrong(value, f"left out, or set together with {' or '.join(option.needs)}", name)


OPTIONS: Mapping[str, Option] = MappingProxyType(
    {
        field.name: dataclasses.replace(field.metadata["option"], field=field.name)
        for field in dataclasses.fields(Settings)
    }
)
"""The table: field of ``Settings`` -> its row."""

_BY_FLAG = {option.flag: option.field for option in OPTIONS.values()}


def _attribute(option: Option) -> str:
    text = option.described(text_form=False, default=True)
    return f"        {option.field}: {re.sub(FLAG_PATTERN, lambda flag: f'``{_BY_FLAG[flag[0]]}``', text)}"


Settings.__doc__ = "\n".join([Settings.__doc__ or "", "    Attributes:", *map(_attribute, OPTIONS.values())])
