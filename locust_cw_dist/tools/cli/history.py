"""`locust-cw history`: the figures of many runs, and since when each is another."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.errors import LocustCwError
from locust_cw_dist.tools.cli import records
from locust_cw_dist.tools.comparison.figures import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust_cw_dist.core.records.location import S3Location
    from locust_cw_dist.core.summaries.sections import EndpointKey
    from locust_cw_dist.tools.comparison.figures import Figure
    from locust_cw_dist.tools.history.history import Change, History

MAX_COMPARISONS = 10
"""Pages of comparisons that are written: each takes as much as a report."""

_DESCRIPTION = """\
Show how p50, p95, p99, mean, failure ratio and requests per second went from run to run, and where they changed: by how
much, since which run and which commit. Reads a small summary beside each record, so thousands of runs take seconds.
"""
_EPILOG = """\
examples:
  locust-cw history records/
  locust-cw history s3://perf-records/checkout/ --label branch=main --endpoint /checkout
      since when is checkout slower on the main branch?
  locust-cw history records/ --by branch -o history.html --comparisons comparisons/
      a page; runs of each branch by themselves; and the comparison of the runs around each change
  locust-cw history records/ --format markdown >> "$GITHUB_STEP_SUMMARY"

exit code: 0 shown, 1 the records can't be read or the page not be written, 2 a wrong option
"""


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "history",
        help="show figures over many runs, and since when they changed",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("place", type=records.place, metavar="RECORDS", help="a folder of records, or s3://BUCKET/...")
    _add_choices(parser)
    _add_outputs(parser)
    parser.set_defaults(run=run)


def _add_choices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", default="", metavar="LABEL", help="runs with different values of it are no neighbours")
    parser.add_argument(
        "--label",
        type=records.label_of,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="only runs with this label; can be repeated",
    )
    parser.add_argument("--last", type=records.whole_number, default=0, metavar="N", help="only the newest N of these")
    parser.add_argument("--endpoint", default="", metavar="TEXT", help="only endpoints with this in method and name")
    parser.add_argument(
        "--figure", action="append", default=[], choices=tuple(BY_NAME), help="only this one; can be repeated"
    )
    parser.add_argument(
        "--min-change",
        type=records.number_in(1, 1000, "%"),
        default=5.0,
        metavar="PERCENT",
        help="smallest change that counts (default: 5)",
    )
    parser.add_argument(
        "--min-failures",
        type=records.number_in(0.01, 100, "percentage points"),
        default=0.5,
        metavar="POINTS",
        help="the same of the failure ratio (default: 0.5)",
    )


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format", choices=("text", "json", "markdown"), default="text", help="what is printed (default: text)"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write a page")
    parser.add_argument(
        "--comparisons",
        type=Path,
        metavar="FOLDER",
        help=f"with -o: write the comparisons of the runs around the newest {MAX_COMPARISONS} changes there",
    )
    parser.add_argument(
        "--cache", type=Path, metavar="FOLDER", help="for what was read of old records (~/.cache/locust-cw)"
    )
    parser.add_argument("--all", action="store_true", help="show all changes, not the first 20")


def run(arguments: argparse.Namespace) -> int:
    """Show the history.

    Raises:
        LocustCwError: The records can't be read, or the page not be written.
    """
    history = _read(arguments)
    if arguments.output is not None:
        _write_page(arguments, history)
    _print(arguments, history)
    return 0


def _read(arguments: argparse.Namespace) -> History:
    from locust_cw_dist.tools.comparison.compare import Choices
    from locust_cw_dist.tools.history.history import history_of
    from locust_cw_dist.tools.history.store import Cache, default_cache, has_labels, runs_in

    left_out: list[str] = []
    wants = _wants(arguments.endpoint, arguments.figure)
    with records.progress("Reading") as tick:
        runs = runs_in(arguments.place, Cache(arguments.cache or default_cache()), left_out, tick)
    if not runs and left_out:
        raise LocustCwError(left_out[0])
    fitting = [one for one in runs if has_labels(one, arguments.label)]
    choices = Choices(arguments.min_change, arguments.min_failures)
    return history_of(fitting[-arguments.last :], choices, by=arguments.by, wants=wants, left_out=left_out)


def _wants(part: str, figures: list[str]) -> Callable[[EndpointKey, Figure], bool]:
    from locust_cw_dist.tools.comparison.words import label

    return lambda endpoint, figure: part in label(endpoint) and (not figures or figure.name in figures)


def _print(arguments: argparse.Namespace, history: History) -> None:
    from locust_cw_dist.tools.comparison.terminal import make_console
    from locust_cw_dist.tools.history import forms

    if arguments.format == "json":
        print(json.dumps(forms.document_of(history), indent=2))
        return
    console = make_console()
    if arguments.format == "markdown":
        print(forms.markdown(history), end="")
        return
    for line in history.left_out:
        console.print(f"warning: {line}", soft_wrap=True, markup=False)
    forms.show(console, history, all_changes=arguments.all)


def _write_page(arguments: argparse.Namespace, history: History) -> None:
    from locust_cw_dist.tools.history.page import history_page

    links = {} if arguments.comparisons is None else _write_comparisons(arguments, history)
    page = history_page(history, arguments.output, links)
    records.write(arguments.output, page)


def _write_comparisons(arguments: argparse.Namespace, history: History) -> dict[Change, str]:
    """Write pages of the runs on both sides of the newest changes; return the links to them."""
    from locust_cw_dist.tools.history.page import changes_to_compare, relative_link

    folder = arguments.comparisons
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise LocustCwError(f"{printable(folder)}: {e.strerror or e}") from e
    links: dict[tuple[int, int], str] = {}
    with records.progress("Comparing") as tick:
        compared = changes_to_compare(history.changes, MAX_COMPARISONS)
        for number, change in enumerate(compared):
            runs = [history.runs[at] for at in (change.last_before, change.first_after)]
            path = folder / f"{'-'.join(one.summary.run_id for one in runs)}.html"
            records.write(path, _comparison(*(one.place for one in runs)))
            links[change.last_before, change.first_after] = relative_link(path, arguments.output)
            tick((number + 1) / len(compared))
    return {one: link for one in history.changes if (link := links.get((one.last_before, one.first_after)))}


def _comparison(base: Path | S3Location, candidate: Path | S3Location) -> str:
    from locust_cw_dist.tools.cli.compare import MAX_WINDOWS, outcome_of
    from locust_cw_dist.tools.comparison.compare import Choices
    from locust_cw_dist.tools.reporting.comparison import comparison_page

    left_out: list[str] = []
    before, after = (records.read(place, MAX_WINDOWS, left_out) for place in (base, candidate))
    return comparison_page(outcome_of([before], after, Choices(), left_out))
