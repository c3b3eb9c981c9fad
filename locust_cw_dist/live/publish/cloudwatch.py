"""CloudWatch behind boto3: making the client, sending a batch, and telling its errors apart.

Everything here runs in greenlets of the publisher's. Locust has patched the standard library for gevent, so a call that
waits for CloudWatch holds neither a user's greenlet nor the hub, and a client of the user's is called on the thread
that it belongs to. boto3 is imported late: never on a worker, and after Locust has patched what it imports.

botocore's own retries are switched off (`total_max_attempts=1`): the publisher retries, with its own deadline, and two
layers would multiply. botocore's serialiser takes ten times as long as the standard library's JSON encoder, and the
interpreter serves nobody else meanwhile; so the body of our own client's calls is written and compressed here; botocore
signs and sends it. One call, from top to bottom:

    send                    joins the datums to a body, and leaves it in `_body`, a variable of this greenlet
    put_metric_data         is called with no datums, so botocore has next to nothing to serialise
    before-call event       `_put_body` puts our body in the place of botocore's, compressed if it is long
    botocore                signs it (the signature covers the body) and sends it

The body must be of the protocol that this botocore speaks. `_speaks_json` looks when the client is made; where it is
another one, botocore serialises the datums itself. A client of the user's gets plain `put_metric_data` too, in smaller
batches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

from gevent.lock import BoundedSemaphore

from locust_cw_dist.client import CloudwatchClient
from locust_cw_dist.core.publish.batches import body
from locust_cw_dist.core.publish.body_sizes import gzipped
from locust_cw_dist.core.publish.datums import Datum
from locust_cw_dist.core.publish.limits import (
    MAX_BODY_BYTES,
    MAX_BYTES_PER_CALL,
    MAX_PAIRS_PER_BODY,
    MAX_PAIRS_PER_CALL,
)
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.aws import guard
from locust_cw_dist.live.aws.answers import ForeignAnswerError
from locust_cw_dist.live.aws.call import Stage, current, ours, reach
from locust_cw_dist.live.aws.errors import NO_REGION, explain
from locust_cw_dist.live.aws.session import (
    CONNECT_TIMEOUT_S,
    READ_TIMEOUT_S,
    fetch_credentials,
    look_for_credentials,
    make_session,
    source_of_credentials,
    warm_loader,
)
from locust_cw_dist.live.aws.settings_check import check_unused, check_way
from locust_cw_dist.live.platform.forks import Door
from locust_cw_dist.live.platform.timeline import Timeline
from locust_cw_dist.settings.settings import Settings

T = TypeVar("T")


class _Connection(NamedTuple):
    """A client, and the session whose credentials it signs with; a client of the user's has none that we know."""

    client: Any
    session: Any = None


_body: ContextVar[bytes] = ContextVar("body")
"""The body of the call that is made in this greenlet; botocore hands its event handlers nothing of the caller's."""


