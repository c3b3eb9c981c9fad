"""LivePage: the page at /cloudwatch and the files that it loads, ready to be served.

The page is the same for everybody and does not change while a process runs: what it shows comes from the state. Each
file lies below a folder that is named after its content, so that a browser asks for it once:

    cloudwatch                                          the page
    cloudwatch/assets/3f0c9a51d2b7e864/live.js          of this package
    cloudwatch/assets/plotly-7.1.0/plotly.min.js        of the package plotly, if it is installed
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from locust_cw_dist.pages.page import (
    MISSING_PLOTLY,
    PLOTLY,
    STYLE_ID_WITHIN_BYTES,
    asset,
    fill,
    plotly_path,
    plotly_style_id,
)

STYLES = ("page.css", "live.css")
SCRIPTS = ("plot-style.js", "live.js", "live-plots.js", "live-table.js", "live-views.js", "live-words.js")
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

FOLDER = "cloudwatch/assets"
"""Where the files are, seen from the page: relative, so that it holds below any base path."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""Nothing inline, and nothing from elsewhere."""


@dataclass(frozen=True, slots=True)
class File:
    """What is served.

    Attributes:
        content_type: For the header.
        packed: The content, compressed with gzip.
    """

    content_type: str
    packed: bytes


class LivePage:
    """The page and its files; each is made when it is first asked for, and kept: 1.5 MB in all.

    Reads files, and compresses plotly's script for 150 ms and more: for a thread of its own, always the same.
    """

    @cached_property
    def page(self) -> File:
        """The page itself."""
        plotly = self._plotly
        values = {
            "assets": f"{FOLDER}/{self._folder}",
            "plotly": f"{FOLDER}/{plotly[0]}/{PLOTLY}" if plotly else None,
            "plotly_style_id": self._plotly_style_id(),
            "missing_plotly": MISSING_PLOTLY,
        }
        return _packed("text/html; charset=utf-8", fill("live.html.j2", values).encode())

    def file(self, folder: str, name: str) -> File | None:
        """Return a file that the page loads; None if there is none of this name, or its content is another one now."""
        if name in self._texts and folder == self._folder:
            return self._files[name]
        if self._plotly and (folder, name) == (self._plotly[0], PLOTLY):
            return self._packed_plotly
        return None

    @cached_property
    def _texts(self) -> dict[str, bytes]:
        return {name: asset(name).encode() for name in STYLES + SCRIPTS}

    @cached_property
    def _folder(self) -> str:
        return hashlib.sha256(b"\0".join(self._texts.values())).hexdigest()[:16]

    @cached_property
    def _files(self) -> dict[str, File]:
        return {name: _packed(TYPES[Path(name).suffix], text) for name, text in self._texts.items()}

    @cached_property
    def _plotly(self) -> tuple[str, Path] | None:
        """The folder of plotly's script and where it is on the disk; None where it is not installed."""
        path = plotly_path()
        return None if path is None else (f"plotly-{version('plotly')}", path)

    def _plotly_style_id(self) -> str | None:
        if self._plotly is None:
            return None
        with self._plotly[1].open("rb") as script:
            return plotly_style_id(script.read(STYLE_ID_WITHIN_BYTES))

    @cached_property
    def _packed_plotly(self) -> File | None:
        return _packed(TYPES[".js"], self._plotly[1].read_bytes()) if self._plotly else None


def _packed(content_type: str, content: bytes) -> File:
    # At the same content the same bytes: no time of packing in them.
    return File(content_type, gzip.compress(content, compresslevel=6, mtime=0))
