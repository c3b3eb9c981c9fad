"""The pure part of the benchmark: what is judged by its figures, and how."""

from __future__ import annotations

import json

import pytest

from bench.figures import Figure, interleave, markdown, ratios, short, text


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
    one = figure(0.25, 0.35, unit="ms", target=0.3, at_least=True, details={"a": 1})
    assert Figure.from_json(json.loads(json.dumps(one.as_json()))) == one


def test_more_repetitions_make_less_noise_and_an_outlier_makes_none():
    few, many = figure(1.0, 2.0, 3.0), figure(*[1.0, 2.0, 3.0] * 10)
    assert 0 < many.noise < few.noise
    assert figure(*[1.0] * 9, 100.0).noise == 0
    assert figure(1.0).noise == 0


def test_variants_are_measured_in_turns():
    order = []
    samples = interleave(2, {"a": lambda: order.append("a") or 2.0, "b": lambda: order.append("b") or 4.0})
    assert order == ["a", "b", "a", "b"]
    assert ratios(samples["a"], samples["b"]) == (0.5, 0.5)


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
