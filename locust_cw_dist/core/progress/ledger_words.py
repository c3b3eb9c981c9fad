"""The ledger in one sentence and as the parts of a bar; `assets/live-words.js` makes the same of a state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def ledger_sentence(ledger: Mapping[str, Any], status: str = "publishing") -> str:
    """Return what became of all results, in one sentence.

    For example: ``12,340 of 12,360 results are in CloudWatch, 20 on the way, none lost.``

    Args:
        ledger: `recorded`, `published`, `pending`, `spooled` and `lost` in results, `dropped` by reason.
        status: "off" where nothing is sent, and what is called published went nowhere; "dry run".
    """
    recorded, published = ledger["recorded"], ledger["published"]
    if not recorded:
        return "No results yet."
    results = f"{recorded:,} {'result' if recorded == 1 else 'results'}"
    if status == "off":
        return f"{results} counted, none of them sent to CloudWatch."
    counted = f"All {results}" if published == recorded else f"{published:,} of {results}"
    verb = "would be" if status == "dry run" else "is" if recorded == 1 else "are"
    rest = [f"{value:,} {where}" for _, value, where in _rest(ledger) if value]
    lost = "" if ledger["lost"] else ", none lost"
    return f"{', '.join([f'{counted} {verb} in CloudWatch', *rest])}{lost}."


def ledger_parts(ledger: Mapping[str, Any], status: str = "publishing") -> list[tuple[str, float, float]]:
    """Return the parts of a bar: their names in page.css, where they begin and how wide they are, in percent."""
    found: list[tuple[str, float, float]] = []
    start = 0.0
    for name, value in [("published", ledger["published"]), *((name, value) for name, value, _ in _rest(ledger))]:
        if value and status != "off":
            width = 100 * value / ledger["recorded"]
            found.append((name, start, width))
            start += width
    return found


def _rest(ledger: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    left_out = sum(ledger["dropped"].values()) - ledger["lost"]
    return [
        ("pending", ledger["pending"], "on the way"),
        ("spooled", ledger["spooled"], "on disk"),
        ("left-out", left_out, "left out"),
        ("lost", ledger["lost"], "lost"),
    ]
