"""`locust-cw report`: what there is to say about one run, from its record: a page, Markdown, JSON, CSV or text."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.tools.cli import records

if TYPE_CHECKING:
    from locust_cw_dist.core.records.record import Record
    from locust_cw_dist.tools.comparison.outcome import Outcome

HTML = "html"
FORMATS = {HTML: ".html", "markdown": ".md", "json": ".json", "csv": ".csv", "text": ".txt"}
"""What can be asked for, and how the names of such files end."""

WITHOUT_BASELINE = (HTML, "csv")

STANDARD_OUTPUT = "-"
DEFAULT_PAGE = "report.html"

_DESCRIPTION = """\
Report one run from its record: whether it passed and why, how far the measurement can be trusted, its rules and its
endpoints. As a page it has plots, too: one HTML file that needs no network and works in any browser, on
a phone, light and dark. Markdown is for a pull request or the summary of a job: at most 60 lines. Records are written
by 'locust-cw run ... --cw-record FOLDER', or s3://BUCKET/PREFIX.
"""
_EPILOG = """\
examples:
  locust-cw report records/
      of the newest record there, to report.html
  locust-cw report records/ --open
      the same, and shows it in your browser
  locust-cw report records/20261124T112639Z-40b646e7.cwrecord -o checkout.html --title "Checkout, release 4"
  locust-cw report records/ --format markdown --baseline last/ >> "$GITHUB_STEP_SUMMARY"
  locust-cw report s3://perf-records/checkout/ -o endpoints.csv

exit code: 0 written, 1 the record can't be read or the file not be written, 2 a wrong option
"""


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "report",
        help="make a page, Markdown, JSON, CSV or text of a run record",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("record", type=records.place, metavar="RECORD", help=records.HELP)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help=f"- is standard output (default: {DEFAULT_PAGE} for a page, else standard output)",
    )
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        help=f"{', '.join(FORMATS)} (default: what FILE ends with: {', '.join(FORMATS.values())}; else {HTML})",
    )
    parser.add_argument("--title", metavar="TEXT", help="what to call the run (default: its service and its labels)")
    parser.add_argument(
        "--baseline",
        type=records.place,
        metavar="RECORD",
        help="Markdown, JSON and text: add what changed since that run, as 'locust-cw compare' finds it",
    )
    parser.add_argument("--open", action="store_true", help="show the page in your browser")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the report.

    Raises:
        LocustCwError: A record can't be read, or the file not be written.
    """
    form = arguments.format or _form_of(arguments.output)
    output = arguments.output or (DEFAULT_PAGE if form == HTML else STANDARD_OUTPUT)
    _check(arguments, form, output)
    text, run_id = _make(arguments, form)
    if output == STANDARD_OUTPUT:
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        return 0
    records.write(Path(output), text)
    print(f"{printable(output)}: run {run_id}, {len(text) / 2**20:.1f} MiB")
    if arguments.open:
        _open(Path(output))
    return 0


def _form_of(output: str | None) -> str:
    """Return the format that the name of a file asks for."""
    endings = {ending: form for form, ending in FORMATS.items()}
    return endings.get(Path(output or DEFAULT_PAGE).suffix.lower(), HTML)


def _check(arguments: argparse.Namespace, form: str, output: str) -> None:
    if arguments.open and (form != HTML or output == STANDARD_OUTPUT):
        raise SettingsError(f"got {form} to {printable(output)}, must be a page in a file", setting="--open")
    if arguments.baseline is not None and form in WITHOUT_BASELINE:
        raise SettingsError(
            f"got {form}, must be together with --format markdown, json or text; "
            "'locust-cw compare --html' makes a page",
            setting="--baseline",
        )


def _make(arguments: argparse.Namespace, form: str) -> tuple[str, str]:
    """Return the report and the run's id."""
    from locust_cw_dist.tools.reporting.series import MAX_POINTS

    if form == HTML:
        from locust_cw_dist.tools.reporting.report import report

        record = records.read_and_warn(arguments.record, MAX_POINTS)
        with records.progress("Drawing") as tick:
            return report(record, arguments.title, tick), record.run_id
    from locust_cw_dist.tools.reporting.forms import as_csv, as_json, as_text
    from locust_cw_dist.tools.reporting.markdown import as_markdown
    from locust_cw_dist.tools.reporting.run_facts import RunFacts

    record = records.read_and_warn(arguments.record, records.COMPARED_POINTS)
    facts = RunFacts.of(record, arguments.title)
    if form == "csv":
        return as_csv(facts), record.run_id
    changes = None if arguments.baseline is None else _changes(arguments.baseline, record)
    maker = {"markdown": as_markdown, "json": as_json, "text": as_text}[form]
    return maker(facts, changes), record.run_id


def _changes(baseline: Any, record: Record) -> Outcome:
    from locust_cw_dist.tools.cli.compare import outcome_of
    from locust_cw_dist.tools.comparison.compare import Choices

    return outcome_of([records.read_and_warn(baseline, records.COMPARED_POINTS)], record, Choices())


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        print("locust-cw report: warning: there is no browser here to open it", file=sys.stderr)
