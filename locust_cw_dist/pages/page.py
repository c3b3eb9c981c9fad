"""Page: the frame of every page: styles, numbers, plotly's script and ours in one file.

Nothing of it is fetched when it is shown, and its Content-Security-Policy has the browser enforce that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from typing import Any

from locust_cw_dist.errors import LocustCwError

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"

MISSING_PLOTLY = 'pages are drawn with plotly; install it with: pip install "locust-cw-dist[report]"'


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def check_plotly() -> None:
    """Find out whether pages can be drawn.

    Raises:
        LocustCwError: plotly is not installed; the message says how to install it.
    """
    from importlib.util import find_spec

    if find_spec("plotly") is None:
        raise LocustCwError(MISSING_PLOTLY)


def page(title: str, body: str, data: dict[str, Any]) -> str:
    """Return a whole page.

    Args:
        title: Its title, as text.
        body: What is in it, as HTML.
        data: What the script draws: `series.page_data`.
    """
    from plotly.offline import get_plotlyjs

    # "</script>" in a request's name must not end the element.
    numbers = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>{_asset("page.css")}</style>
</head>
<body>
{body}
<script type="application/json" id="data">{numbers}</script>
<script>{get_plotlyjs()}</script>
<script>{_asset("charts.js")}</script>
</body>
</html>
"""


def cell(value: Any) -> str:
    """Return a value as HTML."""
    return value if isinstance(value, Markup) else escape("" if value is None else str(value))


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]], *, texts: int = 1, kind: str = "") -> str:
    """Return a table; the first `texts` columns hold text, the others numbers.

    A cell may be a pair of what is shown and the number that it is sorted by.
    """
    classes = ["text" if n < texts else "number" for n in range(len(headers))]
    head = "".join(
        f'<th class="{c}" scope="col">{cell(header)}</th>' for header, c in zip(headers, classes, strict=True)
    )
    body = "".join(f"<tr>{''.join(map(_table_cell, row, classes))}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def section(title: str, content: str, *, note: str = "") -> str:
    """Return a titled part of the page; nothing if it has no content."""
    said = f'<p class="note">{cell(note)}</p>' if note else ""
    return f"<section><h2>{cell(title)}</h2>{said}{content}</section>" if content else ""


def details(title: str, content: str) -> str:
    """Return a part of the page that opens when it is asked for."""
    return f"<details><summary>{cell(title)}</summary>{content}</details>" if content else ""


def cards(values: Iterable[tuple[str, str, str]]) -> str:
    """Return the figures that are seen first, as (title, value, note)."""
    made = (
        f'<div class="card"><div class="title">{cell(title)}</div><div class="value">{cell(value)}</div>'
        f'<div class="note">{cell(note)}</div></div>'
        for title, value, note in values
    )
    return f'<div class="cards">{"".join(made)}</div>'


def badge(text: str, kind: str) -> Markup:
    """Return a word in a colour: good, bad, doubtful or plain."""
    return Markup(f'<span class="badge {kind}">{cell(text)}</span>')


def notices(lines: Iterable[str]) -> str:
    """Return what a reader must know."""
    made = "".join(f"<li>{cell(line)}</li>" for line in lines)
    return f'<ul class="notices">{made}</ul>' if made else ""


def plots(names: Sequence[tuple[str, str]]) -> str:
    """Return the places of plots, (id, title), with the list of what they can show."""
    wide = ' class="wide"'
    places = "".join(
        f"<figure{wide if n == 0 and len(names) % 2 else ''}><figcaption>{cell(title)}</figcaption>"
        f'<div class="plot" id="{name}"></div></figure>'
        for n, (name, title) in enumerate(names)
    )
    chooser = (
        '<div class="chooser"><label>Show <select id="subject"></select></label>'
        '<label><input type="checkbox" id="log"> logarithmic response times</label></div>'
    )
    return f'<section>{chooser}<div class="plots">{places}</div></section>'


def _table_cell(value: Any, kind: str) -> str:
    shown, key = value if isinstance(value, tuple) else (value, None)
    sort = "" if key is None else f' data-sort="{key:.10g}"'
    return f'<td class="{kind}"{sort}>{cell(shown)}</td>'


def _asset(name: str) -> str:
    return resources.files("locust_cw_dist.pages").joinpath("assets", name).read_text(encoding="utf-8")
