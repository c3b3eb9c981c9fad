"""The drawing is what the imports of today make, and the pages for contributors say what is there."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from configparser import ConfigParser
from pathlib import Path

import pytest

from support import architecture_drawing as architecture
from support.pages.readme import blocks

pytestmark = pytest.mark.once

PAGE = (architecture.DRAWING.parent / "architecture.md").read_text()
COMMAND = "python tests/support/architecture_drawing.py"
REPOSITORY = Path(__file__).parents[2]
DECISIONS = REPOSITORY / "docs" / "decisions"
PAGES = [REPOSITORY / "CONTRIBUTING.md", REPOSITORY / "docs" / "architecture.md", *sorted(DECISIONS.glob("*.md"))]


def band_of(room):
    layer = room.partition(".")[0]
    return next(number for number, band in enumerate(architecture.BANDS.values()) if layer in band)


def test_the_drawing_is_of_the_imports_of_today():
    drawn = architecture.drawing()
    assert architecture.DRAWING.read_text() == drawn, f"run {COMMAND}"
    assert COMMAND in PAGE
    assert architecture.DRAWING.stat().st_size < 60_000
    texts = {element.text for element in ET.fromstring(drawn).iter() if element.get("class") == "room"}
    assert texts == {room.rpartition(".")[2] for room in architecture.rooms()}


def test_a_band_imports_only_bands_below_it():
    pairs = [(room, other) for room, others in architecture.rooms().items() for other in others]
    assert len(pairs) > 50
    assert [pair for pair in pairs if band_of(pair[0]) > band_of(pair[1])] == []


def test_a_room_stands_above_what_it_imports_and_arrows_say_the_rest():
    graph = {"a": ["b", "c", "d"], "b": ["c"], "c": [], "d": []}
    assert architecture.reduced(graph) == {"a": ["b", "d"], "b": ["c"], "c": [], "d": []}
    floors = architecture.laid_out(graph, {room: [] for room in graph})
    assert [[place.room for place in floor] for floor in floors] == [["a"], ["b", "d"], ["c"]]


def test_the_page_has_a_row_for_each_room():
    rows = set(re.findall(r"^\| `([\w/]+?)(?:\.py|/)?` \|", PAGE, re.MULTILINE))
    assert rows == {room.replace(".", "/") for room in architecture.rooms()}


def names(page):
    """The files that a page links or names, as paths; those of the package begin with a layer."""
    text = (REPOSITORY / page).read_text()
    links = [(REPOSITORY / page).parent / link for link in re.findall(r"\]\(([^)#:]+)\)", text)]
    package = re.findall(r"`((?:core|live|settings|pages|tools)/[\w/]+\.py)`", text)
    others = re.findall(r"`((?:tests|docs|deploy|locust_cw_dist)/[\w/.-]+)`", text)
    return [*links, *(architecture.ROOT / name for name in package), *(REPOSITORY / name for name in others)]


@pytest.mark.parametrize("page", PAGES, ids=[path.stem for path in PAGES])
def test_every_file_that_a_page_names_is_there(page):
    assert names(page) or page.parent.name == "decisions"
    assert [str(path) for path in names(page) if not path.exists()] == []


def test_the_index_has_each_decision():
    found = {path.name for path in DECISIONS.glob("[0-9]*.md")}
    assert {path.name for path in names(DECISIONS / "README.md") if path.parent == DECISIONS} == found
    assert len(found) >= 10
    for name in found:
        text = (DECISIONS / name).read_text()
        heads = re.findall(r"^\*\*(.+?)\.?\*\*", text, re.MULTILINE)
        assert heads == ["Question", "Decision", "Why", "What it costs", "Look again when"], name
        assert text.count("\n") <= 20, name


def test_the_commands_of_contributing_are_those_of_readme_and_of_tox():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text()
    commands = [line for block in blocks("sh", "CONTRIBUTING.md") for line in block.text.splitlines()]
    assert f"{commands[0]} && .venv/bin/tox run" in (REPOSITORY / "README.md").read_text()
    config = ConfigParser()
    config.read(REPOSITORY / "tox.ini")
    described = {section.partition(":")[2] for section in config.sections()}
    described |= set(config["tox"]["env_list"].split(", "))
    used = {name for line in commands for name in re.findall(r" -e (\S+)", line)}
    used |= {name for row in re.findall(r"^\| `tests/.*\| (.*) \|$", text, re.MULTILINE) for name in row.split(", ")}
    assert {"quick", "`latest`"} <= used
    assert {name.strip("`") for name in used} <= described
    folders = {path.name for path in (REPOSITORY / "tests").iterdir() if list(path.glob("**/test_*.py"))} - {"support"}
    assert {name for name in folders if f"`tests/{name}`" not in text} == set()
