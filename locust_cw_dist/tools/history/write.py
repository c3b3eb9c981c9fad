"""Writes the summary of a record beside it: `python -m locust_cw_dist.tools.history.write RECORD`."""

from __future__ import annotations

import sys
from pathlib import Path

from locust_cw_dist.core.records.location import SUMMARY_SUFFIX
from locust_cw_dist.live.platform.files import write_whole
from locust_cw_dist.live.records.record_file import read_file
from locust_cw_dist.tools.history.summary import MAX_WINDOWS, pack, summary_of


def write_beside(record: Path) -> None:
    """Write the summary of a record.

    Raises:
        LocustCwError: The record can't be read.
        OSError: The disk did not take the summary.
    """
    size_bytes = record.stat().st_size
    # Whoever may read the record may read this.
    mode = record.stat().st_mode & 0o666
    write_whole(record.with_suffix(SUMMARY_SUFFIX), pack(summary_of(read_file(record, MAX_WINDOWS)), size_bytes), mode)


if __name__ == "__main__":
    write_beside(Path(sys.argv[1]))
