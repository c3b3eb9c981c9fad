"""The benchmark: ``python -m bench``, with `tests` on the path; `tox -e bench` does that.

Prints a table, writes JSON, and exits with 1 when a target is missed by more than its noise.
"""

from __future__ import annotations

# Before anything else, as Locust's own command does.
import gevent.monkey

gevent.monkey.patch_all()

import argparse
import json
import logging
import sys
import time
from importlib import import_module
from pathlib import Path

from bench.figures import Figure, text
from bench.machine import describe

GROUPS = ("listener", "reports", "memory", "imports", "publisher", "hub", "load", "swarm")
FULL_GROUPS = ("growth",)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="more repetitions, and the long ones: half an hour")
    parser.add_argument("--only", action="append", choices=GROUPS + FULL_GROUPS, help="measure this group alone")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="file for the figures")
    parser.add_argument("--keep", action="store_true", help="keep what that file has of other groups")
    parser.add_argument("--docs", type=Path, help="folder whose performance.md and plot are to be written anew")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    figures: dict[str, Figure] = {}
    if options.keep and options.json.exists():
        figures = {told["name"]: Figure.from_json(told) for told in json.loads(options.json.read_text())["figures"]}
    document = {"machine": describe(), "full": options.full}
    for group in options.only or (GROUPS + FULL_GROUPS if options.full else GROUPS):
        begin_s = time.monotonic()
        measured = import_module(f"bench.{group}").figures(full=options.full)
        figures |= {figure.name: figure for figure in measured}
        # After each group: what comes next may fail.
        told = {"figures": [figure.as_json() for figure in figures.values()]}
        options.json.write_text(json.dumps(document | told, indent=1))
        print(f"{group}: {time.monotonic() - begin_s:.0f} s", file=sys.stderr, flush=True)
    print(text(list(figures.values())))
    if options.docs is not None:
        from bench.page import write_page

        write_page(options.docs, list(figures.values()), document["machine"])
    return int(any(figure.is_missed for figure in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
