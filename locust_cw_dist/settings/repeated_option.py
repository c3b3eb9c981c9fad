"""Repeated: an option that can be given several times, on the command line, in a variable and in a file."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from locust_cw_dist.errors import SettingsError


class Repeated(argparse._ExtendAction):  # noqa: SLF001 - makes ConfigArgParse take lists from files
    """Collects the texts of all occurrences, and checks them together after each."""

    def __init__(self, *args: Any, check: Callable[[Any], object], **kwargs: Any) -> None:
        """Add the action, as argparse does; `check` raises SettingsError for texts that are wrong."""
        super().__init__(*args, **kwargs)
        self._check = check

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Take one occurrence."""
        super().__call__(parser, namespace, values, option_string)
        try:
            self._check(getattr(namespace, self.dest))
        except SettingsError as wrong:
            raise argparse.ArgumentError(self, wrong.problem) from None
