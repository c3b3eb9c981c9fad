"""HTTP around the operations: one thread a connection, kept alive, JSON in and out."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import sys
import threading
import time
import traceback
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any

from locust_cw_dist.local_cloudwatch.api import Api
from locust_cw_dist.local_cloudwatch.control import Control
from locust_cw_dist.local_cloudwatch.errors import ApiError
from locust_cw_dist.local_cloudwatch.faults import ConnectionCutError, FaultPlan, strike_before
from locust_cw_dist.local_cloudwatch.journal import Journal
from locust_cw_dist.local_cloudwatch.store import Store
from locust_cw_dist.local_cloudwatch.wire import FramingError, receive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from locust_cw_dist.local_cloudwatch.faults import Fault
    from locust_cw_dist.local_cloudwatch.fields import Document
    from locust_cw_dist.local_cloudwatch.store import Bounds
    from locust_cw_dist.local_cloudwatch.wire import Received

JSON_TYPE = "application/x-amz-json-1.0"

_QUERY_PROTOCOL_ANSWER = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>UnsupportedProtocol</Code><Message>The local CloudWatch"
    " speaks AWS JSON 1.0 only: boto3 1.42.7 or later is needed.</Message></Error></ErrorResponse>"
)
"""For clients of the old query protocol, which would show nothing of a JSON answer."""

_GONE = (ConnectionError, TimeoutError)
"""The client went away: none of our errors."""


class LocalServer(ThreadingHTTPServer):
    """The local CloudWatch, bound to an address; `serve_forever` serves it.

    Args:
        host: address to listen on.
        port: 0 for a free one.
        say: called with a line of text for each call that is refused.
        bounds: how much is kept.
        clock: the time in epoch seconds.

    Raises:
        OSError: the address can't be had.
    """

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True  # on POSIX: a busy port still fails, a restart needn't wait for old connections

    def __init__(
        self,
        host: str,
        port: int,
        *,
        say: Callable[[str], None] = lambda _line: None,
        bounds: Bounds | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.say = say
        self.stopping = threading.Event()
        self.journal = Journal()
        self.faults = FaultPlan()
        store = Store(bounds)
        self.api = Api(store, clock)
        self.control = Control(store, self.journal, self.faults)
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """What boto3 takes as `endpoint_url`."""
        host, port = self.server_address[:2]
        text = str(host)
        return f"http://[{text}]:{port}" if ":" in text else f"http://{text}:{port}"

    def server_bind(self) -> None:
        """Bind without HTTPServer's look-up of the host's name, which takes seconds where DNS is broken."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def stop(self) -> None:
        """End waiting faults and `serve_forever`, and close the socket. Not for the thread that serves."""
        self.stopping.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is a bug of this server."""
        if not isinstance(sys.exception(), _GONE):
            traceback.print_exc()


class _Handler(BaseHTTPRequestHandler):
    """One connection. Its attributes are set by `BaseHTTPRequestHandler`."""

    server: LocalServer
    protocol_version = "HTTP/1.1"
    timeout = 75.0  # seconds that a kept connection may be idle
    wbufsize = -1  # headers and body leave together
    disable_nagle_algorithm = True
    server_version = "locust-cw-local-cloudwatch"
    sys_version = ""

    def do_POST(self) -> None:
        self._dispatch()

    def do_GET(self) -> None:
        self._dispatch()

    def do_DELETE(self) -> None:
        self._dispatch()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing: the server says what matters by itself."""

    # -- one request

    def _dispatch(self) -> None:
        try:
            received = receive(self.headers, self.rfile)
        except FramingError as error:
            self.close_connection = True
            self._send_error(ApiError("RequestEntityTooLarge", f"The request can't be read: {error}.", 413))
            return
        if self.path.startswith("/_local/"):
            self._answer_control(received)
        elif self.command != "POST" or self.path.rstrip("/"):
            self._send_error(ApiError("NotFound", f"There is no {self.command} {self.path} here.", 404))
        elif self.headers.get_content_type() == "application/x-www-form-urlencoded":
            self._send(400, _QUERY_PROTOCOL_ANSWER.encode(), "text/xml")
        else:
            self._answer_operation(received)

    def _answer_control(self, received: Received) -> None:
        try:
            document = _document(received) if received.wire_bytes else {}
            answer = self.server.control.handle(self.command, self.path, document)
        except ApiError as error:
            self._send_error(error)
        else:
            self._send_document(200, answer)

    def _answer_operation(self, received: Received) -> None:
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        journal = self.server.journal
        # One name for all others: what clients make up must not fill the memory.
        journal.called(operation if self.server.api.knows(operation) else "(unknown)", received)
        try:
            answer, faults = self._operate(operation, received)
        except ApiError as error:
            journal.refused(operation, error.code)
            self.server.say(f"refused {operation}: {error.code}: {error.message}")
            self._send_error(error)
        except ConnectionCutError as cut:
            journal.unanswered(operation)
            self._cut(is_reset=cut.is_reset)
        else:
            self._reply(answer, faults)

    def _operate(self, operation: str, received: Received) -> tuple[Document, list[Fault]]:
        """Do the operation between the faults before it and those after it, which are returned."""
        document = _document(received)
        faults = self.server.faults.strike(operation, document)
        for fault in faults:
            self.server.journal.struck(fault.kind)
            strike_before(fault, operation, document, self)
        try:
            answer = self.server.api.handle(operation, document)
        except ApiError:
            raise
        except Exception as error:
            traceback.print_exc()
            raise ApiError("InternalServiceError", f"The local CloudWatch failed: {error!r}", 500) from error
        self.server.journal.accepted(operation, len(document["MetricData"]) if operation == "PutMetricData" else 0)
        return answer, faults

    def _reply(self, answer: Document, faults: Iterable[Fault]) -> None:
        kinds = {fault.kind: fault for fault in faults}
        if "lost_reply" in kinds:
            self.server.journal.reply_lost()
            self._cut(is_reset=False)
        elif "trickle" in kinds:
            self._send_document(200, answer, spread_s=kinds["trickle"].latency_s)
        else:
            self._send_document(200, answer)

    # -- what faults need of the connection (`faults.Line`)

    def pause(self, seconds: float) -> None:
        self.server.stopping.wait(seconds)

    def hold(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.server.stopping.wait(0.05):
            if self._has_gone():
                return

    def _has_gone(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        try:
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except ConnectionError:
            return True

    def _cut(self, *, is_reset: bool) -> None:
        """End the connection without an answer."""
        self.close_connection = True
        if is_reset:  # lingering for no time makes close() send RST; socketserver would send FIN first
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())

    # -- answers

    def _send_document(self, status: int, document: Document, spread_s: float = 0.0) -> None:
        self._send(status, json.dumps(document).encode(), JSON_TYPE, spread_s=spread_s)

    def _send_error(self, error: ApiError) -> None:
        body = json.dumps({"__type": error.type_name, "message": error.message}).encode()
        self._send(error.status, body, JSON_TYPE, (("x-amzn-query-error", f"{error.code};{error.fault}"),))

    def _send(
        self,
        status: int,
        body: bytes,
        content_type: str,
        headers: tuple[tuple[str, str], ...] = (),
        spread_s: float = 0.0,
    ) -> None:
        self.send_response(status)
        for name, value in (
            ("x-amzn-RequestId", str(uuid.uuid4())),
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            *headers,
        ):
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        for position in range(len(body)) if spread_s else ():
            self.wfile.flush()
            self.pause(spread_s / len(body))
            self.wfile.write(body[position : position + 1])
        if not spread_s:
            self.wfile.write(body)
        self.wfile.flush()


def _document(received: Received) -> Document:
    """The JSON object in a body."""
    if received.problem:
        raise received.problem
    try:
        document = json.loads(received.content or b"{}")
    except (ValueError, RecursionError) as error:
        raise ApiError("SerializationException", "The body is not valid JSON.") from error
    if not isinstance(document, dict):
        raise ApiError("SerializationException", "The body is not a JSON object.")
    return document
