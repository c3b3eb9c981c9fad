"""Files of rules: TOML, read before the run starts."""

from __future__ import annotations

import tomllib
from pathlib import Path

from locust_cw_dist.core.rule_tables import rule_set
from locust_cw_dist.core.rules import RuleError, RuleSet
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
