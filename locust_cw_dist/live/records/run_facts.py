"""What a record says of a run besides its results; docs/record.md lists the fields. No secrets.

Only Locust options that are named here are kept: others are other plugins', and may be secrets.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from locust_cw_dist.core.master.worker_processes import WorkerProcess
from locust_cw_dist.core.publish.ledger import Balance
from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.live.platform.clock import WritingClock
from locust_cw_dist.live.records.git_revision import revision
from locust_cw_dist.live.runs import Run
from locust_cw_dist.settings.settings import OPTIONS, Settings

LOCUST_OPTIONS = ("num_users", "spawn_rate", "stop_timeout", "locustfile", "user_classes", "tags")
"""`Environment.parsed_options` that are kept, if they are plain values."""

PACKAGES = ("locust-cw-dist", "locust", "gevent", "boto3")


def begin_document(
    environment: Any,
    settings: Settings,
    run: Run,
    clock: WritingClock,
    run_time_s: float | None,
    *,
    is_distributed: bool,
) -> dict[str, Any]:
    """Return what is known of a run at its start; `run_time_s` is how long it is to take, if anybody has said."""
    return {
        "run_id": run.run_id,
        "labels": dict(run.labels),
        "started_s": None if run.started_s is None else clock.written_s(run.started_s),
        "resolution_s": settings.resolution_s,
        "is_distributed": is_distributed,
        "publishes": settings.publishes,
        "options": _options(environment, settings, run, run_time_s),
        "git_revision": revision(Path.cwd(), os.environ),
        "versions": _versions(),
        "edges_ms": EDGES,
    }


def status_document(
    run: Run, balance: Balance, processes: dict[str, WorkerProcess], clock: WritingClock, *, ended: bool
) -> dict[str, Any]:
    """Return what became of a run so far.

    Args:
        run: The run.
        balance: The state of its ledger.
        processes: Its worker processes, by epoch.
        clock: Tells the time.
        ended: Whether the process ends in order, so that this is the last word.
    """
    return {
        "at_s": round(clock.written_s(clock.now_s()), 3),
        "stopped_s": None if run.stopped_s is None else clock.written_s(run.stopped_s),
        "ended": ended,
        "ledger": {
            "recorded": balance.recorded,
            "published": balance.published,
            "doubtful": balance.doubtful,
            "pending": balance.pending,
            "spooled": balance.spooled,
            "late": balance.late,
            "dropped": dict(balance.dropped),
            "untimed": dict(balance.untimed),
        },
        "workers": [_worker(run.run_id, name, process, clock) for name, process in processes.items()],
    }


def _worker(run_id: str, name: str, process: WorkerProcess, clock: WritingClock) -> dict[str, Any]:
    return {
        "worker": process.worker_id,
        "epoch": name,
        "cpu_percent": round(process.vitals.cpu_percent, 1),
        "memory_bytes": int(process.vitals.memory_bytes),
        "clock_offset_s": None if process.clock_offset_s is None else round(process.clock_offset_s, 4),
        "complete_until_s": round(clock.written_s(process.cut_at_s), 3),
        "done": process.is_done(run_id, 0.0),
    }


def _options(environment: Any, settings: Settings, run: Run, run_time_s: float | None) -> dict[str, Any]:
    parsed = getattr(environment, "parsed_options", None)
    kept = {name: getattr(parsed, name, None) for name in LOCUST_OPTIONS}
    runner = getattr(environment, "runner", None)
    kept["num_users"] = kept["num_users"] or getattr(runner, "target_user_count", None)
    # Not the option: the web form leaves an earlier run's there.
    kept["run_time"] = run_time_s
    plain = {name: value for name, value in kept.items() if _is_plain(value)}
    ours = {f"cw_{name}": getattr(settings, name) for name, option in OPTIONS.items() if option.is_recorded}
    return (
        plain
        | {name: value for name, value in ours.items() if value not in (None, ())}
        | {"host": without_password(run.host)}
    )


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value) and bool(value)
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def without_password(host: str) -> str:
    """Return a host without what may be a password in it."""
    try:
        parts = urlsplit(host)
    except ValueError:
        return "-"
    if not parts.netloc:
        return host if "@" not in host else "-"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _versions() -> dict[str, str]:
    found = {"python": sys.version.split()[0], "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
