"""Sink: where batches go. CloudWatch is one (`live.publish.cloudwatch`); tests and other protocols bring their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from locust_cw_dist.core.publish.datums import Datum
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError


class Sink(Protocol):
    """Takes batches. Called in greenlets on the hub: what it waits for must be gevent's, as all of Locust is."""

    @property
    def max_pairs(self) -> int:
        """Weight (`batches.weight_pairs`) that one batch may have; may change with the first call."""
        ...

    @property
    def max_bytes(self) -> int:
        """Length of `batches.body` that one batch may have; may change with the first call."""
        ...

    def warm_up(self) -> None:
        """Do, before any load, what takes the processor long and needs no network."""
        ...

    def check(self) -> None:
        """Find out whether batches could be sent at all (credentials, region), without sending any.

        Raises:
            SendError: With one line that says what is missing and what to do.
        """
        ...

    def send(self, namespace: str, batch: Sequence[Datum]) -> None:
        """Send one batch; several calls may be under way at once.

        Raises:
            SendError: If it was not taken, or if nobody knows.
        """
        ...


def outcome(call: Callable[..., Any], *args: Any) -> SendError | None:
    """Return what became of a call: None, or a SendError, whatever it raised."""
    try:
        call(*args)
    except SendError as e:
        return e
    except Exception as e:
        return SendError(Failure.TRANSIENT, f"{type(e).__name__}: {e}")
    return None


class NullSink:
    """Takes the place of CloudWatch where nothing is published: it is never asked to send."""

    max_pairs = max_bytes = 1

    def warm_up(self) -> None:
        """Do nothing."""

    def check(self) -> None:
        """Do nothing."""

    def send(self, namespace: str, batch: Sequence[Datum]) -> None:
        """Refuse: there is nothing to send where nothing is published."""
        raise SendError(Failure.REFUSED, f"nothing is published, yet {len(batch)} datums came for {namespace}")
