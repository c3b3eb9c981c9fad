"""The package's imports, and a drawing of its rooms made from them: docs/architecture.svg.

    python tests/support/architecture_drawing.py            writes docs/architecture.svg

A room is a folder of `core`, `live` or `tools`, or whatever else stands at the top of a layer. Layers lie on each other
as bands; inside a band a room stands above each room that it imports. Arrows are drawn inside bands only, and only
where no longer path implies them; what a room imports from the bands below is written into its box.
"""

from __future__ import annotations

import ast
import textwrap
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path

import locust_cw_dist

PACKAGE = "locust_cw_dist"
ROOT = Path(locust_cw_dist.__file__).parent
DRAWING = Path(__file__).parents[2] / "docs" / "architecture.svg"

BANDS = {
    "tools: what people run beside a load test": {"tools", "testing", "local_cloudwatch"},
    "entrances: how the plugin gets into a Locust process": {
        *("__init__", "adapter", "auto", "run", "plugin"),
        "early_signals",
    },
    "live: what runs while a load test runs": {"live"},
    "settings and pages": {"settings", "pages"},
    "core: values in, values out": {"core"},
    "errors, what opens files, and the client that a user may pass": {"errors", "client", "regular_files"},
}
"""From the top down: what stands at the top of the package, by the band that it is drawn in."""

HOUSES = {"core", "live", "tools"}
"""What has rooms; all else is a room."""


@dataclass(frozen=True)
class Import:
    """One import: what, and whether it stands at the top of its module."""

    name: str
    is_top: bool


def imports_in(source):
    """All imports of a source; of ``from a import b``, both ``a`` and ``a.b``."""
    tree = ast.parse(source)
    top = {id(node) for node in tree.body}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        found |= {Import(name, id(node) in top) for name in names}
    return found


@cache
def modules():
    """Sources by module name, without the package's own."""
    paths = sorted(ROOT.rglob("*.py"))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text() for path in paths}


@cache
def ours(module):
    """The modules of this package that a module imports."""
    prefix = f"{PACKAGE}."
    found = {one.name.removeprefix(prefix) for one in imports_in(modules()[module]) if one.name.startswith(prefix)}
    return frozenset(found & modules().keys())


def room_of(module):
    """The room that a module is in; None for the `__init__` of a layer with rooms."""
    layer, *rest = module.split(".")
    if layer not in HOUSES:
        return layer
    return None if rest[0] == "__init__" else f"{layer}.{rest[0]}"


def rooms():
    """What each room imports, by room; both sorted."""
    found = defaultdict(set)
    for module in modules():
        here = room_of(module)
        if here is not None:
            found[here] |= {room_of(other) for other in ours(module)} - {here, None}
    return {room: sorted(found[room]) for room in sorted(found)}


def sizes():
    """Number of modules in each room, without their `__init__`."""
    return Counter(room_of(one) for one in modules() if not one.endswith(".__init__"))


# ---------------------------------------------------------------------------------------------------------- the layout

WIDTH = 1120
MARGIN = 20
BAND_HEAD = 34
BAND_GAP = 16
FLOOR_GAP = 40
BOX_WIDTH = 164
BOX_GAP = 14
LINE_HEIGHT = 13
CHARS_PER_LINE = 27
THREAD_WIDTH = 22
"""What an arrow takes where it passes a floor."""


@dataclass
class Place:
    """A box, or a bend of an arrow that passes a floor; `x` is its middle, `y` its top."""

    room: str | None
    floor: int
    lines: list[str] = field(default_factory=list)
    above: list[Place] = field(default_factory=list)
    below: list[Place] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self):
        return BOX_WIDTH if self.room else THREAD_WIDTH

    @property
    def height(self):
        return 30 + LINE_HEIGHT * len(self.lines) + (4 if self.lines else 0)


def reduced(graph):
    """The edges without those that a longer way makes needless."""

    def reach(room):
        return {room}.union(*(reach(other) for other in graph[room]))

    return {
        room: [one for one in others if not any(one in reach(other) for other in others if other != one)]
        for room, others in graph.items()
    }


def floors_of(graph):
    """How high each room stands: one floor above the highest that it imports."""
    known = {}

    def floor(room):
        if room not in known:
            known[room] = 1 + max((floor(other) for other in graph[room]), default=-1)
        return known[room]

    return {room: floor(room) for room in graph}


