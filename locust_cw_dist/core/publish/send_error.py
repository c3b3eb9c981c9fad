"""SendError: why a batch was not sent."""

from __future__ import annotations

from locust_cw_dist.core.publish.retry import Failure


class SendError(Exception):
    """A batch was not taken, or nobody knows.

    Attributes:
        failure: What kind of failure it was, which decides what happens next.
        retry_after_s: What the service asked to wait, if it did.
        is_too_large: Whether smaller batches might be taken.
        is_final: Whether every call of this process can only fail: it keeps the settings that it began with.
        is_harmless: Whether results are sent all the same, and only somebody has to know.
    """

    def __init__(
        self,
        failure: Failure,
        message: str,
        retry_after_s: float | None = None,
        *,
        is_too_large: bool = False,
        is_final: bool = False,
        is_harmless: bool = False,
    ) -> None:
        """Fail with one line for people."""
        super().__init__(message)
        self.failure = failure
        self.retry_after_s = retry_after_s
        self.is_too_large = is_too_large
        self.is_final = is_final
        self.is_harmless = is_harmless
