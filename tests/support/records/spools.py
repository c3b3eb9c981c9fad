"""Spool folders as processes that were killed leave them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from locust_cw_dist.core.publish.datums import Datum, Distribution
from locust_cw_dist.core.publish.ledger import Account, RunLedger
from locust_cw_dist.core.publish.window_datums import Claim, Entry
from locust_cw_dist.core.spool.batch_file import SpooledBatch, pack
from locust_cw_dist.live.spool.folder import Spool

NAMESPACE = "perf/spooled/loadtests"


def batch(run_id: str, results: int, *, request: str = "/a", age_s: float = 60, namespace: str = NAMESPACE) -> bytes:
    """Return the file of a batch that brings so many results of one endpoint."""
    dimensions = (("Request", request), ("Method", "GET"), ("Host", "-"))
    timestamp_s = int(time.time() - age_s)
    account = Account(RunLedger(run_id), results, 1)
    datum = Datum("RequestCount", dimensions, timestamp_s, "Count", 1, Distribution((1,), (results,)))
    # Beside it one that no result depends on.
    users = Datum("Users", (), timestamp_s, "Count", 1, 5)
    return pack(SpooledBatch.of(namespace, [Entry(datum, (Claim(account, results),)), Entry(users)]))


def leave(folder: Path, name: str, contents: Iterable[bytes], *, trying: Iterable[int] = ()) -> list[Path]:
    """Leave batches in a spool as the process `name`, which is gone then; return their files.

    Args:
        folder: The spool.
        name: The process.
        contents: What the files hold.
        trying: Numbers of those, from 0, that were being sent.
    """
    spool = Spool(folder, name)
    spool.open()
    marked = set(trying)
    paths = [spool.put(content, trying=number in marked) for number, content in enumerate(contents)]
    spool.close()
    assert None not in paths
    return [path for path in paths if path is not None]