def raised(graph, floors):
    """Have each room that imports nothing here stand right below the lowest that imports it."""
    for room in sorted(graph, key=lambda one: -floors[one]):
        above = [floors[one] for one, others in graph.items() if room in others]
        if above:
            floors[room] = min(above) - 1
    return floors


def laid_out(graph, lines):
    """The floors of a band, the top one first, each a list of places from left to right."""
    graph = reduced(graph)
    floors = raised(graph, floors_of(graph))
    places = {room: Place(room, floors[room], lines[room]) for room in graph}
    grid = defaultdict(list)
    for place in places.values():
        grid[place.floor].append(place)
    for room, others in graph.items():
        for other in others:
            _connect(places[room], places[other], grid)
    ordered = [grid[floor] for floor in sorted(grid, reverse=True)]
    _untangle(ordered)
    return ordered


def _connect(upper, lower, grid):
    """Add an arrow, with a bend on each floor between."""
    here = upper
    for floor in range(upper.floor - 1, lower.floor, -1):
        bend = Place(None, floor)
        grid[floor].append(bend)
        here.below.append(bend)
        bend.above.append(here)
        here = bend
    here.below.append(lower)
    lower.above.append(here)


def _untangle(floors):
    """Put each place near the middle of its neighbours: down and up, and keep what crosses least."""
    best, fewest = [list(floor) for floor in floors], _crossings(floors)
    for sweep in range(24):
        downward = sweep % 2 == 0
        for floor, neighbours in _pairs(floors, downward):
            at = {id(place): index for index, place in enumerate(neighbours)}
            old = {id(place): index for index, place in enumerate(floor)}

            def middle(place, at=at, old=old, downward=downward):
                near = [at[id(one)] for one in (place.above if downward else place.below)]
                return sum(near) / len(near) if near else old[id(place)]

            floor.sort(key=middle)
        crossings = _crossings(floors)
        if crossings < fewest:
            best, fewest = [list(floor) for floor in floors], crossings
    floors[:] = best


def _pairs(floors, downward):
    return list(zip(floors[1:], floors, strict=False)) if downward else list(pairwise(floors))[::-1]


def _crossings(floors):
    crossings = 0
    for upper, lower in pairwise(floors):
        at = {id(place): index for index, place in enumerate(lower)}
        edges = [(index, at[id(one)]) for index, place in enumerate(upper) for one in place.below]
        crossings += sum((a - c) * (b - d) < 0 for a, b in edges for c, d in edges) // 2
    return crossings


def _spread(floors, top):
    """Give each place its coordinates; return where the lowest floor ends."""
    y = top
    for floor in floors:
        used = sum(place.width for place in floor) + BOX_GAP * (len(floor) - 1)
        gap = BOX_GAP + min(60.0, (WIDTH - 4 * MARGIN - used) / max(1, len(floor) + 1))
        x = (WIDTH - used - (gap - BOX_GAP) * (len(floor) - 1)) / 2
        for place in floor:
            place.x, place.y = x + place.width / 2, y
            x += place.width + gap
        y += max(place.height for place in floor if place.room) + FLOOR_GAP
    return y - FLOOR_GAP


# --------------------------------------------------------------------------------------------------------- the drawing

STYLE = """
svg { --paper:#ffffff; --ink:#1c2733; --faint:#5b6b7a; --line:#8494a4; --box:#ffffff; --edge:#b4c0cb;
  --b0:#f3eefb; --b1:#fdf2e3; --b2:#e8f3ec; --b3:#f4f4ec; --b4:#e7f0fa; --b5:#f1f1f1 }
@media (prefers-color-scheme: dark) {
  svg { --paper:#14181d; --ink:#e8edf2; --faint:#a3b0bd; --line:#7d8c9b; --box:#222a33; --edge:#4a5967;
    --b0:#241f2f; --b1:#2d2619; --b2:#1a2a21; --b3:#26261d; --b4:#19242f; --b5:#20242a } }
text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: var(--ink) }
.band { font-size: 14px; font-weight: 600 } .room { font-size: 13px; font-weight: 600 }
.from { font-size: 10.5px; fill: var(--faint) } .size { font-size: 10.5px; fill: var(--faint); text-anchor: end }
.box { fill: var(--box); stroke: var(--edge) } .arrow { fill: none; stroke: var(--line); stroke-width: 1.3 }
.head { fill: var(--line) }
"""


