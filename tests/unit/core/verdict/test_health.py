"""The book of a run's health: what is noted of workers, users and the own event loop, and what is left out."""

from __future__ import annotations

import pytest

from locust_cw_dist.core.verdict.generator_health import (
    MAX_HOLDS,
    MAX_SILENCES,
    MAX_WORKERS,
    THIS_PROCESS,
    Health,
    HealthBook,
    Spell,
    UsersShort,
    reachable_users,
)

NOW_S = 1_800_000_000.0


class Book(HealthBook):
    """A book of a run that begins at 0, by times since then."""

    def __init__(self, *workers):
        super().__init__(workers, 0.0)

    def beat(self, worker, *times_s):
        for at_s in times_s:
            self.note_sign(worker, at_s)

    def closed(self, at_s):
        self.end(at_s)
        return self.health()


def test_a_quiet_run_has_nothing_to_say():
    book = Book("w1")
    book.beat("w1", *range(60))
    for second in range(60):
        book.note_cpu("w1", 89.9, second)
        book.note_users(8, 8, second)
        book.note_hold(second, second + 0.05)
        book.note_clock("w1", 1.9)
    assert book.closed(60) == Health()


def test_a_worker_that_was_frozen_is_noted_with_its_longest_silence():
    book = Book("w1", "w2")
    book.beat("w1", 3, 11, 14, 24)
    book.beat("w2", 3, 6, 9, 12, 15, 18, 21, 24)
    assert book.closed(25).silences == (Spell("w1", 10),)


def test_a_worker_that_is_frozen_from_the_start_is_noted():
    book = Book("w1")
    book.beat("w1", 8)
    assert book.closed(9).silences == (Spell("w1", 8),)


def test_a_worker_that_joins_late_was_not_silent_before():
    book = Book()
    book.beat("w1", 30, 33)
    assert book.closed(34).silences == ()


def test_of_a_silence_at_the_end_what_was_in_the_run_counts():
    book = Book("w1", "w2")
    book.beat("w1", *range(21))
    book.beat("w2", *range(29))
    book.end(30)
    book.beat("w1", 36)
    book.beat("w2", 40)
    assert book.health().silences == (Spell("w1", 10),)


def test_while_the_own_event_loop_was_held_nobody_was_silent():
    book = Book("w1", "w2")
    book.beat("w1", *range(11), 20)
    book.beat("w2", *range(4), 20)
    # Noted after the signs: which of two greenlets wakes first is not known.
    book.note_hold(10.5, 20)
    health = book.closed(21)
    assert (health.silences, health.held_s) == ((Spell("w2", pytest.approx(7.5)),), 9.5)


def test_a_short_hold_is_not_said():
    book = Book()
    book.note_hold(1, 1.9)
    assert book.closed(2).held_s is None


def test_what_holds_the_loop_after_the_test_is_not_the_runs():
    book = Book()
    book.end(10)
    book.note_hold(10, 15)
    assert book.health().held_s is None


@pytest.mark.parametrize(("left_s", "is_said"), [(40.0, True), (54.0, True), (56.0, False)])
def test_a_worker_that_leaves_before_the_end_is_said(left_s, is_said):
    book = Book("w1")
    book.beat("w1", *range(int(left_s)))
    book.note_departure("w1", left_s)
    health = book.closed(60)
    assert health.departures == ((Spell("w1", 60 - left_s),) if is_said else ())
    assert health.silences == ()


def test_a_worker_that_leaves_with_the_end_is_not():
    book = Book("w1")
    book.beat("w1", *range(60))
    book.end(60)
    book.note_departure("w1", 61)
    assert book.health().departures == ()


@pytest.mark.parametrize(
    ("samples", "is_busy"),
    [
        ([95, 95, 95], True),  # at 0, 3, 6 s
        ([95, 95], False),  # one measurement may be in two reports
        ([95, 50, 95, 50, 95], False),
        ([50, 91, 97, 93, 50], True),
        ([90, 90, 90, 90], False),
    ],
)
def test_a_cpu_must_be_busy_for_more_than_one_measurement(samples, is_busy):
    book = Book()
    for report, percent in enumerate(samples):
        book.note_cpu(THIS_PROCESS, percent, 3.0 * report)
    busy = book.closed(60).busy
    assert bool(busy) is is_busy
    if busy:
        assert (busy[0].seconds, busy[0].percent) == (6.0, max(samples))


def test_a_clock_is_noted_with_its_largest_offset():
    book = Book()
    for offset_s in (-2.5, -4.0, 3.0):
        book.note_clock("w1", offset_s)
    assert book.closed(1).skews == (Spell("w1", 4.0),)


def users(*samples, target=20):
    book = Book()
    for second, count in enumerate(samples):
        book.note_users(count, target, second)
    return book.closed(len(samples)).users


def test_users_that_never_reached_their_target_are_said():
    assert users(*range(15)) == UsersShort(14, 20, None)


def test_users_may_take_their_time_to_get_there():
    assert users(*range(21), *[20] * 5) is None


def test_users_that_end_and_start_anew_are_few_enough():
    assert users(20, *[19, 20] * 20) is None


def test_users_that_were_missing_for_long_are_said():
    assert users(20, *[12, 10, *[14] * 10], 20, 20) == UsersShort(10, 20, 11.0)


def test_users_that_are_handed_out_anew_in_time_are_not():
    assert users(20, *[10] * 8, 20, 20) is None


@pytest.mark.parametrize(
    ("asked", "running", "fixed_counts", "reachable"),
    [
        (20, 0, [], 20),
        (20, 0, [0, 5], 20),  # the first class fills up what is left
        (20, 0, [2, 3], 5),
        (4, 0, [2, 3], 4),
        (20, 5, [2, 3], 5),
        (20, 3, [2, 3], 5),
        (20, 15, [5], 15),  # ten are of a class that a shape has left
    ],
)
def test_no_more_users_can_run_than_classes_have(asked, running, fixed_counts, reachable):
    assert reachable_users(asked, running, fixed_counts) == reachable


def test_a_new_target_is_a_new_ramp():
    book = Book()
    for second, (count, target) in enumerate([(20, 20), *[(20, 40)] * 15, (40, 40), (10, 10)]):
        book.note_users(count, target, second)
    assert book.closed(20).users is None


def test_users_that_stop_at_the_end_are_not_missing():
    book = Book()
    book.note_users(20, 20, 0)
    book.end(1)
    for second in range(2, 30):
        book.note_users(0, 20, second)
    assert book.health().users is None


def test_its_size_is_bounded_whoever_speaks_and_for_however_long():
    book = Book()
    for number in range(MAX_WORKERS + 100):
        worker = f"w{number}"
        book.beat(worker, 0)
        book.note_cpu(worker, 99, 0)
        book.note_clock(worker, 9)
    for second in range(0, 100_000, 10):
        book.beat("w0", second)
        book.note_hold(second, second + 0.5)
    assert len(book._heard_s) == len(book._cpu) == len(book._skew_s) == MAX_WORKERS
    assert (len(book._holds), len(book._silences)) == (MAX_HOLDS, MAX_SILENCES)
    for number in range(MAX_WORKERS + 100):
        book.note_departure(f"w{number}", 100_000)
    assert len(book._left_s) == MAX_WORKERS
