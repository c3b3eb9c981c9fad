"""Worker rows: how each worker is, from what Locust and the collector know of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from locust_cw_dist.core.master.worker_processes import Seen, WorkerProcess
from locust_cw_dist.core.progress.progress import WorkerProgress
from locust_cw_dist.live.platform.clock import WritingClock

MISSING = "missing"
WITHOUT_PLUGIN = "without plugin"
QUIT = "quit"
CONNECTED = "connected"
"""A worker that reports, and that Locust has not listed again since a stop in its web UI."""

SILENT_S = 10.0
"""Silence after which such a worker counts as missing: three reports."""

_TROUBLE = (WITHOUT_PLUGIN, MISSING)


def worker_rows(
    seen: Mapping[str, Seen],
    processes: Iterable[WorkerProcess],
    without_plugin: Collection[str],
    clock: WritingClock,
) -> list[WorkerProgress]:
    """Return all workers, those with trouble first.

    Args:
        seen: What Locust knows, by worker.
        processes: What is known here; of several processes of one worker the last one counts.
        without_plugin: Ids of workers that do not run this plugin, or another version of it.
        clock: Tells the time, and how far it is from what others are told.
    """
    known = {process.worker_id: process for process in processes}
    rows = []
    for worker_id in dict.fromkeys((*seen, *known, *without_plugin)):
        state = _state(worker_id, seen.get(worker_id, Seen()), known.get(worker_id), without_plugin, clock.now_s())
        rows.append(_row(worker_id, state, seen.get(worker_id, Seen()), known.get(worker_id), clock))
    return sorted(rows, key=lambda row: (row.state not in _TROUBLE, row.worker_id))


def _state(
    worker_id: str, seen: Seen, process: WorkerProcess | None, without_plugin: Collection[str], now_s: float
) -> str:
    if worker_id in without_plugin:
        return WITHOUT_PLUGIN
    if process is not None and process.final:
        return QUIT
    if seen.state is not None:
        return seen.state
    return CONNECTED if now_s - (_heard_s(seen, process) or 0.0) <= SILENT_S else MISSING


def _heard_s(seen: Seen, process: WorkerProcess | None) -> float | None:
    heard_s = [one for one in (seen.heard_s, process.heard_at_s if process else None) if one is not None]
    return max(heard_s, default=None)


def _row(worker_id: str, state: str, seen: Seen, process: WorkerProcess | None, clock: WritingClock) -> WorkerProgress:
    heard_s = _heard_s(seen, process)
    written_s = None if heard_s is None else clock.written_s(heard_s)
    if process is None:
        return WorkerProgress(worker_id, state, written_s)
    offset_s = process.clock_offset_s
    return WorkerProgress(
        worker_id,
        state,
        written_s,
        process.vitals.cpu_percent,
        process.vitals.memory_bytes,
        # As `HealthWatch` has it: how far its clock is ahead of the right time.
        None if offset_s is None else -(offset_s + clock.offset_s),
        process.duplicates,
    )
