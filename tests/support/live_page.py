"""The page at /cloudwatch by itself, on a web server of this process, with a made-up state.

with LivePageServer(made_up_state()) as server:
    browser.open(server.address)
    server.state["status"] = {"name": "retrying", "reason": "CloudWatch not reached", "since_s": server.state["now_s"]}
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Self

import flask
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer

from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.web_link import WebLink
from locust_cw_dist.live.web.page_routes import PageRoutes

SHOP = (
    ("GET", "/", 24.0, 18.0, 0.0),
    ("GET", "/items/{id}", 16.0, 42.0, 0.002),
    ("GET", "/search", 8.0, 120.0, 0.01),
    ("POST", "/cart", 6.0, 65.0, 0.0),
    ("POST", "/checkout", 3.0, 210.0, 0.03),
    ("GET", "/orders", 2.0, 85.0, 0.0),
    ("DELETE", "/cart/{id}", 1.0, 31.0, 0.0),
)
"""Method, name, requests per second, median in ms, and the part that fails, of each endpoint."""

WINDOW_S = 10
WINDOWS = 90

CONSOLE = "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1"


class LivePageServer:
    """Serves the page and a state.

    Attributes:
        address: Of the page.
        state: What it says next; None is answered with 503.
        asked: The endpoints that were asked for, as their names; None for all together.
    """

    def __init__(self, state: dict[str, Any]) -> None:
        """Have a state, and serve nothing yet."""
        self.state: dict[str, Any] | None = state
        self.asked: list[str | None] = []
        self._server = self._at(0)

    def __enter__(self) -> Self:
        self._server.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/cloudwatch"
        return self

    def __exit__(self, *_: object) -> None:
        self.go_away()

    def go_away(self) -> None:
        """Answer no more, on no connection that is open either."""
        self._server.stop(timeout=0)

    def come_back(self) -> None:
        """Answer again, at the same address."""
        self._server = self._at(self._server.server_port)
        self._server.start()

    def _at(self, port: int) -> WSGIServer:
        # Only greenlets of a pool end with the server.
        return WSGIServer(("127.0.0.1", port), self._app(), log=None, spawn=Pool())

    def _app(self) -> flask.Flask:
        app = flask.Flask("live")
        add_page(app)
        app.add_url_rule("/cloudwatch/state.json", "state", self._state)
        return app

    def _state(self) -> Any:
        if self.state is None:
            return "out of order", 503
        asked = {key: flask.request.args.get(key) for key in ("name", "method", "host")}
        self.asked.append(asked["name"])
        series = {**self.state["series"], **asked}
        return flask.jsonify({**self.state, "series": series})


def add_page(app: flask.Flask) -> None:
    """Add the page to a web server that is not Locust's."""
    environment = SimpleNamespace(web_ui=SimpleNamespace(app=app))
    PageRoutes(WebLink(environment), LogOnce()).attach()


