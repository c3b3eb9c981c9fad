"""The page: docs/performance.md with its table, and the plot of growth. What people wrote around the table stays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Figure, markdown

BEGIN, END = "<!-- figures: begin, made by tox -e bench -->", "<!-- figures: end -->"
PLOT = "performance-growth.svg"


def write_page(folder: Path, figures: Sequence[Figure], machine: dict[str, str]) -> None:
    """Replace the table in the page; draw the plot if its figures were measured."""
    page = folder / "performance.md"
    about = ", ".join(f"{name} {value}" for name, value in machine.items())
    block = f"{BEGIN}\n\nMachine: {about}.\n\n{markdown(figures)}\n\n{END}"
    # A function, so that nothing in the block is taken for a reference to a group.
    text = re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: block, page.read_text(), flags=re.DOTALL)
    page.write_text(text)
    growth = [figure for figure in figures if figure.name.startswith("growth_")]
    if growth:
        _draw(folder / PLOT, growth)


def _draw(file: Path, growth: Sequence[Figure]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "locust-cw-dist"  # the same figures make the same file
    from matplotlib import pyplot as plt

    _, axes = plt.subplots(1, len(growth), figsize=(5 * len(growth), 3.6), squeeze=False)
    for axis, figure in zip(axes[0], growth, strict=True):
        counts = figure.details["counts"]
        for key, label in (("locusts_percent", "Locust's own"), ("ours_percent", "ours")):
            axis.plot(counts, figure.details[key], marker="o", label=label)
        first = figure.details["ours_percent"][0]
        axis.plot(counts, [first * n / counts[0] for n in counts], ":", color="grey", label="ours, if linear")
        axis.set(xscale="log", yscale="log", xlabel=figure.name.removeprefix("growth_"), ylabel="% of one core, master")
        axis.grid(visible=True, which="both", alpha=0.3)
        axis.legend()
    plt.tight_layout()
    plt.savefig(file, metadata={"Date": None})
