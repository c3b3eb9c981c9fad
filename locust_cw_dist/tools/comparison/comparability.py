"""Comparability: what keeps runs from being compared, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from locust_cw_dist.core.records.record import Record
from locust_cw_dist.core.verdict.generator_health import BUSY_PERCENT
from locust_cw_dist.tools.comparison.words import label

OPTIONS = ("spawn_rate", "host", "cw_service", "cw_groups", "cw_include", "cw_exclude")
"""Of a record, those that must be the same."""

DURATION_TOLERANCE = 0.1
MAX_NAMED = 5


def is_whole(record: Record) -> bool:
    """Whether a run ended in order and nothing is known that makes it invalid."""
    return record.has_ended and not record.damage.reason and record.verdict != "invalid"


def doubts(bases: Sequence[Record], candidate: Record) -> list[str]:
    """Return why a gate can't rely on these runs: one is not whole, or is its own base."""
    found = [f"run {run.run_id} {_flaw(run)}" for run in (*bases, candidate) if not is_whole(run)]
    return found + own(bases, candidate)


def own(bases: Sequence[Record], candidate: Record) -> list[str]:
    """Return what is said of a candidate that is its own base: an old folder, say, or a run that kept no record."""
    is_own = any(base.run_id == candidate.run_id and base == candidate for base in bases)
    return [f"run {candidate.run_id} is compared with itself"] if is_own else []


def _flaw(run: Record) -> str:
    if run.damage.reason:
        return "has a damaged record"
    return "is invalid" if run.verdict == "invalid" else "did not end in order"


def warnings(bases: Sequence[Record], candidate: Record) -> list[str]:
    """Return what a reader of a comparison must know; empty if the runs are alike."""
    runs = [*bases, candidate]
    found = [line for run in runs for line in of_one(run)] + own(bases, candidate)
    for base in bases:
        found += _differences(base, candidate)
    return list(dict.fromkeys(found))


def of_one(run: Record) -> list[str]:
    """Return what makes a run doubtful by itself."""
    name = f"run {run.run_id}"
    found = []
    if run.damage.reason:
        found.append(f"{name}: the record is damaged after {run.damage.at_byte} bytes ({run.damage.reason})")
    if not run.has_ended:
        found.append(f"{name} did not end in order: its last results are missing")
    if run.verdict in {"suspect", "invalid"}:
        found.append(f"{name} is {run.verdict}")
    if left_out := run.status.get("left_out"):
        found.append(f"{name}: {left_out} results are not in the record, the disk was too slow")
    if untimed := run.untimed_count():
        found.append(f"{name}: {untimed:,} results came without a usable response time; percentiles omit them")
    cpu = run.gauge("cpu_percent")
    if cpu is not None and cpu.maximum > BUSY_PERCENT:
        found.append(f"{name}: a worker was at {cpu.maximum:.0f} % CPU, so response times include its own delays")
    return found


def _differences(base: Record, candidate: Record) -> list[str]:
    pairs: list[tuple[str, Any, Any]] = [
        ("users", _users(base), _users(candidate)),
        ("workers", _maximum(base, "workers"), _maximum(candidate, "workers")),
    ]
    pairs += [(name.removeprefix("cw_"), base.options.get(name), candidate.options.get(name)) for name in OPTIONS]
    pairs += [(package, _version(base, package), _version(candidate, package)) for package in ("locust", "python")]
    name = f"run {base.run_id}"
    found = [f"{name} differs in {what}: {one} there, {other} here" for what, one, other in pairs if one != other]
    longer, shorter = max(base.duration_s, candidate.duration_s), min(base.duration_s, candidate.duration_s)
    if shorter < longer * (1 - DURATION_TOLERANCE):
        found.append(f"{name} lasted {base.duration_s:.0f} s, this one {candidate.duration_s:.0f} s")
    there, here = base.endpoints().keys(), candidate.endpoints().keys()
    found += _missing(f"only in {name}", sorted(there - here))
    return found + _missing(f"not in {name}", sorted(here - there))


def _missing(where: str, endpoints: Sequence[tuple[str, str]]) -> list[str]:
    if not endpoints:
        return []
    named = ", ".join(map(label, endpoints[:MAX_NAMED]))
    rest = f" and {len(endpoints) - MAX_NAMED} more" if len(endpoints) > MAX_NAMED else ""
    return [f"{where}: {named}{rest}"]


def _users(run: Record) -> Any:
    return _maximum(run, "users") or run.options.get("num_users")


def _maximum(run: Record, gauge: str) -> int | None:
    statistics = run.gauge(gauge)
    return None if statistics is None else int(statistics.maximum)


def _version(run: Record, package: str) -> Any:
    versions = run.begin.get("versions")
    return versions.get(package) if isinstance(versions, dict) else None
