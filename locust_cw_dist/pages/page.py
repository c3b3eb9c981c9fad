"""Page: fills a template with plain values; styles, numbers, plotly's script and ours go into the same file.

The HTML is in `templates/`. They escape all values but the styles and scripts that come with the program. A value that
a template uses and nobody gives is an error.

A page in a file asks the network for nothing. Its policy names each script and style by its hash, so that nothing else
of it can run. Plotly's script, 4.8 MB, and the numbers are deflated in it, and inflated by the browser.
"""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jinja2 import Environment

MISSING_PLOTLY = 'plots are drawn with plotly, the extra "report"; install it with: pip install "plotly>=6.0"'

PLOTLY = "plotly.min.js"

STYLES = ("page.css",)
FRAME = ("tables.js", "plot-style.js", "packed.js")
"""Scripts of each page in a file, in this order."""

CHARTS = ("plots.js", "charts.js")
"""Those that draw one run, or several beside each other."""

POLICY = "default-src 'none'; script-src {scripts}; style-src {styles}; img-src data: blob:; base-uri 'none'"

STYLE_ID = re.compile(rb'getElementById\("([0-9a-f]{64})"\)')
STYLE_ID_WITHIN_BYTES = 2**20
"""Plotly puts a style for maps into the page, which a policy without inline styles refuses, unless there is an element
with this id already. Where no such id is found, the browser complains on its console, and all else is the same."""

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Names of requests may hold one; UTF-8, and so a page, can't."""


class Sortable(NamedTuple):
    """A number in a table: what is shown, and the number that the column is sorted by."""

    text: str
    key: float


class Packed(NamedTuple):
    """What the browser inflates: deflated by zlib, in base64."""

    text: str

    @classmethod
    def of(cls, content: bytes) -> Packed:
        """Pack something."""
        return cls(b64encode(zlib.compress(content, 9)).decode())


class Plotly(NamedTuple):
    """Plotly's script, as a page in a file has it.

    Attributes:
        packed: The script.
        hash: What the policy calls it.
        style_id: The id of the element that keeps it from making styles of its own, if it is known.
    """

    packed: str
    hash: str
    style_id: str | None


def render(template: str, values: Mapping[str, Any], data: dict[str, Any], drawing: tuple[str, ...] = CHARTS) -> str:
    """Return a whole page; without plotly it has everything but plots.

    Args:
        template: Its file in `templates/`.
        values: What the template shows: text, numbers, and lists and dicts of them.
        data: What the scripts draw.
        drawing: The scripts that draw it, files of `assets/`.
    """
    style, script, plotly = "".join(map(asset, STYLES)), "".join(map(asset, (*FRAME, *drawing))), _plotly()
    scripts = [_hash(script.encode()), *([plotly.hash] if plotly else [])]
    frame = {
        "policy": POLICY.format(scripts=" ".join(scripts), styles=_hash(style.encode())),
        "style": style,
        "script": script,
        "plotly": plotly,
        "data": Packed.of(json.dumps(data, separators=(",", ":")).encode()).text,
        "missing_plotly": MISSING_PLOTLY,
    }
    return fill(template, {**values, **frame})


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Return what a template makes of values."""
    return LONE_SURROGATE.sub("\ufffd", _environment().get_template(template).render(values))


def asset(name: str) -> str:
    """Return the text of a file of `assets/`."""
    return resources.files("locust_cw_dist.pages").joinpath("assets", name).read_text(encoding="utf-8")


def plotly_path() -> Path | None:
    """Return where plotly's script is on the disk; None where it is not installed."""
    # Found and not imported: that would take longer than all the rest.
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "package_data" / PLOTLY


def plotly_style_id(script: bytes) -> str | None:
    """Return the id of the element that keeps plotly from making styles of its own."""
    found = STYLE_ID.search(script[:STYLE_ID_WITHIN_BYTES])
    return found[1].decode() if found else None


def _plotly() -> Plotly | None:
    path = plotly_path()
    if path is None:
        return None
    script = path.read_bytes()
    return Plotly(Packed.of(script).text, _hash(script), plotly_style_id(script))


def _hash(content: bytes) -> str:
    return f"'sha256-{b64encode(sha256(content).digest()).decode()}'"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("locust_cw_dist.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: "" if value is None else value,
    )
