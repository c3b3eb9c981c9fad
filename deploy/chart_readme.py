"""Writes the table of values in the chart's README from the comments of its values.yaml.

    python deploy/chart_readme.py            write deploy/helm/README.md
    python deploy/chart_readme.py --check    exit with 1 if it is not what would be written

A comment that begins with ``# --`` describes the key below it; ``## `` begins a section. A value without a description
is an error.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import yaml
from generated import write_or_check

if TYPE_CHECKING:
    from collections.abc import Iterator

CHART = Path(__file__).parent / "helm"
BEGIN = "<!-- values: begin, made by deploy/chart_readme.py from values.yaml -->"
END = "<!-- values: end -->"
MAX_DEFAULT_CHARS = 60


class Value(NamedTuple):
    """One value: its path with dots, its default, and what it is for."""

    path: str
    default: object
    description: str
    section: str


def values(text: str) -> Iterator[Value]:
    """The values of a file, in its order.

    Raises:
        SystemExit: A value has no description; the message names it.
    """
    lines = text.splitlines()
    yield from _walk(yaml.compose(text), lines, "")


def _walk(node: yaml.MappingNode, lines: list[str], prefix: str) -> Iterator[Value]:
    for key, value in node.value:
        path = f"{prefix}{key.value}"
        description = _description(lines, key.start_mark.line)
        if description:
            default = yaml.SafeLoader("").construct_document(value)
            yield Value(path, default, description, _section(lines, key.start_mark.line))
        elif isinstance(value, yaml.MappingNode) and value.value:
            yield from _walk(value, lines, f"{path}.")
        else:
            sys.exit(f"values.yaml: {path} has no description: write '# -- ...' above it")


def _description(lines: list[str], line: int) -> str:
    """The comment above a line, from its ``# --`` on; empty if there is none."""
    found: list[str] = []
    for text in reversed(lines[:line]):
        comment = text.strip()
        if not comment.startswith("#"):
            break
        found.insert(0, comment.removeprefix("#").strip())
        if comment.startswith("# --"):
            return " ".join(found).removeprefix("--").strip()
    return ""


def _section(lines: list[str], line: int) -> str:
    return next((text.removeprefix("## ") for text in reversed(lines[:line]) if text.startswith("## ")), "")


def table(text: str) -> str:
    """The values of a file as Markdown, a table for each section."""
    parts: list[str] = []
    section = None
    for value in values(text):
        if value.section != section:
            section = value.section
            parts += ["", f"### {section}", "", "| value | default | what |", "|---|---|---|"]
        parts.append(f"| `{value.path}` | {_shown(value.default)} | {_cell(value.description)} |")
    return "\n".join(parts).strip()


def _shown(default: object) -> str:
    if default in ("", None):
        return ""
    text = json.dumps(default)
    return _cell(f"`{text}`") if len(text) <= MAX_DEFAULT_CHARS else "see values.yaml"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def readme(chart: Path = CHART) -> str:
    """The README as it should be."""
    before, _, rest = (chart / "README.md").read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    made = table((chart / "values.yaml").read_text())
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"


def main() -> int:
    """Write it, or check it."""
    return write_or_check(CHART / "README.md", readme())


if __name__ == "__main__":
    sys.exit(main())
