"""Users whose tasks take long: 2.5 s each, from start to event."""

import gevent
from locust import User, constant, task


class Patient(User):
    wait_time = constant(0)

    @task
    def call(self):
        gevent.sleep(2.5)
        self.environment.events.request.fire(
            request_type="GET", name="/report", response_time=2500, response_length=100
        )
