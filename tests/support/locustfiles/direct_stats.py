"""Users who tell Locust's statistics of some requests and failures, and the event of none of these."""

import itertools

from locust import User, constant, task

DIRECT_REQUESTS, DIRECT_FAILURES = 7, 4

calls = itertools.count(1)


class Teller(User):
    wait_time = constant(0.02)

    @task
    def call(self):
        number, environment = next(calls), self.environment
        environment.events.request.fire(
            request_type="GET", name="/told", response_time=10.0, response_length=1, exception=None
        )
        if number <= DIRECT_REQUESTS:
            environment.stats.log_request("GET", "/direct", 10, 1)
        if number <= DIRECT_FAILURES:
            environment.stats.log_error("GET", "/direct", RuntimeError("unseen"))
