"""Writes the pages of reference that are made of docstrings: docs/api.md, and the table of docs/metrics.md.

python deploy/reference_pages.py            write them
python deploy/reference_pages.py --check    exit with 1 if one is not what would be written
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Any

from generated import write_or_check

import locust_cw_dist
from locust_cw_dist import testing
from locust_cw_dist.core.publish import metric_names

ROOT = Path(__file__).parents[1]
API = ROOT / "docs" / "api.md"
METRICS = ROOT / "docs" / "metrics.md"

BEGIN = "<!-- metrics: begin, made by deploy/reference_pages.py -->"
END = "<!-- metrics: end -->"

HEAD = """\
# Python API

Made of the docstrings by `deploy/reference_pages.py`. Everything else in the package is private and may change.

Importing `locust_cw_dist` starts nothing and imports neither Locust nor boto3. `import locust_cw_dist.auto` in a
locustfile adds the `--cw-*` options and installs the plugin by itself. [Run it](running.md#in-a-script) has an example.
"""
SHOWN = {"Plugin": ["close"], "Settings": ["resolved_namespace"]}
"""Classes that others make, or whose call is their attributes -> what of their methods is public."""

TESTS = """\
## For your tests: `locust_cw_dist.testing`

These ship with the package, for tests of locustfiles, of scripts and of the plugin itself.
"""
ORDER = ("install", "Plugin", "Settings", "CloudwatchAdapter", "CloudwatchClient", "LocustCwError", "SettingsError")


def api() -> str:
    """The page of the API as it should be."""
    ours = [described(getattr(locust_cw_dist, name), 2) for name in ORDER]
    aids = [described(getattr(testing, name), 3) for name in testing.__all__]
    return "\n".join([HEAD, *ours, TESTS, *aids]).rstrip() + "\n"


def described(thing: Any, level: int) -> str:
    """A function or a class as Markdown: a heading, its call, its docstring, and its public methods."""
    parts = [f"{'#' * level} `{thing.__name__}`\n", in_markdown(inspect.getdoc(thing) or "")]
    if inspect.isclass(thing):
        if not issubclass(thing, Exception) and thing.__name__ not in SHOWN:
            parts.insert(1, call(thing.__name__, thing.__init__))
        names = SHOWN.get(thing.__name__, [name for name in vars(thing) if not name.startswith("_")])
        members = [(name, vars(thing)[name]) for name in names]
        parts += [method(name, member) for name, member in members if inspect.getdoc(member) and is_method(member)]
    else:
        parts.insert(1, call(thing.__name__, thing))
    return "\n".join(parts)


def is_method(member: Any) -> bool:
    """Whether it is to be called, or read as a property."""
    return inspect.isfunction(member) or isinstance(member, property)


def method(name: str, member: Any) -> str:
    """A method or property: its call, then its docstring."""
    shown = f"    {name}\n" if isinstance(member, property) else call(name, member)
    return f"{shown}\n{in_markdown(inspect.getdoc(member) or '')}"


def call(name: str, function: Any) -> str:
    """How it is called, as an indented block; without annotations, which are the type checker's."""
    parameters = [
        one.replace(annotation=inspect.Parameter.empty)
        for one in inspect.signature(function).parameters.values()
        if one.name != "self"
    ]
    return f"    {name}{inspect.Signature(parameters)}\n"


def in_markdown(text: str) -> str:
    """A docstring in Google's style: sections become headings in bold, what they list becomes a list."""
    text = text.replace("``", "`")
    lines = []
    section = ""
    for line in text.splitlines():
        if heading := re.fullmatch(r"(Args|Attributes|Returns|Raises):", line):
            section = heading[1]
            lines += [f"**{section}**", ""]
        elif section in {"Args", "Attributes", "Raises"} and (item := re.fullmatch(r" {4}([\w*]+): (.*)", line)):
            lines.append(f"- `{item[1]}`: {item[2]}")
        elif section:
            lines.append(f"  {line.strip()}" if line.strip() and section != "Returns" else line.strip())
        else:
            lines.append(line)
    return "\n".join(lines).rstrip() + "\n"


def metrics() -> str:
    """The page of metrics as it should be: what is written by hand, and the table."""
    rows = [line for line in (metric_names.__doc__ or "").splitlines() if line.startswith("|")]
    named = [re.sub(r"\w+", r"`\g<0>`", row[: row.index("|", 1)]) + row[row.index("|", 1) :] for row in rows[2:]]
    table = "\n".join([*rows[:2], *named])
    before, _, rest = METRICS.read_text().partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """Write them, or check them."""
    made = {API: api(), METRICS: metrics()}
    return max(write_or_check(path, wanted) for path, wanted in made.items())


if __name__ == "__main__":
    sys.exit(main())
