"""The exceptions of this package. Every one that it raises on purpose is a ``LocustCwError``."""

from __future__ import annotations


class LocustCwError(Exception):
    """The root: ``except LocustCwError`` catches all that this package raises on purpose."""


class SettingsError(LocustCwError, ValueError):
    """A setting is wrong. ``str()`` of it is one line: which setting, its value, and what is allowed.

    Attributes:
        problem: The value and what is allowed, without the setting's name.
        setting: The name that the user knows the setting by: a field of ``Settings`` or a ``--cw-*`` option.
    """

    def __init__(self, problem: str, *, setting: str | None = None) -> None:
        super().__init__(problem if setting is None else f"{setting}: {problem}")
        self.problem = problem
        self.setting = setting
