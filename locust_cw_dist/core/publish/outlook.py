"""Outlook: what the calls so far have shown of those to come."""

from __future__ import annotations

from collections.abc import Iterable

from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError


class Outlook:
    """What is known of sending.

    State: touched only by the sender.

    Attributes:
        last_failure: Why a call failed last.
        final: Why no call of this process can succeed; None as long as one might.
    """

    def __init__(self) -> None:
        """Know nothing."""
        self.last_failure = Failure.UNREACHABLE
        self.final: SendError | None = None
        self._denied: dict[str, SendError] = {}

    @property
    def is_hopeless(self) -> bool:
        """Whether no call of this process can succeed."""
        return self.final is not None

    def note(self, namespace: str, error: SendError | None) -> None:
        """Note how a call for a namespace went."""
        if error is None:
            self._denied.pop(namespace, None)
            return
        if not error.failure.is_permanent:
            self.last_failure = error.failure
        if error.is_final:
            self.final = error
        if error.failure is Failure.PERMISSION:
            self._denied[namespace] = error

    def obstacle(self, namespaces: Iterable[str]) -> SendError | None:
        """Return why nothing more can be sent to any of these until somebody changes something; None: it might."""
        if self.final is not None:
            return self.final
        errors = [self._denied.get(namespace) for namespace in set(namespaces)]
        return None if not errors or None in errors else errors[0]
