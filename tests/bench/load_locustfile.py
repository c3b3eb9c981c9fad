"""Users of the benchmark: one request after the other; what they measured goes to a file at the end."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from locust import FastHttpUser, constant, events, task

WARM_UP_S = 2.0

PLUGIN = os.environ["BENCH_PLUGIN"]
if PLUGIN == "ours":
    import locust_cw_dist.auto  # noqa: F401

times_ms, first_s, last_s = [], [0.0], [0.0]


class Shopper(FastHttpUser):
    wait_time = constant(0)

    @task
    def look(self):
        self.client.get("/items")


@events.init.add_listener
def on_init(environment, **_):
    if PLUGIN == "seed":
        from locust_plugins.listeners.cloudwatch import CloudwatchAdapter

        CloudwatchAdapter(environment, "bench")


@events.test_start.add_listener
def on_test_start(**_):
    first_s[0] = time.perf_counter() + WARM_UP_S


@events.request.add_listener
def on_request(response_time, **_):
    now_s = time.perf_counter()
    if now_s >= first_s[0]:
        times_ms.append(response_time)
        last_s[0] = now_s


@events.test_stopping.add_listener
def on_test_stopping(**_):
    ordered = sorted(times_ms)
    result = {
        "rps": len(ordered) / (last_s[0] - first_s[0]),
        "p50": ordered[len(ordered) // 2],
        "p99": ordered[len(ordered) * 99 // 100],
    }
    Path(os.environ["BENCH_RESULT"]).write_text(json.dumps(result))
