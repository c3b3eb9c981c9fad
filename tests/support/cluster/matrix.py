"""What the tests of the matrix share: waiting for a run's progress, and comparing several runs."""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Any

from support.cluster.cluster import Cluster
from support.cluster.figures import assert_equal
from support.cluster.processes import wait_until

LOCUST_TOTAL = re.compile(r"^\s*Aggregated\s+(\d+)\s", re.MULTILINE)


def let_pass(seconds: float) -> None:
    """Wait, where the time that passes is what the row of the matrix is about."""
    threading.Event().wait(seconds)


def wait_for_requests(cluster: Cluster, more: int) -> None:
    """Wait until users have done so many requests more than now."""
    before = _lines(cluster)
    wait_until(lambda: _lines(cluster) >= before + more, f"{more} more requests")


def _lines(cluster: Cluster) -> int:
    return sum(path.read_bytes().count(b"\n") for path in (cluster.folder / "truth").iterdir())


def assert_exact_and_quiet(cluster: Cluster) -> None:
    """Assert what `Cluster.assert_exact` does, and that the plugin had nothing to warn of."""
    cluster.assert_exact()
    assert_quiet(cluster)


_OF_THE_RUN = re.compile(r" verdict: |: exit code 4:| (has|have) sent nothing for ")


def assert_quiet(cluster: Cluster) -> None:
    """Assert that the plugin logged no warning in any process, but for what it thinks of the run itself.

    A run that a signal ends is cut short, and so is its exit code; a busy machine makes it suspect, and has workers
    come late.
    """
    for process in cluster.processes.values():
        lines = re.findall(r".*/(?:WARNING|ERROR)/locust_cw_dist.*", process.log)
        assert [line for line in lines if not _OF_THE_RUN.search(line)] == [], process.name


def verdict(cluster: Cluster) -> Any:
    """Return what the plugin thinks of the one run that there is."""
    (summary,) = cluster.last_summaries()
    return summary["verdict"]


def assert_cut_short(cluster: Cluster, words: str) -> None:
    """Assert that the process that publishes said why its run was cut short, and why it ended with 4."""
    first = next(iter(cluster.processes.values()))
    assert first.exit_code == 4
    assert first.log_has(f"verdict: invalid: cut short: {words}")
    assert first.log_has("exit code 4: the run can't be relied on")
    assert verdict(cluster)["state"] == "invalid"


def assert_reliable(cluster: Cluster) -> None:
    """Assert that the exit code of the process that publishes is not the plugin's."""
    assert verdict(cluster)["state"] in {"valid", "suspect"}, "a busy machine may make it suspect"
    assert not next(iter(cluster.processes.values())).log_has("locust-cw: exit code")


def assert_exact_runs(cluster: Cluster, runs: int) -> None:
    """Assert that CloudWatch holds exactly what users did, and that each run got its own results, without a warning."""
    truth = cluster.truth()
    cluster.assert_clean()
    cluster.assert_balanced()
    summaries = cluster.last_summaries()
    recorded = Counter(request.run for request in truth.requests)
    assert [summary["recorded"] for summary in summaries] == [recorded[run] for run in range(1, runs + 1)]
    failed = Counter(request.run for request in truth.requests if request.failed)
    assert [summary["recorded_failures"] for summary in summaries] == [failed[run] for run in range(1, runs + 1)]
    assert all(summary["complete"] for summary in summaries), summaries
    cluster.assert_locust_has_no_more()
    assert_equal(truth.requests, cluster.published())
    assert_quiet(cluster)


def published_by_second(cluster: Cluster) -> Counter[int]:
    """Return how many requests CloudWatch holds for each second, of all together."""
    together = [one for one in cluster.published().named("RequestCount") if "Request" not in one.dimensions]
    return Counter({point.timestamp_s: int(point.total) for series in together for point in series.points})


def assert_within_a_second(times_s: Iterable[float], published: Counter[int]) -> None:
    """Assert that no request, of those that were done at `times_s`, is counted in a window more than a second off."""
    times_s = sorted(times_s)
    for second in published:
        until = sum(count for start_s, count in published.items() if start_s < second)
        assert bisect_left(times_s, second - 1) <= until <= bisect_left(times_s, second + 1)


def locust_total(cluster: Cluster) -> int | None:
    """Return the total that Locust itself printed in the process that publishes; None if it printed none."""
    process = next(iter(cluster.processes.values()))
    match = LOCUST_TOTAL.search(process.log + process.out)
    return int(match[1]) if match else None
