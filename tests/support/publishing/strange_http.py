"""Whatever may answer in place of AWS: a server that says what it is told to, byte for byte, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent
from gevent.server import StreamServer

HTML = b"<!DOCTYPE html>\n<html><head><title>Hotel \x1b[31mlogin</title></head><body>Room number?</body></html>"


class StrangeServer:
    """A running server.

    Attributes:
        url: Its address.
        requests: The heads of the requests that came whole.
    """

    def __init__(self, answer: bytes | Callable[[str], bytes] | None) -> None:
        self._answer = answer
        self.requests: list[str] = []
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.stop(timeout=0)

    def _serve(self, connection, _address) -> None:
        with connection:
            head, _, rest = self._head(connection)
            missing = next((int(v) for n, _, v in self._headers(head) if n == "content-length"), 0) - len(rest)
            if "expect: 100-continue" in head.lower():
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            while missing > 0 and (piece := connection.recv(65536)):
                missing -= len(piece)
            self.requests.append(head)
            if self._answer is None:
                gevent.sleep(3600)
            connection.sendall(self._answer(head) if callable(self._answer) else self._answer)

    def _head(self, connection) -> tuple[str, bytes, bytes]:
        got = b""
        while b"\r\n\r\n" not in got:
            piece = connection.recv(65536)
            if not piece:
                raise gevent.GreenletExit
            got += piece
        head, separator, rest = got.partition(b"\r\n\r\n")
        return head.decode("latin-1"), separator, rest

    def _headers(self, head: str) -> list[tuple[str, str, str]]:
        parts = [line.partition(": ") for line in head.splitlines()[1:]]
        return [(name.lower(), separator, value) for name, separator, value in parts]


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An answer; header names with underscores for hyphens. The connection closes behind it."""
    lines = {"Content-Length": str(len(body)), "Connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + body


@contextmanager
def strange_server(answer: bytes | Callable[[str], bytes] | None) -> Iterator[StrangeServer]:
    """Serve one answer, or that of a function of the request's head; None never answers."""
    server = StrangeServer(answer)
    try:
        yield server
    finally:
        server.close()
