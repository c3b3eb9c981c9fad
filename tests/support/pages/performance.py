"""docs/performance.md taken apart: its table of figures."""

from __future__ import annotations

import re

from support.pages.readme import ROOT

PAGE = ROOT / "docs" / "performance.md"

NUMBER = r"([\d.]+)"


def measured(what: str) -> float:
    """Return what was measured in the one row whose first cell matches `what` as a whole."""
    return float(re.match(NUMBER, _row(what)[1])[1])


def told(what: str, pattern: str) -> float:
    """Return the number that `pattern` finds in the first cell of the one row that matches `what`."""
    return float(re.search(pattern, _row(what)[0])[1])


def _row(what: str) -> list[str]:
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    (found,) = [cells for cells in rows if re.fullmatch(what, cells[0])]
    return found
