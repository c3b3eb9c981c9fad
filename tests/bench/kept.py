"""Kept: which figures of an earlier run may stand beside new ones, and whether the page has all that it needs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bench.figures import Figure

GROUPS = ("listener", "reports", "memory", "imports", "ends", "publisher", "hub", "watching", "load", "swarm")
FULL_GROUPS = ("growth", "tools")


class RefusalError(Exception):
    """What was asked for would tell an untruth."""


def kept_figures(document: Mapping[str, Any], machine: Mapping[str, str], measured: Collection[str]) -> list[Figure]:
    """Return the figures of a file but for those of the groups that are measured now.

    Raises:
        RefusalError: They were measured on another machine, or with other packages.
    """
    before = document.get("machine", {})
    differences = [
        f"{name} {before.get(name, 'unknown')} and not {machine.get(name, 'unknown')}"
        for name in sorted({*before, *machine} - {"date"})
        if before.get(name) != machine.get(name)
    ]
    if differences:
        message = f"--keep: the figures of the file are of another machine: {', '.join(differences)}"
        raise RefusalError(message)
    figures = map(Figure.from_json, document.get("figures", ()))
    return [figure for figure in figures if figure.group not in measured]


def in_order(figures: Sequence[Figure]) -> list[Figure]:
    """Return figures in the order of their groups, whichever were measured first."""
    order = (*GROUPS, *FULL_GROUPS)
    return sorted(figures, key=lambda figure: order.index(figure.group) if figure.group in order else len(order))


def check_complete(kept: Sequence[Figure], measured: Collection[str]) -> None:
    """See that there are figures of each group.

    Raises:
        RefusalError: There are not.
    """
    there = {figure.group for figure in kept} | set(measured)
    if missing := [group for group in GROUPS + FULL_GROUPS if group not in there]:
        message = f"--docs: the page needs figures of all groups, and there are none of {', '.join(missing)}"
        raise RefusalError(message)
