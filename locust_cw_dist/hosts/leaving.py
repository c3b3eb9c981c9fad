"""Leaving: sets the exit code of the process by the table of `core.exit_codes`, when the runs have been judged.

Locust reads `Environment.process_exit_code` right after the last listener of its `quitting` event, without a yield in
between. A SIGTERM fires that event in two greenlets at once, and the first to come through ends the process: so what
runs last in each of them applies the table, and applying it twice changes nothing.
"""

from __future__ import annotations

import logging
from typing import Any

from locust_cw_dist.core.exit_codes import NOT_RELIABLE, Ending, decide
from locust_cw_dist.edge import forks
from locust_cw_dist.edge.link import EndLink
from locust_cw_dist.edge.once import Once

logger = logging.getLogger("locust_cw_dist")


class Leaving:
    """Has the last word on the exit code.

    Attributes:
        link: What of Locust that needs.
        rule_failed, unreliable, failures_decided: As of `Ending`; set once the runs have been judged.
    """

    def __init__(self, environment: Any, once: Once) -> None:
        """Serve the process of `environment`."""
        self.link = EndLink(environment)
        self.rule_failed = False
        self.unreliable = False
        self.failures_decided = False
        self._environment = environment
        self._once = once
        self._said: int | None = None
        forks.watch(self)

    def attach(self) -> None:
        """Say what this Locust lacks, and take the last place in its `quitting` event."""
        for mode in self.link.lesser_modes:
            logger.warning("locust-cw: with this version of Locust %s", mode)
        self.link.run_last(self._on_last)

    def close(self) -> None:
        """Have the word now instead of last, and give the last place up."""
        self._on_last()
        self.abandon()

    def abandon(self) -> None:
        """Give the last place up: the exit code of a forked process is its own."""
        self.link.give_up(self._on_last)

    def apply_early(self) -> None:
        """Apply the table where nothing can be made to run last; call it when the runs have been judged."""
        if not self.link.can_be_last:
            self.apply()

    def apply(self) -> None:
        """Set the exit code that the table says."""
        ending = Ending(
            rule_failed=self.rule_failed,
            unreliable=self.unreliable,
            own_code=self._environment.process_exit_code,
            failures_decided=self.failures_decided,
            has_exceptions=self.link.has_exceptions(),
            has_unhandled=self.link.has_unhandled(),
        )
        decision = decide(ending)
        if decision.code is None or decision.code == ending.own_code:
            return
        self._environment.process_exit_code = decision.code
        if decision.code != self._said:
            self._said = decision.code
            level = logging.WARNING if decision.code == NOT_RELIABLE else logging.INFO
            logger.log(level, "locust-cw: exit code %d: %s", decision.code, decision.reason)

    def _on_last(self, **_: Any) -> None:
        try:
            self.apply()
        except Exception:
            self._once.error("exit code", "locust-cw: could not set the exit code")
