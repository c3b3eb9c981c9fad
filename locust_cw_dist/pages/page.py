"""Page: fills a template with plain values; styles, numbers, plotly's script and ours go into the same file.

The HTML is in `templates/`. They escape all values but the styles and scripts that come with the program. A value that
a template uses and nobody gives is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from locust_cw_dist.errors import LocustCwError

if TYPE_CHECKING:
    from jinja2 import Environment

MISSING_PLOTLY = 'pages are drawn with plotly; install it with: pip install "plotly>=6.0"'

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Names of requests may hold one; UTF-8, and so a page, can't."""


class Sortable(NamedTuple):
    """A number in a table: what is shown, and the number that the column is sorted by."""

    text: str
    key: float


def check_plotly() -> None:
    """Find out whether pages can be drawn.

    Raises:
        LocustCwError: plotly is not installed; the message says how to install it.
    """
    from importlib.util import find_spec

    if find_spec("plotly") is None:
        raise LocustCwError(MISSING_PLOTLY)


def render(template: str, values: Mapping[str, Any], data: dict[str, Any]) -> str:
    """Return a whole page.

    Args:
        template: Its file in `templates/`.
        values: What the template shows: text, numbers, and lists and dicts of them.
        data: What the script draws: `series.page_data`.
    """
    from plotly.offline import get_plotlyjs

    return fill(template, {**values, "data": data, "plotly": get_plotlyjs()})


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Return what a template makes of values."""
    return LONE_SURROGATE.sub("\ufffd", _environment().get_template(template).render(values))


def asset(name: str) -> str:
    """Return the text of a file of `assets/`."""
    return resources.files("locust_cw_dist.pages").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("locust_cw_dist.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: "" if value is None else value,
    )
    found.globals["asset"] = asset
    found.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return found
