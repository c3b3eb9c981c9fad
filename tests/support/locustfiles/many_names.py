"""Users whose request names are not grouped."""

import random

import gevent
from locust import User, task


class Careless(User):
    @task
    def call(self):
        gevent.sleep(0.005)
        number = int(random.expovariate(1 / 10))
        self.environment.events.request.fire(
            request_type="GET", name=f"/item/{number}", response_time=random.uniform(1, 50), response_length=7
        )
