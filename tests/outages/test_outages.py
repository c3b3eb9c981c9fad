"""CloudWatch goes away in the middle of a run, and the master may be killed meanwhile."""

from __future__ import annotations

import random
import re
import signal
import sys
import time

import pytest

from support.cluster.matrix import assert_within_a_second, let_pass, published_by_second
from support.cluster.processes import wait_until

pytestmark = pytest.mark.once

OUTAGE_S = 60

LONG, LONG_OUTAGE_S = (0, 1), 22
"""Which of the outages are so long that what is not safe meanwhile shows."""

BY_DAY = (0, 1, 2, 5, 6, 7)
"""Seeds with both lengths and each kind of outage."""

RESEND = (sys.executable, "-m", "locust_cw_dist.tools.cli.main", "resend")


@pytest.mark.slow
@pytest.mark.parametrize("spool", [False, True], ids=["memory", "spool"])
def test_an_outage_of_a_minute_in_the_middle_of_a_run(cluster, cloudwatch, tmp_path, spool):
    options = ["--cw-spool-dir", str(tmp_path / "spool")] if spool else []
    master = cluster.distributed(*options, run_time_s=OUTAGE_S + 15)
    wait_until(lambda: cluster.published().named("RequestCount"), "the first window is there")
    refused_before = sum(cloudwatch.stats().refusals.values())
    cloudwatch.faults("server_error", status=503)
    let_pass(OUTAGE_S)
    refused = sum(cloudwatch.stats().refusals.values()) - refused_before
    cloudwatch.clear_faults()
    cluster.wait(60)
    cluster.assert_exact()
    assert master.log.count("retrying, nothing is lost yet") == 1
    assert refused < 40, "one try at a time, with pauses that grow"
    assert_within_a_second((request.at_s for request in cluster.truth().requests), published_by_second(cluster))


@pytest.mark.parametrize(
    "seed", [seed if seed in BY_DAY else pytest.param(seed, marks=pytest.mark.night) for seed in range(20)]
)
def test_a_master_that_is_killed_in_an_outage(cluster, cloudwatch, tmp_path, seed):
    """What it had closed and tried once is published by the next, once; up to when that is so is said."""
    chance = random.Random(seed)
    folder = str(tmp_path / "spool")
    master = cluster.distributed("--cw-spool-dir", folder, "--cw-grace", "3", users=4, run_time_s=60)
    wait_until(lambda: cluster.published().named("RequestCount"), "the first window is there")
    kind = chance.choice(["server_error", "throttling", "access_denied"])
    before = cloudwatch.stats().faults.get(kind, 0)
    cloudwatch.faults(kind)
    wait_until(lambda: cloudwatch.stats().faults.get(kind, 0) > before, "the outage begins")
    let_pass(LONG_OUTAGE_S if seed in LONG else chance.uniform(0, 6))
    killed_s = time.time()
    for process in (master, *(cluster.processes[name] for name in ("worker-1", "worker-2"))):
        process.signal(signal.SIGKILL)
        process.wait()
    cloudwatch.clear_faults()
    first = cluster.start("resend", [*RESEND, folder], cloudwatch.env())
    assert first.wait() == 0
    again = cluster.start("again", [*RESEND, folder], cloudwatch.env())
    assert again.wait() == 0
    assert "nothing to send" in again.out

    published = published_by_second(cluster)
    times_s = sorted(request.at_s for request in cluster.truth().requests)
    complete_until_s = _complete_until_s(first.out, times_s[-1])
    assert_within_a_second(times_s, {second: n for second, n in published.items() if second < complete_until_s - 1})
    assert sum(published.values()) <= len(times_s)
    # Nominal are 7 s; a machine that is busy adds to it.
    assert killed_s - complete_until_s < 16, "at most the open windows and those in their first try"
    cluster.assert_clean()


def _complete_until_s(out, near_s):
    """The time up to which everything is said to be safe, as seconds since the epoch; `near_s` tells the day."""
    (text,) = re.findall(r"was killed: .*, and all recorded after (\d\d:\d\d:\d\d)Z", out)
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    midnight_s = near_s // 86400 * 86400
    return midnight_s + hours * 3600 + minutes * 60 + seconds
