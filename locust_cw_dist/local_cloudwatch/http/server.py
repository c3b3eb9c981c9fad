"""HTTP around the operations: one thread a connection, kept alive."""

from __future__ import annotations

import io
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

from locust_cw_dist.local_cloudwatch.errors import ApiError
from locust_cw_dist.local_cloudwatch.faults.conditions import Surroundings
from locust_cw_dist.local_cloudwatch.faults.faults import ConnectionCutError, FaultPlan, strike_before
from locust_cw_dist.local_cloudwatch.http.control import Control
from locust_cw_dist.local_cloudwatch.http.protocols import JSON, Rendered, protocol_of
from locust_cw_dist.local_cloudwatch.http.strangers import STRANGER, is_strangers
from locust_cw_dist.local_cloudwatch.http.wire import FramingError, receive
from locust_cw_dist.local_cloudwatch.operations.api import Api
from locust_cw_dist.local_cloudwatch.operations.identities import Identities
from locust_cw_dist.local_cloudwatch.storage.journal import Journal
from locust_cw_dist.local_cloudwatch.storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from locust_cw_dist.local_cloudwatch.faults.faults import Fault
    from locust_cw_dist.local_cloudwatch.http.protocols import Call, WireProtocol
    from locust_cw_dist.local_cloudwatch.http.wire import Received
    from locust_cw_dist.local_cloudwatch.operations.fields import Document
    from locust_cw_dist.local_cloudwatch.storage.store import Bounds

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
        self.surroundings = Surroundings(clock)
        self.identities = Identities(self.surroundings)
        store = Store(bounds)
        self.api = Api(store, self.surroundings, self.identities)
        self.control = Control(store, self.journal, self.faults, self.surroundings)
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
        self._request_id = str(uuid.uuid4())
        try:
            received = receive(self.headers, self.rfile)
        except FramingError as error:
            self.close_connection = True
            self._send_error(JSON, ApiError("RequestEntityTooLarge", f"The request can't be read: {error}.", 413))
            return
        protocol = protocol_of(self.headers, self.path) if self.command == "POST" else None
        if self.path.startswith("/_local/"):
            self._answer_control(received)
        elif protocol is None:
            self._send_error(JSON, ApiError("NotFound", f"There is no {self.command} {self.path} here.", 404))
        else:
            self._answer_operation(protocol, received)

    def _answer_control(self, received: Received) -> None:
        call = JSON.read(self.headers, self.path, received)
        try:
            problem = STRANGER if is_strangers(self.headers) else call.problem
            if problem:
                raise problem
            answer = self.server.control.handle(self.command, self.path, call.document)
        except ApiError as error:
            self._send_error(JSON, error)
        else:
            self._send(200, JSON.answer("", answer, self._request_id))

    def _answer_operation(self, protocol: WireProtocol, received: Received) -> None:
        call = protocol.read(self.headers, self.path, received)
        journal = self.server.journal
        # One name for all others: what clients make up must not fill the memory.
        journal.called(call.operation if self.server.api.knows(call.operation) else "(unknown)", received)
        try:
            answer, faults = self._operate(call)
        except ApiError as error:
            journal.refused(call.operation, error.code)
            self.server.say(f"refused {call.operation}: {error.code}: {error.message}")
            self._send_error(protocol, error)
        except ConnectionCutError as cut:
            journal.unanswered(call.operation)
            self._cut(is_reset=cut.is_reset)
        else:
            self._reply(protocol.answer(call.operation, answer, self._request_id), faults)

    def _operate(self, call: Call) -> tuple[Document, list[Fault]]:
        """Do the operation between the faults before it and those after it, which are returned."""
        if call.problem:
            raise call.problem
        faults = self.server.faults.strike(call.operation, call.document)
        for fault in faults:
            self.server.journal.struck(fault.kind)
            strike_before(fault, call.operation, call.document, self)
        try:
            access_key = self.server.identities.check(self.headers)
            answer = self.server.api.handle(call.operation, call.document, access_key)
        except ApiError:
            raise
        except Exception as error:
            traceback.print_exc()
            raise ApiError("InternalServiceError", f"The local CloudWatch failed: {error!r}", 500) from error
        datums = len(call.document["MetricData"]) if call.operation == "PutMetricData" else 0
        self.server.journal.accepted(call.operation, datums)
        return answer, faults

    def _reply(self, rendered: Rendered, faults: Iterable[Fault]) -> None:
        kinds = {fault.kind: fault for fault in faults}
        if "lost_reply" in kinds:
            self.server.journal.reply_lost()
            self._cut(is_reset=False)
        elif "trickle" in kinds:
            self._send(200, rendered, spread_s=kinds["trickle"].latency_s)
        else:
            self._send(200, rendered)

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

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header, by the server's clock."""
        return super().date_time_string(self.server.surroundings.now_s() if timestamp is None else timestamp)

    def _send_error(self, protocol: WireProtocol, error: ApiError) -> None:
        rendered = protocol.error(error, self._request_id)
        if error.status == 408:
            self.close_connection = True
        more = () if error.retry_after_s is None else (("Retry-After", f"{error.retry_after_s:g}"),)
        self._send(error.status, Rendered(rendered.body, (*rendered.headers, *more)))

    def _send(self, status: int, rendered: Rendered, spread_s: float = 0.0) -> None:
        """Send an answer; over `spread_s` seconds if that is above 0, byte by byte, from the status line on."""
        line, self.wfile = self.wfile, io.BytesIO()
        try:
            self._write(status, rendered)
            content = self.wfile.getvalue()
        finally:
            self.wfile = line
        for position in range(len(content)) if spread_s else ():
            self.pause(spread_s / len(content))
            line.write(content[position : position + 1])
            line.flush()
        if not spread_s:
            line.write(content)
            line.flush()

    def _write(self, status: int, rendered: Rendered) -> None:
        self.send_response(status)
        for name, value in (
            ("x-amzn-RequestId", self._request_id),
            *rendered.headers,
            ("Content-Length", str(len(rendered.body))),
        ):
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(rendered.body)
