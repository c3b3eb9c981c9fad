"""The outcome of one check."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Status(enum.Enum):
    """How a check came out; the value is the word in `--json`."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one check.

    Attributes:
        name: what was checked.
        status: how it came out; only FAILED makes the command fail.
        found: what was found, in one line.
        advice: what to do, in one line; empty where there is nothing to do.
    """

    name: str
    status: Status
    found: str
    advice: str = ""


def ok(name: str, found: str) -> Result:
    """All is well."""
    return Result(name, Status.OK, found)


def warning(name: str, found: str, advice: str) -> Result:
    """It may work, but not as one would expect."""
    return Result(name, Status.WARNING, found, advice)


def failed(name: str, found: str, advice: str) -> Result:
    """Nothing can be published like this."""
    return Result(name, Status.FAILED, found, advice)


def skipped(name: str, found: str, advice: str = "") -> Result:
    """It was not checked, for the reason in `found`."""
    return Result(name, Status.SKIPPED, found, advice)
