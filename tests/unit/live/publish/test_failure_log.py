"""What is said of spells in which calls fail, and of their ends."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from locust_cw_dist.core.publish.ledger import DatumLedger
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.publish.failure_log import FailureLog

AWAY = SendError(Failure.UNREACHABLE, "no way")
THROTTLED = SendError(Failure.THROTTLED, "slow down")


class Bench:
    def __init__(self):
        self.time_s = 0.0
        self.ledger = DatumLedger()
        self.log = FailureLog(LogOnce(), SimpleNamespace(is_there=False), self.ledger, 0.0, resends_ambiguous=True)

    def fail(self, error):
        self.log.note(error, self.time_s)
        self.log.tell(error)

    def succeed(self):
        self.log.note(None, self.time_s)

    def spell(self, error, seconds, step_s=1.0):
        end_s = self.time_s + seconds
        while self.time_s < end_s:
            self.fail(error)
            self.time_s += step_s
        self.succeed()


@pytest.fixture
def bench(caplog):
    caplog.set_level("INFO")
    return Bench()


def test_a_spell_is_told_of_at_its_beginning_and_at_its_end(bench, caplog):
    bench.succeed()
    bench.spell(AWAY, 42)
    bench.succeed()
    assert caplog.messages == [
        "locust-cw: CloudWatch not reached (no way); the load test runs; retrying, nothing is lost yet",
        "locust-cw: CloudWatch answers again, after 42 s; nothing was lost",
    ]


def test_what_was_lost_meanwhile_is_not_passed_over(bench, caplog):
    bench.ledger.dropped["before"] += 5
    bench.fail(AWAY)
    bench.ledger.dropped["meanwhile"] += 1_200
    bench.time_s += 3
    bench.succeed()
    assert caplog.messages[-1] == "locust-cw: CloudWatch answers again, after 3 s; 1,200 datums lost"


def test_a_cloudwatch_that_throttles_for_an_hour_is_two_lines(bench, caplog):
    for _ in range(720):
        bench.spell(THROTTLED, 2)
        bench.time_s += 3
    assert len(caplog.messages) == 2


def test_a_later_spell_is_told_of_when_it_is_long(bench, caplog):
    bench.spell(AWAY, 2)
    bench.spell(AWAY, 600)
    begins, ends = caplog.messages[2:]
    assert begins.startswith(
        "locust-cw: CloudWatch not reached (no way), for 60 s so far; the load test runs; retrying"
    )
    assert ends == "locust-cw: CloudWatch answers again, after 10 min; nothing was lost"


def test_another_kind_of_failure_is_told_of_within_a_spell(bench, caplog):
    bench.fail(AWAY)
    bench.fail(THROTTLED)
    assert [message.split(" (")[0] for message in caplog.messages] == [
        "locust-cw: CloudWatch not reached",
        "locust-cw: throttled by CloudWatch",
    ]
