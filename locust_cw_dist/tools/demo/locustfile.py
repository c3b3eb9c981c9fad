"""The demo's locustfile: an ordinary one, but for a listener that writes every response time down.

That listener knows nothing of this package: what it writes is the truth for percentiles in CloudWatch.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

from locust import FastHttpUser, between, events, task

RAW_TIMES_FOLDER = "CW_DEMO_RAW_TIMES"
"""Environment variable: where each process writes a file of JSON lines [method, name, response time in ms, failed]."""


class Shopper(FastHttpUser):
    """Looks at products, searches now and then, and buys."""

    wait_time = between(0.02, 0.08)

    @task(6)
    def look(self) -> None:
        """Open a product's page."""
        self.client.get(f"/product?id={random.randint(1, 500)}", name="/product")  # noqa: S311 - no secret

    @task(3)
    def search(self) -> None:
        """Search for something."""
        self.client.get(f"/search?q={random.choice('abcdef')}", name="/search")  # noqa: S311 - no secret

    @task(1)
    def buy(self) -> None:
        """Buy what is in the basket."""
        self.client.post("/checkout", json={"basket": [1, 2, 3]})


def write_raw_times(environment: Any, **_: Any) -> None:
    """Write each request's response time to a file of this process, a line at a time."""
    folder = Path(os.environ[RAW_TIMES_FOLDER])
    # Opened here and left to the process: a line is in the file as soon as it is written.
    lines = (folder / f"{os.getpid()}.jsonl").open("w", buffering=1)

    def on_request(request_type: str, name: str, response_time: float, exception: Any, **_: Any) -> None:
        lines.write(json.dumps([request_type, name, response_time, exception is not None]) + "\n")

    environment.events.request.add_listener(on_request)


events.init.add_listener(write_raw_times)
