"""What settings may be: one `Check` for each kind of value. The table in `settings` says which setting has which.

An error of a check does not name the setting: the caller knows by which name the user would recognise it, a field of
``Settings`` or an option.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from locust_cw_dist.core.costs.prices import PRICE_NAMES
from locust_cw_dist.core.names.name_pattern import NamePattern
from locust_cw_dist.core.names.shorten import meant, shown
from locust_cw_dist.core.publish.metric_names import LEGACY, LEGACY_METRICS, METRIC_NAMES
from locust_cw_dist.core.records.location import ALLOWED, S3Location, is_url
from locust_cw_dist.core.rules.rule import RuleError, RuleSet
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.core.summaries.windows import RESOLUTIONS_S
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.settings import option_texts as texts
from locust_cw_dist.settings.option_texts import COMMAS, LINES

MAX_PERCENTILES = 10
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
_RESERVED = re.compile(r"^(:|AWS/|AWS$)")
_PRINTABLE_ASCII = re.compile(r"[ -~]*[!-~][ -~]*")

# A region becomes part of a host name, and botocore refuses what is no host label.
_HOST_LABEL = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?")
# All that there are have this form, in every partition: eu-central-1, us-gov-west-1, eu-isoe-west-1, eusc-de-east-1.
_REGION = re.compile(r"[a-z]{2,6}(?:-[a-z]{2,16}){1,3}-[0-9]{1,2}")
# AssumeRole's own patterns for RoleArn and ExternalId.
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[0-9A-Za-z_+=,.@/-]{1,512}")
_EXTERNAL_ID = re.compile(r"[0-9A-Za-z_+=,.@:/-]{2,}")

_NAMESPACE_LETTERS = "letters, digits and . - _ / # :"


class Check(NamedTuple):
    """What a setting may be, and how it is read from text.

    Attributes:
        accept: Takes any value and returns what is kept; ``SettingsError`` if it is wrong.
        schema: Nearly the same as a JSON Schema, for the value in the Helm chart, where paths are absolute. Patterns go
            from ``^`` to ``$``, in the syntax that Go has too: no look-ahead, no count above 1,000.
        read: Makes a value, still to be checked, of a text; of a list of texts, where it is `repeating`.
        repeating: How an option holds several such values, if it can.
    """

    accept: Callable[[Any], Any]
    schema: Mapping[str, Any]
    read: Callable[[Any], Any] = lambda text: text
    repeating: texts.Repeating | None = None


def can_be_region(name: str) -> bool:
    """Whether a Region may have this name: its form, since there will be others than botocore knows."""
    return _REGION.fullmatch(name) is not None


def refuse_impossible_region(name: str | None) -> None:
    """Refuse the option --cw-region if there can't be such a Region, when a load test is to begin."""
    if name is not None and not can_be_region(name):
        raise wrong(name, "the name of an AWS Region, such as eu-central-1", "--cw-region")


def wrong(value: object, allowed: str, setting: str | None = None) -> SettingsError:
    """Return the error that says what the value is and what is allowed."""
    return SettingsError(f"got {shown(value)}, must be {allowed}", setting=setting)


def _text(pattern: re.Pattern[str], longest: int, allowed: str) -> Check:
    def accept(value: Any) -> str:
        if isinstance(value, str) and len(value) <= longest and pattern.fullmatch(value):
            return value
        raise wrong(value, allowed)

    return Check(accept, {"type": "string", "pattern": f"^{pattern.pattern}$", "maxLength": longest})


def _name(longest: int) -> Check:
    """Return the check of what begins a namespace: CloudWatch keeps "AWS/" for itself and refuses a colon in front."""
    allowed = f"1 to {longest} {_NAMESPACE_LETTERS}, not starting with ':' or 'AWS/', and not 'AWS'"
    letters = _text(_NAMESPACE_CHARACTERS, longest, allowed)

    def accept(value: Any) -> str:
        name: str = letters.accept(value)
        if _RESERVED.match(name):
            raise wrong(value, allowed)
        return name

    return Check(accept, {**letters.schema, "not": {"pattern": _RESERVED.pattern}})


