"""Law 6: recorded = published + pending + spooled + dropped, at every moment.

What is pending is counted here by walking the objects that hold results; the code under test adds counters up.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.publish.backlog import Backlog
from locust_cw_dist.core.publish.datums import MetricPlan
from locust_cw_dist.core.publish.ledger import Balance, RunLedger
from locust_cw_dist.core.publish.metric_names import METRIC_NAMES
from locust_cw_dist.core.publish.window_datums import COUNT_METRICS, TIME_METRICS, window_datums
from locust_cw_dist.core.summaries.endpoint_cap import EndpointCap
from locust_cw_dist.core.summaries.gauges import RunGauges
from locust_cw_dist.core.summaries.request_result import UNTIMED_REASONS
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import ClosedWindow
from locust_cw_dist.core.wire.frame import decode
from locust_cw_dist.core.worker.buffer import WorkerBuffer
from locust_cw_dist.core.worker.outbox import Outbox
from support.strategies import NOW_S, a_result, an_untimed_result, moment

RUNS = ("run 1", "run 2")
REFUSED = "refused by CloudWatch"
WITHOUT_COUNTS = frozenset(METRIC_NAMES) - {"RequestCount"}
WITHOUT_BOTH = frozenset(METRIC_NAMES) - COUNT_METRICS - TIME_METRICS


class Worker:
    def __init__(self, number):
        self.buffer = WorkerBuffer(max_endpoints=3)
        self.buffer.begin_run(RUNS[0])
        self.outbox = Outbox(self.buffer, worker_id=f"worker {number}", epoch=f"epoch {number}")
        self.frame = None
        self.recorded = Counter()
        self.told_by = {}
        self.told = Counter()


class Accounting(RuleBasedStateMachine):
    """Results on their way from the request event to the answer of CloudWatch, or to being given up."""

    @initialize(metrics=st.sampled_from((frozenset(METRIC_NAMES), WITHOUT_COUNTS, WITHOUT_BOTH)))
    def begin(self, metrics):
        self.now_s = NOW_S
        self.workers = [Worker(number) for number in range(2)]
        self.collector = Collector(resolution_s=1, grace_s=5.0)
        self.backlog = Backlog(max_windows=3)
        self.cap = EndpointCap(2)
        self.plan = MetricPlan(metrics)
        self.ledgers = {run_id: RunLedger(run_id) for run_id in RUNS}
        # (run, account, datum) of every datum that was made and has no answer; results by account that are not settled
        self.unsent = []
        self.unsettled = {}
        self.on_disk = set()

    @rule(worker=st.integers(0, 1), name=st.sampled_from("abcde"), failure=st.sampled_from((None, "Timeout")))
    def record(self, worker, name, failure):
        worker = self.workers[worker]
        worker.buffer.record(a_result(name, failure=failure), self.now_s)
        worker.recorded[worker.buffer.run_id] += 1

    @rule(
        worker=st.integers(0, 1),
        name=st.sampled_from("abcde"),
        failure=st.sampled_from((None, "Timeout")),
        reason=st.sampled_from(UNTIMED_REASONS),
    )
    def record_without_a_time(self, worker, name, failure, reason):
        worker = self.workers[worker]
        worker.buffer.record(an_untimed_result(name, failure=failure, reason=reason), self.now_s)
        worker.recorded[worker.buffer.run_id] += 1

    @rule(worker=st.integers(0, 1), run_id=st.sampled_from(RUNS))
    def begin_run(self, worker, run_id):
        # A run does not come again.
        assume(run_id >= self.workers[worker].buffer.run_id)
        self.workers[worker].buffer.begin_run(run_id)

    @rule(worker=st.integers(0, 1))
    def cut(self, worker):
        worker = self.workers[worker]
        data = worker.outbox.on_report(moment(self.now_s, users=1))
        if data:
            worker.frame = decode(data)
            # Sent again, it tells what it told before.
            worker.told_by.setdefault(worker.frame.seq, Counter(worker.recorded))

    @rule(worker=st.integers(0, 1), acknowledge=st.booleans())
    def deliver(self, worker, acknowledge):
        worker = self.workers[worker]
        assume(worker.frame)
        frame, worker.frame = worker.frame, None
        if self.collector.accept(frame, self.now_s):
            worker.told = worker.told_by[frame.seq]
        if acknowledge:
            worker.outbox.on_acknowledgement(frame.seq)

    @rule(everything=st.booleans())
    def close(self, everything):
        for window in self.collector.close(self.now_s, everything=everything):
            self.ledgers[window.run_id].taken += window.results
            self.backlog.add(window)

    @rule(seconds=st.sampled_from((0.5, 1.0, 3.0, 10.0)))
    def time_passes(self, seconds):
        self.now_s += seconds

    @rule()
    def make_datums(self):
        window = self.backlog.take()
        assume(window is not None)
        within = replace(window, summaries=self.cap.apply(window.summaries))
        ledger = self.ledgers[window.run_id]
        for entry in window_datums(self.plan, within, "-", ledger):
            for claim in entry.claims:
                self.unsent.append((claim.account, entry.datum))
                self.unsettled[claim.account] = window.run_id, claim.account.results

    @rule(share=st.integers(1, 4))
    def goes_to_disk(self, share):
        """Of the datums that have no answer some are written to disk, once or again."""
        for account, _ in self.unsent[: -(-len(self.unsent) // share)]:
            account.spool()
            if account in self.unsettled:
                self.on_disk.add(account)

    @rule(share=st.integers(1, 4), refused=st.booleans())
    def cloudwatch_answers(self, share, refused):
        """Settle the datums that were made first, some of them or all."""
        count = -(-len(self.unsent) // share)
        for number, (account, datum) in enumerate(self.unsent[:count], 1):
            if refused:
                account.drop(REFUSED)
            else:
                account.accept()
            # Where neither counts nor times are sent, one datum is enough, and is missed only with the last one.
            is_last = account not in [other for other, _ in self.unsent[number:]]
            any_is_enough = datum.metric not in COUNT_METRICS | TIME_METRICS
            if is_last or refused != any_is_enough:
                self.unsettled.pop(account, None)
        del self.unsent[:count]

    @rule()
    def give_up(self):
        while (window := self.backlog.take()) is not None:
            self.ledgers[window.run_id].dropped["CloudWatch not reached"] += window.results

    def balance(self, run_id):
        """The state of a run's ledger, put together as the publisher does it."""
        ledger = self.ledgers[run_id]
        on_the_way = self.collector.run(run_id).unmerged + self.collector.run(run_id).open_results
        return Balance(
            recorded=self.collector.run(run_id).recorded,
            published=ledger.published,
            pending=on_the_way + ledger.waiting,
            spooled=ledger.spooled,
            late=self.collector.run(run_id).late,
            dropped=dict(ledger.dropped),
        )

    def pending(self, run_id):
        """Results that the master's objects hold, one by one."""
        windows = [*self.collector.open_windows(), *self.backlog._waiting]
        held = sum(
            summary.count for window in windows if window.run_id == run_id for summary in window.summaries.values()
        )
        return held + self.unsettled_results(run_id, on_disk=False)

    def unsettled_results(self, run_id, *, on_disk):
        return sum(
            results
            for account, (of, results) in self.unsettled.items()
            if of == run_id and (account in self.on_disk) == on_disk
        )

    @invariant()
    def it_balances(self):
        for run_id in RUNS:
            balance = self.balance(run_id)
            assert balance.difference == 0
            assert balance.recorded == sum(worker.told[run_id] for worker in self.workers)
            assert balance.pending == self.pending(run_id)
            assert balance.spooled == self.unsettled_results(run_id, on_disk=True)
            assert min(balance.published, balance.pending, balance.late, *balance.dropped.values(), 0) == 0
            assert balance.late <= balance.recorded

    def teardown(self):
        """Send everything: what was recorded is published or could not be used, but for what was given up."""
        for worker in getattr(self, "workers", ()):
            while data := worker.outbox.final_frame(moment(self.now_s, over=True)):
                frame = decode(data)
                self.collector.accept(frame, self.now_s)
                worker.outbox.on_acknowledgement(frame.seq)
            worker.told = worker.recorded
        if hasattr(self, "workers"):
            self.close(everything=True)
            while len(self.backlog):
                self.make_datums()
            self.cloudwatch_answers(share=1, refused=False)
            self.it_balances()
            for run_id in RUNS:
                assert self.balance(run_id).pending == 0
                assert self.collector.run(run_id).late == self.balance(run_id).late


