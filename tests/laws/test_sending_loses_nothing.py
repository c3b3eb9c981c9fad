"""Whatever CloudWatch answers, and however often the process ends: each result is counted once, or said to be missing.

A model of CloudWatch answers by a script that hypothesis writes; processes with the same spool come one after another,
until nothing is left.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

import gevent
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_cw_dist.core.publish import retry
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.testing import ScriptedSink
from support.publishing.publisher import NOW_S, Bench

TAKEN, TAKEN_UNSAID, NOT_TAKEN_UNSAID, HANGS = "taken", "taken, no answer", "no answer", "hangs"
FAILURES = (Failure.THROTTLED, Failure.TRANSIENT, Failure.UNREACHABLE, Failure.CREDENTIALS, Failure.PERMISSION)
CERTAIN = (TAKEN, *FAILURES)
ANYTHING = (*CERTAIN, TAKEN_UNSAID, NOT_TAKEN_UNSAID, HANGS)
POISON = "/2"


class Model(ScriptedSink):
    """Counts what it takes; refuses whatever has the poisoned name in it; takes everything after its script."""

    def __init__(self, script, *, has_poison):
        super().__init__()
        self.answers = list(script)
        self.has_poison = has_poison

    def send(self, namespace, batch):
        answer = self.answers.pop(0) if self.answers else TAKEN
        if answer is HANGS:
            gevent.sleep(60)
        if answer is NOT_TAKEN_UNSAID:
            raise SendError(Failure.AMBIGUOUS, "no answer")
        if isinstance(answer, Failure):
            raise SendError(answer, "no")
        if self.has_poison and any(dict(datum.dimensions).get("Request") == POISON for datum in batch):
            raise SendError(Failure.REFUSED, "bad name")
        self.batches.append(batch)
        if answer is TAKEN_UNSAID:
            raise SendError(Failure.AMBIGUOUS, "no answer")

    @property
    def counted(self):
        datums = [datum for batch in self.batches for datum in batch if datum.metric == "RequestCount"]
        return sum(sum(datum.value.counts) for datum in datums if datum.dimensions)


class Process:
    """Delivers some windows and ends after a while."""

    def __init__(self, model, windows, flush_timeout_s, **settings):
        self.bench = Bench(model, metrics=["RequestCount", "ResponseTime_ms"], **settings)
        self.bench.start()
        for number, endpoints in enumerate(windows):
            at_s = NOW_S + 10 * number
            self.bench.clock.time_s = at_s + 1
            self.bench.deliver(*[f"/{endpoint}" for endpoint in range(endpoints)], count=3, at_s=at_s)
            self.bench.publisher.tick(everything=True)
            gevent.sleep(0)
        self.bench.flush(flush_timeout_s)
        recovery = self.bench.keeper.recovery
        ledgers = [self.bench.run.ledger] + [run.ledger for run in (recovery.runs.values() if recovery else ())]
        self.published = sum(ledger.published for ledger in ledgers)
        self.dropped = sum(sum(ledger.dropped.values()) for ledger in ledgers)
        self.spooled = sum(ledger.spooled for ledger in ledgers)
        self.ambiguous = self.bench.publisher.datum_ledger.ambiguous

    @property
    def is_balanced(self):
        return self.bench.balance.difference == 0 and self.bench.balance.pending == 0


def processes(script, windows, choice, *, has_poison, until_empty=True):
    """The processes that it takes until nothing is on disk any more."""
    model = Model(script, has_poison=has_poison)
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(retry, "backoff_s", return_value=0.002):
        settings = {"spool_dir": folder, "ambiguous": choice}
        done = [Process(model, windows, 0.05, **settings)]
        # What is there, not what the last process knew: it may have ended before it had looked.
        while any(Path(folder).rglob("*.batch")) and len(done) < 300:
            done.append(Process(model, [], 0.3, **settings))
    return model, done


scripts = st.lists(st.sampled_from(CERTAIN), max_size=30)
windows_of_endpoints = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(scripts, windows_of_endpoints, st.booleans())
def test_answers_that_are_certain_count_each_result_once(script, windows, has_poison):
    model, done = processes(script, windows, "resend", has_poison=has_poison)
    recorded = 3 * sum(windows)
    poisoned = 3 * sum(endpoints > 2 for endpoints in windows) if has_poison else 0
    assert all(process.is_balanced for process in done)
    assert done[-1].spooled == 0
    assert model.counted == sum(process.published for process in done) == recorded - poisoned
    assert sum(process.dropped for process in done) == poisoned


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(ANYTHING), max_size=20), windows_of_endpoints, st.sampled_from(("resend", "drop")))
def test_answers_that_never_come_are_counted_and_resent_or_dropped_as_the_user_chose(script, windows, choice):
    model, done = processes(script, windows, choice, has_poison=False)
    recorded = 3 * sum(windows)
    published = sum(process.published for process in done)
    dropped = sum(process.dropped for process in done)
    ambiguous = sum(process.ambiguous for process in done)
    assert all(process.is_balanced for process in done)
    assert published + dropped == recorded
    if choice == "resend":
        assert (published, dropped) == (recorded, 0)
        assert model.counted >= recorded
    else:
        assert model.counted <= recorded
    assert (model.counted == recorded and not dropped) or ambiguous > 0