def whole_number(lowest: int, highest: int) -> Check:
    """Return the check of an int from `lowest` to `highest`."""

    def accept(value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        raise wrong(value, f"a whole number from {lowest} to {highest}")

    return Check(accept, {"type": "integer", "minimum": lowest, "maximum": highest}, texts.number(int))


def seconds(lowest: float, highest: float, *, above: bool = False) -> Check:
    """Return the check of seconds from `lowest` to `highest`, or above `lowest`."""
    allowed = f"above {lowest} and at most {highest} (seconds)" if above else f"{lowest} to {highest} (seconds)"

    def accept(value: Any) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and lowest <= value <= highest and not (above and value == lowest):
            return float(value)
        raise wrong(value, allowed)

    schema = {"type": "number", "exclusiveMinimum" if above else "minimum": lowest, "maximum": highest}
    return Check(accept, schema, texts.number(float))


def one_of(*choices: str | int, unit: str = "") -> Check:
    """Return the check of one out of some values of one type."""
    allowed = f"{', '.join(map(str, choices[:-1]))} or {choices[-1]}{unit}"

    def accept(value: Any) -> str | int:
        # Not `in` alone: True and 1.0 are 1 for Python.
        if type(value) is type(choices[0]) and value in choices:
            return value
        raise wrong(value, allowed)

    return Check(accept, {"enum": list(choices)})


def _switch(value: Any) -> bool:
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
    is_host = _is_host(parts.hostname or "")
    return parts.scheme in {"http", "https"} and is_host and port != 0 and not {"?", "#"} & set(text)


def _is_host(name: str) -> bool:
    """Whether botocore takes it for the host of an endpoint."""
    if ":" in name:
        return True  # an address in brackets, which `urlsplit` has looked at
    labels = name.removesuffix(".").split(".")
    return len(name) <= 255 and all(_HOST_LABEL.fullmatch(label) for label in labels)


def _items(value: Any, allowed: str) -> tuple[Any, ...]:
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return tuple(value)
    raise wrong(value, allowed)


def _percentiles(value: Any) -> tuple[float, ...]:
    allowed = f"1 to {MAX_PERCENTILES} different percentiles from 1 to below 100, with at most 4 decimals"
    chosen = _items(value, allowed)
    for item in chosen:
        if not _is_percentile(item):
            raise wrong(item, f"{allowed}{meant(item)}")
    if not 1 <= len(chosen) <= MAX_PERCENTILES or len(set(chosen)) < len(chosen):
        raise wrong(value, allowed)
    return tuple(float(item) for item in chosen)


def _is_percentile(value: object) -> bool:
    # Four decimals: a metric's name shows six digits, and a rank is computed with whole numbers.
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value < 100 and round(value, 4) == value
    )


def _metrics(value: Any) -> frozenset[str]:
    allowed = f"one or more out of {', '.join((LEGACY, *METRIC_NAMES))}"
    chosen = _items(value, allowed)
    for name in chosen:
        if name not in (LEGACY, *METRIC_NAMES):
            raise wrong(name, allowed)
    if not chosen:
        raise wrong(value, allowed)
    metrics = frozenset(chosen)
    # The name alone means all four; where some of them are named, these are what is left of them.
    return metrics if LEGACY not in metrics or metrics & LEGACY_METRICS else metrics | LEGACY_METRICS


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
        DIMENSION_VALUE.accept(content)
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
        if not (name.strip() and len(name) <= 255 and name.isprintable() and not set("=,") & set(name)):
            raise wrong(name, "a label's name of 1 to 255 printable characters without '=' and ','")
        if not (len(content) <= 1024 and content.isprintable()):
            raise wrong(content, "a label's value of at most 1024 printable characters")
    if len(pairs) > MAX_LABELS:
        raise SettingsError(f"got {len(pairs)} labels, must be at most {MAX_LABELS}")
    return pairs


