"""A publisher on its bench: a collector to feed it, a sink that answers by a script, and a spool if wanted."""

from __future__ import annotations

from pathlib import Path

import gevent

from locust_cw_dist.core.summaries.run_counters import RunCounters
from locust_cw_dist.core.summaries.sections import Section
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.wire.frame import Frame, Vitals
from locust_cw_dist.live.publish.publisher import Publisher
from locust_cw_dist.live.spool.spool_keeper import SpoolKeeper
from locust_cw_dist.settings.settings import Settings
from support.publishing.benches import MasterSide
from support.publishing.endings import stop
from support.strategies import NOW_S


def wait_until_gevent(condition):
    """Wait, with the hub running, until `condition` is true."""
    with gevent.Timeout(60):
        while not condition():
            gevent.sleep(0.01)


class Bench(MasterSide):
    """One process that publishes: `deliver` brings results, `flush` ends it."""

    def __init__(self, sink, **settings):
        self.sink = sink
        self.settings = Settings(service="shop", resolution_s=10, **settings)
        super().__init__(resolution_s=10)
        self.run = self.runs.start(NOW_S, "http://shop.test", ())
        self.keeper = SpoolKeeper(self.settings, self.runs, self.clock, self.once)
        self.publisher = Publisher(
            self.settings,
            sink,
            self.keeper.batch_store,
            self.collector,
            self.runs,
            self.clock,
            self.once,
        )
        self.recorded = 0
        self.seq = 0
        self.has_started = False

    def deliver(self, *names, count=1, at_s=NOW_S):
        """Has a worker deliver `count` results of each name in the window of `at_s`."""
        summaries = {}
        for name in names:
            summary = summaries[name, "GET"] = Summary()
            for _ in range(count):
                summary.record_success(12.5, 100)
        self.accept(summaries, at_s=at_s)

    def accept(self, summaries, *, at_s=NOW_S):
        """Has a worker deliver `summaries` in the window of `at_s`."""
        self.seq += 1
        self.recorded += sum(summary.count for summary in summaries.values())
        start_s = int(at_s // 10) * 10
        counters = {self.run.run_id: RunCounters(self.recorded)}
        section = Section.of(self.run.run_id, start_s, summaries)
        frame = Frame(
            "w", "e", self.seq, self.seq - 1, self.run.run_id, at_s, 0.0, False, False, Vitals(), counters, (section,)
        )
        self.collector.accept(frame, self.clock.now_s())

    def start(self):
        """Begin to publish, and to send what an earlier process left."""
        if not self.has_started:
            self.has_started = True
            self.keeper.open()
            self.publisher.start(lambda: (3, 1))
            self.keeper.start(self.publisher)

    def flush(self, timeout_s=15.0):
        """Send what is here, and end; sooner than `timeout_s` where all is sent."""
        self.start()
        self.keeper.settle(timeout_s)
        self.publisher.bring_out(timeout_s)
        stop(self.publisher)
        self.keeper.close(self.publisher)

    @property
    def recovered(self):
        """The runs that an earlier process left, by id."""
        return self.keeper.recovery.runs

    @property
    def balance(self):
        return self.publisher.balance(self.run)

    def sent(self, metric):
        return self.sink.sent(metric)


def spool_files(folder):
    """The names of all files in a spool, without folders."""
    return sorted(path.name for path in Path(folder).rglob("*") if path.is_file())
