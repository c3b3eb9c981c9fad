"""Limits: what they give up, when, and what they leave alone."""

from __future__ import annotations

import gevent
import pytest

from locust_cw_dist.live.platform.patience import Bounds, Patience

LONG_S = 60.0


@pytest.fixture
def patience():
    with gevent.Timeout(30):
        yield Patience()


def interrupt(patience):
    patience.note_interrupt()
    patience.shorten()


def test_a_block_is_given_up_when_its_time_is_over(patience):
    with patience.limit(Bounds(0.01, LONG_S, LONG_S)) as limit:
        gevent.sleep(LONG_S)
    assert limit.is_over


@pytest.mark.parametrize("interrupts", [1, 2, 3, 4])
def test_each_interrupt_leaves_less_time_and_none_leaves_more(patience, interrupts):
    bounds = Bounds(LONG_S, 0.01, 0.0) if interrupts == 1 else Bounds(LONG_S, LONG_S, 0.01)
    for _ in range(interrupts):
        gevent.spawn_later(0.01, interrupt, patience)
    with patience.limit(bounds) as limit:
        gevent.sleep(LONG_S)
    assert limit.is_over
    with patience.limit(Bounds(0.01, LONG_S, LONG_S)._replace(hurried_s=0.01, pressed_s=0.01)) as limit:
        gevent.sleep(LONG_S)
    assert limit.is_over


def test_what_is_done_in_time_is_left_alone_and_so_is_what_comes_after_it(patience):
    with patience.limit(Bounds(0.02, 0.0, 0.0)) as limit:
        pass
    gevent.sleep(0.05)
    interrupt(patience)
    gevent.sleep(0.05)
    assert not limit.is_over
    assert not patience.limits


def test_a_limit_that_is_entered_again_has_what_is_left(patience):
    limit = patience.limit(Bounds(0.02, 0.0, 0.0))
    with pytest.raises(SystemExit), limit:
        raise SystemExit
    gevent.sleep(0.05)
    with limit:
        gevent.sleep(LONG_S)
    assert limit.is_over


def test_of_two_the_one_whose_time_is_over_ends(patience):
    with patience.limit(Bounds(LONG_S, LONG_S, LONG_S)) as outer, patience.limit(Bounds(0.01, 0.0, 0.0)) as inner:
        gevent.sleep(LONG_S)
    assert (outer.is_over, inner.is_over) == (False, True)


def test_what_computes_is_not_cut_off_and_what_never_waits_is_done_without_any_time(patience):
    done = []
    with patience.limit(Bounds(0.0, 0.0, 0.0)):
        done.append(sum(range(1000)))
    assert done
