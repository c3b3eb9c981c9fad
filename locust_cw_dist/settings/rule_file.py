"""Files of rules: TOML, read before the run starts; and all rules of a run together."""

from __future__ import annotations

import codecs
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from locust_cw_dist.core.rules.matched_requests import MAX_WINDOWS_IN_ONE
from locust_cw_dist.core.rules.rule import Rule, RuleError, RuleSet
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.core.rules.rule_toml import rule_set
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.regular_files import read_regular

MAX_FILE_BYTES = 1_000_000


def load(path: str | Path) -> RuleSet:
    """Return the rules of a file.

    Raises:
        SettingsError: It can't be read, or a rule is wrong: one line with the file, the rule and what is allowed.
    """
    try:
        content = read_regular(path, MAX_FILE_BYTES)
    except (OSError, ValueError) as e:
        reason = getattr(e, "strerror", None) or e
        raise SettingsError(f"got {str(path)!r}, must be a file of rules that can be read ({reason})") from None
    try:
        return rule_set(_document(content))
    except (RuleError, ValueError) as e:
        raise SettingsError(f"{path}: {e}") from None


def _document(content: bytes) -> dict[str, Any]:
    """Return what TOML holds; ValueError, which says what is allowed, if it is none."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("it is UTF-16, must be UTF-8: save it with that encoding")
    try:
        # Editors on Windows may begin a file with a byte-order mark.
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("not UTF-8, must be a TOML file") from None
    except RecursionError:
        raise ValueError("nested too deeply, must be a TOML file") from None
    # Not TOMLDecodeError alone: a number with thousands of digits is another ValueError.
    except ValueError as e:
        raise ValueError(f"{e}, must be a TOML file") from None


def gather(file: str | None, texts: Iterable[str], resolution_s: int) -> RuleSet:
    """Return all rules that settings ask for: those of the file, then those of options.

    Args:
        file: ``Settings.rules``.
        texts: ``Settings.rule``.
        resolution_s: ``Settings.resolution_s``.

    Raises:
        SettingsError: The file can't be used, or the rules don't fit together or with the resolution.
    """
    try:
        rule_set = RuleSet() if file is None else load(file)
        _check_windows(rule_set.rules, resolution_s, f"{file}: ")
    except SettingsError as e:
        raise SettingsError(e.problem, setting="--cw-rules") from None
    more = [parse(text) for text in texts]
    try:
        _check_windows(more, resolution_s)
        return rule_set.with_rules(more)
    except (RuleError, SettingsError) as e:
        raise SettingsError(str(e), setting="--cw-rule") from None


def _check_windows(rules: Iterable[Rule], step_s: int, where: str = "") -> None:
    longest_s = MAX_WINDOWS_IN_ONE * step_s
    for rule in rules:
        if rule.window_s is not None and (rule.window_s % step_s or rule.window_s > longest_s):
            raise SettingsError(
                f"{where}rule {rule.name!r}: window_s: got {rule.window_s}, must be a multiple of {step_s} "
                f"(--cw-resolution) and at most {longest_s}"
            )
