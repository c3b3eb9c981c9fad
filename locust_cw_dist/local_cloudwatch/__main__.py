"""`python -m locust_cw_dist.local_cloudwatch`: the local CloudWatch without the rest of the program."""

from __future__ import annotations

import argparse
import sys

from locust_cw_dist.local_cloudwatch.command import add_arguments, run


def main() -> int:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m locust_cw_dist.local_cloudwatch", description="Serve a local CloudWatch."
    )
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
