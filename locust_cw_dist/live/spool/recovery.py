"""Recovery: finds what processes that are gone have left in the spool, and has it sent.

State: touched on the hub only; files are read by `DiskThread`.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from locust_cw_dist.core.names.plural import counted, plural
from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.publish.ledger import Account, RunLedger
from locust_cw_dist.core.publish.limits import MAX_AGE_S
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.spool.batch_file import Share, SpoolError, unpack
from locust_cw_dist.core.spool.run_state import RecoveredRun, read_state
from locust_cw_dist.core.spool.stored_batch import StoredBatch
from locust_cw_dist.core.summaries import checked_values
from locust_cw_dist.core.summaries.windows import time_of_day
from locust_cw_dist.live.platform.clock import WritingClock
from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.live.publish.sender import Sender
from locust_cw_dist.live.spool.folder import STATE, Orphan, Spool
from locust_cw_dist.regular_files import reason as reason_of

logger = logging.getLogger("locust_cw_dist")
json_logger = logging.getLogger("locust_cw_dist.summary")

AGE_MARGIN_S = 600
"""What is as close to CloudWatch's limit of two weeks is not sent any more: it may pass it on the way."""


class Recovery:
    """Brings the batches of orphaned folders to the sender.

    Attributes:
        runs: The runs that were found, by id.
        skipped: Files that were left where they are, with the reason.
        batches: Files that can be sent.
        doubtful: Of these, the ones that were being sent when their process ended.
    """

    def __init__(
        self, spool: Spool, disk_thread: DiskThread, sender: Sender, clock: WritingClock, *, resends_ambiguous: bool
    ) -> None:
        """Look into `spool`, which is open."""
        self.runs: dict[str, RecoveredRun] = {}
        self.skipped: dict[Path, str] = {}
        self.batches = 0
        self.doubtful = 0
        self._spool = spool
        self._disk_thread = disk_thread
        self._sender = sender
        self._clock = clock
        self._resends_ambiguous = resends_ambiguous

    def adopt(self, *, dry_run: bool = False) -> None:
        """Hand over what is there to be sent; say what was found.

        Args:
            dry_run: Find and say it only, and touch nothing; the spool need not be open then.
        """
        for orphan in self._disk_thread.run(self._spool.look if dry_run else self._spool.adopt):
            if orphan.error:
                self._skip(orphan.folder, orphan.error)
            self._read_state(orphan)
            for path in orphan.foreign:
                self._skip(path, "it is not a file of a spool")
            for path, is_doubtful in orphan.batches:
                self._adopt_file(path, is_doubtful=is_doubtful, dry_run=dry_run)
        self._say_found()

    def log_end(self) -> None:
        """Say what became of what was found, where that is not said yet; in words and as one line of JSON."""
        for run_id, run in self.runs.items():
            document = json.dumps(run.as_json(), separators=(",", ":"))
            if run.said == document:
                continue
            run.said, ledger = document, run.ledger
            found = f"{ledger.published} of {ledger.taken} {plural(ledger.taken, 'result')} found on disk published"
            for line in (found, *_rest(run)):
                logger.info("locust-cw: run %s, of an earlier process: %s", run_id, line)
            json_logger.info("%s", document)

    def _run(self, run_id: str) -> RecoveredRun:
        return self.runs.setdefault(run_id, RecoveredRun(RunLedger(run_id)))

    def _read_state(self, orphan: Orphan) -> None:
        try:
            states = read_state(orphan.state) if orphan.state else []
            checked_values.require(not orphan.state_error, orphan.state_error)
        except ValueError as e:
            self._skip(orphan.folder / STATE, f"the last notes of its process can't be read: {e}")
            self._disk_thread.run(self._spool.leave, orphan.folder / STATE)
            return
        for state in states:
            self._run(state.run_id).state = state
            logger.warning(
                "locust-cw: the process of run %s was killed: of at least %s, %d had been published and %d were on "
                "disk; %d, and all recorded after %s, may be lost",
                state.run_id,
                counted(state.recorded, "result"),
                state.published,
                state.spooled,
                state.in_memory,
                time_of_day(state.safe_until_s),
            )

    def _adopt_file(self, path: Path, *, is_doubtful: bool, dry_run: bool) -> None:
        try:
            batch = unpack(self._disk_thread.run(self._spool.read, path))
        except OSError as e:
            self._skip(path, reason_of(e))
            return
        except SpoolError as e:
            self._skip(path, str(e))
            return
        age_s = self._clock.written_s(self._clock.now_s()) - batch.oldest_s
        if age_s > MAX_AGE_S - AGE_MARGIN_S:
            self._skip(path, f"it is {age_s / 86400:.1f} days old, and CloudWatch accepts nothing older than two weeks")
            return
        self.batches += 1
        self.doubtful += is_doubtful
        stored = StoredBatch(
            batch.namespace, batch.entries([self._account(share) for share in batch.shares]), file=path
        )
        for run_id in batch.run_ids:
            self._run(run_id).batches += 1
            self._run(run_id).doubtful += is_doubtful
            self._run(run_id).oldest_s = min(self._run(run_id).oldest_s, batch.oldest_s)
        if is_doubtful and not self._resends_ambiguous:
            self._sender.give_up(stored, Failure.AMBIGUOUS, keeps_file=dry_run)
        elif dry_run:
            stored.leave_memory()
        else:
            self._sender.adopt(stored, is_doubtful=is_doubtful)

    def _account(self, share: Share) -> Account:
        ledger = self._run(share.run_id).ledger
        ledger.taken += share.results
        return Account(ledger, share.results, len(share.datums))

    def _skip(self, path: Path, reason: str) -> None:
        self.skipped[path] = reason
        logger.warning("locust-cw: skipped %s: %s", printable(path), printable(reason))

    def _say_found(self) -> None:
        for run_id, run in self.runs.items():
            if run.batches:
                logger.info(
                    "locust-cw: found %s of run %s on disk, in %s, the oldest %s old",
                    counted(run.ledger.taken, "result"),
                    run_id,
                    counted(run.batches, "batch", "batches"),
                    _age(self._clock.written_s(self._clock.now_s()) - run.oldest_s),
                )


def _rest(run: RecoveredRun) -> list[str]:
    lines = [f"{count} dropped: {reason}" for reason, count in sorted(run.ledger.dropped.items())]
    if run.ledger.spooled:
        lines.append(f"{run.ledger.spooled} still on disk")
    if run.doubtful:
        batches = counted(run.doubtful, "batch", "batches")
        lines.append(f"{batches} in flight when that process ended: may count twice, or be lost")
    return lines


def _age(seconds: float) -> str:
    for unit_s, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.1f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