def made_up_state(
    shop: Sequence[tuple[str, str, float, float, float]] = SHOP,
    *,
    workers: int = 2,
    windows: int = WINDOWS,
    now_s: float | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Return a state in the middle of a run.

    Args:
        shop: The endpoints, as `SHOP`.
        workers: How many workers there are.
        windows: How many windows the run had.
        now_s: The time, seconds since the epoch.
        **fields: What is to be otherwise.
    """
    now_s = time.time() if now_s is None else now_s
    start_s = now_s - WINDOW_S * windows - 4
    rows = [_row(one, start_s, windows) for one in shop]
    rows.sort(key=lambda row: -row["run"]["requests"])
    total = _row(("", "", sum(one[2] for one in shop), 48.0, 0.004), start_s, windows) | dict.fromkeys(
        ("name", "method", "host")
    )
    for span in ("last", "run"):
        for figure in ("requests", "failures"):
            total[span][figure] = sum(row[span][figure] for row in rows)
        total[span]["requests_per_s"] = total[span]["requests"] / max(total[span]["duration_s"], 1)
    recorded = total["run"]["requests"]
    return {
        "version": 1,
        "now_s": now_s,
        "locust_version": "2.47.0",
        "plugin_version": "0.1.0",
        "status": {"name": "publishing", "reason": None, "since_s": start_s},
        "destination": {
            "namespace": "perf/checkout/loadtests",
            "region": "eu-central-1",
            "resolution_s": WINDOW_S,
            "identity": "arn:aws:sts::123456789012:assumed-role/load-test/ci",
            "console_url": f"{CONSOLE}#metricsV2",
            "dashboard_url": f"{CONSOLE}#dashboards/dashboard/checkout",
        },
        "is_open": True,
        "run": {
            "run_id": "20261201T112639Z-40b646e7",
            "labels": {"branch": "main", "build": "4711"},
            "host": "https://shop.example.com",
            "is_running": True,
            "started_s": start_s,
            "stopped_s": None,
            "users": 120,
        },
        "ledger": {
            "recorded": recorded,
            "published": recorded - 620,
            "pending": 620,
            "spooled": 0,
            "late": 0,
            "lost": 0,
            "dropped": {},
            "untimed": {},
            "doubtful": 0,
        },
        "spending": {
            "calls": windows * 2,
            "retries": 1,
            "ambiguous": 0,
            "datums": windows * 52,
            "metrics": 46,
            "cost_usd": 0.0213 + windows * 0.00002,
        },
        "total": total,
        "endpoints": rows[:500],
        "endpoints_left_out": max(0, len(rows) - 500),
        "failures": [
            {"name": name, "method": method, "reason": reason, "count": max(1, round(rate * ratio * windows * share))}
            for method, name, rate, _, ratio in shop[:40]
            if ratio
            for reason, share in (("HTTP 503: no stock service", 7), ("ReadTimeout: no answer within 10 s", 3))
        ],
        "workers": [_worker(number, now_s) for number in range(min(workers, 200))],
        "workers_left_out": max(0, workers - 200),
        "rules": RULES,
        "warnings": [
            {
                "time_s": now_s - 340,
                "text": "CloudWatch was slow: a call took 4.1 s. It was sent again and nothing is lost.",
            }
        ],
        "series": _series(sum(one[2] for one in shop), start_s, windows, workers),
        **fields,
    }


RULES = [
    {
        "name": "p95 < 300 ms",
        "text": "p95 < 300 ms",
        "state": "passed",
        "severity": "fail",
        "observed": 153.0,
        "limit": 300.0,
        "unit": "ms",
        "metric": "p95",
        "message": "153 ms of 54,600 requests",
    },
    {
        "name": "checkout is quick",
        "text": "p95(POST /checkout) < 400 ms",
        "state": "broken",
        "severity": "fail",
        "observed": 512.0,
        "limit": 400.0,
        "unit": "ms",
        "metric": "p95",
        "message": "512 ms of 2,700 requests",
    },
    {
        "name": "failure_ratio < 1 %",
        "text": "failure_ratio < 1 %",
        "state": "passed",
        "severity": "warn",
        "observed": 0.0036,
        "limit": 0.01,
        "unit": "",
        "metric": "failure_ratio",
        "message": "0.36 % of 54,600 requests",
    },
]


def endpoints(count: int) -> list[tuple[str, str, float, float, float]]:
    """Return so many endpoints of a large service, the first ones those of `SHOP`."""
    chance = random.Random(4)
    more = [
        (
            chance.choice(("GET", "GET", "GET", "POST", "PUT")),
            f"/{chance.choice(('catalog', 'accounts', 'billing', 'search', 'shipping'))}/{number:03}/{{id}}",
            10 ** chance.uniform(-1, 0.8),
            10 ** chance.uniform(0.7, 2.8),
            chance.choice((0.0, 0.0, 0.0, 0.01)),
        )
        for number in range(count - len(SHOP))
    ]
    return [*SHOP, *more]


def change(server: LivePageServer, **fields: Any) -> None:
    """Change the state, as of now."""
    assert server.state is not None
    server.state = {**server.state, "now_s": time.time(), **fields}


def _row(one: tuple[str, str, float, float, float], start_s: float, windows: int) -> dict[str, Any]:
    method, name, rate, median_ms, ratio = one
    span = WINDOW_S * windows
    run = _figures(start_s, span, rate, median_ms, ratio)
    return {
        "name": name,
        "method": method,
        "host": "https://shop.example.com",
        "last": _figures(start_s + span - WINDOW_S, WINDOW_S, rate * 1.05, median_ms * 1.04, ratio),
        "run": run,
        "locust": {
            "requests": run["requests"],
            "failures": run["failures"],
            "median_ms": _two_digits(run["p50_ms"]),
            "p95_ms": _two_digits(run["p95_ms"]),
            "p99_ms": _two_digits(run["p99_ms"]),
        },
    }


def _figures(start_s: float, span_s: float, rate: float, median_ms: float, ratio: float) -> dict[str, Any]:
    requests = max(1, round(rate * span_s))
    return {
        "start_s": start_s,
        "duration_s": span_s,
        "requests": requests,
        "failures": round(requests * ratio),
        "untimed": 0,
        "requests_per_s": requests / max(span_s, 1),
        "p50_ms": median_ms,
        "p95_ms": median_ms * 2.31,
        "p99_ms": median_ms * 3.17,
        "max_ms": median_ms * 6.42,
    }


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}") if value >= 100 else float(round(value))


def _worker(number: int, now_s: float) -> dict[str, Any]:
    chance = random.Random(number)
    return {
        "id": f"locust-worker-{number:03}_{chance.randrange(16**8):08x}",
        "heard_s": now_s - chance.uniform(0.1, 2.5),
        "cpu_percent": chance.uniform(35, 60) if number else 93.5,
        "memory_bytes": chance.uniform(80, 120) * 2**20,
        "clock_offset_s": chance.uniform(-0.004, 0.004),
        "resent_frames": int(number == 1),
        "state": "running",
    }


def _series(rate: float, start_s: float, windows: int, workers: int) -> dict[str, Any]:
    chance = random.Random(7)
    ramp = [min(1.0, 0.1 + n / 12) for n in range(windows)]
    requests = [round(WINDOW_S * rate * up * chance.uniform(0.93, 1.06)) for up in ramp]
    p50 = [44 + 8 * up + 5 * math.sin(n / 9) + chance.uniform(-1, 1) for n, up in enumerate(ramp)]
    return {
        "name": None,
        "method": None,
        "host": None,
        "start_s": [start_s + WINDOW_S * n for n in range(windows)],
        "duration_s": [WINDOW_S] * windows,
        "requests": requests,
        "failures": [round(count * (0.02 if 50 < n < 58 else 0.003)) for n, count in enumerate(requests)],
        "p50_ms": p50,
        "p95_ms": [value * chance.uniform(2.6, 3.1) for value in p50],
        "p99_ms": [value * chance.uniform(4.1, 5.2) for value in p50],
        "max_ms": [value * chance.uniform(7, 12) for value in p50],
        "users": [round(120 * up) for up in ramp],
        "workers": [workers] * windows,
        "worker_cpu_percent": [52 * up + chance.uniform(-3, 3) for up in ramp],
    }
