"""docs/what-is-tested.md is complete, and what it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support import what_is_tested
from support.pages.readme import ROOT

pytestmark = pytest.mark.once

TEXT = what_is_tested.PAGE.read_text()
PAGES = {"README.md", *(path.name for path in (ROOT / "docs").glob("*.md"))} - {what_is_tested.PAGE.name}
WITHOUT = Path(what_is_tested.__file__).parent / "locustfiles/without.py"


def plain(text):
    """A text without marks, in one line, as somebody reads it."""
    return " ".join(re.sub(r"\*\*|\]\([^)]*\)|\[", "", text).split())


def page(name):
    return (ROOT / name if name == "README.md" else ROOT / "docs" / name).read_text()


@pytest.mark.parametrize(("file", "name"), sorted(set(what_is_tested.references(TEXT))))
def test_each_test_that_is_named_exists(file, name):
    tests = what_is_tested.tests_of(file)
    assert name in tests if name else (what_is_tested.TESTS / file).exists(), f"{file} has {tests}"


def test_every_law_is_there():
    laws = page("architecture.md").split("## The laws")[1]
    numbers = re.findall(r"^(\d+)\. ", laws, re.MULTILINE)
    assert [law.split()[0] for law, _ in what_is_tested.table("Laws")] == numbers
    assert [tests for _, tests in what_is_tested.table("Laws") if not what_is_tested.references(tests)] == []


def test_every_row_of_the_matrix_is_there():
    assert what_is_tested.with_rows(TEXT) == TEXT, "run python tests/support/what_is_tested.py"


def test_every_mechanism_is_there():
    mechanisms = re.findall(r"^def (\w+)\(", WITHOUT.read_text(), re.MULTILINE)
    assert len(mechanisms) > 20
    table = what_is_tested.table("Mechanisms")
    assert sorted(name.strip("`") for name, _ in table) == sorted(mechanisms)
    assert [row for row in table if len(what_is_tested.references(row[1])) != 1] == []
    assert sorted(re.findall(r"^\| [^|]+ \| `([a-z_]+)` \|", page("delivery.md"), re.MULTILINE)) == sorted(mechanisms)


def test_every_page_is_there():
    assert {name for name, _, _ in what_is_tested.table("Promises")} == PAGES


@pytest.mark.parametrize(("name", "promise", "tests"), what_is_tested.table("Promises"))
def test_a_promise_is_still_on_its_page_and_has_a_test(name, promise, tests):
    assert promise
    assert plain(promise) in plain(page(name))
    assert what_is_tested.references(tests) or "tox" in tests


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`laws/test_a.py`", [("laws/test_a.py", "")]),
        ("`unit/core/test_b.py::test_c`, and more", [("unit/core/test_b.py", "test_c")]),
        ("`lowest` and test_d.py", []),
    ],
)
def test_references_are_read(text, found):
    assert what_is_tested.references(text) == found
