"""Names, tags and marks: how what this program made is told from what others made.

A set is what one call of a command owns: all alarms of one rule file, or one dashboard. Its name is the namespace, or
what ``--name`` says where several sets share a namespace. An alarm belongs to a set if its name begins with the set's
name and its tag `OWNER_TAG` holds it; a dashboard, if the text at its head says so.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from locust_cw_dist.core.names.shorten import shorten
from locust_cw_dist.core.rules.rule import ANY, Rule, Severity

OWNER_TAG = "locust-cw-dist"
"""Key of the tag that holds the name of the set."""

STACK_TAG = "aws:cloudformation:"
"""How the keys of the tags begin that CloudFormation gives to what is in a stack."""

MAX_ALARM_NAME_CHARS = 255
"""Of an alarm's name, by botocore's service model."""

MAX_SET_CHARS = 120
"""Of a set's name at the head of an alarm's name: the rest is for the rule."""

_NOT_IN_TAGS = re.compile(r"[^0-9A-Za-z _.:/=+@-]")


def alarm_prefix(set_name: str) -> str:
    """Return how the names of a set's alarms begin; no namespace has a blank, so none begins like another."""
    return f"{shorten(set_name, MAX_SET_CHARS)}: "


def alarm_names(set_name: str, rules: Sequence[Rule]) -> list[str]:
    """Return an alarm's name for each rule, all different.

    It does not hold the limit, unless the user gave the rule a name that does: an alarm whose limit changes stays the
    same alarm and keeps its history.
    """
    texts = [_title(rule) for rule in rules]
    seen: Counter[str] = Counter()
    names = []
    for text in texts:
        seen[text] += 1
        number = f" #{seen[text]}" if seen[text] > 1 else ""
        room = MAX_ALARM_NAME_CHARS - len(alarm_prefix(set_name)) - len(number)
        names.append(f"{alarm_prefix(set_name)}{shorten(_plain(text), room)}{number}")
    return names


def owner_value(set_name: str) -> str:
    """Return the value of a set's `OWNER_TAG`: tags take fewer characters than namespaces."""
    return shorten(_NOT_IN_TAGS.sub(lambda odd: f"={ord(odd[0]):02x}", set_name), 255).replace("~", "=")


def logical_id(kind: str, name: str) -> str:
    """Return a logical id for a CloudFormation template: letters and digits, the same as long as the name is."""
    words = re.findall(r"[0-9A-Za-z]+", name)
    readable = "".join(word[:1].upper() + word[1:] for word in words)[:48]
    return f"{kind}{readable}{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def mark(set_name: str) -> str:
    """Return the sentence at the head of a dashboard that says whose it is."""
    return f"Made by `locust-cw dashboard` for `{set_name}`."


def scope(rule: Rule) -> str:
    """Return what a rule looks at, as it is written: ``POST /checkout``; empty for all requests together."""
    if rule.method is None:
        return rule.request or ""
    return f"{rule.method} {rule.request or ANY}"


def subject(rule: Rule) -> str:
    """Return what a rule judges, without its limit: ``p95(POST /checkout)``."""
    return f"{rule.figure_text}({scope(rule)})" if scope(rule) else rule.figure_text


def tag_problems(tags: Iterable[tuple[str, str]]) -> str | None:
    """Return what is wrong with tags of the user's, or None."""
    pairs = list(tags)
    for key, value in pairs:
        if not 1 <= len(key) <= 128 or key.startswith("aws:") or _NOT_IN_TAGS.search(key) or key == OWNER_TAG:
            return f"got the key {key!r}, must be 1 to 128 letters, digits, blanks and _ . : / = + - @, not aws:..."
        if len(value) > 256 or _NOT_IN_TAGS.search(value):
            return f"got the value {value!r}, must be at most 256 letters, digits, blanks and _ . : / = + - @"
    if len({key for key, _ in pairs}) < len(pairs) or len(pairs) > 49:
        return "each key can be given once, and 49 tags at most"
    return None


def _title(rule: Rule) -> str:
    title = subject(rule) if rule.name == rule.text() else rule.name
    return f"{title} (warn)" if rule.severity is Severity.WARN else title


def _plain(text: str) -> str:
    """Return `text` without control characters, which names of alarms must not have, and without lone surrogates."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
