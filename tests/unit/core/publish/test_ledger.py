from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.publish.ledger import LEFT_OUT, Account, Balance, RunLedger
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.summaries.request_result import MISSING

REFUSED, LOST = Failure.REFUSED.value, Failure.UNREACHABLE.value


def test_results_are_published_when_all_their_datums_are_accepted():
    ledger = RunLedger(taken=9)
    account = Account(ledger, 9, 3)
    for _ in range(2):
        account.accept()
        assert (ledger.published, ledger.waiting) == (0, 9)
    account.accept()
    assert (ledger.published, ledger.waiting) == (9, 0)


@pytest.mark.parametrize("answers", [(False, True, True), (True, False, True), (True, True, False), (False,) * 3])
def test_one_datum_that_was_given_up_drops_them_once(answers):
    ledger = RunLedger(taken=9)
    account = Account(ledger, 9, 3)
    for number, accepted in enumerate(answers):
        if accepted:
            account.accept()
        else:
            account.drop(f"reason {number}")
    assert (ledger.published, ledger.waiting) == (0, 0)
    assert ledger.dropped == {f"reason {answers.index(False)}": 9}


def test_results_on_disk_are_spooled_until_their_fate_is_known():
    ledger = RunLedger(taken=9)
    published, dropped = Account(ledger, 5, 2), Account(ledger, 4, 1)
    published.accept()
    for account in (published, published, dropped):
        account.spool()
    assert (ledger.spooled, ledger.waiting) == (9, 0)
    published.accept()
    dropped.drop(LOST)
    dropped.spool()
    assert (ledger.spooled, ledger.published, ledger.dropped) == (0, 5, {LOST: 4})


@pytest.mark.parametrize(
    ("answers", "published"), [((True, False, False), 9), ((False, True, True), 9), ((False, False, False), 0)]
)
def test_where_any_datum_is_enough_one_that_was_accepted_publishes_them_once(answers, published):
    ledger = RunLedger(taken=9)
    account = Account(ledger, 9, 3, any_is_enough=True)
    for accepted in answers:
        account.spool()
        if accepted:
            account.accept()
        else:
            account.drop(LOST)
    assert (ledger.published, ledger.spooled, ledger.waiting) == (published, 0, 0)
    assert ledger.dropped.total() == 9 - published


@pytest.mark.parametrize("when", [0, 1, 2])
def test_results_are_doubtful_once_and_only_where_they_are_published(when):
    ledger = RunLedger(taken=14)
    account, given_up = Account(ledger, 9, 2), Account(ledger, 5, 1)
    for turn in range(3):
        if turn == when:
            account.doubt()
            account.doubt()
        if turn < 2:
            account.accept()
    given_up.doubt()
    given_up.drop(LOST)
    assert (ledger.published, ledger.doubtful) == (9, 9)


def test_results_that_no_datum_carries_count_as_published():
    ledger = RunLedger(taken=9)
    Account(ledger, 9, 0)
    assert (ledger.published, ledger.waiting) == (9, 0)


@given(st.lists(st.tuples(st.integers(0, 50), st.lists(st.booleans(), max_size=4)), max_size=10))
def test_accounts_of_one_run_add_up(accounts):
    ledger = RunLedger(taken=sum(results for results, _ in accounts))
    for results, answers in accounts:
        account = Account(ledger, results, len(answers))
        for accepted in answers:
            if accepted:
                account.accept()
            else:
                account.drop(LOST)
    assert ledger.published == sum(results for results, answers in accounts if all(answers))
    assert ledger.waiting == 0


def test_a_balance_shows_what_is_unaccounted_for():
    balance = Balance(100, 60, 10, 5, 7, {REFUSED: 20, LEFT_OUT: 5}, {MISSING: 30})
    assert balance.difference == 0
    assert balance.not_lost == 5
    assert Balance(100, 60, 10, 5, 7, {}).difference == 25
