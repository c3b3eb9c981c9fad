"""Users with a client of their own: some endpoints of different speed, some failures; no network, no plugin."""

import random
import time

import gevent
from locust import User, constant, task

ENDPOINTS = (("GET", "/fast", 0.002), ("GET", "/slow", 0.03), ("POST", "/orders", 0.01), ("GET", "/zero", None))


class Shopper(User):
    wait_time = constant(0.005)

    @task
    def call(self):
        method, name, mean_s = random.choice(ENDPOINTS)
        started_s = time.perf_counter()
        gevent.sleep(0.001 if mean_s is None else random.expovariate(1 / mean_s))
        failed = name == "/orders" and random.random() < 0.1
        self.environment.events.request.fire(
            request_type=method,
            name=name,
            response_time=0 if mean_s is None else (time.perf_counter() - started_s) * 1000,
            response_length=random.randrange(5000),
            exception=RuntimeError("out of stock") if failed else None,
        )
