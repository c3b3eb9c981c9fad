"""Writes the table of values in the chart's README from the comments of its values.yaml.

    python deploy/chart_readme.py            write deploy/helm/README.md
    python deploy/chart_readme.py --check    exit with 1 if it is not what would be written

A comment that begins with ``# --`` describes the key below it; ``## `` begins a section, named after a task. The values
in `FIRST` go before all sections. A value without a description is an error.
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

FIRST = (
    *("image.repository", "locustfile.sample", "locustfile.content", "mode"),
    *("locust.host", "locust.users", "locust.runTime", "worker.replicas"),
    *("cloudwatch.service", "cloudwatch.dryRun", "aws.identity", "cloudwatch.region"),
    *("cloudwatch.rule", "cloudwatch.record"),
)
"""What first runs set, in the order in which you need it."""


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
    titles = (text.strip().removeprefix("## ") for text in reversed(lines[:line]) if text.lstrip().startswith("## "))
    return next(titles, "")


def table(text: str) -> str:
    """The values of a file as Markdown: a table of the first ones, then a table for each section."""
    sections: dict[str, list[Value]] = {"The first runs": []}
    for value in values(text):
        sections.setdefault("The first runs" if value.path in FIRST else value.section, []).append(value)
    sections["The first runs"].sort(key=lambda value: FIRST.index(value.path))
    return "\n\n".join(_section_table(title, ones) for title, ones in sections.items() if ones)


def _section_table(title: str, ones: list[Value]) -> str:
    rows = [f"| `{one.path}` | {_shown(one.default)} | {_cell(one.description)} |" for one in ones]
    return "\n".join([f"### {title}", "", "| value | default | what |", "|---|---|---|", *rows])


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
