"""MissingPlugins: the workers whose results are all missing, since they don't run this plugin in this version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from typing import Any

from locust_cw_dist.core.wire.frame import WIRE_VERSION
from locust_cw_dist.live.platform.log_once import LogOnce

REPORTS_WITHOUT_PLUGIN = 3
TIME_WITHOUT_PLUGIN_S = 5.0
"""Locust reports without anything of ours, and the time from the first to the last of them, after which a worker is
said to lack the plugin: the first one or two may leave before the worker's `init` event has installed it, and more
where a locustfile makes workers report more often than every 3 s."""

MAX_STRANGERS = 1000
"""Workers without the plugin that are remembered: ids are whatever a message says."""

_ADVICE = "install the same version of locust-cw-dist on every worker"

USER_COUNTS = "user_classes_count"
"""What Locust's master reads of each report."""


def mend_early_report(report: dict[str, Any]) -> bool:
    """Return whether a worker sent this report before its `init` event; what Locust's master reads is there then.

    On a busy machine a worker may be told to quit while it still connects. It sends a last report, without the counts
    of users that it would add when it has connected. Locust's own listener on the master fails at that (2.47), and the
    run ends with exit code 2: all the more often as we read late reports that Locust alone would leave.
    """
    is_early = USER_COUNTS not in report
    if is_early:
        report[USER_COUNTS] = {}
    return is_early


class MissingPlugins:
    """Finds them by their reports, and says each once.

    Attributes:
        workers: Their ids.
    """

    def __init__(self, once: LogOnce) -> None:
        """Know of none."""
        self.workers: set[str] = set()
        self._once = once
        self._reports: Counter[str] = Counter()
        self._since_s: dict[str, float] = {}

    def note_bare_report(self, worker_id: str, now_s: float) -> None:
        """Note a report of Locust's with nothing of ours in it."""
        if worker_id not in self._reports and len(self._reports) >= MAX_STRANGERS:
            return
        self._reports[worker_id] += 1
        bare_s = now_s - self._since_s.setdefault(worker_id, now_s)
        if self._reports[worker_id] >= REPORTS_WITHOUT_PLUGIN and bare_s >= TIME_WITHOUT_PLUGIN_S:
            self._add(worker_id)

    def note_end(self, heard: AbstractSet[str]) -> None:
        """At the end a single bare report is enough: a worker with the plugin has been heard by then."""
        for worker_id in self._reports.keys() - heard - self.workers:
            self._add(worker_id)

    def note_other_version(self, worker_id: str, version: int | None) -> None:
        """Note a worker that speaks another wire version."""
        if len(self.workers) >= MAX_STRANGERS:
            return
        self.workers.add(worker_id)
        self._once.warning_of(
            worker_id,
            "version",
            "locust-cw: worker %s has wire version %s, this master reads %s: its results are missing in CloudWatch; %s",
            worker_id,
            version,
            WIRE_VERSION,
            _ADVICE,
        )

    def _add(self, worker_id: str) -> None:
        self.workers.add(worker_id)
        self._once.warning_of(
            worker_id,
            "bare",
            "locust-cw: worker %s does not run this plugin: its results are missing in CloudWatch; %s",
            worker_id,
            _ADVICE,
        )
