"""Users whose tasks take a minute and fire at their beginning."""

import gevent
from locust import User, constant, task


class Patient(User):
    wait_time = constant(0)

    @task
    def call(self):
        self.environment.events.request.fire(request_type="GET", name="/long", response_time=10, response_length=1)
        gevent.sleep(60)
