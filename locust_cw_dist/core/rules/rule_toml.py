"""A file of rules, read from the tables that TOML makes of it; docs/rules.md shows one.

::

    failures_decide = true      # optional

    [defaults]                  # optional: for rules that don't say
    warm_up_s = 30

    [verdict]                   # optional: what follows from a run that is not valid in itself
    suspect = "warn"

    [[rule]]
    check = "p95(POST /checkout) < 300 ms"
    window_s = 60
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locust_cw_dist.core.rules.rule import ATTRIBUTES, Rule, RuleError, RuleSet, VerdictRule, severity
from locust_cw_dist.core.rules.rule_text import parse

MAX_RULES = 200
"""Rules in one file: each looks at every closed window."""

TOP_KEYS = ("rule", "defaults", "verdict", "failures_decide")
RULE_KEYS = ("check", "name", *ATTRIBUTES)
DEFAULT_KEYS = ("successful_only", "window_s", "warm_up_s", "min_requests", "severity")
VERDICT_KEYS = ("suspect", "invalid")


def rule_set(document: Mapping[str, Any]) -> RuleSet:
    """Return the rules of a file.

    Raises:
        RuleError: It names the rule, by its place and its name, and says what is allowed.
    """
    _check_keys(document, TOP_KEYS)
    tables = document.get("rule", [])
    if not (isinstance(tables, list) and all(isinstance(table, Mapping) for table in tables)):
        raise RuleError("rule: must be tables, each with [[rule]] above it")
    if not tables and "verdict" not in document:
        raise RuleError("no rule in it, must have at least one [[rule]] with a check")
    if len(tables) > MAX_RULES:
        raise RuleError(f"{len(tables)} rules in it, must be at most {MAX_RULES}")
    defaults = _defaults(_table(document, "defaults"))
    decides = document.get("failures_decide", False)
    if not isinstance(decides, bool):
        raise RuleError(f"failures_decide: got {decides!r}, must be true or false")
    return RuleSet(
        rules=tuple(_rule(number, table, defaults) for number, table in enumerate(tables, 1)),
        failures_decide=decides,
        verdict=_verdict(_table(document, "verdict")),
    )


def _rule(number: int, table: Mapping[str, Any], defaults: Mapping[str, Any]) -> Rule:
    try:
        return _unlabelled_rule(table, defaults)
    except RuleError as wrong:
        called = table.get("name", table.get("check"))
        label = f"rule {number}" + (f" ({called})" if isinstance(called, str) and called.isprintable() else "")
        raise RuleError(f"{label}: {wrong}") from None


def _unlabelled_rule(table: Mapping[str, Any], defaults: Mapping[str, Any]) -> Rule:
    _check_keys(table, RULE_KEYS)
    check, name = table.get("check"), table.get("name", "-")
    if not isinstance(check, str):
        raise RuleError("check: is required, such as check = 'p95(POST /checkout) < 300 ms'")
    if not (isinstance(name, str) and name):
        raise RuleError(f"name: got {name!r}, must be a text")
    return parse(check, defaults, **{key: value for key, value in table.items() if key != "check"})


def _defaults(table: Mapping[str, Any]) -> dict[str, Any]:
    try:
        _check_keys(table, DEFAULT_KEYS)
        return {key: ATTRIBUTES[key](value) for key, value in table.items()}
    except RuleError as wrong:
        raise RuleError(f"[defaults]: {wrong}") from None


def _verdict(table: Mapping[str, Any]) -> VerdictRule:
    try:
        _check_keys(table, VERDICT_KEYS)
        return VerdictRule(**{key: severity(value, key) for key, value in table.items()})
    except RuleError as wrong:
        raise RuleError(f"[verdict]: {wrong}") from None


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, Mapping):
        raise RuleError(f"{name}: must be a table, with [{name}] above it")
    return table


def _check_keys(table: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for key in table:
        if key not in allowed:
            raise RuleError(f"got the key {key!r}, must be one out of {', '.join(allowed)}")
