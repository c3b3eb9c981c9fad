"""Users that do little, for many processes on a small machine."""

import gevent
from locust import User, constant, task


class Trickle(User):
    wait_time = constant(0.1)

    @task
    def call(self):
        gevent.sleep(0.01)
        self.environment.events.request.fire(request_type="GET", name="/drop", response_time=10, response_length=1)
