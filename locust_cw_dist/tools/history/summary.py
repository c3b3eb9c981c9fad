"""Run summaries: what a history takes of one run, in a small file of its own beside the record.

It is written once, when the record is closed, and never changed: runs that end at the same time share no file. One that
does not fit its record, since that was written to later, is not used.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from itertools import islice
from typing import Any

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.records.documents import a_number, a_time_s, an_object, tidy
from locust_cw_dist.core.records.record import Record
from locust_cw_dist.core.summaries import checked_json
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.tools.comparison.bootstrap import estimates
from locust_cw_dist.tools.comparison.compare import TOGETHER, Choices, sums_by_endpoint
from locust_cw_dist.tools.comparison.figures import BY_NAME

VERSION = 1

MAX_SUMMED_UP = 100
"""Endpoints of a summary, the busiest: it has 30 kB then."""

MAX_BYTES = 2**20

MAX_WINDOWS = 512
"""Points of a record that is summed up."""

DIGITS = 5


@dataclass(frozen=True, slots=True)
class Level:
    """A figure of one run.

    Attributes:
        value: The figure, in its unit.
        error: Standard error on the scale on which changes add up.
    """

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run.

    Attributes:
        run_id: The run.
        labels: The user's labels.
        started_s: When it started, seconds since the epoch.
        duration_s: How long it went on.
        is_whole: Whether it ended in order, its record is not damaged and it is not invalid.
        verdict: Of the run itself; empty if there is none.
        has_failed: Whether a rule has.
        revision: The git commit; empty if it is not known.
        about: What the run was: service, host, users.
        requests: All its requests.
        levels: Its figures, by endpoint and the figure's name.
    """

    run_id: str
    labels: dict[str, str]
    started_s: float
    duration_s: float
    is_whole: bool
    verdict: str
    has_failed: bool
    revision: str
    about: dict[str, str]
    requests: int
    levels: dict[tuple[EndpointKey, str], Level]


def summary_of(record: Record) -> RunSummary:
    """Return the summary of a run: half a second of computing for many endpoints."""
    options = record.options
    about = {"service": options.get("cw_service"), "host": options.get("host"), "users": options.get("num_users")}
    return RunSummary(
        record.run_id,
        record.labels,
        record.start_s,
        record.duration_s,
        record.has_ended and not record.damage.reason and record.verdict != "invalid",
        record.verdict,
        any(rule.get("failed") is True for rule in record.rules),
        str(record.begin.get("git_revision") or ""),
        {name: str(value) for name, value in about.items() if value not in (None, "")},
        sum(summary.count for summary in record.endpoints().values()),
        _levels(record),
    )


def _levels(record: Record) -> dict[tuple[EndpointKey, str], Level]:
    windows = sums_by_endpoint(record, Choices())
    found = {}
    for key in (TOGETHER, *islice(record.endpoints(), MAX_SUMMED_UP)):
        if key in windows:
            for name, one in estimates(windows[key], seed=f"{key}").items():
                found[key, name] = Level(one.value, one.error)
    return found


def pack(summary: RunSummary, record_bytes: int) -> bytes:
    """Return the file that holds a summary of a record of so many bytes."""
    endpoints: dict[EndpointKey, dict[str, list[float]]] = {}
    for (key, name), level in summary.levels.items():
        endpoints.setdefault(key, {})[name] = [_short(level.value), _short(level.error)]
    document = {
        "locust_cw_summary": VERSION,
        "record_bytes": record_bytes,
        "run_id": summary.run_id,
        "labels": summary.labels,
        "started_s": summary.started_s,
        "duration_s": summary.duration_s,
        "is_whole": summary.is_whole,
        "verdict": summary.verdict,
        "has_failed": summary.has_failed,
        "revision": summary.revision,
        "about": summary.about,
        "requests": summary.requests,
        "endpoints": [[*key, figures] for key, figures in endpoints.items()],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def unpack(content: bytes, record_bytes: int) -> RunSummary:
    """Read a summary.

    Raises:
        ValueError: It is none that this program can read, or not of a record of so many bytes.
    """
    document = checked_json.parse(content)
    if not isinstance(document, dict) or document.get("locust_cw_summary") != VERSION:
        raise ValueError("it is no summary of a run, or of a later version")
    if document.get("record_bytes") != record_bytes:
        raise ValueError("it is of another record")
    endpoints = document.pop("endpoints", None)
    known = tidy(document)
    return RunSummary(
        str(known.get("run_id") or "-"),
        _texts(known, "labels"),
        a_time_s(known, "started_s"),
        a_number(known, "duration_s") or 0.0,
        known.get("is_whole") is True,
        str(known.get("verdict") or ""),
        known.get("has_failed") is True,
        str(known.get("revision") or ""),
        _texts(known, "about"),
        round(a_number(known, "requests") or 0),
        _levels_in(endpoints),
    )


def _texts(document: dict[str, Any], name: str) -> dict[str, str]:
    return {key: str(value) for key, value in an_object(document, name).items()}


def _levels_in(endpoints: Any) -> dict[tuple[EndpointKey, str], Level]:
    found: dict[tuple[EndpointKey, str], Level] = {}
    for row in endpoints if isinstance(endpoints, list) else []:
        if not (isinstance(row, list) and len(row) == 3 and isinstance(row[2], dict)):
            raise ValueError("an endpoint in it can't be read")
        key = (printable(row[0]), printable(row[1]))
        for name in BY_NAME.keys() & row[2].keys():
            found[key, name] = _level(row[2][name])
    return found


def _level(pair: Any) -> Level:
    if isinstance(pair, list) and len(pair) == 2 and all(type(one) in {int, float} for one in pair):
        value, error = map(float, pair)
        if 0 <= value < math.inf and 0 <= error < math.inf:
            return Level(value, error)
    raise ValueError("a figure in it can't be read")


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
