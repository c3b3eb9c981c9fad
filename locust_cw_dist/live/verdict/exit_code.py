"""ExitCode: sets the exit code of the process by the table of `exit_codes`, when the runs have been judged.

Locust reads `Environment.process_exit_code` right after its `quitting` event, and ends with it after its `quit` event.
A SIGTERM fires both in two greenlets at once, and the first to come through ends the process: so the table is applied
after the last listener of each, and applying it twice changes nothing.

A listener that calls `sys.exit` takes Locust out of that way. After `quitting` or `quit` its code is one of the user's
own, with that code's place in the table. Where it is called elsewhere, and Locust fires neither event, only
`force` is left.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from locust_cw_dist.core.rules.outcome import Outcome
from locust_cw_dist.core.verdict.exit_codes import (
    LOCUST_UNHANDLED,
    LOCUSTS_OWN,
    NOT_RELIABLE,
    RULE_FAILED,
    SUCCESS,
    Conclusion,
    Decision,
    Ending,
    Facts,
    conclude,
    decide,
    is_unreliable,
)
from locust_cw_dist.core.verdict.exit_reason import LastWord
from locust_cw_dist.core.verdict.verdict import State
from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.locust_internals import EndLink
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.patience import Patience

logger = logging.getLogger("locust_cw_dist")

OURS = (RULE_FAILED, NOT_RELIABLE)
"""The codes that stand above a user's own."""

UNHANDLED = 1
"""Python's code for what nobody catches, and for `sys.exit` with a text."""


def code_of(raised: BaseException) -> int | None:
    """Return the exit code that `sys.exit` was called with; None if something else was raised."""
    if not isinstance(raised, SystemExit):
        return None
    if raised.code is None:
        return SUCCESS
    return raised.code if isinstance(raised.code, int) else UNHANDLED


