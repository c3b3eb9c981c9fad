"""Endpoints: which series a rule's request stands for, and what is known of a run's endpoints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from locust_cw_dist.core.names.name_pattern import TooSlowError
from locust_cw_dist.core.publish.datums import ENDPOINT_DIMENSIONS
from locust_cw_dist.core.publish.dimension_text import clean_dimension_value
from locust_cw_dist.core.publish.selection import Selection
from locust_cw_dist.core.rules.rule import Rule
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.settings.settings import Settings

Dimensions = tuple[tuple[str, str], ...]

_META = frozenset("^$*+?[(|")
_QUERY = re.compile(r"[\w.%-]+=")
_REPEAT = re.compile(r"\{(?:[0-9]+(?:,[0-9]*)?|,[0-9]*)\}")


@dataclass(frozen=True, slots=True)
class NoSeries:
    """A request that no series of its own is published for; `reason` says why, in words that follow a rule's name."""

    reason: str


def find_endpoint(rule: Rule, settings: Settings, known: Sequence[EndpointKey]) -> EndpointKey | NoSeries | None:
    """Return the (request name, method) whose series a rule looks at; None if it is all together.

    Args:
        rule: Its request is a regular expression on the whole name.
        settings: How names are grouped and filtered before they are published.
        known: Endpoints of the run, as far as they are known; they tell which ones an expression stands for.
    """
    if rule.request is None and rule.method is None:
        return None
    try:
        found = [endpoint for endpoint in dict.fromkeys(known) if rule.matches(*endpoint)]
    except TooSlowError as e:
        return NoSeries(str(e))
    if len(found) == 1:
        return found[0]
    if found:
        return NoSeries(f"it stands for {len(found)} endpoints, and an alarm watches the series of one: name one")
    return _named(rule, settings)


def _named(rule: Rule, settings: Settings) -> EndpointKey | NoSeries:
    name = None if rule.request is None else literal(rule.request)
    if name is None:
        what = "a method alone" if rule.request is None else "a pattern"
        return NoSeries(
            f"{what} stands for several endpoints, and an alarm watches the series of one: name one, "
            "or say which there are with --endpoint or --record"
        )
    if rule.method is None:
        return NoSeries(f"the series of an endpoint has its method, too: write it, as 'GET {name}'")
    published = Selection(settings.groups, settings.include, settings.exclude).name_of(name)
    if published is None:
        return NoSeries("--cw-include or --cw-exclude leave its results out of CloudWatch")
    if published != name:
        return NoSeries(f"--cw-group publishes its results as {published!r}: name that")
    return name, rule.method


def literal(pattern: str) -> str | None:
    """Return the one name that the request of a rule stands for; None if it stands for several.

    A request is a name or a regular expression. Where it could be either, as ``/index.html`` and ``/search?q=``, it is
    taken for the name: nobody who means an expression writes that.
    """
    name, rest = [], pattern
    while rest:
        char, rest = rest[0], rest[1:]
        if char == "\\":
            # Before a letter or a digit it makes a class or a reference.
            if not rest or rest[0].isalnum():
                return None
            char, rest = rest[0], rest[1:]
        elif (char in _META and not (char == "?" and _QUERY.match(rest))) or _REPEAT.match(char + rest):
            return None
        name.append(char)
    return "".join(name)


def total_dimensions(settings: Settings) -> Dimensions:
    """Return the dimensions of the series of all endpoints together, and of the run."""
    return settings.dimensions


def endpoint_dimensions(settings: Settings, endpoint: EndpointKey, host: str) -> Dimensions:
    """Return the dimensions of an endpoint's series, as a run publishes them."""
    texts = (*endpoint, host)
    own = tuple((name, clean_dimension_value(text)) for name, text in zip(ENDPOINT_DIMENSIONS, texts, strict=True))
    return own + settings.dimensions


def needed_host(host: str | None) -> str:
    """Return the Host dimension of the run's endpoints.

    Raises:
        SettingsError: Nobody said.
    """
    if host is None:
        raise SettingsError(
            "is required: the host of the run, or '-' for a run without one, because the series of an endpoint have "
            "the dimension Host",
            setting="--host",
        )
    return host