def _path(allowed: str) -> Check:
    def accept(value: Any) -> str:
        if isinstance(value, str) and value.strip() and "\0" not in value:
            return value
        raise wrong(value, allowed)

    return Check(accept, {"type": "string", "pattern": "^/.+$"})


def _record(value: Any) -> str:
    if not (isinstance(value, str) and is_url(value)):
        return FOLDER.accept(value)  # type: ignore[no-any-return]
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
    wanted: tuple[str, ...] = _items(value, "texts of rules, such as 'p95(POST /checkout) < 300 ms'")
    rules = []
    for text in wanted:
        if not isinstance(text, str):
            raise wrong(text, "a rule, such as 'p95(POST /checkout) < 300 ms'")
        try:
            rules.append(parse(text))
        except RuleError as e:
            raise SettingsError(f"got {shown(text)}: {e}") from None
    try:
        RuleSet(rules=tuple(rules))
    except RuleError as e:
        raise SettingsError(str(e)) from None
    return wanted


SERVICE = _text(_NAMESPACE_CHARACTERS, _MAX_NAMESPACE_PART, f"1 to {_MAX_NAMESPACE_PART} {_NAMESPACE_LETTERS}")
ENVIRONMENT = _name(_MAX_NAMESPACE_PART)
NAMESPACE = _name(_MAX_NAMESPACE)
REGION = _text(_HOST_LABEL, 63, "the name of an AWS Region, such as eu-central-1")
ROLE_ARN = _text(_ROLE_ARN, 2048, "a role's ARN, as arn:aws:iam::123456789012:role/name")
EXTERNAL_ID = _text(_EXTERNAL_ID, 1224, "2 to 1224 letters, digits and _ + = , . @ : / -")
ENDPOINT_URL = Check(_endpoint_url, {"type": "string", "pattern": r"^https?://[^@?#\s]+$"})
DIMENSION_VALUE = _text(
    _PRINTABLE_ASCII, _MAX_DIMENSION_VALUE, "a value of 1 to 1024 printable ASCII characters, not all blank"
)
RESOLUTION = one_of(*RESOLUTIONS_S, unit=" (seconds)")._replace(read=texts.number(int))
SWITCH = Check(_switch, {"type": "boolean"})
FOLDER = _path("a folder's path")
FILE = _path("a file's path")
RULE_FILE = FILE._replace(read=texts.read_rule_file)
RECORD = Check(_record, {"type": "string", "pattern": "^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?|/.+)$"})

_PAIRS = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
_TEXTS = {"type": "array", "items": {"type": "string"}}
DIMENSIONS = Check(_dimensions, _PAIRS, texts.read_pairs, LINES)
LABELS = Check(_labels, _PAIRS, texts.read_labels, COMMAS)
PATTERNS = Check(_patterns, _TEXTS, repeating=LINES)
RULES = Check(_rule_texts, _TEXTS, repeating=LINES)
GROUPS = Check(_groups, {"type": "array", "items": {"type": "string", "pattern": "^.+=.+$"}}, texts.read_groups, LINES)
METRICS = Check(
    _metrics,
    {"type": "array", "items": {"enum": ["all", LEGACY, *METRIC_NAMES, *(f"-{name}" for name in METRIC_NAMES)]}},
    texts.read_metrics,
    COMMAS,
)
PERCENTILES = Check(
    _percentiles,
    {
        "type": "array",
        "maxItems": MAX_PERCENTILES,
        "uniqueItems": True,
        "items": {"type": "number", "minimum": 1, "exclusiveMaximum": 100},
    },
    texts.read_percentiles,
    COMMAS,
)
PRICES = Check(
    _prices,
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {"type": "number", "minimum": 0, "maximum": MAX_PRICE_USD} for name in PRICE_NAMES},
    },
    texts.read_prices,
    COMMAS,
)