class ExitCode:
    """Has the last word on the exit code.

    Attributes:
        link: What of Locust that needs.
        conclusion: What the runs mean for it, as far as they have been judged.
        cut: What was raised into the end of the process by `sys.exit` in a greenlet of the user's, or in library use by
            ctrl-C, which has only shortened the waiting.
    """

    def __init__(self, environment: Any, once: LogOnce, patience: Patience, *, required: bool = False) -> None:
        """Serve the process of `environment`, whose end is as long as `patience`; `required` as in the settings."""
        self.link = EndLink(environment)
        self.conclusion = Conclusion()
        self._facts = Facts(required=required)
        self.cut: BaseException | None = None
        self._environment = environment
        self._once = once
        self._patience = patience
        self._end: Callable[[], object] = lambda: None
        self._decision: Decision | None = None
        self._was_raised = False
        self._left_with: int | None = None
        self._applied: int | None = None
        forks.watch(self)

    def attach(self, end: Callable[[], object] = lambda: None) -> None:
        """Say what this Locust lacks, and take the last place in its `quitting` and `quit` events.

        Args:
            end: What else is to be done there, before the exit code is decided on; never raises.
        """
        for mode in self.link.lesser_modes:
            logger.warning("locust-cw: with this version of Locust %s", mode)
        self._end = end
        self.link.run_last(self._after_quitting, self._after_quit, self._patience.user_code)

    def detach(self) -> None:
        """Give the places up."""
        self.link.release()

    def close(self) -> None:
        """Have the word now instead of last, and give the places up."""
        try:
            self.apply()
        except Exception:
            self._once.error("exit code", "locust-cw: could not set the exit code")
        self.detach()

    def abandon(self) -> None:
        """Give the places up: the exit code of a forked process is its own."""
        self.detach()

    def note(self, **news: Any) -> None:
        """Add to the facts that the exit code follows from; names and types are those of `Facts`."""
        self._facts = replace(self._facts, **news)
        self.conclusion = conclude(self._facts)

    def fails_if(self, state: State) -> bool:
        """Whether a run with this verdict changes the exit code."""
        return is_unreliable(state, self._facts.verdict_rule, required=self._facts.required)

    def apply_early(self) -> None:
        """Apply the table where nothing can be made to run last; call it when the runs have been judged."""
        if not self.link.can_be_last:
            self.apply()

    def apply(self) -> None:
        """Set the exit code that the table says."""
        own_code = self._environment.process_exit_code
        decision = self._decide(own_code)
        if self._decision is None or decision.code != self._decision.code:
            # Of what was set here the table says later that a listener set it.
            self._decision = decision
        if decision.code is not None and decision.code != own_code:
            self._environment.process_exit_code = self._applied = decision.code

    def force(self) -> None:
        """End the process at once, if it would end with a code that stands below ours.

        For the last moment of a process that came by no event of Locust's: Python tells nobody there with which code it
        ends, and lets nobody change it but so. Whatever else was to run at exit does not.
        """
        decision = self._decide(None)
        if decision.code not in OURS or decision.code == self._left_with:
            return
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                continue
        os._exit(decision.code)

    def foresee(self, state: State, outcome: Outcome | None, failures: int) -> LastWord | None:
        """Return with which code a run, if it is the only one of the process, makes it end, as far as that is known.

        Args:
            state: The verdict on the run.
            outcome: What became of its rules.
            failures: Its requests that failed.

        Returns:
            None where the code is for the user's script to find.
        """
        facts = replace(self._facts, states=(state,), outcomes=() if outcome is None else (outcome,))
        set_code = self._environment.process_exit_code
        own_code = self._left_with if self._was_raised else None if set_code == self._applied else set_code
        decision = self._decide(own_code, conclude(facts))
        code = self._locusts_code(failures) if decision.code is None else decision.code
        if code is None:
            return None
        return LastWord(
            code=code,
            reason=decision.reason,
            is_locusts=decision.code is None,
            facts=facts,
            failures=failures,
            has_exceptions=self.link.has_exceptions(),
        )

    def _locusts_code(self, failures: int) -> int | None:
        """Return the code that Locust's command finds by itself; None where it does not run."""
        on_error = getattr(self._environment.parsed_options, "exit_code_on_error", None)
        if not isinstance(on_error, int):
            return None
        if failures or self.link.has_exceptions():
            return on_error
        return LOCUST_UNHANDLED if self.link.has_unhandled() else SUCCESS

    def last_word(self, *, failures: int, forces: bool) -> LastWord:
        """Return with which code the process ends, and why, at its very end.

        Args:
            failures: Requests that failed.
            forces: Whether `force` follows.
        """
        decision, code = self._decide(None), self._left_with
        if decision.code in OURS and (forces or decision.code == code):
            code, reason = decision.code, decision.reason
        elif self._was_raised:
            reason = "a listener of your own called sys.exit"
        else:
            reason = LOCUSTS_OWN if self._decision is None else self._decision.reason
        return LastWord(
            code=code,
            reason=reason,
            is_locusts=reason == LOCUSTS_OWN,
            facts=self._facts,
            failures=failures,
            has_exceptions=self.link.has_exceptions(),
        )

    def _after_quitting(self, raised: BaseException | None, _: dict[str, Any]) -> BaseException | None:
        self._end()
        raised = self._still_raised(raised)
        if not isinstance(self.cut, KeyboardInterrupt):
            raised = raised or self.cut
        try:
            if raised is None:
                self.apply()
                return None
            return self._replace(raised, code_of(raised))
        except Exception:
            self._once.error("exit code", "locust-cw: could not set the exit code")
            return raised

    def _after_quit(self, raised: BaseException | None, arguments: dict[str, Any]) -> BaseException | None:
        self._end()
        raised = self._still_raised(raised)
        # What comes now is at exit, of the user's: functions that were registered last are called first.
        atexit.register(self._patience.enter_user_code)
        # Unless a listener raised, Locust ends with this code now.
        code = arguments.get("exit_code") if raised is None else code_of(raised)
        try:
            return self._replace(raised, code)
        except Exception:
            self._once.error("exit code", "locust-cw: could not set the exit code")
            return raised

    def _still_raised(self, raised: BaseException | None) -> BaseException | None:
        """Return what a listener raised, unless the user has interrupted it: Locust goes on to print its tables."""
        return None if isinstance(raised, KeyboardInterrupt) and self._patience.interrupts else raised

    def _replace(self, raised: BaseException | None, code: int | None) -> BaseException | None:
        """Return what ends the process in place of `raised`, with which it would end with `code`."""
        decision = self._decide(code)
        if decision.code not in OURS or decision.code == code:
            self._left_with, self._was_raised = code, raised is not None
            return raised
        if raised is not None and not isinstance(raised, SystemExit | KeyboardInterrupt):
            logger.error("locust-cw: a listener stopped Locust's shutdown", exc_info=raised)
        self._left_with = decision.code
        return SystemExit(decision.code)

    def _decide(self, own_code: int | None, conclusion: Conclusion | None = None) -> Decision:
        known = conclusion or self.conclusion
        return decide(
            Ending(
                rule_failed=known.rule_failed,
                unreliable=known.unreliable,
                own_code=own_code,
                failures_decided=known.failures_decided,
                has_exceptions=self.link.has_exceptions(),
                has_unhandled=self.link.has_unhandled(),
            )
        )
