"""Publisher: closes windows and turns them into batches for the sender; on the master or in a single process only.

Two greenlets: one closes windows each second into the backlog, one takes them from there and makes datums, a batch at a
time, so that the hub is held for a few milliseconds at most. When the sender has no place, windows wait in the backlog.

State: everything here is touched on the hub only.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace

import gevent
from gevent.event import Event

from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.publish.backlog import Backlog
from locust_cw_dist.core.publish.batches import batches
from locust_cw_dist.core.publish.datums import Datum, MetricPlan, run_datums
from locust_cw_dist.core.publish.ledger import BUG, LEFT_OUT, TOO_LATE, Balance, DatumLedger, lost_of
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.selection import Selection
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.core.publish.window_datums import Entry, window_datums
from locust_cw_dist.core.summaries.endpoint_cap import EndpointCap
from locust_cw_dist.core.summaries.gauges import RunGauges
from locust_cw_dist.core.summaries.window import ClosedWindow
from locust_cw_dist.core.summaries.windows import window_start_s
from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.clock import WritingClock
from locust_cw_dist.live.platform.hub_slice import HubSlice
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.publish.sender import LAST_DISK_S, Sender
from locust_cw_dist.live.publish.sink import Sink, outcome
from locust_cw_dist.live.publish.unsent_batches import UnsentBatches
from locust_cw_dist.live.runs import Run, Runs
from locust_cw_dist.settings.settings import Settings

logger = logging.getLogger("locust_cw_dist")

TICK_S = 1.0
"""How often windows are looked at: the finest window."""

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
        series: The series that were written.
        sender: Brings the batches away.
        on_closed: Told of each closed window, as the user selected and grouped it. They may keep it, and never yield.
    """

    def __init__(
        self,
        settings: Settings,
        sink: Sink,
        batch_store: UnsentBatches,
        collector: Collector,
        runs: Runs,
        clock: WritingClock,
        once: LogOnce,
    ) -> None:
        """Publish the windows of `collector` to `sink`, by way of `batch_store` where that is needed."""
        self.series = SeriesCount({})
        self.sender = Sender(
            *(sink, batch_store, clock, once),
            on_accepted=self.series.note,
            resends_ambiguous=settings.ambiguous == "resend",
        )
        self.on_closed: list[Callable[[ClosedWindow], None]] = []
        self._plan = plan_of(settings)
        self._settings = settings
        self._namespace = settings.resolved_namespace or ""
        self._sink = sink
        self._batch_store = batch_store
        self._collector = collector
        self._runs = runs
        self._clock = clock
        self._once = once
        self._backlog = Backlog()
        self._selection = Selection(settings.groups, settings.include, settings.exclude)
        self._cap = EndpointCap(settings.max_endpoints)
        self._lost_reported = self._missing_reported = 0
        self._count: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self._work = Event()
        self._closing: deque[ClosedWindow] = deque()
        self._making: list[ClosedWindow] = []
        self._slice = HubSlice()
        self._has_stopped = False
        self._greenlets: list[gevent.Greenlet] = []

    @property
    def datum_ledger(self) -> DatumLedger:
        """What became of datums, and the calls it took."""
        return self.sender.ledger

    @property
    def region(self) -> str | None:
        """The Region that is written to; None where there is none, or it is not known yet."""
        return getattr(self._sink, "region", None)

    @property
    def endpoint_url(self) -> str | None:
        """What is written to; None where boto3 chooses, or nothing is written."""
        return getattr(self._sink, "endpoint_url", None)

    @property
    def safe_until_s(self) -> float:
        """Up to when all results that have come are published, on disk or given up, as others are told."""
        closed = (*self._closing, *self._backlog, *self._making)
        unsafe_since_s: list[float] = [window.written_start_s for window in closed if window.summaries]
        # Open ones have no offset before they close.
        unsafe_since_s += [
            self._clock.written_s(window.start_s) for window in self._collector.open_windows() if window.summaries
        ]
        if self.sender.unsafe_since_s is not None:
            unsafe_since_s.append(self.sender.unsafe_since_s)
        return min(unsafe_since_s, default=self._clock.written_s(self._clock.now_s()))

    def start(self, count: Callable[[], tuple[int, int]]) -> None:
        """Begin; `count` tells the users and workers of now."""
        self._count = count
        self._sink.warm_up()
        self._greenlets = [forks.spawn(self._tick_forever), forks.spawn(self._make_forever)]
        self.sender.start()

    def check(self, timeout_s: float | None = None) -> SendError | None:
        """Find out whether sending is possible; return what is in the way, if anything."""
        try:
            with gevent.Timeout(timeout_s):
                return outcome(self._sink.check)
        except gevent.Timeout:
            return SendError(Failure.CREDENTIALS, "AWS credentials could not be fetched in time")

    def tick(self, *, everything: bool = False) -> None:
        """Sample gauges and move windows that are complete (or everything) to the backlog; yields between windows."""
        now_s = self._clock.now_s()
        if self._runs.current.is_running:
            self._collector.gauges.note_counts(*self._count(), now_s)
            self._collector.open_window(self._runs.current.run_id, now_s)
        for window in self._collector.close(now_s, everything=everything):
            self._runs.get(window.run_id).ledger.taken += window.results
            self._closing.append(replace(window, offset_s=self._clock.offset_s))
        while self._closing:
            self._take(self._select(self._closing.popleft()))
            self._slice.breathe()

    def _select(self, window: ClosedWindow) -> ClosedWindow:
        summaries, left_out = self._selection.apply(window.summaries)
        if left_out:
            self._runs.get(window.run_id).ledger.dropped[LEFT_OUT] += left_out
        for pattern, problem in self._selection.too_slow.items():
            self._once.warning(f"slow {pattern}", "locust-cw: %s. Such names stay as they are", problem)
        return replace(window, summaries=summaries)

    def _take(self, window: ClosedWindow) -> None:
        """Hand a window to those who want to know of it, and move it on; never yields."""
        for listener in self.on_closed:
            try:
                listener(window)
            except Exception:
                self._once.error("closed", "locust-cw: could not hand a window over")
        if self._settings.publishes:
            self._backlog.add(window)
            self._work.set()
        else:
            # Received is all that they are to be.
            self._runs.get(window.run_id).ledger.published += window.results

    def bring_out(self, timeout_s: float) -> bool:
        """Send everything that is here, also of windows whose time is not up; return whether it went out in time."""
        self.tick(everything=True)
        if self.sender.is_stopped:
            return False
        self.sender.hurry()
        with gevent.Timeout(timeout_s, False):
            self._wait_for(lambda: self.sender.outlook.is_hopeless or (self._has_made_all and self.sender.is_idle))
            if self.sender.outlook.is_hopeless:
                return False
            self._tell_of_losses()
            self._wait_for(lambda: self.sender.is_idle)
        return self.is_all_sent

    def stop_sending(self) -> None:
        """Give up the calls under way, and begin no other one; `store_rest` and `book_rest` are to follow, once."""
        if not self._has_stopped:
            self.tick(everything=True)
            self.sender.stop()

    def store_rest(self) -> None:
        """Bring to disk what is here, if there is a disk; may be cut off before `book_rest`."""
        if self._has_stopped:
            return
        if self._batch_store.is_there:
            with gevent.Timeout(LAST_DISK_S, False):
                self._wait_for(lambda: self._has_made_all)
        self.sender.store_rest()

    def book_rest(self) -> None:
        """Book as dropped what is neither sent nor on disk; waits for nothing."""
        if self._has_stopped:
            return
        self.tick(everything=True)
        gevent.killall(self._greenlets)
        self.sender.book_rest()
        self._give_up(self._reason)
        self._has_stopped = True

    def leave_out(self) -> None:
        """Book as dropped what has come since `book_rest`."""
        self.tick(everything=True)
        self._give_up(TOO_LATE)

    def balance(self, run: Run) -> Balance:
        """Return the state of a run's ledger."""
        received, ledger = self._collector.run(run.run_id), run.ledger
        return Balance(
            recorded=received.recorded,
            published=ledger.published,
            pending=received.unmerged + received.open_results + ledger.waiting,
            spooled=ledger.spooled,
            late=received.late,
            dropped=dict(+(ledger.dropped + received.lost_in_frames)),
            untimed=dict(+received.untimed),
            doubtful=ledger.doubtful,
            has_doubtful_figures=ledger.has_doubtful_figures,
        )

    @property
    def is_all_sent(self) -> bool:
        """Whether nothing is here that is to be sent, and sending goes on."""
        return self._has_made_all and self.sender.is_idle and not self.sender.is_stopped

    @property
    def _has_made_all(self) -> bool:
        return not (self._closing or self._making or len(self._backlog))

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._work.set()
            gevent.sleep(0.02)

    def _tick_forever(self) -> None:
        while True:
            gevent.sleep(TICK_S)
            try:
                self.tick()
            except Exception:
                self._once.error("tick", "locust-cw: could not close windows")

    def _make_forever(self) -> None:
        while True:
            self._work.wait()
            self._work.clear()
            while len(self._backlog):
                try:
                    self._make_round()
                except Exception:
                    self._once.error("make", "locust-cw: could not make datums")

    def _make_round(self) -> None:
        """Make the batches of a few windows of one offset and hand them over."""
        unsent: list[Entry] = []
        offset_s = self._backlog.offset_s or 0
        entries = self._entries(unsent, offset_s)
        try:
            for batch in self._batches(entries):
                del unsent[: len(batch)]
                self.sender.submit(self._namespace, batch, offset_s=offset_s)
        finally:
            # Nothing is left unless the round was cut off: then nothing of the rest will be sent.
            entries.close()
            for entry in unsent:
                entry.drop(self._reason)
            self._making.clear()

    def _batches(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, ...]]:
        return batches(entries, max_pairs=self._sink.max_pairs, max_bytes=self._sink.max_bytes)

    def _entries(self, unsent: list[Entry], offset_s: int) -> Generator[Entry]:
        for _ in range(WINDOWS_PER_ROUND):
            window = self._backlog.take() if self._backlog.offset_s == offset_s else None
            if window is None:
                return
            self._making.append(window)
            run = self._runs.get(window.run_id)
            ledger, left = run.ledger, run.ledger.accounted + window.results
            try:
                published = self._as_published(window)
                self._slice.breathe()
                for entry in window_datums(self._plan, published, run.host_at(window.start_s), ledger):
                    unsent.append(entry)
                    yield entry
                    self._slice.breathe()
            finally:
                # Cut off in the middle: of the endpoints that have no account yet nothing will be sent.
                ledger.dropped += Counter({self._reason: left - ledger.accounted})

    @property
    def _reason(self) -> str:
        """Why results are dropped of which no batch was made."""
        return self.sender.unsent_reason if self.sender.is_stopped else BUG

    def _as_published(self, window: ClosedWindow) -> ClosedWindow:
        """Return a window within the endpoint cap, with the gauges of publishing itself."""
        summaries = self._cap.apply(window.summaries)
        if self._cap.is_exceeded:
            self._once.warning(
                "budget",
                "locust-cw: there are more endpoints than --cw-max-endpoints allows (%d); the rest is published as "
                "Request=(other). Group request names with --cw-group or name=, or raise the limit",
                self._settings.max_endpoints,
            )
        gauges = window.gauges
        if gauges is not None:
            lag_s = max(0.0, self._clock.now_s() - window.start_s - self._settings.resolution_s)
            gauges = replace(gauges, results_lost=self._newly_lost(), publish_lag_s=lag_s)
        return replace(window, summaries=summaries, gauges=gauges)

    def _newly_lost(self) -> int:
        """Return how many results were given up since this was asked last."""
        lost = sum(lost_of(run.ledger.dropped) for run in self._runs)
        newly, self._lost_reported = lost - self._lost_reported, lost
        return newly

    def _tell_of_losses(self) -> None:
        """Send what is lost and no window has told of: what was given up since the last one, or has never come."""
        unmerged = sum(max(0, self._collector.run(run.run_id).unmerged) for run in self._runs)
        lost, self._missing_reported = self._newly_lost() + unmerged - self._missing_reported, unmerged
        if lost > 0 and self._settings.publishes:
            offset_s = self._clock.offset_s
            start_s = window_start_s(self._clock.now_s(), self._settings.resolution_s) + offset_s
            entries = map(Entry, run_datums(self._plan, start_s, RunGauges(results_lost=lost)))
            for batch in self._batches(entries):
                self.sender.submit(self._namespace, batch, offset_s=offset_s)

    def _give_up(self, reason: str) -> None:
        """Book as dropped what is still here."""
        while (window := self._backlog.take()) is not None:
            self._runs.get(window.run_id).ledger.dropped[reason] += window.results