def _lines(room, imports, band):
    """What a room imports from other bands, as the lines of its box; `errors` is left out, anybody may import it."""
    by_layer = defaultdict(list)
    for other in imports:
        layer, _, name = other.partition(".")
        if layer not in band and layer != "errors":
            by_layer[layer].append(name)
    text = [f"{layer}: {', '.join(names)}" if names[0] else layer for layer, names in sorted(by_layer.items())]
    return [line for one in text for line in textwrap.wrap(one, CHARS_PER_LINE, subsequent_indent="  ")]


def _arrow(upper, lower):
    """The path from the bottom of a place to the top of the one below it; a bend is passed straight down."""
    begin = upper.y + (upper.height if upper.room else BEND_HEIGHT[id(upper)])
    end = lower.y - (7 if lower.room else 0)
    bow = (end - begin) / 2
    path = f"M{upper.x:.0f} {begin:.0f}C{upper.x:.0f} {begin + bow:.0f} {lower.x:.0f} {end - bow:.0f} "
    path += f"{lower.x:.0f} {end:.0f}"
    return path if lower.room else f"{path}V{lower.y + BEND_HEIGHT[id(lower)]:.0f}"


BEND_HEIGHT = {}
"""How high the floor is that an arrow passes, by bend."""


def _box(place, count):
    left, name = place.x - BOX_WIDTH / 2, place.room.rpartition(".")[2]
    yield f'<rect class="box" x="{left:.0f}" y="{place.y:.0f}" width="{BOX_WIDTH}" height="{place.height}" rx="6"/>'
    yield f'<text class="room" x="{left + 10:.0f}" y="{place.y + 20:.0f}">{escape(name)}</text>'
    if count > 1:
        yield f'<text class="size" x="{left + BOX_WIDTH - 9:.0f}" y="{place.y + 20:.0f}">{count}</text>'
    for number, line in enumerate(place.lines):
        indent = 18 if line.startswith(" ") else 10
        y = place.y + 36 + LINE_HEIGHT * number
        yield f'<text class="from" x="{left + indent:.0f}" y="{y:.0f}">{escape(line.strip())}</text>'


def _band(number, title, graph, lines, top):
    """One band's elements, and where it ends."""
    floors = laid_out(graph, lines)
    end = _spread(floors, top + BAND_HEAD) + 16
    for floor in floors:
        height = max(place.height for place in floor if place.room)
        BEND_HEIGHT.update({id(place): height for place in floor if not place.room})
    places = [place for floor in floors for place in floor]
    body = [
        (
            f'<rect x="{MARGIN}" y="{top:.0f}" width="{WIDTH - 2 * MARGIN}" height="{end - top:.0f}" rx="10" '
            f'fill="var(--b{number})"/>'
        ),
        f'<text class="band" x="{MARGIN + 14}" y="{top + 22:.0f}">{escape(title)}</text>',
    ]
    for place in places:
        for other in place.below:
            head = ' marker-end="url(#head)"' if other.room else ""
            body.append(f'<path class="arrow" d="{_arrow(place, other)}"{head}/>')
    counts = sizes()
    for place in places:
        if place.room:
            body.extend(_box(place, counts[place.room]))
    return body, end


def drawing():
    """The whole SVG; the same for the same imports."""
    BEND_HEIGHT.clear()
    everything, y, body = rooms(), float(MARGIN), []
    for number, (title, band) in enumerate(BANDS.items()):
        graph, lines = {}, {}
        for room, imports in everything.items():
            if room.partition(".")[0] in band:
                graph[room] = [one for one in imports if one.partition(".")[0] in band]
                lines[room] = _lines(room, imports, band)
        elements, end = _band(number, title, graph, lines, y)
        body += elements
        y = end + BAND_GAP
    height = round(y - BAND_GAP + MARGIN)
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
                f'width="{WIDTH}" height="{height}" role="img">'
            ),
            "<title>The rooms of locust_cw_dist, and what they import</title>",
            f"<style>{STYLE}</style>",
            (
                '<defs><marker id="head" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="7" markerHeight="7" '
                'orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>'
            ),
            f'<rect width="{WIDTH}" height="{height}" fill="var(--paper)"/>',
            *body,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    DRAWING.write_text(drawing())
