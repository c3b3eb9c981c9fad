"""Publisher: closes windows, turns them into batches and sends these; on the master or in a single process only.

Two greenlets: one closes windows each second into the backlog, one takes them from there, makes datums (a batch at a
time, so that the hub is held for a few milliseconds at most) and sends them. The sink is called in the second one: its
sockets are gevent's, so it waits without holding anybody. A native thread would not do: it shares gevent's locks with
the hub, those of logging among them, and one that both wanted was seen to wake nobody: the process never ended.

State: everything here is touched on the hub only.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.event import Event

from locust_cw_dist.core.backlog import Backlog
from locust_cw_dist.core.batches import batches
from locust_cw_dist.core.budget import EndpointBudget
from locust_cw_dist.core.collector import Collector, Window
from locust_cw_dist.core.datums import Datum, MetricPlan
from locust_cw_dist.core.gauges import GaugeBook
from locust_cw_dist.core.ledger import Account, Balance, DatumLedger
from locust_cw_dist.core.publication import Closed, publication
from locust_cw_dist.core.retry import Failure, backoff_s
from locust_cw_dist.edge.clock import Clock
from locust_cw_dist.edge.once import Once
from locust_cw_dist.edge.sink import SendError, Sink
from locust_cw_dist.hosts.runs import Run, Runs
from locust_cw_dist.settings import Settings

logger = logging.getLogger("locust_cw_dist")

TICK_S = 1.0
"""How often windows are looked at: the finest window."""

MAX_HOLD_S = 0.003
"""How long the hub is held while datums are made, give or take those of one endpoint (0.3 ms)."""

WINDOWS_PER_ROUND = 6
"""Windows whose datums share batches: a minute at 10 s. More would be lost to coarsening if the round got stuck."""


@dataclass(slots=True)
class SeriesCount:
    """How many series were written, and in how many clock hours each, for the estimate of costs.

    Attributes:
        last_hour: For each series, the last hour in which it was written.
        series_hours: Sum over all series of the hours in which they were written.
    """

    last_hour: dict[tuple[str, tuple[tuple[str, str], ...]], int]
    series_hours: int = 0

    def note(self, datum: Datum) -> None:
        """Count the series of a datum that was accepted."""
        series, hour = (datum.metric, datum.dimensions), datum.timestamp_s // 3600
        if self.last_hour.get(series) != hour:
            self.last_hour[series] = hour
            self.series_hours += 1


def plan_of(settings: Settings) -> MetricPlan:
    """Return what is sent, for the core."""
    return MetricPlan(
        metrics=settings.metrics,
        endpoint_percentiles=settings.endpoint_percentiles,
        total_percentiles=settings.total_percentiles,
        static_dimensions=settings.dimensions,
        storage_resolution_s=settings.storage_resolution_s,
    )


class Publisher:
    """Sends what the collector merged.

    Attributes:
        datum_ledger: What became of datums, and the calls it took.
        series: The series that were written.
    """

    def __init__(
        self,
        settings: Settings,
        sink: Sink,
        collector: Collector,
        gauges: GaugeBook,
        runs: Runs,
        clock: Clock,
        once: Once,
    ) -> None:
        """Publish the windows of `collector` to `sink`."""
        self.datum_ledger = DatumLedger()
        self.series = SeriesCount({})
        self._plan = plan_of(settings)
        self._settings = settings
        self._sink = sink
        self._collector = collector
        self._gauges = gauges
        self._runs = runs
        self._clock = clock
        self._once = once
        self._backlog = Backlog()
        self._budget = EndpointBudget(settings.max_endpoints)
        self._lost_reported = 0
        self._count: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self._work = Event()
        self._hurry = Event()
        self._is_sending = False
        self._held_since_s = 0.0
        self._last_failure = Failure.UNREACHABLE
        self._greenlets: list[gevent.Greenlet] = []

    def start(self, count: Callable[[], tuple[int, int]]) -> None:
        """Begin; `count` tells the users and workers of now."""
        self._count = count
        self._sink.warm_up()
        self._greenlets = [gevent.spawn(self._tick_forever), gevent.spawn(self._send_forever)]

    def check(self, timeout_s: float | None = None) -> SendError | None:
        """Find out whether sending is possible; return what is in the way, if anything."""
        try:
            with gevent.Timeout(timeout_s):
                return _outcome(self._sink.check)
        except gevent.Timeout:
            return SendError(Failure.CREDENTIALS, "AWS credentials could not be fetched in time")

    def tick(self, *, everything: bool = False) -> None:
        """Sample gauges and move windows that are complete (or everything) to the backlog."""
        now_s = self._clock.now_s()
        if self._runs.current.is_running:
            self._gauges.note_counts(*self._count(), now_s)
            self._collector.touch(self._runs.current.run_id, now_s)
        for window in self._collector.close(now_s, everything=everything):
            self._runs.get(window.run_id).ledger.taken += window.results
            self._backlog.add(window)
            self._work.set()

    def flush(self, timeout_s: float) -> None:
        """Send everything that is here, and give up after `timeout_s`: the process ends."""
        self.tick(everything=True)
        self._hurry.set()
        with gevent.Timeout(timeout_s, False):
            while self._is_sending or len(self._backlog):
                self._work.set()
                gevent.sleep(0.02)
        gevent.killall(self._greenlets)
        self._give_up()

    def balance(self, run: Run) -> Balance:
        """Return the state of a run's ledger."""
        run_id, ledger = run.run_id, run.ledger
        unmerged = self._collector.unmerged(run_id)
        return Balance(
            recorded=self._collector.recorded(run_id),
            published=ledger.published,
            pending=unmerged + self._collector.open_results(run_id) + ledger.waiting,
            spooled=0,
            late=self._collector.late[run_id],
            dropped=dict(self._dropped(run)),
        )

    def _dropped(self, run: Run) -> Counter[str]:
        return self._collector.rejected(run.run_id) + run.ledger.dropped

    def _tick_forever(self) -> None:
        while True:
            gevent.sleep(TICK_S)
            try:
                self.tick()
            except Exception:
                self._once.error("tick", "locust-cw: could not close windows")

    def _send_forever(self) -> None:
        while True:
            self._work.wait()
            self._work.clear()
            while len(self._backlog):
                self._is_sending = True
                try:
                    self._send_round()
                except Exception:
                    self._once.error("send", "locust-cw: could not make or send datums")
                finally:
                    self._is_sending = False

    def _send_round(self) -> None:
        accounts: deque[Account | None] = deque()
        datums = self._datums(accounts)
        try:
            for batch in batches(datums, max_pairs=self._sink.max_pairs):
                failure = self._deliver(batch)
                for datum in batch:
                    self._settle(datum, accounts.popleft(), failure)
        finally:
            # Nothing is left unless the round was cut off: then nothing of the rest will be sent.
            datums.close()
            for account in accounts:
                if account is not None:
                    account.drop(self._last_failure.value)

    def _datums(self, accounts: deque[Account | None]) -> Generator[Datum]:
        for _ in range(WINDOWS_PER_ROUND):
            window = self._backlog.take()
            if window is None:
                return
            ledger = self._runs.get(window.run_id).ledger
            left = ledger.accounted + window.results
            try:
                for datum, account in publication(self._plan, self._closed(window), ledger):
                    accounts.append(account)
                    yield datum
                    self._breathe()
            finally:
                # Cut off in the middle: of the endpoints that have no account yet nothing will be sent.
                ledger.dropped += Counter({self._last_failure.value: left - ledger.accounted})

    def _breathe(self) -> None:
        """Let others have the hub, if it was held for long enough."""
        if time.perf_counter() - self._held_since_s > MAX_HOLD_S:
            gevent.sleep(0)
            self._held_since_s = time.perf_counter()

    def _closed(self, window: Window) -> Closed:
        summaries = self._budget.apply(window.summaries)
        if self._budget.is_exceeded:
            self._once.warning(
                "budget",
                "locust-cw: there are more than %d endpoints; the rest is published as Request=(other). Group request "
                "names with name= in Locust's client, or raise --cw-max-endpoints",
                self._settings.max_endpoints,
            )
        gauges = None
        if window.is_first:
            lag_s = max(0.0, self._clock.now_s() - window.start_s - self._settings.resolution_s)
            gauges = self._gauges.take(window.start_s, results_lost=self._newly_lost(), publish_lag_s=lag_s)
        return Closed(window, summaries, self._runs.get(window.run_id).host, gauges)

    def _newly_lost(self) -> int:
        lost = sum(self._dropped(run).total() for run in self._runs)
        newly, self._lost_reported = lost - self._lost_reported, lost
        return newly

    def _deliver(self, batch: tuple[Datum, ...]) -> Failure | None:
        """Send a batch until it is taken; return why it was not, if it can't be."""
        tries = 0
        while True:
            self.datum_ledger.calls += 1
            self.datum_ledger.retries += tries > 0
            error = _outcome(self._sink.send, batch)
            if error is None:
                return None
            tries += 1
            self._note_failure(error)
            if error.failure.is_permanent:
                return error.failure
            pause_s = backoff_s(tries, random.random())  # noqa: S311 - jitter, not a secret
            self._pause(max(pause_s, error.retry_after_s or 0.0))

    def _note_failure(self, error: SendError) -> None:
        self._last_failure = error.failure
        self.datum_ledger.ambiguous += error.failure is Failure.AMBIGUOUS
        self._once.warning(
            f"failure {error.failure.value}",
            "locust-cw: %s (%s)%s",
            error.failure.value,
            error,
            "" if error.failure.is_permanent else "; trying again, nothing is lost yet",
        )

    def _pause(self, seconds: float) -> None:
        # At the end of the process a short pause is enough: what is at stake is the time that is left.
        if self._hurry.wait(seconds):
            gevent.sleep(min(seconds, 1.0))

    def _settle(self, datum: Datum, account: Account | None, failure: Failure | None) -> None:
        if failure is None:
            self.datum_ledger.accepted += 1
            self.series.note(datum)
            if account is not None:
                account.accept()
            return
        self.datum_ledger.dropped[failure.value] += 1
        if account is not None:
            account.drop(failure.value)

    def _give_up(self) -> None:
        """Book as dropped what is still here."""
        while (window := self._backlog.take()) is not None:
            self._runs.get(window.run_id).ledger.dropped[self._last_failure.value] += window.results


def _outcome(call: Callable[..., None], *args: Any) -> SendError | None:
    """Return what became of a call: None, or a SendError, whatever it raised."""
    try:
        call(*args)
    except SendError as e:
        return e
    except Exception as e:
        return SendError(Failure.TRANSIENT, f"{type(e).__name__}: {e}")
    return None
