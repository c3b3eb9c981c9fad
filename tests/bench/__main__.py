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
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from bench.figures import Figure, text
from bench.kept import FULL_GROUPS, GROUPS, RefusalError, check_complete, in_order, kept_figures
from bench.machine import describe


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="more repetitions, and the long ones: most of an hour")
    parser.add_argument("--only", action="append", choices=GROUPS + FULL_GROUPS, help="measure this group alone")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="file for the figures")
    parser.add_argument("--keep", action="store_true", help="keep what that file has of other groups")
    parser.add_argument("--docs", type=Path, help="folder whose performance.md and plot are to be written anew")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    groups = options.only or (GROUPS + FULL_GROUPS if options.full else GROUPS)
    document = {"machine": describe(), "full": options.full}
    try:
        figures = _kept(options, document["machine"], groups)
    except RefusalError as refusal:
        print(f"bench: {refusal}", file=sys.stderr)
        return 2
    for group in groups:
        begin_s = time.monotonic()
        measured = import_module(f"bench.{group}").figures(full=options.full)
        figures += [replace(figure, group=group) for figure in measured]
        # After each group: what comes next may fail.
        told = {"figures": [figure.as_json() for figure in in_order(figures)]}
        options.json.write_text(json.dumps(document | told, indent=1))
        print(f"{group}: {time.monotonic() - begin_s:.0f} s", file=sys.stderr, flush=True)
    print(text(in_order(figures)))
    if options.docs is not None:
        from bench.page import write_page

        write_page(options.docs, in_order(figures), document["machine"])
    return int(any(figure.is_missed for figure in figures))


def _kept(options: argparse.Namespace, machine: dict[str, str], groups: Sequence[str]) -> list[Figure]:
    kept = []
    if options.keep and options.json.exists():
        kept = kept_figures(json.loads(options.json.read_text()), machine, groups)
    if options.docs is not None:
        check_complete(kept, groups)
    return kept


if __name__ == "__main__":
    sys.exit(main())
