"""How Sphinx makes a site of these pages: `tox -e docs`.

The pages are plain Markdown, which reads well in the repository too. So what the site needs beyond that is made here:

- its contents are the lists of links in `CONTENTS`;
- a link to a file outside of this folder hands out a copy of that file.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
sys.path.insert(0, str((FOLDER.parent / "deploy").resolve()))

import release as _release  # noqa: E402

project = "locust-cw-dist"
version = release = _release.version()
extensions = ["myst_parser"]
root_doc = "index"
nitpicky = True
myst_heading_anchors = 4
highlight_language = "text"
# Snippets of shell, logs and templates need not be valid as a whole.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = f"{project} {version}"
html_show_copyright = False
html_copy_source = False

CONTENTS = ("index", "decisions/README")
"""The pages whose lists of links are the site's contents. A page that none of them names is an error."""

_HEADING_OR_PAGE = re.compile(r"^## (.+)$|^(?:[-*]|\d+\.) \[.+?\]\(([\w/-]+)\.md\)", re.MULTILINE)
_PAGE_LINK = re.compile(r"\]\(((?:\.\./)+[\w./-]+\.md)(#[\w-]+)?\)")


def contents(text: str) -> str:
    """Sphinx's form of a page's lists of links: a hidden table of contents for each section."""
    tables: dict[str, list[str]] = {}
    section = ""
    for heading, page in _HEADING_OR_PAGE.findall(text):
        section = heading or section
        if page:
            tables.setdefault(section, []).append(page)
    return "".join(_table(caption, pages) for caption, pages in tables.items())


def _table(caption: str, pages: list[str]) -> str:
    lines = ["", "```{toctree}", ":hidden:", *([f":caption: {caption}"] if caption else []), "", *pages, "```", ""]
    return "\n".join(lines)


def with_copies(page: str, text: str) -> str:
    """A page's text whose links to Markdown outside of this folder are links to files."""

    def link(found: re.Match[str]) -> str:
        target = (FOLDER / page).parent.joinpath(found[1]).resolve()
        return found[0] if target.is_relative_to(FOLDER) else f"](path:{found[1]})"

    return _PAGE_LINK.sub(link, text)


def _prepare(_app: Any, page: str, source: list[str]) -> None:
    text = with_copies(page, source[0])
    source[0] = text + contents(text) if page in CONTENTS else text


def setup(app: Any) -> None:
    """Have Sphinx ask for the text of each page here."""
    app.connect("source-read", _prepare)