Accounting.TestCase.settings = settings(stateful_step_count=50, suppress_health_check=list(HealthCheck))
TestAccounting = Accounting.TestCase


def test_the_books_of_one_window_by_hand():
    buffer = WorkerBuffer()
    buffer.begin_run("run 1")
    for name, times in (("a", 5), ("b", 3), ("c", 2)):
        for _ in range(times):
            buffer.record(a_result(name), NOW_S)
    buffer.record(an_untimed_result("b"), NOW_S)
    buffer.record(an_untimed_result("d", failure="Timeout"), NOW_S)
    frame = decode(Outbox(buffer, worker_id="w", epoch="e").final_frame(moment(NOW_S + 1)))
    collector = Collector(resolution_s=1, grace_s=5.0)
    collector.accept(frame, NOW_S + 1)
    assert (collector.run("run 1").recorded, collector.run("run 1").open_results) == (12, 12)
    (window,) = collector.close(NOW_S + 1)
    ledger = RunLedger(taken=window.results)
    # Response times, then the count: of b the count alone is accepted, of c nothing is answered.
    answers = {"a": [True, True], "b": [False, True], "c": [], "d": [True]}
    for entry in window_datums(MetricPlan(COUNT_METRICS | TIME_METRICS), window, "-", ledger):
        name = dict(entry.datum.dimensions).get("Request")
        if not answers.get(name):
            continue
        if answers[name].pop(0):
            entry.accept()
        else:
            entry.drop(REFUSED)
    assert (ledger.published, ledger.dropped, ledger.waiting) == (5 + 1 + 1, {REFUSED: 3}, 2)


