"""The time for others: it follows steps of the wall clock and AWS's word, and is otherwise left alone."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.live.platform.clock import SystemClock, monotonic_s
from locust_cw_dist.live.platform.timeline import STEP_S, TOLERATED_S, Timeline
from locust_cw_dist.testing import ManualClock

HOUR_S = 3600
YEAR_S = 365 * 24 * HOUR_S


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def timeline(clock):
    return Timeline(clock)


def say(timeline, clock, ahead_s):
    """An answer of AWS's comes, whose clock is so far ahead of the timeline."""
    timeline.note_answer(formatdate(clock.now_s() + ahead_s, usegmt=True))


@pytest.mark.parametrize("step_s", [-3 * HOUR_S, HOUR_S, 31 * YEAR_S, 61, -90])
def test_a_step_of_the_wall_clock_is_followed_by_whole_minutes_and_said_once(timeline, clock, caplog, step_s):
    clock.wall_ahead_s = step_s
    for _ in range(3):
        clock.advance(1)
        timeline.look()
    assert timeline.offset_s % STEP_S == 0
    assert abs(timeline.written_s(timeline.now_s()) - clock.wall_s()) <= STEP_S / 2
    assert len(caplog.records) == 1
    assert "this machine's clock was corrected" in caplog.text


@given(st.lists(st.floats(-TOLERATED_S, TOLERATED_S), max_size=20))
def test_what_is_less_than_a_step_changes_nothing(drifts_s):
    clock = ManualClock()
    timeline = Timeline(clock)
    for clock.wall_ahead_s in drifts_s:
        timeline.look()
    assert timeline.offset_s == 0


def test_aws_is_believed_where_it_says_that_the_wall_clock_is_wrong(timeline, clock, caplog):
    say(timeline, clock, 40)
    assert timeline.offset_s == 0
    say(timeline, clock, 2 * HOUR_S)
    assert timeline.offset_s == 2 * HOUR_S
    assert abs(timeline.exact_s() - clock.now_s() - 2 * HOUR_S) <= 1
    assert "AWS's clock is not this machine's" in caplog.text
    clock.advance(100)
    timeline.look()
    assert timeline.offset_s == 2 * HOUR_S
    say(timeline, clock, 0)
    assert timeline.offset_s == 0


def test_a_step_after_aws_has_spoken_is_of_another_clock_than_it_spoke_of(timeline, clock):
    say(timeline, clock, -3 * HOUR_S)
    assert timeline.offset_s == -3 * HOUR_S
    clock.wall_ahead_s = -3 * HOUR_S
    timeline.look()
    assert timeline.offset_s == -3 * HOUR_S
    assert abs(timeline.exact_s() - clock.wall_s()) < 1
    say(timeline, clock, -3 * HOUR_S)
    assert timeline.offset_s == -3 * HOUR_S


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Tue, 32 Jan 2026 00:00:00 GMT", "\x1b[31m", "Mon, 01 Jan 99999 00:00:00 GMT"]
)
def test_a_date_that_can_not_be_read_says_nothing(timeline, date):
    timeline.note_answer(date)
    assert timeline.offset_s == 0


def test_the_clock_of_a_process_goes_on_where_a_user_has_frozen_time():
    freezegun, time_machine = pytest.importorskip("freezegun"), pytest.importorskip("time_machine")
    clock = SystemClock()
    for frozen in (freezegun.freeze_time("2001-01-01"), time_machine.travel("2001-01-01", tick=False)):
        before = clock.now_s(), monotonic_s(), clock.ticks()
        with frozen:
            while monotonic_s() - before[1] < 0.01:
                pass
            inside = clock.now_s(), monotonic_s(), clock.ticks()
            made_inside = SystemClock().now_s()
            wall_s = clock.wall_s()
        assert all(0.005 < then - now < 60 for now, then in zip(before, inside, strict=True))
        assert abs(made_inside - clock.now_s()) < 60
        assert abs(wall_s - clock.now_s()) < 60
