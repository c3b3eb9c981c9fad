"""The ``LOCUST_CW_*`` variables without a command line: for scripts, and locustfiles that call `install` themselves.

They are read by the parser that reads them for Locust's command line, so that they mean the same.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, NoReturn

from locust_cw_dist.errors import SettingsError
from locust_cw_dist.settings.option import FLAG_PATTERN, VARIABLES, variable_of
from locust_cw_dist.settings.options import NO_DEFAULTS, add_arguments, settings_from_options
from locust_cw_dist.settings.settings import OPTIONS, Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

_FLAG = re.compile(rf"\A(?:argument )?({FLAG_PATTERN})")


def settings_from_variables(variables: Mapping[str, str], defaults: Mapping[str, Any] = NO_DEFAULTS) -> Settings:
    """The settings that ``LOCUST_CW_*`` variables ask for, where no command line was parsed.

    Args:
        variables: Those of the process. An empty one counts as not set.
        defaults: Values of fields of ``Settings``, for what they leave out.

    Raises:
        SettingsError: A value is wrong, or variables contradict each other. It names the variable.
    """
    from locust.argument_parser import get_empty_argument_parser

    parser: Any = get_empty_argument_parser(add_help=False, default_config_files=[])
    add_arguments(parser)
    parser.error = _raise_settings_error
    ours = {name: value for name, value in variables.items() if name.startswith(VARIABLES)}
    try:
        options, _ = parser.parse_known_args([], env_vars=ours)
        return settings_from_options(options, defaults)
    except SettingsError as wrong:
        raise SettingsError(_FLAG.sub(lambda flag: variable_of(flag[1]), str(wrong))) from None


def _raise_settings_error(message: str) -> NoReturn:
    raise SettingsError(message)


def describe_found(
    variables: Mapping[str, str], options: argparse.Namespace | None = None, *, are_read: bool = True
) -> str:
    """Return what was set, by name: options, and variables that look like ours, mistyped and empty ones too.

    Args:
        variables: Those of the process.
        options: What a parser with our options made.
        are_read: Whether variables count; they don't where a script passes ``Settings``.
    """
    given = [
        option.flag
        for option in OPTIONS.values()
        if getattr(options, option.dest, None) and not variables.get(option.variable, "").strip()
    ]
    ours = sorted(name for name in variables if name.startswith(VARIABLES))
    remarks = [f"{name}{_remark(name, variables[name], are_read=are_read)}" for name in ours]
    return ", ".join([*given, *remarks]) or "no --cw-* option and no LOCUST_CW_* variable"


def _remark(name: str, text: str, *, are_read: bool) -> str:
    known = [option.variable.removeprefix(VARIABLES) for option in OPTIONS.values()]
    typed = name.removeprefix(VARIABLES)
    if typed not in known:
        near = difflib.get_close_matches(typed, known, n=1)
        return f" (unknown: did you mean {VARIABLES}{near[0]}?)" if near else " (unknown)"
    if not text.strip():
        return " (empty)"
    return "" if are_read else " (not read: the script passes Settings)"
