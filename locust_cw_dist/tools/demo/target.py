"""The service under test: a small HTTP server in a process of its own that counts what it served.

Its counts are the truth that the demo measures CloudWatch by, so they are kept by nobody else: a request counts in the
moment its answer is written. Standard library only.

    python -m locust_cw_dist.tools.demo.target --host 0.0.0.0 --port 8080
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

READY_PREFIX = "the target listens on "
SERVED_PATH = "/_served"
"""Where the counts are: a JSON list of [method, path, requests, failures]."""

MAX_LATENCY_MS = 1000.0
"""No endpoint takes longer, so a stop timeout above this cuts no request off."""

_MEAN_BODY_BYTES = 400
_BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint.

    Attributes:
        method: GET or POST.
        path: without the query.
        latency_ms: how long an answer takes, drawn for each.
        failure_ratio: how many of the answers are errors, 0 to 1.
        failure_status: which error.
    """

    method: str
    path: str
    latency_ms: Callable[[random.Random], float]
    failure_ratio: float = 0.0
    failure_status: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR


def _product_ms(draw: random.Random) -> float:
    return draw.lognormvariate(2.3, 0.35)  # around 10 ms


def _search_ms(draw: random.Random) -> float:
    return draw.lognormvariate(3.7, 0.40)  # around 40 ms


def _checkout_ms(draw: random.Random) -> float:
    # Two humps: most find the stock in a cache.
    return draw.gauss(105, 12) if draw.random() < 0.85 else draw.gauss(280, 30)


ROUTES = (
    Route("GET", "/product", _product_ms),
    Route("GET", "/search", _search_ms, 0.01, HTTPStatus.SERVICE_UNAVAILABLE),
    Route("POST", "/checkout", _checkout_ms, 0.04, HTTPStatus.INTERNAL_SERVER_ERROR),
)


@dataclass(slots=True)
class Target:
    """The server.

    Attributes:
        requests: answers by route.
        failures: those that were errors.
    """

    routes: tuple[Route, ...] = ROUTES
    draw: random.Random = field(default_factory=random.Random)
    requests: Counter[Route] = field(default_factory=Counter)
    failures: Counter[Route] = field(default_factory=Counter)

    async def serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until the client closes it."""
        try:
            while True:
                method, path = await _read_request(reader)
                writer.write(await self._answer(method, path))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has closed the connection
        finally:
            writer.close()

    async def _answer(self, method: str, path: str) -> bytes:
        if path == SERVED_PATH:
            return _response(HTTPStatus.OK, json.dumps(self.served()).encode())
        route = next((route for route in self.routes if (route.method, route.path) == (method, path)), None)
        if route is None:
            return _response(HTTPStatus.NOT_FOUND, b"")
        await asyncio.sleep(min(max(route.latency_ms(self.draw), 0.1), MAX_LATENCY_MS) / 1000)
        # Nothing waits from here to the write.
        is_failure = self.draw.random() < route.failure_ratio
        self.requests[route] += 1
        self.failures[route] += is_failure
        if is_failure:
            return _response(route.failure_status, b"")
        return _response(HTTPStatus.OK, b"." * int(self.draw.expovariate(1 / _MEAN_BODY_BYTES)))

    def served(self) -> list[tuple[str, str, int, int]]:
        """Return method, path, requests and failures of each route."""
        return [(route.method, route.path, self.requests[route], self.failures[route]) for route in self.routes]


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, str]:
    """Read one request; return its method and path."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request_line, *header_lines = head.rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(":") for line in header_lines)}
    await reader.readexactly(int(headers.get("content-length", 0)))
    method, url, _ = request_line.split(" ", 2)
    return method, urlsplit(url).path


def _response(status: HTTPStatus, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _serve(host: str, port: int) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, os._exit, 0)
    target = Target()
    server = await asyncio.start_server(target.serve_connection, host, port, backlog=_BACKLOG)
    host, port = server.sockets[0].getsockname()[:2]
    sys.stdout.write(f"{READY_PREFIX}http://{host}:{port}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)  # nothing is left to do, whatever the loop is doing


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m locust_cw_dist.tools.demo.target", description="Serve a small shop that counts what it served."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input does")
    return parser


if __name__ == "__main__":
    arguments = _parser().parse_args()
    if arguments.until_stdin_closes:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    asyncio.run(_serve(arguments.host, arguments.port))
