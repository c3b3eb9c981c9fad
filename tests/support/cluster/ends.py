"""Ends of processes that signals interrupt: which there are, and what must hold of each."""

from __future__ import annotations

import itertools
import json
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from locust_cw_dist.live.records.record_file import read_file
from locust_cw_dist.live.spool.resend import Resending
from locust_cw_dist.testing import LocalCloudwatch, ScriptedSink
from support.cluster.cluster import Cluster
from support.cluster.matrix import wait_for_requests
from support.cluster.ports import free_port
from support.cluster.processes import Process, wait_until

ROLES = ("single", "master")
WEATHERS = ("well", "slow", "away")
"""How CloudWatch is."""

BEGINNINGS = ("run time", "SIGINT", "SIGTERM", "SIGHUP")
"""What ends the test."""

FOLLOWERS = (
    "",
    "I",
    "i",
    "I I",
    "I I I",
    "T",
    "H",
    "T T T T T",
    "H i T",
    "T I",
    "I T H",
    "H I I",
    "I i I T i",
)
"""What comes during the end: I is a SIGINT that counts, i one right after it, T SIGTERM, H SIGHUP."""

MOMENTS = ("the end begins", "all is received")
"""When the first of them comes: before anything has been done, or as the last data is sent."""

NUMBERS = {"I": signal.SIGINT, "i": signal.SIGINT, "T": signal.SIGTERM, "H": signal.SIGHUP}

APART_S = 1.1
"""From one SIGINT to the next that counts."""

IN_SECONDS_S = 40.0
"""How soon a process must have ended after a ctrl-C: a few seconds, and what a busy machine adds."""

PATIENT_S = 120.0
"""What CloudWatch has at the end, where ctrl-C has to shorten it."""

LONG_S = 60


@dataclass(frozen=True)
class Interrupted:
    """One end of one process.

    Attributes:
        role: Of the process that gets the signals.
        weather: How CloudWatch is.
        has_spool: Whether what is not sent may go to disk.
        is_hung: Whether the disk of the record hangs.
        beginning: What ends the test.
        followers: What comes after that.
        moment: When.
    """

    role: str
    weather: str
    has_spool: bool
    is_hung: bool
    beginning: str
    followers: str
    moment: str

    def __str__(self) -> str:
        """Return what a test is called by."""
        disk = "-hung" if self.is_hung else ""
        spool = "-spool" if self.has_spool else ""
        return f"{self.role}-{self.weather}{spool}{disk}-{self.beginning}-{self.followers or 'none'}-{self.moment}"

    @property
    def interrupts(self) -> int:
        """How many of its signals count."""
        return self.followers.count("I")

    @property
    def is_possible(self) -> bool:
        """Whether it tells something: a disk that hangs takes its whole time where nobody presses ctrl-C."""
        return (self.interrupts > 0 or not self.is_hung) and (bool(self.followers) or self.moment == MOMENTS[0])


def all_ends() -> list[Interrupted]:
    """Return all of them."""
    ways = itertools.product(ROLES, WEATHERS, (False, True), (False, True), BEGINNINGS, FOLLOWERS, MOMENTS)
    return [end for end in itertools.starmap(Interrupted, ways) if end.is_possible]


def some_ends(count: int, seed: int) -> list[Interrupted]:
    """Return so many of them, in which each value of each kind occurs about as often as any other."""
    chance, ends = random.Random(seed), all_ends()
    chosen: list[Interrupted] = []
    while len(chosen) < count:
        # Of a few, the one whose values are rarest so far.
        chosen.append(min(chance.sample(ends, 20), key=lambda end: _familiarity(end, chosen)))
    return chosen


def _familiarity(end: Interrupted, chosen: list[Interrupted]) -> int:
    return sum(value == other for before in chosen for value, other in zip(_values(end), _values(before), strict=True))


def _values(end: Interrupted) -> tuple[object, ...]:
    return tuple(vars(end).values())


