"""The pure part of the benchmark: what is judged by its figures, and how."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
from dataclasses import fields, replace

import pytest

from bench.figures import Figure, interleave, markdown, ratios, row, short, text
from bench.growth import growth_of_steps
from bench.kept import FULL_GROUPS, GROUPS, RefusalError, check_complete, in_order, kept_figures
from support.pages.readme import ROOT

BENCH = ROOT / "tests" / "bench"


def figure(*samples, **options):
    return Figure("name", "what", samples, **options)


@pytest.mark.parametrize(
    ("samples", "options", "verdict"),
    [
        ((1.0, 2.0, 3.0), {}, "-"),
        ((0.2,), {"target": 0.2}, "reached"),
        ((0.21,), {"target": 0.2}, "MISSED"),
        ((0.1, 0.21, 0.3), {"target": 0.2}, "within noise"),
        ((0.30, 0.31, 0.32), {"target": 0.2}, "MISSED"),
        ((1.0,), {"target": 0.99, "at_least": True}, "reached"),
        ((0.9,), {"target": 0.99, "at_least": True}, "MISSED"),
        ((0.8, 0.98, 1.1), {"target": 0.99, "at_least": True}, "within noise"),
    ],
)
def test_a_target_is_missed_only_by_more_than_the_noise(samples, options, verdict):
    judged = figure(*samples, **options)
    assert judged.verdict == verdict
    assert judged.is_missed == (verdict == "MISSED")


def test_a_figure_comes_back_from_the_file():
    one = figure(0.25, -0.35, unit="ms", target=0.3, at_least=True, two_sided=True, group="load", details={"a": 1})
    assert Figure.from_json(json.loads(json.dumps(one.as_json()))) == one
    assert not {one.name for one in fields(Figure)} - one.as_json().keys()


def test_more_repetitions_make_less_noise_and_an_outlier_makes_none():
    few, many = figure(1.0, 2.0, 3.0), figure(*[1.0, 2.0, 3.0] * 10)
    assert 0 < many.noise < few.noise
    assert figure(*[1.0] * 9, 100.0).noise == 0
    assert figure(1.0).noise == 0


@pytest.mark.parametrize("n", [2, 3, 5, 7, 10, 20])
def test_noise_is_twice_the_error_of_the_median_also_of_few_samples(n):
    chance = random.Random(n)
    drawn = [figure(*(chance.gauss(1.0, 0.1) for _ in range(n))) for _ in range(4_000)]
    error = statistics.pstdev(one.value for one in drawn)
    assert statistics.mean(one.noise for one in drawn) == pytest.approx(2 * error, rel=0.12)


def test_deviations_to_both_sides_cancel_out():
    assert figure(-0.04, 0.01, 0.03, target=0.02, two_sided=True).verdict == "reached"
    below = figure(-0.05, -0.05, -0.04, target=0.02, two_sided=True)
    assert (below.value, below.verdict) == (0.05, "MISSED")
    assert row(below)[1:3] == ["0.0500", "-0.0500 to -0.0400"]


def test_variants_are_measured_in_turns_and_the_order_of_turns_is_reversed():
    order = []
    samples = interleave(3, {"a": lambda: order.append("a") or 2.0, "b": lambda: order.append("b") or 4.0})
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert ratios(samples["a"], samples["b"]) == (0.5, 0.5, 0.5)


def test_a_table_has_a_row_for_each_figure():
    figures = [figure(0.25, 0.35, target=0.3), figure(12_345.6, unit="ms", target=99, at_least=True)]
    assert markdown(figures).splitlines() == [
        "| figure | measured | repetitions | target |  |",
        "| --- | --- | --- | --- | --- |",
        "| what | 0.300 | 0.250 to 0.350 | <= 0.3 | reached |",
        "| what | 12,346 ms |  | >= 99 ms | reached |",
    ]
    assert len(text(figures).splitlines()) == 3


@pytest.mark.parametrize(
    ("value", "written"), [(0.0, "0"), (0.01234, "0.0123"), (1.0, "1.00"), (99.96, "100.0"), (1234.5, "1,234")]
)
def test_three_digits_count(value, written):
    assert short(value) == written


@pytest.mark.parametrize(
    ("percent", "growth"),
    [
        ((1.0, 3.0, 10.0), [1.0, 1.0]),
        ((2.0, 3.0, 20.0), [0.5, 2.0]),
        ((-0.3, 0.2, 10.0), [1 / 3, 3.0]),  # what is below 1 % is noise
    ],
)
def test_growth_is_told_of_each_step(percent, growth):
    assert growth_of_steps((100, 300, 1_000), percent) == pytest.approx(growth)


def document(**machine):
    figures = [replace(figure(1.0), name=group, group=group).as_json() for group in ("load", "growth")]
    return json.loads(json.dumps({"machine": machine, "figures": figures}))


def test_figures_are_kept_but_for_those_of_the_groups_that_are_measured():
    here = {"processor": "fast", "date": "2026-11-26"}
    of_yesterday = document(processor="fast", date="2026-11-25")
    assert [one.name for one in kept_figures(of_yesterday, here, ["load"])] == ["growth"]


def test_figures_of_another_machine_are_not_kept():
    with pytest.raises(RefusalError, match=r"--keep: .*: locust 2.0 and not 2.1, processor slow and not fast"):
        kept_figures(document(processor="slow", locust="2.0"), {"processor": "fast", "locust": "2.1"}, ["load"])
    with pytest.raises(RefusalError, match="processor unknown and not fast"):
        kept_figures({}, {"processor": "fast"}, [])


def test_a_page_has_figures_of_all_groups():
    kept = [replace(figure(1.0), group=group) for group in FULL_GROUPS]
    check_complete(kept, GROUPS)
    check_complete([], GROUPS + FULL_GROUPS)
    with pytest.raises(RefusalError, match=r"--docs: .* none of growth, tools$"):
        check_complete([], GROUPS)
    with pytest.raises(RefusalError, match=r"none of listener, swarm$"):
        check_complete(kept, set(GROUPS) - {"listener", "swarm"})


def test_figures_are_told_in_the_order_of_their_groups():
    figures = [replace(figure(1.0), group=group) for group in ("growth", "", "load", "listener")]
    assert [one.group for one in in_order(figures)] == ["listener", "load", "growth", ""]
    assert set(GROUPS + FULL_GROUPS) == {one.stem for one in BENCH.glob("*.py") if "def figures(" in one.read_text()}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--docs", "docs"], "bench: --docs: the page needs figures of all groups, and there are none of growth"),
        (["--keep"], "bench: --keep: the figures of the file are of another machine: "),
    ],
)
def test_the_command_refuses_in_one_line_before_it_measures(tmp_path, arguments, line):
    (tmp_path / "bench.json").write_text(json.dumps(document(processor="none that there is")))
    run = subprocess.run(
        [sys.executable, "-m", "bench", "--json", str(tmp_path / "bench.json"), *arguments],
        cwd=BENCH.parent,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(BENCH.parent), str(BENCH.parents[1])])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2, run.stderr
    (told,) = run.stderr.splitlines()
    assert told.startswith(line)
