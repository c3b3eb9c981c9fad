"""Signing: by the right time, whatever the machine's clock says, and taking AWS's word for that time.

AWS refuses a signature that is minutes off.

botocore signs by Python's clock, which may be wrong, or frozen by a user's test that waits in another greenlet. A
client that is given to `sign_by` signs by ours. botocore looks its signers up in a table, to which ours is added.

    request-created event   notes the time in the request
    choose-signer event     names our signer
    our signer              signs as botocore's does, with that time
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from locust_cw_dist.live.aws.answers import has_request_id, small
from locust_cw_dist.live.platform.timeline import Timeline

_SIGNER = "v4-locust-cw"
_TIME = "locust_cw_time"


def sign_by(client: Any, now_s: Callable[[], float]) -> None:
    """Have a boto3 client sign its calls with the time that `now_s` returns, seconds since the epoch."""
    _register_signer()
    service = client.meta.service_model.service_id.hyphenize()

    def note_time(request: Any, **_: Any) -> None:
        request.context[_TIME] = now_s()

    def choose(signature_version: Any, **_: Any) -> str | None:
        return _SIGNER if signature_version == "v4" else None

    # First: to sign is what botocore does at the same event.
    client.meta.events.register_first(f"request-created.{service}", note_time)
    client.meta.events.register(f"choose-signer.{service}", choose)


def keep_time(client: Any, clock: Timeline) -> None:
    """Have a client sign by `clock`, and tell that the Date of AWS's own answers."""
    sign_by(client, clock.exact_s)

    def note_date(http_response: Any, **_: Any) -> None:
        headers = small(http_response.headers)
        if has_request_id(headers):
            clock.note_answer(headers.get("date", ""))

    client.meta.events.register("after-call", note_date)


def _register_signer() -> None:
    from botocore.auth import AUTH_TYPE_MAPS, SIGV4_TIMESTAMP, SigV4Auth

    class Signer(SigV4Auth):  # type: ignore[misc]  # botocore has no types
        def _modify_request_before_signing(self, request: Any) -> None:
            # Before any header is made of it; everything that follows reads it from here.
            moment = datetime.fromtimestamp(request.context[_TIME], UTC)
            request.context["timestamp"] = moment.strftime(SIGV4_TIMESTAMP)
            super()._modify_request_before_signing(request)

    AUTH_TYPE_MAPS.setdefault(_SIGNER, Signer)