class Cloudwatch:
    """A `Sink` that writes to CloudWatch.

    Attributes:
        region: The Region that is written to; None as long as that is not known.
    """

    def __init__(
        self, settings: Settings, client: CloudwatchClient | None = None, clock: Timeline | None = None
    ) -> None:
        """Write as `settings` say, through `client` if the user brought one; else sign by `clock`.

        A client of the user's needs nothing but ``put_metric_data(Namespace=..., MetricData=...)``.
        """
        self.region: str | None = getattr(getattr(client, "meta", None), "region_name", settings.region)
        self._settings = settings
        self._is_users = client is not None
        self._clock = clock
        self._connection = None if client is None else _Connection(client)
        self._loader: Any = None
        self._writes_body = False
        self._door = Door()
        self._making = BoundedSemaphore(1)
        if hasattr(getattr(client, "meta", None), "events"):
            # One of boto3's: a stranger's answer is no more CloudWatch's there.
            guard.watch(client)

    @property
    def max_pairs(self) -> int:
        """See `Sink.max_pairs`."""
        return MAX_PAIRS_PER_BODY if self._writes_body else MAX_PAIRS_PER_CALL

    @property
    def max_bytes(self) -> int:
        """See `Sink.max_bytes`."""
        return MAX_BODY_BYTES if self._writes_body else MAX_BYTES_PER_CALL

    @property
    def endpoint_url(self) -> str | None:
        """What is called; None as long as that is not known."""
        client = None if self._connection is None else self._connection.client
        url = getattr(getattr(client, "meta", None), "endpoint_url", None)
        return url if isinstance(url, str) else self._settings.endpoint_url

    @property
    def credentials(self) -> str | None:
        """Whose credentials are used, in words; None as long as that is not known. Asks nobody."""
        if self._is_users:
            return "a client of your own"
        if self._connection is None:
            return None
        if self._settings.role_arn is not None:
            return f"role {self._settings.role_arn}"
        return source_of_credentials(self._connection.session)

    def warm_up(self) -> None:
        """See `Sink.warm_up`; imports boto3 and has it read its service models: 0.2 s."""
        if self._is_users:
            return
        self._loader = warm_loader("cloudwatch", "sts")

    def check(self) -> None:
        """See `Sink.check`; fetches credentials, which may ask the instance's metadata service."""
        self._door.pass_through()
        if not self._is_users:
            with ours():
                check_unused(self._connected().session.region_name)

    def send(self, namespace: str, batch: Sequence[Datum]) -> None:
        """See `Sink.send`."""
        self._door.pass_through()
        with ours():
            connection = self._connected()
            try:
                self._put(_ready(connection), namespace, batch)
            except SendError as e:
                self._look_again(connection, e)
                raise
            except Exception as e:
                error = _understood(e, namespace)
                self._look_again(connection, error)
                raise error from e

    def _put(self, client: Any, namespace: str, batch: Sequence[Datum]) -> None:
        if self._writes_body:
            _body.set(body(namespace, batch))
            # The datums are in the body, which `_put_body` puts in; botocore is to serialise none.
            client.put_metric_data(Namespace=namespace, MetricData=[])
        else:
            client.put_metric_data(Namespace=namespace, MetricData=[datum.to_api() for datum in batch])

    def _connected(self) -> _Connection:
        """Return the client and its session, which one of the greenlets that send makes for all."""
        # Who waits for that has sent nothing.
        reach(Stage.CREDENTIALS)
        with self._making:
            if self._connection is None:
                self._connection = self._connect()
            return self._connection

    def _look_again(self, connection: _Connection, error: SendError) -> None:
        """Have the next try look for other credentials: a file, a role or a variable may have changed."""
        # Another greenlet may have made another one meanwhile.
        if error.failure is Failure.CREDENTIALS and not self._is_users and self._connection is connection:
            self._connection = None

    def _connect(self) -> _Connection:
        """Make a client, and have its credentials."""
        session = _explained(lambda: make_session(self._settings, self._loader, clock=self._clock), Stage.SETTINGS)
        if not _explained(lambda: session.region_name, Stage.SETTINGS):
            raise NO_REGION.as_send_error()
        self.region = session.region_name
        _explained(lambda: look_for_credentials(session), Stage.CREDENTIALS)
        client = _explained(lambda: make_client(session, self._settings), Stage.SETTINGS)
        _explained(lambda: check_way(client, session.region_name), Stage.SETTINGS)
        _explained(lambda: fetch_credentials(session), Stage.CREDENTIALS)
        self._writes_body = _speaks_json(client)
        if self._writes_body:
            put_body = partial(_put_body, compress_from_bytes=_take_compression_over(client))
            client.meta.events.register("before-call.cloudwatch.PutMetricData", put_body)
        return _Connection(client, session)


def _ready(connection: _Connection) -> Any:
    """Return a client that can sign: credentials are renewed here, where nothing of the batch has left."""
    if connection.session is None:
        reach(Stage.LEFT)
        return connection.client
    _explained(lambda: fetch_credentials(connection.session), Stage.CREDENTIALS)
    reach(Stage.CONNECTING)
    return connection.client


def _understood(error: Exception, namespace: str) -> SendError:
    explained = explain(error, current().stage)
    if isinstance(error, ForeignAnswerError) and explained.failure is Failure.FOREIGN:
        # The kind of failure says the rest. Nobody at AWS bills the call.
        explained = replace(explained, found=str(error))
        reach(Stage.CONNECTING)
    if explained.failure is Failure.PERMISSION:
        message = f"cloudwatch:PutMetricData is not allowed on namespace {namespace}: "
        explained = replace(explained, found=message + explained.found)
    return explained.as_send_error()


def _explained(step: Callable[[], T], stage: Stage) -> T:
    """Take a step; what goes wrong in it is said as a `SendError`, by `stage` where nothing else is known."""
    try:
        return step()
    except SendError:
        raise
    except Exception as e:
        raise explain(e, stage).as_send_error() from e


def _put_body(params: Any, compress_from_bytes: float, **_: Any) -> None:
    """Put our body in the place of the one that botocore made of no datums, before it signs."""
    content = _body.get()
    if len(content) >= compress_from_bytes:
        content = gzipped(content)
        params["headers"]["Content-Encoding"] = "gzip"
    params["body"] = content


def _take_compression_over(client: Any) -> float:
    """Have botocore compress nothing more; return from how many bytes on it would, as the user's AWS settings say."""
    config = client.meta.config
    from_bytes = math.inf if config.disable_request_compression else config.request_min_compression_size_bytes
    config.disable_request_compression = True
    return float(from_bytes)


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
