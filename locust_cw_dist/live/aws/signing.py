"""Signing: by the right time, whatever the machine's clock says, and taking AWS's word for that time.

AWS refuses a signature that is minutes off.

botocore signs by Python's clock, which may be wrong, or frozen by a user's test that waits in another greenlet. A
client that is given to `sign_by` signs by ours. botocore looks its signers up in a table, to which ours is added.

    request-created event   notes the time in the request
    choose-signer event     names our signer
    our signer              signs as botocore's does, with that time
    needs-retry event       looks at the Date of what AWS answers
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from locust_cw_dist.live.aws.answers import has_request_id, small
from locust_cw_dist.live.platform.timeline import Timeline

_OURS = {"v4": "v4-locust-cw", "s3v4": "s3v4-locust-cw"}
"""Signers of botocore's, and ours that do the same by another clock. A URL that is signed beforehand has others."""

_TIME = "locust_cw_time"

_CHANGED_S = 60.0
"""How far AWS's word must have moved our clock for a refused signature to be worth another one."""


def sign_by(client: Any, now_s: Callable[[], float]) -> None:
    """Have a boto3 client sign its calls with the time that `now_s` returns, seconds since the epoch."""
    _register_signers()
    service = client.meta.service_model.service_id.hyphenize()

    def note_time(request: Any, **_: Any) -> None:
        request.context[_TIME] = now_s()

    def choose(signature_version: Any, signing_name: str, **_: Any) -> str | None:
        # As botocore's own handler would; but the first one that answers decides.
        version = "s3v4" if (signature_version, signing_name) == ("v4", "s3") else signature_version
        return _OURS.get(version)

    # First: to sign is what botocore does at the same event.
    client.meta.events.register_first(f"request-created.{service}", note_time)
    client.meta.events.register(f"choose-signer.{service}", choose)


def keep_time(client: Any, clock: Timeline) -> None:
    """Have a client sign by `clock`, tell that the Date of AWS's own answers, and sign again where it was wrong."""
    sign_by(client, clock.exact_s)

    def look(response: Any, operation: Any, attempts: int, **_: Any) -> float | None:
        headers = small(response[0].headers) if response else {}
        if not has_request_id(headers):
            return None
        before_s = clock.exact_s()
        clock.note_answer(headers.get("date", ""))
        was_wrong = abs(clock.exact_s() - before_s) > _CHANGED_S and response[0].status_code in {400, 401, 403}
        # A batch has times in it that are wrong as well.
        return 0.0 if was_wrong and attempts == 1 and operation.name != "PutMetricData" else None

    client.meta.events.register("needs-retry", look)


def _register_signers() -> None:
    from botocore.auth import AUTH_TYPE_MAPS, SIGV4_TIMESTAMP

    class ByOurClock:
        def _modify_request_before_signing(self, request: Any) -> None:
            # Before any header is made of it; everything that follows reads it from here.
            moment = datetime.fromtimestamp(request.context[_TIME], UTC)
            request.context["timestamp"] = moment.strftime(SIGV4_TIMESTAMP)
            super()._modify_request_before_signing(request)  # type: ignore[misc]  # botocore has no types

    for theirs, ours in _OURS.items():
        AUTH_TYPE_MAPS.setdefault(ours, type("Signer", (ByOurClock, AUTH_TYPE_MAPS[theirs]), {}))