@pytest.mark.parametrize(
    ("metrics", "refused", "published"),
    [
        ({"RequestCount", "ResponseTime_ms"}, {"ResponseTime_ms"}, 2),  # those without a time need the count alone
        ({"RequestCount", "ResponseTime_ms"}, {"RequestCount"}, 0),
        ({"RequestCount", "FailureCount"}, {"FailureCount"}, 5),
        ({"ResponseTime_ms", "FailureCount"}, {"FailureCount"}, 5),  # with no count sent, any datum will do for them
        ({"ResponseTime_ms", "FailureCount"}, {"ResponseTime_ms"}, 2),
        ({"FailureCount", "ResponseSize_Bytes"}, {"FailureCount"}, 5),
        ({"FailureCount", "ResponseSize_Bytes"}, {"FailureCount", "ResponseSize_Bytes"}, 0),
        ({"Users"}, {"Users"}, 5),  # nothing of them is to be sent
    ],
)
def test_which_datums_publish_results_with_and_without_a_time(metrics, refused, published):
    summary = Summary()
    for _ in range(3):
        summary.record_success(10.0, 100)
    summary.record_success(None, None)
    summary.record_failure(None, "Timeout")
    window = ClosedWindow("run", int(NOW_S), {("/a", "GET"): summary}, RunGauges())
    ledger = RunLedger(taken=window.results)
    for entry in window_datums(MetricPlan(frozenset(metrics)), window, "-", ledger):
        if entry.datum.metric in refused:
            entry.drop(REFUSED)
        else:
            entry.accept()
    assert (ledger.published, ledger.dropped.total(), ledger.waiting) == (published, 5 - published, 0)
