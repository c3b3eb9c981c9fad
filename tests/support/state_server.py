"""A web server in place of Locust's that serves a state, in the form of docs/live.md, behind any kind of login."""

from __future__ import annotations

import base64
import copy
import http.server
import json
import urllib.parse
from typing import Any, Self

import gevent

FIGURES = {
    "start_s": 1_000.0,
    "duration_s": 10.0,
    "requests": 1_200,
    "failures": 3,
    "untimed": 0,
    "requests_per_s": 120.0,
    "p50_ms": 12.34,
    "p95_ms": 96.0,
    "p99_ms": 412.0,
    "max_ms": 980.0,
}


def row(name: str | None, method: str | None, **changes: Any) -> dict[str, Any]:
    """A row; `changes` are figures of the run so far."""
    return {
        "name": name,
        "method": method,
        "host": "http://shop",
        "last": FIGURES,
        "run": FIGURES | changes,
        "locust": None,
    }


STATE: dict[str, Any] = {
    "version": 1,
    "now_s": 1_063.0,
    "locust_version": "2.47.0",
    "plugin_version": "0.0.0",
    "status": {"name": "publishing", "reason": None, "since_s": 1_003.0},
    "destination": {
        "namespace": "perf/shop/loadtests",
        "region": "eu-west-1",
        "resolution_s": 10,
        "identity": None,
        "console_url": None,
        "dashboard_url": None,
    },
    "is_open": True,
    "run": {
        "run_id": "run-1",
        "labels": {"branch": "main"},
        "host": "http://shop",
        "is_running": True,
        "started_s": 1_000.0,
        "stopped_s": None,
        "users": 50,
    },
    "ledger": {
        "recorded": 12_000,
        "published": 11_880,
        "pending": 120,
        "spooled": 0,
        "late": 0,
        "lost": 0,
        "dropped": {},
        "untimed": {},
        "doubtful": 0,
    },
    "spending": {"calls": 6, "retries": 0, "ambiguous": 0, "datums": 90, "metrics": 23, "cost_usd": 0.0095},
    "total": row(None, None, requests=12_000),
    "endpoints": [row("/cart", "GET"), row("/checkout", "POST", failures=0)],
    "endpoints_left_out": 0,
    "failures": [],
    "workers": [
        {
            "id": "w1",
            "heard_s": 1_062.0,
            "cpu_percent": 12.0,
            "memory_bytes": 1e8,
            "clock_offset_s": 0.0,
            "resent_frames": 0,
            "state": "running",
        }
    ],
    "workers_left_out": 0,
    "rules": [],
    "warnings": [],
    "series": {"name": None, "method": None, "host": None},
}


def state(**changes: Any) -> dict[str, Any]:
    """A state of its own with some fields changed."""
    return copy.deepcopy(STATE) | changes


class StateServer:
    """Serves `state` below `base_path`.

    Attributes:
        url: Where.
        state: The document, or a text in its place.
        status: The HTTP status of the answer.
        login: None, "basic", "form" or "sso".
        tries: The passwords that were tried.
    """

    def __init__(self, base_path: str = "") -> None:
        self.state: Any = state()
        self.status = 200
        self.login: str | None = None
        self.callback = f"{base_path}/login_submit"
        self.tries: list[str] = []
        self._base_path = base_path
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.get(self)

            def do_POST(self) -> None:
                outer.post(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}{base_path}"

    def __enter__(self) -> Self:
        # Sockets are gevent's in tests, so a thread would have a hub of its own.
        self._greenlet = gevent.spawn(self._server.serve_forever, 0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._greenlet.kill()
        self._server.server_close()

    def get(self, request: Any) -> None:
        path = request.path.removeprefix(self._base_path)
        if path == "/login" and self.login in {"form", "sso"}:
            args = {"username_password_callback": self.callback} if self.login == "form" else {"auth_providers": []}
            page = f"<html><script>\n window.authArgs = {json.dumps(args)}\n </script></html>"
            self._answer(request, 200, page, "text/html")
        elif path != "/cloudwatch/state.json":
            self._answer(request, 404, "<html>Not Found</html>", "text/html")
        elif not self._is_allowed(request):
            self._refuse(request)
        else:
            text = self.state if isinstance(self.state, str) else json.dumps(self.state)
            self._answer(request, self.status, text, "application/json")

    def post(self, request: Any) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"])).decode()
        form = dict(urllib.parse.parse_qsl(body))
        self.tries.append(form["password"])
        headers = {"Location": f"{self._base_path}/"}
        if (form["username"], form["password"]) == ("anna", "secret & +"):
            headers["Set-Cookie"] = "session=right; HttpOnly; Path=/"
        self._answer(request, 302, "", "text/html", headers)

    def _is_allowed(self, request: Any) -> bool:
        right = "Basic " + base64.b64encode(b"anna:secret & +").decode()
        if self.login == "basic":
            return bool(request.headers["Authorization"] == right)
        return self.login is None or "session=right" in (request.headers["Cookie"] or "")

    def _refuse(self, request: Any) -> None:
        if self.login == "basic":
            self._answer(request, 401, "who are you?", "text/plain", {"WWW-Authenticate": "Basic"})
        else:
            self._answer(request, 302, "", "text/html", {"Location": f"{self._base_path}/login?next=x"})

    @staticmethod
    def _answer(request: Any, status: int, text: str, kind: str, headers: dict[str, str] | None = None) -> None:
        request.send_response(status)
        for name, value in {"Content-Type": kind, **(headers or {})}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(text.encode())
