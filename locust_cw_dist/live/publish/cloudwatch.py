"""CloudWatch behind boto3: making the client, sending a batch, and telling its errors apart.

Everything here runs in greenlets of the publisher's. Locust has patched the standard library for gevent, so a call that
waits for CloudWatch holds neither a user's greenlet nor the hub, and a client of the user's is called on the thread
that it belongs to. boto3 is imported late: never on a worker, and after Locust has patched what it imports.

botocore's own retries are switched off (`total_max_attempts=1`): the publisher retries, with its own deadline, and two
layers would multiply. botocore's serialiser takes ten times as long as the standard library's JSON encoder, and the
interpreter serves nobody else meanwhile; so the body of our own client's calls is written here; botocore compresses,
signs and sends it. One call, from top to bottom:

    send                    joins the datums to a body, and leaves it in `_body`, a variable of this greenlet
    put_metric_data         is called with no datums, so botocore has next to nothing to serialise
    before-call event       `_put_body` puts our body in the place of botocore's
    botocore                compresses it, signs it (the signature covers the body) and sends it

The body must be of the protocol that this botocore speaks. `_speaks_json` looks when the client is made; where it is
another one, botocore serialises the datums itself. A client of the user's gets plain `put_metric_data` too, in smaller
batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from gevent.lock import BoundedSemaphore

from locust_cw_dist.client import CloudwatchClient
from locust_cw_dist.core.publish.batches import body
from locust_cw_dist.core.publish.datums import Datum
from locust_cw_dist.core.publish.limits import (
    MAX_BODY_BYTES,
    MAX_BYTES_PER_CALL,
    MAX_PAIRS_PER_BODY,
    MAX_PAIRS_PER_CALL,
)
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.aws.errors import one_line
from locust_cw_dist.live.aws.session import (
    _NO_CREDENTIALS,
    CONNECT_TIMEOUT_S,
    CREDENTIAL_CODES,
    PERMISSION_CODES,
    READ_TIMEOUT_S,
    make_session,
    warm_loader,
)
from locust_cw_dist.live.platform.forks import Door
from locust_cw_dist.settings.settings import Settings

THROTTLING_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Those of botocore's own list that are not another service's; some come with status 400, as a refusal does."""

UNANSWERED_CODES = frozenset({"RequestTimeout", "RequestTimeoutException"})
UNANSWERED_STATUSES = frozenset({408, 502, 504})
"""Time ran out, or a gateway on the way got no whole answer: CloudWatch may have taken the batch."""

_body: ContextVar[bytes] = ContextVar("body")
"""The body of the call that is made in this greenlet; botocore hands its event handlers nothing of the caller's."""


class Cloudwatch:
    """A `Sink` that writes to CloudWatch."""

    def __init__(self, settings: Settings, client: CloudwatchClient | None = None) -> None:
        """Write as `settings` say, through `client` if the user brought one.

        A client of the user's needs nothing but ``put_metric_data(Namespace=..., MetricData=...)``.
        """
        self._settings = settings
        self._users_client = client
        self._client: Any = client
        self._loader: Any = None
        self._writes_body = False
        self._door = Door()
        self._making = BoundedSemaphore(1)

    @property
    def max_pairs(self) -> int:
        """See `Sink.max_pairs`."""
        return MAX_PAIRS_PER_BODY if self._writes_body else MAX_PAIRS_PER_CALL

    @property
    def max_bytes(self) -> int:
        """See `Sink.max_bytes`."""
        return MAX_BODY_BYTES if self._writes_body else MAX_BYTES_PER_CALL

    def warm_up(self) -> None:
        """See `Sink.warm_up`; imports boto3 and has it read its service models: 0.2 s."""
        if self._users_client is not None:
            return
        self._loader = warm_loader("cloudwatch", "sts")

    def check(self) -> None:
        """See `Sink.check`; fetches credentials, which may ask the instance's metadata service."""
        self._door.pass_through()
        if self._users_client is not None:
            return
        try:
            session = make_session(self._settings, self._loader)
            _fetch_credentials(session)
            client = make_client(session, self._settings)
        except SendError:
            raise
        except Exception as e:
            raise _translate(e, self._settings.resolved_namespace or "-") from e
        self._writes_body = _speaks_json(client)
        if self._writes_body:
            client.meta.events.register("before-call.cloudwatch.PutMetricData", _put_body)
        self._client = client

    def send(self, namespace: str, batch: Sequence[Datum]) -> None:
        """See `Sink.send`."""
        self._door.pass_through()
        client = self._ready_client()
        try:
            if self._writes_body:
                _body.set(body(namespace, batch))
                # The datums are in the body, which `_put_body` puts in; botocore is to serialise none.
                client.put_metric_data(Namespace=namespace, MetricData=[])
            else:
                client.put_metric_data(Namespace=namespace, MetricData=[datum.to_api() for datum in batch])
        except Exception as e:
            error = _translate(e, namespace)
            if error.failure is Failure.CREDENTIALS and self._users_client is None:
                # Look for others at the next try: a file, a role or a variable may have changed.
                self._client = None
            raise error from e

    def _ready_client(self) -> Any:
        if self._client is None:
            # One at a time: several greenlets send.
            with self._making:
                if self._client is None:
                    self.check()
        return self._client


