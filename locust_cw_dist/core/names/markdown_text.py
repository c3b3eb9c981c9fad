"""Texts from outside in Markdown: in spans of code, so that names of requests are text.

Nothing in a span is a link, a mention, an emoji, HTML or the end of a cell, on GitHub, GitLab and wherever tables of
GitHub's kind are read. Character references would not do: GitHub looks for mentions in what it has rendered.
"""

from __future__ import annotations

import re

from locust_cw_dist.core.names.printable import printable

MAX_CHARS = 80
"""Of one text: a name may be as long as a page."""

MAX_LINE_CHARS = 400

HARMLESS = re.compile(r"(?!.*www\.)[A-Za-z0-9 .,%+±=…()\u2212\u2013-]*")
"""What is no more than text wherever it stands in a line: figures and words."""


def code(text: str, max_chars: int = MAX_CHARS) -> str:
    """Return a text as a span of code."""
    text = printable(text) or " "
    if len(text) > max_chars:
        text = f"{text[: max_chars - 1]}…"
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.strip() and (text.startswith(("`", " ")) or text.endswith(("`", " "))) else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def text_line(text: str) -> str:
    """Return a whole line: as it is, or as a span of code."""
    return text if HARMLESS.fullmatch(text) else code(text, MAX_LINE_CHARS)


def cell(text: str) -> str:
    """Return a text as a span of code in a table."""
    # A cell ends at a pipe without a backslash; where the text has one before it, readers differ on whose that is.
    return re.sub(r"\\+(?=\|)", lambda found: "/" * len(found[0]), code(text)).replace("|", "\\|")


def text_cell(text: str) -> str:
    """Return a text in a table: as it is, or as a span of code."""
    return text if HARMLESS.fullmatch(text) else cell(text)
