"""Shifts in rows of runs: what is found, what is missed, and how often it is a false alarm, as docs/history.md says."""

from __future__ import annotations

import math
import random

import pytest

from locust_cw_dist.tools.history.shifts import MIN_RUNS, shifts_of
from support.records.histories import row

LEAST = math.log1p(0.05)


def shifts(values, error=0.01, least=LEAST):
    return shifts_of(values, [error] * len(values), least)


@pytest.mark.parametrize(
    ("size", "after", "least_found", "most_found"),
    # Of 60 rows with 30 runs before; docs/history.md has those of 400.
    [
        (0.08, 12, 22, 40),
        (0.08, 30, 48, 60),
        (0.10, 8, 24, 45),
        (0.10, 20, 54, 60),
        (0.20, 5, 55, 60),
        (0.5, 3, 58, 60),
    ],
)
def test_shifts_are_found_as_often_as_the_page_says(size, after, least_found, most_found):
    found = [shifts(row(seed, 30 + after, 30, size)) for seed in range(60)]
    assert least_found <= sum(map(bool, found)) <= most_found


def test_the_run_that_a_shift_begins_with_is_where_it_says():
    close = likely = hits = 0
    for seed in range(60):
        for one in shifts(row(seed, 50, 30, 0.1))[:1]:
            hits += 1
            close += abs(one.at - 30) <= 2
            likely += one.earliest <= 30 <= one.latest
            assert one.after - one.before == pytest.approx(math.log1p(0.1), abs=0.06)
    assert hits > 50
    assert close >= 0.8 * hits
    assert likely >= 0.95 * hits


@pytest.mark.parametrize("runs", [MIN_RUNS, 20, 60])
def test_rows_without_a_shift_raise_few_false_alarms(runs):
    assert sum(bool(shifts(row(seed, runs))) for seed in range(300)) <= 3


def test_heavy_tails_raise_few_false_alarms():
    def heavy(seed):
        chance = random.Random(seed)
        return [0.05 * chance.gauss(0, 1) / math.sqrt(chance.gammavariate(1.5, 2) / 3) for _ in range(60)]

    assert sum(bool(shifts(heavy(seed), least=0.0)) for seed in range(300)) <= 4


def test_two_odd_runs_are_no_shift():
    values = row(1, 40)
    for at in (12, 25, 39):
        values[at] += 1.0
    assert shifts(values) == []
    values[38] += 1.0
    assert shifts(values) == []


def test_a_shift_there_and_back_is_two():
    values = [value + (0.2 if 20 <= number < 40 else 0) for number, value in enumerate(row(1, 60))]
    first, second = shifts(values)
    assert abs(first.at - 20) <= 1
    assert abs(second.at - 40) <= 1
    assert first.after == second.before
    assert second.after < second.before


def test_small_shifts_do_not_count():
    assert shifts(row(1, 200, 100, 0.03)) == []
    assert len(shifts(row(1, 200, 100, 0.03), least=math.log1p(0.01))) == 1


def test_what_the_runs_own_errors_explain_is_no_shift():
    values = row(1, 30, 15, 0.2, noise=0.001)
    assert len(shifts(values, error=0.01)) == 1
    assert shifts(values, error=0.3) == []


@pytest.mark.parametrize("values", [[], [1.0], [0.0] * 7, [0.0] * 50])
def test_rows_in_which_nothing_can_shift(values):
    assert shifts(values, error=0.0) == []


def test_a_step_without_noise_is_a_shift():
    (one,) = shifts([0.0] * 10 + [1.0] * 10, error=0.0)
    assert (one.at, one.earliest, one.latest) == (10, 10, 10)