def _put_body(params: Any, **_: Any) -> None:
    """Put our body in the place of the one that botocore made of no datums, before it compresses and signs."""
    params["body"] = _body.get()


_NO_REGION = "no AWS region is set: use --cw-region or AWS_REGION"


def _fetch_credentials(session: Any) -> None:
    """Have the credentials before the run starts: later, whoever needs them waits."""
    credentials = session.get_credentials()
    if credentials is None:
        raise SendError(Failure.CREDENTIALS, _NO_CREDENTIALS)
    if not session.region_name:
        raise SendError(Failure.CREDENTIALS, _NO_REGION)
    credentials.get_frozen_credentials()


def make_client(session: Any, settings: Settings) -> Any:
    """Return a CloudWatch client of `session` that makes one try a call, within our timeouts."""
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": 1, "mode": "standard"},
        # botocore checks required fields and types only, in time that the hub would miss; ours is checked before.
        parameter_validation=False,
        tcp_keepalive=True,
        user_agent_extra="locust-cw-dist",
    )
    return session.client("cloudwatch", endpoint_url=settings.endpoint_url, config=config)


def _speaks_json(client: Any) -> bool:
    """Whether this botocore sends PutMetricData as JSON, as all do since 1.42.7; the next protocol may be another."""
    return bool(client.meta.service_model.resolved_protocol == "json")


def _translate(error: Exception, namespace: str) -> SendError:
    """Say what a foreign exception means; the one place where that is decided."""
    from botocore import exceptions as aws

    kinds: tuple[tuple[tuple[type[Exception], ...], Failure], ...] = (
        (
            (aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError, aws.NoRegionError),
            Failure.CREDENTIALS,
        ),
        ((aws.ProfileNotFound, aws.TokenRetrievalError), Failure.CREDENTIALS),
        ((aws.EndpointConnectionError, aws.ConnectTimeoutError, aws.ProxyConnectionError), Failure.UNREACHABLE),
        ((aws.ReadTimeoutError, aws.ConnectionClosedError, aws.HTTPClientError), Failure.AMBIGUOUS),
        ((aws.ParamValidationError,), Failure.REFUSED),
    )
    if isinstance(error, aws.ClientError):
        return _translate_answer(error, namespace)
    for types, failure in kinds:
        if isinstance(error, types):
            return SendError(failure, one_line(error))
    # A client of the user's may raise anything; nothing says that it is for ever.
    return SendError(Failure.TRANSIENT, f"{type(error).__name__}: {one_line(error)}")


def _translate_answer(error: Any, namespace: str) -> SendError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    metadata = error.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    if code in THROTTLING_CODES or status == 429:
        failure = Failure.THROTTLED
    elif code in CREDENTIAL_CODES:
        failure = Failure.CREDENTIALS
    elif code in PERMISSION_CODES or status in (401, 403):
        message = f"cloudwatch:PutMetricData is not allowed on namespace {namespace}: "
        return SendError(Failure.PERMISSION, message + one_line(error))
    elif code in UNANSWERED_CODES or status in UNANSWERED_STATUSES:
        failure = Failure.AMBIGUOUS
    else:
        # Of what is left only these two speak of the batch; another 4xx is a proxy's, or of a wrong address.
        failure = Failure.REFUSED if status in (400, 413) else Failure.TRANSIENT
    return SendError(failure, one_line(error), _retry_after_s(metadata))


def _retry_after_s(metadata: Any) -> float | None:
    try:
        return max(0.0, float(metadata.get("HTTPHeaders", {}).get("retry-after", "")))
    except ValueError:
        return None
