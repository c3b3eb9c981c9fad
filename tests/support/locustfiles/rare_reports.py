"""Workers that report every 8 s in place of every 3 s, and classes of users that come to three users together."""

import gevent
from locust import User, constant, runners, task

runners.WORKER_REPORT_INTERVAL = 8.0


class Walker(User):
    fixed_count = 2
    wait_time = constant(0.02)

    @task
    def call(self):
        gevent.sleep(0.01)
        self.environment.events.request.fire(
            request_type="GET", name="/walk", response_time=10.0, response_length=1, exception=None
        )


class Runner(Walker):
    fixed_count = 1
