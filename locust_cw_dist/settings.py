"""What the user can choose, checked once and frozen.

``Settings`` is all that the rest of the package knows about the user's wishes; where they came from (a
``--cw-*`` option, an environment variable, a file, a script) is not its business. The rule of each field is
in ``RULES``, one function a field, so that a command line can be refused by the very rule that ``Settings``
applies.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

from locust_cw_dist.core.metrics import METRIC_NAMES
from locust_cw_dist.errors import SettingsError

RESOLUTIONS_S = (1, 5, 10, 30, 60)
"""The lengths of a window: the periods at which CloudWatch shows high-resolution metrics, and one minute."""

DEFAULT_ENDPOINT_PERCENTILES = (95.0,)
DEFAULT_TOTAL_PERCENTILES = (50.0, 95.0, 99.0)

MAX_PERCENTILES = 10
MAX_ENDPOINTS = 1_000
MAX_LABELS = 50
OWN_DIMENSIONS = ("Request", "Method", "Host")
MAX_DIMENSIONS = 30 - len(OWN_DIMENSIONS)  # PutMetricData takes 30 a datum

# What PutMetricData allows: the namespace by AWS's documentation, dimensions by botocore's service model.
_MAX_NAMESPACE = 255
_MAX_DIMENSION_NAME = 255
_MAX_DIMENSION_VALUE = 1024
# "{environment}/{service}/loadtests" then stays below the 255 of a namespace, whatever the two are.
_MAX_NAMESPACE_PART = 120
_NAMESPACE_CHARACTERS = re.compile(r"[0-9A-Za-z.\-_/#:]+")
_PRINTABLE_ASCII = re.compile(r"[ -~]*[!-~][ -~]*")

# A region becomes part of a host name, and botocore refuses what is no host label.
_HOST_LABEL = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?")
# AssumeRole's own patterns for RoleArn and ExternalId.
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[0-9A-Za-z_+=,.@/-]{1,512}")
_EXTERNAL_ID = re.compile(r"[0-9A-Za-z_+=,.@:/-]{2,1224}")

_NAMESPACE_LETTERS = "letters, digits and . - _ / # :"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The choices of one load test; a wrong one raises ``SettingsError`` when this is made.

    Attributes:
        service: What is under test. With ``environment`` it makes the namespace. Neither this nor
            ``namespace``: nothing is published.
        environment: Where it runs; the first part of the namespace.
        namespace: The CloudWatch namespace, in place of the one made of ``environment`` and ``service``.
        region: The AWS Region. None leaves it to boto3 (``AWS_REGION``, the profile, the instance).
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
    percentiles: tuple[float, ...] | None = None
    dimensions: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    metrics: frozenset[str] = frozenset(METRIC_NAMES)
    max_endpoints: int = 100
    grace_s: float = 15.0
    flush_timeout_s: float = 30.0
    required: bool = False

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

    def _check_together(self) -> None:
        if self.external_id is not None and self.role_arn is None:
            raise _wrong(self.external_id, "left out, or set together with a role ARN", "external_id")
        if self.required and not self.publishes:
            raise _wrong(self.required, "left out, or set together with a service or a namespace", "required")


def _normalised(field: str, value: Any) -> Any:
    if value is None and field in _OPTIONAL:
        return None
    try:
        return RULES[field](value)
    except SettingsError as wrong:
        raise SettingsError(wrong.problem, setting=field) from None


def _wrong(value: object, allowed: str, setting: str | None = None) -> SettingsError:
    return SettingsError(f"got {shown(value)}, must be {allowed}", setting=setting)


def shown(value: object) -> str:
    """A value as an error message shows it: on one line, and not longer than a line."""
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


# -- one rule a field: takes any value, returns what is kept, raises SettingsError without the field's name


def _text(pattern: re.Pattern[str], longest: int, allowed: str) -> Callable[[Any], str]:
    def rule(value: Any) -> str:
        if isinstance(value, str) and len(value) <= longest and pattern.fullmatch(value):
            return value
        raise _wrong(value, allowed)

    return rule


def _not_reserved(rule: Callable[[Any], str], allowed: str) -> Callable[[Any], str]:
    # CloudWatch keeps "AWS/" for itself and refuses a colon in front.
    def checked(value: Any) -> str:
        name = rule(value)
        if name.startswith((":", "AWS/")) or name == "AWS":
            raise _wrong(value, allowed)
        return name

    return checked


def _whole_number(lowest: int, highest: int) -> Callable[[Any], int]:
    def rule(value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        raise _wrong(value, f"a whole number from {lowest} to {highest}")

    return rule


def _seconds(accepts: Callable[[float], bool], allowed: str) -> Callable[[Any], float]:
    def rule(value: Any) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool) and accepts(value):
            return float(value)
        raise _wrong(value, allowed)

    return rule


def _resolution(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value in RESOLUTIONS_S:
        return value
    raise _wrong(value, "1, 5, 10, 30 or 60 (seconds)")


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong(value, "True or False")


def _endpoint_url(value: Any) -> str:
    allowed = "an http:// or https:// URL with a host and no user, query or fragment"
    if isinstance(value, str) and "@" in value:
        # It may hold a password, which must not reach a log.
        raise SettingsError(f"got a URL with a user in it, must be {allowed}")
    if isinstance(value, str) and len(value) <= 2048 and re.fullmatch(r"[!-~]+", value) and _is_plain_url(value):
        return value
    raise _wrong(value, allowed)


def _is_plain_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0 and not {"?", "#"} & set(text)


def _items(value: Any, allowed: str) -> tuple[Any, ...]:
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return tuple(value)
    raise _wrong(value, allowed)


def _percentiles(value: Any) -> tuple[float, ...]:
    allowed = f"1 to {MAX_PERCENTILES} different percentiles above 0 and below 100, with at most 4 decimals"
    chosen = _items(value, allowed)
    for item in chosen:
        if not _is_percentile(item):
            raise _wrong(item, allowed)
    if not 1 <= len(chosen) <= MAX_PERCENTILES or len(set(chosen)) < len(chosen):
        raise _wrong(value, allowed)
    return tuple(float(item) for item in chosen)


def _is_percentile(value: object) -> bool:
    # Four decimals: a metric's name shows six digits, and a rank is computed with whole numbers.
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 100 and round(value, 4) == value
    )


def _metrics(value: Any) -> frozenset[str]:
    allowed = f"one or more out of {', '.join(METRIC_NAMES)}"
    chosen = _items(value, allowed)
    for name in chosen:
        if name not in METRIC_NAMES:
            raise _wrong(name, allowed)
    if not chosen:
        raise _wrong(value, allowed)
    return frozenset(chosen)


def _pairs(value: Any, what: str) -> tuple[tuple[str, str], ...]:
    """Pairs of two texts, in their order, no name twice."""
    items = _items(value.items() if isinstance(value, Mapping) else value, f"pairs of a {what}'s name and value")
    pairs = []
    for item in items:
        if not (isinstance(item, tuple | list) and len(item) == 2 and all(isinstance(part, str) for part in item)):
            raise _wrong(item, f"a pair of a {what}'s name and value")
        pairs.append((item[0], item[1]))
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise _wrong(name, f"the name of one {what} only")
    return tuple(pairs)


def _dimensions(value: Any) -> tuple[tuple[str, str], ...]:
    pairs = _pairs(value, "dimension")
    for name, content in pairs:
        if name in OWN_DIMENSIONS:
            raise _wrong(name, f"a name other than {', '.join(OWN_DIMENSIONS)}, which every series has already")
        _dimension_name(name)
        _dimension_value(content)
    if len(pairs) > MAX_DIMENSIONS:
        raise SettingsError(
            f"got {len(pairs)} dimensions, must be at most {MAX_DIMENSIONS} beside our {len(OWN_DIMENSIONS)}"
        )
    return pairs


def _dimension_name(value: str) -> None:
    if len(value) > _MAX_DIMENSION_NAME or value.startswith(":") or not _PRINTABLE_ASCII.fullmatch(value):
        raise _wrong(value, "a name of 1 to 255 printable ASCII characters, not all blank, not starting with ':'")


def _labels(value: Any) -> tuple[tuple[str, str], ...]:
    pairs = _pairs(value, "label")
    for name, content in pairs:
        # No commas: Locust's web form splits what was typed at them.
        if not (name.strip() and len(name) <= 255 and name.isprintable() and not set("=,") & set(name)):
            raise _wrong(name, "a label's name of 1 to 255 printable characters without '=' and ','")
        if not (len(content) <= 1024 and content.isprintable() and "," not in content):
            raise _wrong(content, "a label's value of at most 1024 printable characters without ','")
    if len(pairs) > MAX_LABELS:
        raise SettingsError(f"got {len(pairs)} labels, must be at most {MAX_LABELS}")
    return pairs


_ENVIRONMENT = f"1 to {_MAX_NAMESPACE_PART} {_NAMESPACE_LETTERS}, not starting with ':' or 'AWS/', and not 'AWS'"
_NAMESPACE = f"1 to {_MAX_NAMESPACE} {_NAMESPACE_LETTERS}, not starting with ':' or 'AWS/', and not 'AWS'"
_dimension_value = _text(
    _PRINTABLE_ASCII, _MAX_DIMENSION_VALUE, "a value of 1 to 1024 printable ASCII characters, not all blank"
)

_OPTIONAL = frozenset(
    {"service", "namespace", "region", "role_arn", "external_id", "endpoint_url", "host", "percentiles"}
)

RULES: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "service": _text(
            _NAMESPACE_CHARACTERS, _MAX_NAMESPACE_PART, f"1 to {_MAX_NAMESPACE_PART} {_NAMESPACE_LETTERS}"
        ),
        "environment": _not_reserved(_text(_NAMESPACE_CHARACTERS, _MAX_NAMESPACE_PART, _ENVIRONMENT), _ENVIRONMENT),
        "namespace": _not_reserved(_text(_NAMESPACE_CHARACTERS, _MAX_NAMESPACE, _NAMESPACE), _NAMESPACE),
        "region": _text(_HOST_LABEL, 63, "the name of an AWS Region, as eu-central-1"),
        "role_arn": _text(_ROLE_ARN, 2048, "a role's ARN, as arn:aws:iam::123456789012:role/name"),
        "external_id": _text(_EXTERNAL_ID, 1224, "2 to 1224 letters, digits and _ + = , . @ : / -"),
        "endpoint_url": _endpoint_url,
        "host": _dimension_value,
        "resolution_s": _resolution,
        "percentiles": _percentiles,
        "dimensions": _dimensions,
        "labels": _labels,
        "metrics": _metrics,
        "max_endpoints": _whole_number(1, MAX_ENDPOINTS),
        "grace_s": _seconds(lambda value: 1 <= value <= 300, "1 to 300 (seconds)"),
        "flush_timeout_s": _seconds(lambda value: 0 < value <= 3600, "above 0 and at most 3600 (seconds)"),
        "required": _flag,
    }
)
"""For each field of ``Settings`` its rule. What a rule raises does not name the field: the caller knows which
name the user would recognise."""
