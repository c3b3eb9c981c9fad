"""Recovery: what a process that is gone has left, in words: results on disk, and results that it took with it.

Each second a process with a spool notes the state of its runs on disk (`pack_state`); the one that finds it reads that
(`read_state`) and can say what is missing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.publish.ledger import Balance, RunLedger
from locust_cw_dist.core.summaries import checked_json, checked_values
from locust_cw_dist.core.wire.frame import FAR_FUTURE_S, MAX_ID_CHARS

MAX_RUNS = 1_000
"""Runs in one state; a process that starts more tests than that notes the last ones."""


@dataclass(frozen=True, slots=True)
class RunState:
    """One run as its process noted it last.

    Attributes:
        run_id: The run.
        recorded: Results that workers had told of.
        published: Results that CloudWatch had taken.
        spooled: Results that were on disk.
        dropped: Results that were given up.
        safe_until_s: Results of windows that end by then are published, on disk or given up.
    """

    run_id: str
    recorded: int
    published: int
    spooled: int
    dropped: int
    safe_until_s: float

    @classmethod
    def of(cls, run_id: str, balance: Balance, safe_until_s: float) -> RunState:
        """Return the state of a run whose ledger shows `balance`."""
        dropped = sum(balance.dropped.values())
        return cls(run_id, balance.recorded, balance.published, balance.spooled, dropped, safe_until_s)

    @property
    def in_memory(self) -> int:
        """Results that are gone with the process."""
        return self.recorded - self.published - self.spooled - self.dropped


def pack_state(states: Iterable[RunState], *, ended: bool) -> bytes:
    """Return what is noted on disk; `ended` when the process has said itself what became of its runs."""
    runs = [[s.run_id, s.recorded, s.published, s.spooled, s.dropped, s.safe_until_s] for s in states]
    return json.dumps({"version": 1, "ended": ended, "runs": runs[-MAX_RUNS:]}).encode()


def read_state(content: bytes) -> list[RunState]:
    """Return the runs of a process that was cut off; of one that has ended by itself, none.

    Raises:
        ValueError: It is not what `pack_state` returns.
    """
    document = checked_json.parse(content)
    checked_values.require(type(document) is dict and document.get("version") == 1, "a state of version 1 expected")
    if checked_values.boolean(document.get("ended")):
        return []
    return [_read_run(run) for run in checked_values.listing(document.get("runs"), MAX_RUNS)]


def _read_run(run: Any) -> RunState:
    run_id, *counts, safe_until_s = checked_values.listing(run, 6, 6)
    recorded, published, spooled, dropped = (
        checked_values.integer(count, 0, checked_values.MAX_COUNT) for count in counts
    )
    return RunState(
        printable(checked_values.identifier(run_id, MAX_ID_CHARS)),
        recorded,
        published,
        spooled,
        dropped,
        checked_values.number(safe_until_s, 0, FAR_FUTURE_S),
    )


@dataclass(slots=True)
class RecoveredRun:
    """A run of a process that is gone.

    Attributes:
        ledger: What became of the results that were found on disk; `taken` is how many there were.
        batches: Files that were found.
        doubtful: Of those, the ones that were being sent when the process ended.
        oldest_s: The oldest timestamp in them.
        state: What the process noted last, if it was cut off.
        said: What the log said last became of it, as JSON.
    """

    ledger: RunLedger
    batches: int = 0
    doubtful: int = 0
    oldest_s: float = math.inf
    state: RunState | None = None
    said: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return what became of it, for machines."""
        ledger, state = self.ledger, self.state
        document: dict[str, Any] = {
            "event": "locust_cw_recovered_run",
            "run_id": ledger.run_id,
            "found": ledger.taken,
            "batches": self.batches,
            "doubtful_batches": self.doubtful,
            "published": ledger.published,
            "spooled": ledger.spooled,
            "dropped": dict(ledger.dropped),
        }
        if state is not None:
            document["cut_off"] = {
                "recorded_at_least": state.recorded,
                "published_before": state.published,
                "complete_until_s": state.safe_until_s,
                "in_memory": state.in_memory,
            }
        return document
