"""Users whose requests fail in different ways, with ids and secrets in what they say; no network, no plugin."""

import itertools
from types import SimpleNamespace

from locust import User, constant, task
from locust.exception import CatchResponseError

_numbers = itertools.count(1)


class Refuser(User):
    wait_time = constant(0.02)

    @task
    def call(self):
        number = next(_numbers)
        for name, status, message in (
            ("/buy", 500, f"no gold in stock for order {number}"),
            ("/buy", 500, f"price of 0x{number:x} is wrong, token=s3cr3t{number}"),
            ("/check", 200, f"cart of jane{number}@example.com is empty"),
        ):
            self.environment.events.request.fire(
                request_type="POST",
                name=name,
                response_time=1.0,
                response_length=0,
                response=SimpleNamespace(status_code=status),
                exception=CatchResponseError(message),
            )
