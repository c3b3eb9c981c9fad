"""Makes the pictures of the page at /cloudwatch that the documentation shows.

    python tests/support/screenshots.py docs/pictures [png]

It needs chromium (`python tests/support/system_packages.py browser`) and the extra `report`.
"""

from __future__ import annotations

import locust  # noqa: F401 - patches, before anything else is imported

# isort: split
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.live_page import LivePageServer, endpoints, made_up_state
from support.pages.browser import DESKTOP, PHONE, Browser

NOW_S = 1_796_124_519.0
"""Pictures of one state are alike whenever they are made."""


ABOVE = (1400, 1380)
"""As much of the page as says how the test goes: the status, the figures, the rules and the plots."""

TO_ENDPOINTS = "document.getElementById('endpoints-title').closest('section').scrollIntoView()"


def views() -> dict[str, tuple[dict[str, Any], dict[str, Any], str]]:
    """Return the state of each picture, how it is looked at, and what to do first."""
    shop = made_up_state(now_s=NOW_S)
    many = made_up_state(endpoints(500), workers=200, now_s=NOW_S)
    return {
        "live-light": (shop, {"size": ABOVE}, ""),
        "live-dark": (shop, {"size": ABOVE, "dark": True}, ""),
        "live-phone": (shop, {"size": PHONE}, ""),
        "live-500-endpoints": (many, {"size": DESKTOP}, TO_ENDPOINTS),
    }


def main(folder: str, kind: str = "webp") -> None:
    with tempfile.TemporaryDirectory() as profile, Browser(Path(profile)) as browser:
        for name, (state, look, first) in views().items():
            with LivePageServer(state) as server:
                browser.open(server.address, **look)
                browser.wait_for("document.body?.dataset.drawn")
                browser.value(first)
                file = Path(folder) / f"{name}.{kind}"
                browser.screenshot(file, whole=False)
                print(f"{file}: {file.stat().st_size / 1000:.0f} kB")
        for complaint in browser.complaints:
            print(complaint, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
