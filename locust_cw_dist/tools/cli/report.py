"""`locust-cw report`: a page about one run, from its record."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.tools.cli import records

_DESCRIPTION = """\
Make a page of a run record: one HTML file with plots (throughput, failures and their reasons, percentiles, users,
distributions, load generators) and tables. It asks the network for nothing and works in any browser, on a phone,
light and dark. Records are written by 'locust-cw run ... --cw-record FOLDER', or s3://BUCKET/PREFIX.
"""
_EPILOG = """\
examples:
  locust-cw report records/
      of the newest record there, to report.html
  locust-cw report records/20261124T112639Z-40b646e7.cwrecord -o checkout.html
  locust-cw report s3://perf-records/checkout/

exit code: 0 written, 1 the record can't be read or the page not be written, 2 a wrong option
"""


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "report",
        help="make an HTML page of a run record",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("record", type=records.place, metavar="RECORD", help=records.HELP)
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("report.html"), metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument(
        "--title", metavar="TEXT", help="what the page calls the run (default: its service and its labels)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the page.

    Raises:
        LocustCwError: The record can't be read, the page not be written, or plotly is missing.
    """
    from locust_cw_dist.pages.page import check_plotly
    from locust_cw_dist.tools.reporting.report import report
    from locust_cw_dist.tools.reporting.series import MAX_POINTS

    check_plotly()
    record = records.read_and_warn(arguments.record, MAX_POINTS)
    with records.progress("Drawing") as tick:
        page = report(record, arguments.title, tick)
    records.write(arguments.output, page)
    print(f"{printable(arguments.output)}: run {record.run_id}, {len(page) / 2**20:.1f} MiB")
    return 0