def play(end: Interrupted, cluster: Cluster, cloudwatch: LocalCloudwatch) -> Process:
    """Have a process end in this way; return it when it has ended."""
    process = _start(end, cluster, cloudwatch)
    if end.beginning != "run time":
        wait_for_requests(cluster, 20)
        process.signal(getattr(signal, end.beginning))
    pressed_s = time.monotonic()
    process.wait_for_log(end.moment)
    for follower in end.followers.split():
        if follower == "I":
            _wait_until(pressed_s + APART_S, process)
            pressed_s = time.monotonic()
        process.signal(NUMBERS[follower])
    process.wait(IN_SECONDS_S)
    return process


def _start(end: Interrupted, cluster: Cluster, cloudwatch: LocalCloudwatch) -> Process:
    cluster.locustfile = "trickle.py,plugin.py,marks_the_end.py" + (",hung_record.py" if end.is_hung else "")
    env = cloudwatch.env()
    if end.weather == "away":
        env |= {"AWS_ENDPOINT_URL_CLOUDWATCH": f"http://127.0.0.1:{free_port()}"}
    elif end.weather == "slow":
        cloudwatch.faults("latency", latency_s=PATIENT_S)
    options = ["--cw-rule", "max < 100 s", "--cw-junit", "junit.xml", "--cw-rules-json", "rules.json"]
    options += ["--cw-record", "records", "--cw-flush-timeout", str(PATIENT_S if end.interrupts else 3)]
    if end.has_spool:
        options += ["--cw-spool-dir", "spool"]
    run_time_s = 2 if end.beginning == "run time" else LONG_S
    if end.role == "single":
        return cluster.single(*options, env=env, run_time_s=run_time_s)
    return cluster.distributed(*options, workers=1, env=env, run_time_s=run_time_s)


def _wait_until(due_s: float, process: Process) -> None:
    wait_until(lambda: time.monotonic() >= due_s or process.exit_code is not None, "the time has come")


def assert_ended_in_order(end: Interrupted, cluster: Cluster, process: Process) -> None:
    """Assert that everything local was done, and that each result is published, on disk or counted with a reason.

    Unless the third ctrl-C ended the process at once.
    """
    cluster.assert_clean()
    if process.exit_code == -signal.SIGINT:
        assert end.interrupts >= 3, "no other signal ends a process where it stands"
        return
    summary = cluster.summary()
    cluster.assert_balanced()
    # After a ctrl-C, workers have three seconds: a machine may stall for longer.
    if end.interrupts and summary["unheard_workers"]:
        assert process.exit_code == 4
    else:
        # Who ends a run before its time has no reliable one.
        assert process.exit_code == (0 if end.beginning == "run time" else 4)
        _assert_kept(end, cluster, summary)
    assert "Aggregated" in process.log + process.out, "Locust prints its tables"
    assert "</testsuites>" in (cluster.folder / "junit.xml").read_text()
    (judged,) = json.loads((cluster.folder / "rules.json").read_text())["runs"]
    assert judged["verdict"]["state"] == summary["verdict"]["state"]
    if not end.is_hung:
        (path,) = (cluster.folder / "records").glob("*.cwrecord")
        record = read_file(path)
        assert record.has_ended
        assert sum(totals.count for totals in record.endpoints().values()) == summary["recorded"]


def _assert_kept(end: Interrupted, cluster: Cluster, summary: dict[str, Any]) -> None:
    """Assert that nothing is lost on the way, and that all that is not published is on disk, or counted without one."""
    assert (summary["recorded"], summary["pending"]) == (len(cluster.truth().requests), 0), summary
    unsent = summary["recorded"] - summary["published"]
    if end.weather != "well":
        assert summary["published"] == 0, summary
    elif not end.interrupts:
        assert (unsent, summary["complete"]) == (0, True), summary
    if end.has_spool:
        assert (summary["spooled"], summary["dropped"]) == (unsent, {}), summary
        assert _found(cluster.folder / "spool") == unsent, summary
    else:
        assert sum(summary["dropped"].values()) == unsent, summary


def _found(folder: Path) -> int:
    """Return how many results wait in a spool, as the next process finds them."""
    resending = Resending(folder, ScriptedSink(), resends_ambiguous=True)
    resending.look()
    return resending.found
