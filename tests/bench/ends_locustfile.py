"""Users of the benchmark that ask nobody; the times of a process's first and last request go to a file."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from locust import User, constant, events, task

if os.environ["BENCH_PLUGIN"] == "ours":
    import locust_cw_dist.auto  # noqa: F401

moments: dict[str, float] = {}


class Shopper(User):
    wait_time = constant(0.05)

    @task
    def look(self):
        self.environment.events.request.fire(
            request_type="GET", name="/items", response_time=1.0, response_length=1, exception=None, context={}
        )


@events.request.add_listener
def on_request(**_):
    moments["last_s"] = time.time()
    if "first_s" not in moments:
        moments.update(first_s=moments["last_s"], cpu_s=time.process_time())


@events.test_stop.add_listener
def on_test_stop(**_):
    if moments:
        (Path(os.environ["BENCH_RESULT"]) / f"{os.getpid()}.json").write_text(json.dumps(moments))
