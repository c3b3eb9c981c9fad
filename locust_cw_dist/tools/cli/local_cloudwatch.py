"""`locust-cw local-cloudwatch`: serve a local CloudWatch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from locust_cw_dist.local_cloudwatch.command import add_arguments, run

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the command; its `run` default serves and returns the exit code."""
    parser = subparsers.add_parser(
        "local-cloudwatch",
        help="serve a local CloudWatch that boto3 can talk to",
        description="Serve a local CloudWatch: every limit of PutMetricData, exact statistics, in memory.",
    )
    add_arguments(parser)
    parser.set_defaults(run=run)
