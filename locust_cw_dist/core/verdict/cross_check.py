"""CrossCheck: Locust's own totals of a run, beside what was recorded of it.

More recorded than Locust has is normal: Locust's totals lose results at the end of a distributed run, and a failure
whose response time is `nan`. Fewer is not: something was counted by Locust and never reached the `request` event, or
this plugin was not there when it did. Requests and failures are compared each by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from locust_cw_dist.core.names.plural import plural
from locust_cw_dist.core.summaries.totals import NO_TOTALS, Totals


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """Locust's totals against ours.

    Attributes:
        recorded: What was recorded, before anything was left out or grouped.
        locust: Locust's totals; None where they can't be compared.
        why: Why they can't be compared; empty where they can.
        others: What Locust's totals may hold of other runs.
        waiting: Results of this process that are not among those recorded yet, each of which may have failed: users may
            go on while a process ends.
    """

    recorded: Totals = NO_TOTALS
    locust: Totals | None = None
    why: str = "not compared"
    others: Totals = NO_TOTALS
    waiting: int = 0

    @property
    def missing(self) -> Totals:
        """What Locust surely counted and was not recorded; zeros where that can't be known."""
        locust, recorded, others = self.locust or Totals(), self.recorded, self.others
        return Totals(
            max(0, locust.requests - recorded.requests - others.requests - self.waiting),
            max(0, locust.failures - recorded.failures - others.failures - self.waiting),
        )

    @property
    def finds_missing(self) -> bool:
        """Whether Locust counted more."""
        return self.missing != Totals()

    @property
    def text(self) -> str:
        """Say what is missing, as a sentence without an end; only where something is."""
        missing = self.missing
        kinds = ((missing.requests, "request"), (missing.failures, "failure"))
        what = " and ".join(_counted(count, kind) for count, kind in kinds if count)
        return f"Locust counted {what} more than recorded"

    def lines(self, causes: list[str]) -> list[str]:
        """Return the part of the block for people; nothing where nothing is missing."""
        if self.locust is None or not self.finds_missing:
            return []
        numbers = f"{_both(self.locust)}; recorded: {_both(self.recorded)}"
        return [f"  {self.text} (Locust: {numbers})", *(f"  likely cause: {cause}" for cause in causes)]

    def as_json(self, causes: list[str]) -> dict[str, Any]:
        """Return the same for machines: numbers, booleans and strings."""
        if self.locust is None:
            return {"comparable": False, "why": self.why}
        return {
            "comparable": True,
            "requests": self.locust.requests,
            "failures": self.locust.failures,
            "missing_requests": self.missing.requests,
            "missing_failures": self.missing.failures,
            "likely_causes": causes if self.finds_missing else [],
        }

    def likely_causes(self, *, without_plugin: bool, lost_workers: bool) -> list[str]:
        """Return what may have made Locust count more, the most likely first.

        Args:
            without_plugin: Whether workers of this run have no plugin.
            lost_workers: Whether workers of this run never said that they were done.
        """
        known = []
        if without_plugin:
            known.append("workers without this plugin: install the same version of locust-cw-dist on every worker")
        if lost_workers:
            known.append("a lost worker, whose last results Locust had and this plugin had not")
        return known or [self._direct_calls(), "requests that were fired before the plugin was installed"]

    def _direct_calls(self) -> str:
        missing = self.missing
        calls = {"stats.log_request": missing.requests, "stats.log_error": missing.failures}
        names = " and ".join(name for name, count in calls.items() if count)
        return f"code that calls {names} directly: fire environment.events.request instead"


def _both(totals: Totals) -> str:
    return f"{_counted(totals.requests, 'request')}, {_counted(totals.failures, 'failure')}"


def _counted(count: int, kind: str) -> str:
    return f"{count} {plural(count, kind)}"


NOT_COMPARED = CrossCheck()
