"""Why calls fail now, and since when: what the status of publishing is found from."""

from __future__ import annotations

import pytest

from locust_cw_dist.core.progress.status import Trouble
from locust_cw_dist.core.publish.ledger import DatumLedger
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.publish.failure_log import FailureLog


@pytest.fixture
def failures():
    return FailureLog(LogOnce(), None, DatumLedger(), 100.0, resends_ambiguous=True)


def test_it_begins_well(failures):
    assert (failures.trouble, failures.well_since_s) == (None, 100.0)


def test_trouble_lasts_from_the_first_failure_to_the_next_success(failures):
    failures.note(SendError(Failure.UNREACHABLE, "no route"), 110.0)
    failures.note(SendError(Failure.THROTTLED, "slow down"), 120.0)
    assert failures.trouble == Trouble(Failure.THROTTLED, "slow down", 110.0)
    failures.note(None, 130.0)
    assert (failures.trouble, failures.well_since_s) == (None, 130.0)
    failures.note(None, 140.0)
    assert failures.well_since_s == 130.0


def test_a_refusal_is_an_answer(failures):
    failures.note(SendError(Failure.UNREACHABLE, "no route"), 110.0)
    failures.note(SendError(Failure.REFUSED, "bad datum"), 120.0)
    assert (failures.trouble, failures.well_since_s) == (None, 120.0)


def test_what_is_harmless_is_no_trouble(failures):
    failures.note(SendError(Failure.UNREACHABLE, "a profile is wrong", is_harmless=True), 110.0)
    assert failures.trouble is None


def test_whether_it_can_ever_end_is_known(failures):
    failures.note(SendError(Failure.CREDENTIALS, "no such profile", is_final=True), 110.0)
    assert failures.trouble.is_final
