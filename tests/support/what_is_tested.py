"""docs/what-is-tested.md taken apart: which test shows what. As a command, writes the rows of the matrix into it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs/what-is-tested.md"
MATRIX = ("matrix", "network", "outages", "ends", "exit_codes")
"""Folders whose tests are rows of the matrix: whole runs of real processes."""

_BEGIN, _END = "<!-- matrix: begin -->\n", "<!-- matrix: end -->"
_REFERENCE = re.compile(r"`((?:\w+/)+\w+\.py)(?:::(\w+))?`")


def table(heading: str) -> list[list[str]]:
    """Return the cells of a section's table, row by row, without its head."""
    section = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def references(text: str) -> list[tuple[str, str]]:
    """Return (file, name of a test or nothing) of each test that a text names."""
    return _REFERENCE.findall(text)


def tests_of(file: str) -> list[str]:
    """Return the names of a file's tests, those of classes too, in their order; none where there is no such file."""
    path = TESTS / file
    if not path.exists():
        return []
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    return [node.name for node in sorted(functions, key=lambda node: node.lineno) if node.name.startswith("test_")]


def rows() -> str:
    """Return the matrix as the page has it."""
    files = [path.relative_to(TESTS) for folder in MATRIX for path in sorted((TESTS / folder).glob("test_*.py"))]
    named = [
        (name.removeprefix("test_").replace("_", " "), file, name) for file in files for name in tests_of(str(file))
    ]
    lines = [f"| {row} | `{file}::{name}` |\n" for row, file, name in named]
    return f"\n| row | test |\n|---|---|\n{''.join(lines)}\n"


def with_rows(text: str) -> str:
    """Return the page's text with the rows of today."""
    before, rest = text.split(_BEGIN)
    return f"{before}{_BEGIN}{rows()}{_END}{rest.split(_END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(with_rows(PAGE.read_text()))
