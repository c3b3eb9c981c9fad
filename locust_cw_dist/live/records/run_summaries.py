"""Summaries of runs, beside their records: small files that `locust-cw history` reads in place of the records.

Each is made once, by a child process, when the record is closed: computing it takes a second of a whole processor. A
run without one costs its reader that second, and nothing else; so nothing that goes wrong here matters to the test.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from locust_cw_dist.core.records.location import SUMMARY_SUFFIX
from locust_cw_dist.live.platform import child_process

logger = logging.getLogger("locust_cw_dist")

MODULE = "locust_cw_dist.tools.history.write"

TIMEOUT_S = 10.0
"""How long a summary may take; one of a hundred endpoints takes a second."""


def summarize(record: Path) -> Path | None:
    """Write the summary of a closed record beside it, and return its file; None if that did not go."""
    target = record.with_suffix(SUMMARY_SUFFIX)
    try:
        # -P: a user's folder has modules of any name, and the current one is where Python looks first with -m.
        command = [sys.executable, "-P", "-m", MODULE, str(record)]
        code, _ = child_process.run(command, os.environ, output=2, timeout_s=TIMEOUT_S)
        if code == 0:
            return target
    except OSError:
        pass
    logger.info("locust-cw: run %s has no summary for locust-cw history, which reads its record instead", record.stem)
    return None
