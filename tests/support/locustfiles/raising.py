"""Users whose requests succeed and whose tasks raise all the same; Locust counts that besides failed requests."""

import gevent
from locust import User, constant, task


class Raising(User):
    wait_time = constant(0.2)

    @task
    def call(self):
        gevent.sleep(0.01)
        self.environment.events.request.fire(request_type="GET", name="/odd", response_time=10, response_length=1)
        raise RuntimeError("odd")
