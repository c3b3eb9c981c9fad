"""Runs: tells the runs of one process apart; in a web UI a test can start many times.

What a part knows of a run is one object of its own, which it keeps by `Run` and nobody else touches.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from locust_cw_dist.core.publish.ledger import Balance, RunLedger
from locust_cw_dist.core.verdict.verdict import Verdict


@dataclass(slots=True, eq=False)
class Run:
    """One run, from a test start to the next.

    Attributes:
        run_id: Time of its making and a random end, so that it sorts and is unique.
        host: The Host dimension of its series, from its start.
        labels: The user's labels, (key, value).
        started_s: When its test started; None for a run that has not begun.
        stopped_s: When its test stopped; None while it goes on.
        ledger: What became of its results; only `live/publish` books in it.
        logged: Its balance when its end was logged, by `SummaryLog`; None before.
        verdict: What was thought of it then.
        is_own: Whether this process began it; others are earlier masters' whose results come now.
        later_hosts: What the Host dimension was later, and from when on: the web form can name another host.
    """

    run_id: str
    host: str
    labels: tuple[tuple[str, str], ...] = ()
    started_s: float | None = None
    stopped_s: float | None = None
    ledger: RunLedger = field(init=False)
    logged: Balance | None = None
    verdict: Verdict | None = None
    is_own: bool = True
    later_hosts: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the ledger."""
        self.ledger = RunLedger(self.run_id)

    def note_host(self, host: str, now_s: float) -> None:
        """Note what the Host dimension is from now on."""
        if host != self.host_at(now_s):
            self.later_hosts.append((now_s, host))

    def host_at(self, time_s: float) -> str:
        """Return the Host dimension of a window that starts then."""
        return next((host for since_s, host in reversed(self.later_hosts) if since_s <= time_s), self.host)

    @property
    def is_running(self) -> bool:
        """Whether its test goes on."""
        return self.started_s is not None and self.stopped_s is None


class Runs:
    """All runs of this process, the current one last. There is always one, for results of before any test start.

    State: touched on the master's hub only.
    """

    def __init__(self, now_s: float, host: str) -> None:
        """Begin with a run that has not started."""
        self._runs: dict[str, Run] = {}
        self.current = self._make(now_s, host)

    def start(self, now_s: float, host: str, labels: tuple[tuple[str, str], ...], offset_s: int = 0) -> Run:
        """Return the run of a test that starts now; `offset_s` later, as others are told in its id."""
        if self.current.started_s is not None:
            self.current = self._make(now_s + offset_s, host)
        self.current.host, self.current.labels, self.current.started_s = host, labels, now_s
        return self.current

    def stop(self, now_s: float) -> None:
        """Note that the current run's test has stopped; stopping twice keeps the first time."""
        if self.current.is_running:
            self.current.stopped_s = now_s

    def get(self, run_id: str) -> Run:
        """Return a run; one that is not known here (an earlier master's) is made from its id."""
        if run_id not in self._runs:
            self._runs[run_id] = Run(run_id, self.current.host, is_own=False)
        return self._runs[run_id]

    def __iter__(self) -> Iterator[Run]:
        """Iterate over all runs, oldest first."""
        return iter(list(self._runs.values()))

    def _make(self, now_s: float, host: str) -> Run:
        stamp = datetime.fromtimestamp(now_s, UTC).strftime("%Y%m%dT%H%M%SZ")
        run = Run(f"{stamp}-{uuid.uuid4().hex[:8]}", host)
        self._runs[run.run_id] = run
        return run
