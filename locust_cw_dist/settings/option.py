"""Option: one row of the table of settings, with all that is known of a setting; the rows stand in `settings`.

Each option is a flag ``--cw-x-y``, an environment variable ``LOCUST_CW_X_Y``, a line ``cw-x-y = ...`` in
``locust.conf`` and a key of ``[tool.locust]`` in ``pyproject.toml``.
"""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any, TypeVar

from locust_cw_dist.errors import SettingsError
from locust_cw_dist.settings.checks import Check

PREFIX = "--cw-"
FLAG_PATTERN = r"--cw-[a-z-]+"
VARIABLES = "LOCUST_CW_"
"""What the names of our environment variables begin with."""

T = TypeVar("T")


class Group(StrEnum):
    """What options are about, in the order of ``--help`` and docs/options.md."""

    FIRST = "Most runs need these"
    WHERE = "What and where"
    SENT = "What is sent"
    GATES = "Pass or fail"
    RECORD = "The record"
    FAULTS = "When things fail"
    MONEY = "What it costs"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Option:
    """One setting.

    Attributes:
        group: What it is about.
        usage: Its flag, and what stands for its value: ``--cw-grace <seconds>``. No value: it is a switch.
        what: What it is for, in a sentence or two.
        check: What it may be, and how it is read from text.
        form: How its text is written, in a sentence, where that is no matter of course.
        defaults_to: What the default means, where it is not the default itself.
        needs: The fields of which one must be set, too.
        is_recorded: It is in the run record, since it decides what that holds. Never a role, its external ID or a URL.
        in_web_form: It is in Locust's web form, for each run.
        field: Its field of ``Settings``.
        default_value: That field's default.
    """

    group: Group
    usage: str
    what: str
    check: Check
    _: dataclasses.KW_ONLY
    form: str = ""
    defaults_to: str = ""
    needs: tuple[str, ...] = ()
    is_recorded: bool = False
    in_web_form: bool = False
    field: str = ""
    default_value: Any = None

    def default(self, value: T) -> T:
        """Return the field of ``Settings`` with this default; to a type checker, the default itself."""
        return dataclasses.field(default=value, metadata={"option": dataclasses.replace(self, default_value=value)})

    @property
    def flag(self) -> str:
        """As ``--cw-flush-timeout``."""
        return self.usage.partition(" ")[0]

    @property
    def metavar(self) -> str:
        """What stands for the value in help; empty for a switch."""
        return self.usage.partition(" ")[2]

    @property
    def dest(self) -> str:
        """As ``cw_flush_timeout``, of Locust's ``parsed_options``."""
        return self.flag.removeprefix("--").replace("-", "_")

    @property
    def variable(self) -> str:
        """As ``LOCUST_CW_FLUSH_TIMEOUT``."""
        return variable_of(self.flag)

    @property
    def shown_default(self) -> str:
        """The default as a person reads it; empty where there is none."""
        value = self.default_value
        if self.defaults_to or isinstance(value, float):
            return self.defaults_to or f"{value:g}"
        return str(value) if isinstance(value, str | int) and value is not False else ""

    def described(self, *, text_form: bool, default: bool) -> str:
        """Return sentences on what it is for and, as wanted, how its text is written and what it defaults to."""
        sentences = [self.what]
        if default and self.shown_default:
            sentences.append(f"Defaults to {self.shown_default}.")
        if text_form:
            sentences += [self.form, self.check.repeating.how if self.check.repeating else ""]
        return " ".join(filter(None, sentences))

    def accept(self, value: Any) -> Any:
        """Return what is kept of a value; SettingsError, which names the field, if it is wrong."""
        if value is None and self.default_value is None:
            return None
        try:
            return self.check.accept(value)
        except SettingsError as wrong:
            raise SettingsError(wrong.problem, setting=self.field) from None

    def checked(self, text: Any) -> Any:
        """Return what is kept of a text, or of a list of texts; SettingsError without a name, if it is wrong."""
        return self.check.accept(self.check.read(text))

    def restored(self, stored: Any) -> Any:
        """Return the value, unchecked, of what a parser stored or Locust's web form put in its place."""
        if self.check.repeating is None:
            return stored
        # As one text: the web form splits what was typed at each comma, quoted or not.
        text = stored if isinstance(stored, str) else self.check.repeating.joint.join(stored)
        try:
            return self.check.read(self.check.repeating.split(text))
        except SettingsError as wrong:
            raise SettingsError(wrong.problem, setting=self.flag) from None


def variable_of(flag: str) -> str:
    """Return the environment variable of one of our flags."""
    return VARIABLES + flag.removeprefix(PREFIX).replace("-", "_").upper()
