"""Cardinality: dimension values that will be others at the next run.

CloudWatch bills each metric with each set of dimensions, keeps it for 15 months, and has no way to delete it. A value
that is new in every run or build makes all series of the run anew each time. Such things belong into a label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_DATE = re.compile(r"(?<![0-9])20[0-9]{2}(?P<sep>[-_./]?)(?:0[1-9]|1[0-2])(?P=sep)(?:0[1-9]|[12][0-9]|3[01])(?![0-9])")
_TIMESTAMP = re.compile(
    r"(?<![0-9])20[0-9]{2}[01][0-9][0-3][0-9][-_T]?[0-9]{4,6}|(?<![0-9])1[5-9][0-9]{8}(?:[0-9]{3})?"
)
_COMMIT = re.compile(r"(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{7,64}", re.IGNORECASE)
_NUMBERED = re.compile(
    r"(?P<what>build|run|job|pipeline|execution|attempt|pr|mr)[-_.#:/ ]*[0-9a-f]*[0-9][0-9a-f]*", re.IGNORECASE
)
_NUMBER = re.compile(r"#?[0-9]{3,}")

_NAMES = {
    "commit": "commit",
    "sha": "commit",
    "revision": "commit",
    "build": "build number",
    "run": "run id",
    "job": "run id",
    "pipeline": "run id",
    "date": "date",
    "time": "date",
    "timestamp": "date",
    "uuid": "UUID",
    "guid": "UUID",
}
"""What the words in a dimension's name say about its values."""

_KINDS = {"build": "build number"}


def looks_unbounded(name: str, value: str) -> str | None:
    """Return what a dimension looks like whose value is new in each run or build ("commit hash"), or None."""
    if _UUID.search(value):
        return "UUID"
    if _DATE.search(value) or _TIMESTAMP.search(value):
        return "date or time"
    if any(_COMMIT.fullmatch(token) for token in re.split(r"[^0-9A-Za-z]+", value)):
        return "commit hash"
    if numbered := _NUMBERED.fullmatch(value):
        return _KINDS.get(numbered["what"].lower(), "run id")
    if _NUMBER.fullmatch(value):
        return "build number"
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return next((_NAMES[word.lower()] for word in words if word.lower() in _NAMES), None)


def warnings(dimensions: Iterable[tuple[str, str]]) -> list[str]:
    """Return a line for each static dimension that will be another at the next run."""
    lines = []
    for name, value in dimensions:
        if kind := looks_unbounded(name, value):
            lines.append(
                f"dimension {name}={value} looks like a {kind}: each new value makes new metrics of everything, which "
                f"are billed and can't be deleted; use --cw-label {name}={value}, which is never billed"
            )
    return lines
