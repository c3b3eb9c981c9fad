"""Empty environment variables count as not set: Compose and CI services pass on what nobody filled in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def ignore_empty_variables(parser: Any, prefix: str) -> None:
    """Make `parser` read variables that hold nothing but white space as if they were not there.

    ConfigArgParse would refuse them, or let them override a configuration file.

    Args:
        parser: Locust's, or one made by it.
        prefix: What the names of these variables begin with; others are left alone.
    """
    parse = parser.parse_known_args

    def parse_known_args(*args: Any, env_vars: Mapping[str, str] | None = None, **more: Any) -> Any:
        given = os.environ if env_vars is None else env_vars
        filled = {name: text for name, text in given.items() if text.strip() or not name.startswith(prefix)}
        return parse(*args, env_vars=filled, **more)

    parser.parse_known_args = parse_known_args
