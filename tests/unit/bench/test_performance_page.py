"""docs/performance.md: where the benchmark writes its table, and what README quotes from it."""

from __future__ import annotations

import re

import pytest

from bench.figures import Figure
from bench.page import BEGIN, END, write_page
from support.pages.performance import NUMBER, PAGE, measured
from support.pages.readme import ROOT

README = " ".join((ROOT / "README.md").read_text().split())

LISTENER = "CPU of a listener per request, of Locust's own statistics: "


def test_the_page_has_a_place_for_the_table():
    page = PAGE.read_text()
    assert (page.count(BEGIN), page.count(END)) == (1, 1)
    assert page.index(BEGIN) < page.index(END)


def test_what_stands_around_the_table_stays(tmp_path):
    copy = tmp_path / PAGE.name
    copy.write_text(PAGE.read_text())
    write_page(tmp_path, [Figure("name", r"what \1", (1.0,))], {"processor": "fast"})
    was, now = (re.split(f"{BEGIN}|{END}", page.read_text()) for page in (PAGE, copy))
    assert (now[0], now[2]) == (was[0], was[2])
    assert "\nMachine: processor fast.\n" in now[1]
    assert now[1].splitlines()[-2] == r"| what \1 | 1.00 |  |  | - |"


@pytest.mark.parametrize(
    ("said", "row", "times"),
    [
        (f"spends {NUMBER} of the CPU that Locust's own statistics take", f"{LISTENER}ours.*", 1),
        (f"20 users still make {NUMBER} of their requests", "requests per second with us, .* answering in 100 ms", 1),
        (f"they make {NUMBER} of them with the listener", "the same with the seed, CloudWatch answering in 100 ms", 1),
    ],
)
def test_readme_quotes_what_was_measured(said, row, times):
    found = re.search(said, README)
    assert found, said
    assert float(found[1]) == pytest.approx(times * measured(row), rel=0.1)
