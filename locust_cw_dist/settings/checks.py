"""The rule of each setting: takes any value, returns what is kept, raises `SettingsError` without the setting's name.

What a rule raises does not name the setting, since the caller knows by which name the user would recognise it: a field
of ``Settings``, or an option.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from locust_cw_dist.core.costs.prices import PRICE_NAMES
from locust_cw_dist.core.names.name_pattern import NamePattern
from locust_cw_dist.core.names.shorten import shown
from locust_cw_dist.core.publish.metric_names import METRIC_NAMES
from locust_cw_dist.core.records.location import ALLOWED, S3Location, is_url
from locust_cw_dist.core.rules.rule import RuleError, RuleSet
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.core.summaries.windows import RESOLUTIONS_S
from locust_cw_dist.errors import SettingsError

AMBIGUOUS = ("resend", "drop")
"""What may become of a batch when nobody knows whether CloudWatch took it."""

REASONS = ("class", "message")
"""What failure reasons may hold: the code or class alone, or the message as well."""

MAX_PERCENTILES = 10
MAX_ENDPOINTS = 1_000
MAX_LABELS = 50
MAX_PRICE_USD = 1_000_000
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


def wrong(value: object, allowed: str, setting: str | None = None) -> SettingsError:
    """Return the error that says what the value is and what is allowed."""
    return SettingsError(f"got {shown(value)}, must be {allowed}", setting=setting)


def _text(pattern: re.Pattern[str], longest: int, allowed: str) -> Callable[[Any], str]:
    def rule(value: Any) -> str:
        if isinstance(value, str) and len(value) <= longest and pattern.fullmatch(value):
            return value
        raise wrong(value, allowed)

    return rule


def _not_reserved(rule: Callable[[Any], str], allowed: str) -> Callable[[Any], str]:
    # CloudWatch keeps "AWS/" for itself and refuses a colon in front.
    def checked(value: Any) -> str:
        name = rule(value)
        if name.startswith((":", "AWS/")) or name == "AWS":
            raise wrong(value, allowed)
        return name

    return checked


def _whole_number(lowest: int, highest: int) -> Callable[[Any], int]:
    def rule(value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        raise wrong(value, f"a whole number from {lowest} to {highest}")

    return rule


def _seconds(accepts: Callable[[float], bool], allowed: str) -> Callable[[Any], float]:
    def rule(value: Any) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool) and accepts(value):
            return float(value)
        raise wrong(value, allowed)

    return rule


def _resolution(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value in RESOLUTIONS_S:
        return value
    raise wrong(value, "1, 5, 10, 30 or 60 (seconds)")


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise wrong(value, "True or False")


def _endpoint_url(value: Any) -> str:
    allowed = "an http:// or https:// URL with a host and no user, query or fragment"
    if isinstance(value, str) and "@" in value:
        # It may hold a password, which must not reach a log.
        raise SettingsError(f"got a URL with a user in it, must be {allowed}")
    if isinstance(value, str) and len(value) <= 2048 and re.fullmatch(r"[!-~]+", value) and _is_plain_url(value):
        return value
    raise wrong(value, allowed)


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
    raise wrong(value, allowed)


def _percentiles(value: Any) -> tuple[float, ...]:
    allowed = f"1 to {MAX_PERCENTILES} different percentiles above 0 and below 100, with at most 4 decimals"
    chosen = _items(value, allowed)
    for item in chosen:
        if not _is_percentile(item):
            raise wrong(item, allowed)
    if not 1 <= len(chosen) <= MAX_PERCENTILES or len(set(chosen)) < len(chosen):
        raise wrong(value, allowed)
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
            raise wrong(name, allowed)
    if not chosen:
        raise wrong(value, allowed)
    return frozenset(chosen)


def _pairs(value: Any, what: str) -> tuple[tuple[str, str], ...]:
    """Pairs of two texts, in their order, no name twice."""
    items = _items(value.items() if isinstance(value, Mapping) else value, f"pairs of a {what}'s name and value")
    pairs = []
    for item in items:
        if not (isinstance(item, tuple | list) and len(item) == 2 and all(isinstance(part, str) for part in item)):
            raise wrong(item, f"a pair of a {what}'s name and value")
        pairs.append((item[0], item[1]))
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise wrong(name, f"the name of one {what} only")
    return tuple(pairs)


def _dimensions(value: Any) -> tuple[tuple[str, str], ...]:
    pairs = _pairs(value, "dimension")
    for name, content in pairs:
        if name in OWN_DIMENSIONS:
            raise wrong(name, f"a name other than {', '.join(OWN_DIMENSIONS)}, which every series has already")
        _dimension_name(name)
        _dimension_value(content)
    if len(pairs) > MAX_DIMENSIONS:
        raise SettingsError(
            f"got {len(pairs)} dimensions, must be at most {MAX_DIMENSIONS} beside our {len(OWN_DIMENSIONS)}"
        )
    return pairs


def _dimension_name(value: str) -> None:
    if len(value) > _MAX_DIMENSION_NAME or value.startswith(":") or not _PRINTABLE_ASCII.fullmatch(value):
        raise wrong(value, "a name of 1 to 255 printable ASCII characters, not all blank, not starting with ':'")


def _labels(value: Any) -> tuple[tuple[str, str], ...]:
    pairs = _pairs(value, "label")
    for name, content in pairs:
        # No commas: Locust's web form splits what was typed at them.
        if not (name.strip() and len(name) <= 255 and name.isprintable() and not set("=,") & set(name)):
            raise wrong(name, "a label's name of 1 to 255 printable characters without '=' and ','")
        if not (len(content) <= 1024 and content.isprintable() and "," not in content):
            raise wrong(content, "a label's value of at most 1024 printable characters without ','")
    if len(pairs) > MAX_LABELS:
        raise SettingsError(f"got {len(pairs)} labels, must be at most {MAX_LABELS}")
    return pairs


def _ambiguous(value: Any) -> str:
    if isinstance(value, str) and value in AMBIGUOUS:
        return value
    raise wrong(value, " or ".join(AMBIGUOUS))


def _reasons(value: Any) -> str:
    if isinstance(value, str) and value in REASONS:
        return value
    raise wrong(value, " or ".join(REASONS))


def _folder(value: Any) -> str:
    if isinstance(value, str) and value.strip() and "\0" not in value:
        return value
    raise wrong(value, "a folder's path")


def _record(value: Any) -> str:
    if not (isinstance(value, str) and is_url(value)):
        return _folder(value)
    try:
        place = S3Location.parse(value)
    except ValueError:
        raise wrong(value, f"a folder's path, or {ALLOWED}") from None
    if place.is_record:
        raise wrong(value, "a prefix: each run makes a file of its own below it")
    return str(place)


def _pattern(value: Any) -> str:
    if not (isinstance(value, str) and value):
        raise wrong(value, "a regular expression")
    try:
        NamePattern(value)
    except ValueError as e:
        raise wrong(value, f"a regular expression ({e})") from None
    return value


def _patterns(value: Any) -> tuple[str, ...]:
    return tuple(_pattern(item) for item in _items(value, "regular expressions"))


def _groups(value: Any) -> tuple[tuple[str, str], ...]:
    pairs = []
    for item in _items(
        value.items() if isinstance(value, Mapping) else value, "pairs of a regular expression and a name"
    ):
        if not (isinstance(item, tuple | list) and len(item) == 2 and isinstance(item[1], str) and item[1].strip()):
            raise wrong(item, "a pair of a regular expression and a name that is not empty")
        pairs.append((_pattern(item[0]), item[1]))
    return tuple(pairs)


def _file(value: Any) -> str:
    if isinstance(value, str) and value.strip() and "\0" not in value:
        return value
    raise wrong(value, "a file's path")


def _prices(value: Any) -> tuple[tuple[str, float], ...]:
    allowed = f"pairs of a price's name ({', '.join(PRICE_NAMES)}) and US dollars"
    pairs = []
    for item in _items(value.items() if isinstance(value, Mapping) else value, allowed):
        if not (isinstance(item, tuple | list) and len(item) == 2):
            raise wrong(item, allowed)
        name, usd = item
        if name not in PRICE_NAMES:
            raise wrong(name, f"one out of {', '.join(PRICE_NAMES)}")
        if not isinstance(usd, int | float) or isinstance(usd, bool) or not 0 <= usd <= MAX_PRICE_USD:
            raise wrong(usd, f"US dollars from 0 to {MAX_PRICE_USD:,} for {name}")
        pairs.append((name, float(usd)))
    if len({name for name, _ in pairs}) < len(pairs):
        raise wrong(value, "one price for each name")
    return tuple(pairs)


def _rule_texts(value: Any) -> tuple[str, ...]:
    texts = _items(value, "texts of rules, as 'p95(POST /checkout) < 300 ms'")
    rules = []
    for text in texts:
        if not isinstance(text, str):
            raise wrong(text, "a rule, as 'p95(POST /checkout) < 300 ms'")
        try:
            rules.append(parse(text))
        except RuleError as e:
            raise SettingsError(f"got {shown(text)}: {e}") from None
    try:
        RuleSet(rules=tuple(rules))
    except RuleError as e:
        raise SettingsError(str(e)) from None
    return texts


_ENVIRONMENT = f"1 to {_MAX_NAMESPACE_PART} {_NAMESPACE_LETTERS}, not starting with ':' or 'AWS/', and not 'AWS'"
_NAMESPACE = f"1 to {_MAX_NAMESPACE} {_NAMESPACE_LETTERS}, not starting with ':' or 'AWS/', and not 'AWS'"
_dimension_value = _text(
    _PRINTABLE_ASCII, _MAX_DIMENSION_VALUE, "a value of 1 to 1024 printable ASCII characters, not all blank"
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
        "spool_dir": _folder,
        "ambiguous": _ambiguous,
        "reasons": _reasons,
        "groups": _groups,
        "include": _patterns,
        "exclude": _patterns,
        "dry_run": _flag,
        "prices": _prices,
        "payloads": _file,
        "record": _record,
        "rules": _file,
        "rule": _rule_texts,
        "junit": _file,
        "rules_json": _file,
    }
)
"""For each field of ``Settings`` its rule."""
