"""The ``--cw-*`` options on Locust's own command line: declaring them, and reading them as ``Settings``.

They are made of the table in `settings`. A flag goes before the variable, and the variable before a file; they do not
add up, for options that can be repeated either. An empty variable counts as not set.

Three things that Locust does shape this file:

- Every option travels from the master to the workers in the message that starts users, packed with msgpack.
  A value that msgpack cannot pack ends that greenlet: no user starts, and Locust exits with 0. So what the
  parser stores is str, int, float, bool or a list of str, and ``settings_from_options`` makes richer values
  of it later. And a worker's hub stands still for 6 ms for each option that comes, since Locust builds its
  parser anew for each (2.47; 3 ms with 2.32): ``keep_from_workers`` takes ours out once they are read.
- A wrong value must end the process before Locust forks (``--processes``) or connects, or others wait for
  one that never comes. So values are checked while they are parsed, by the rules of ``Settings``. What only
  makes sense together with another option is checked where the settings are read, on the master: a worker
  accepts the master's command line whatever it says, and ignores it.
- The web form can write any option into the running process, whether the form shows it or not. So nothing
  here is a credential, and what decides where data goes is read once. Labels, which the form does show, can
  be read again.
"""

from __future__ import annotations

import argparse
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from locust_cw_dist.errors import SettingsError
from locust_cw_dist.settings.empty_variables import ignore_empty_variables
from locust_cw_dist.settings.near_words import name_near_options
from locust_cw_dist.settings.option import VARIABLES, Group, Option
from locust_cw_dist.settings.repeated_option import Repeated
from locust_cw_dist.settings.settings import OPTIONS, Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

NO_DEFAULTS: Mapping[str, Any] = MappingProxyType({})

GROUP_TITLE = "CloudWatch (locust-cw-dist)"
_GROUP_DESCRIPTION = (
    # Locust's formatter keeps the lines of a group's description as they are.
    "The master, or a single process, publishes results to Amazon CloudWatch. Workers accept\n"
    "the same options and ignore them. You can also set each option as an environment variable\n"
    "(LOCUST_CW_SERVICE for --cw-service), or in locust.conf or [tool.locust] of pyproject.toml.\n"
    "Credentials come from boto3's usual places, never from an option."
)


def add_arguments(parser: argparse.ArgumentParser, fields: Collection[str] | None = None) -> None:
    """Declares the ``--cw-*`` options on Locust's parser; once for each parser, however often it is called.

    Args:
        parser: What Locust's ``init_command_line_parser`` event hands out.
        fields: Fields of ``Settings``: only their options, for a command that has no use for others.
    """
    if GROUP_TITLE in (group.title for group in parser._action_groups):  # noqa: SLF001 - there is no public way to ask
        return
    # A group without options, whose title and description stand above the others.
    parser.add_argument_group(GROUP_TITLE, _GROUP_DESCRIPTION)
    for about in Group:
        group: Any = parser.add_argument_group(f"CloudWatch: {about.lower()}")
        for option in OPTIONS.values():
            if option.group is about and (fields is None or option.field in fields):
                text = option.described(text_form=True, default=True)
                action = group.add_argument(option.flag, env_var=option.variable, help=text, **_how_to_store(option))
                _mark_for_web_form(action, shown_there=option.in_web_form)
    name_near_options(parser)
    ignore_empty_variables(parser, VARIABLES)


def _how_to_store(option: Option) -> dict[str, Any]:
    if not option.metavar:
        return {"action": "store_true"}
    if option.check.repeating is not None:
        split = option.check.repeating.split
        return {"metavar": option.metavar, "type": split, "action": Repeated, "check": option.checked}

    def convert(text: str) -> Any:
        try:
            return option.checked(text)
        except SettingsError as wrong:
            raise argparse.ArgumentTypeError(wrong.problem) from None

    return {"metavar": option.metavar, "type": convert}


def _mark_for_web_form(action: Any, *, shown_there: bool) -> None:
    # Locust's add_argument takes these as keywords, that of an argument group does not. All four are read.
    action.include_in_web_ui = shown_there
    action.is_secret = action.is_required = action.is_multiple = False


def settings_from_options(options: argparse.Namespace | None, defaults: Mapping[str, Any] = NO_DEFAULTS) -> Settings:
    """The settings that parsed options ask for; defaults for what they leave out.

    Args:
        options: Locust's ``environment.parsed_options``. None, or one without our options, gives the
            defaults: a script may have made it.
        defaults: Values of fields of ``Settings``, in place of its own.

    Raises:
        SettingsError: Options contradict each other. It names the option.
    """
    stored = {field: getattr(options, option.dest, None) for field, option in OPTIONS.items()}
    try:
        given = {field: OPTIONS[field].restored(value) for field, value in stored.items() if value is not None}
        return Settings(**{**defaults, **given})
    except SettingsError as wrong:
        option = OPTIONS.get(wrong.setting or "")
        raise SettingsError(wrong.problem, setting=option.flag if option else wrong.setting) from None


def has_options(options: argparse.Namespace | None) -> bool:
    """Whether a parser that knew our options made these: otherwise nobody has read our variables."""
    return any(hasattr(options, option.dest) for option in OPTIONS.values())


def keep_from_workers(options: argparse.Namespace | None) -> None:
    """Take our options out of what a master sends to its workers each time it starts or stops users.

    Args:
        options: Locust's ``environment.parsed_options``, once `settings_from_options` has read it. It keeps what
            Locust's web form writes there.
    """
    if options is None:
        return
    for option in OPTIONS.values():
        if not option.in_web_form:
            vars(options).pop(option.dest, None)


def labels_from_options(options: argparse.Namespace | None) -> tuple[tuple[str, str], ...]:
    """The labels as they are now, at the start of a run: Locust's web form may have changed them.

    Args:
        options: Locust's ``environment.parsed_options``. The form leaves a text there, or a list of texts.

    Raises:
        SettingsError: What was typed is not KEY=VALUE,KEY=VALUE.
    """
    option = OPTIONS["labels"]
    value = getattr(options, option.dest, None)
    try:
        labels: tuple[tuple[str, str], ...] = option.check.accept(option.restored(value or ()))
    except SettingsError as wrong:
        raise SettingsError(wrong.problem, setting=option.flag) from None
    return labels
