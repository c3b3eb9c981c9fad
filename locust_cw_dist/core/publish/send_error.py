"""SendError: why a batch was not sent."""

from __future__ import annotations

from locust_cw_dist.core.publish.retry import Failure


class SendError(Exception):
    """A batch was not taken, or nobody knows.

    Attributes:
        failure: What kind of failure it was, which decides what happens next.
        retry_after_s: What the service asked to wait, if it did.
    """

    def __init__(self, failure: Failure, message: str, retry_after_s: float | None = None) -> None:
        """Fail with one line for people."""
        super().__init__(message)
        self.failure = failure
        self.retry_after_s = retry_after_s
