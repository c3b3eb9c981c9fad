"""Users who raise in every task, after their request."""

import gevent
from locust import User, constant, task


class Unlucky(User):
    wait_time = constant(0.05)

    @task
    def call(self):
        gevent.sleep(0.01)
        self.environment.events.request.fire(
            request_type="GET", name="/luck", response_time=10, response_length=1, exception=RuntimeError("no luck")
        )
        raise RuntimeError("no luck")
