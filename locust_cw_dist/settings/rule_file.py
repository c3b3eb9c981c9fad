"""Files of rules: TOML, read before the run starts; and all rules of a run together."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from locust_cw_dist.core.rules.matched_requests import MAX_WINDOWS_IN_ONE
from locust_cw_dist.core.rules.rule import Rule, RuleError, RuleSet
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.core.rules.rule_toml import rule_set
from locust_cw_dist.errors import SettingsError

MAX_FILE_BYTES = 1_000_000


def load(path: str | Path) -> RuleSet:
    """Return the rules of a file.

    Raises:
        SettingsError: It can't be read, or a rule is wrong: one line with the file, the rule and what is allowed.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as e:
        reason = getattr(e, "strerror", None) or e
        raise SettingsError(f"got {str(path)!r}, must be a file of rules that can be read ({reason})") from None
    if len(content) > MAX_FILE_BYTES:
        raise SettingsError(f"{path}: longer than {MAX_FILE_BYTES} bytes, must be a file of rules")
    try:
        return rule_set(tomllib.loads(content.decode()))
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not UTF-8, must be a TOML file") from None
    except tomllib.TOMLDecodeError as e:
        raise SettingsError(f"{path}: {e}, must be a TOML file") from None
    except RuleError as e:
        raise SettingsError(f"{path}: {e}") from None


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
